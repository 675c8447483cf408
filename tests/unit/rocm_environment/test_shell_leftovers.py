"""Leftovers in shells' settings: told, or moved away with a copy; users' lines only where it is asked for."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rdna1.provision.plugins.modules import shell_leftovers

BASHRC = "alias ll='ls -l'\nexport HSA_OVERRIDE_GFX_VERSION=10.3.0\nexport EDITOR=vim\n"
Apply = Callable[..., dict[str, Any]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of one user, who is whoever runs the tests."""
    home = tmp_path / "home/ada"
    home.mkdir(parents=True)
    entry = pwd.struct_passwd(("ada", "x", os.getuid(), os.getgid(), "", str(home), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry])
    return home


@pytest.fixture
def apply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Apply:
    """Run the module."""

    def run(*, check: bool = False, **more: Any) -> dict[str, Any]:
        parameters = {
            "variables": ["HSA_OVERRIDE_GFX_VERSION"], "library_paths": ["/opt/rocm*"], "users": ["ada"],
            "backup": str(tmp_path / "backup"), "reason": "a test", **more,
        }  # fmt: skip
        settings = {"_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path)}
        with patch_module_args({**parameters, **settings}), pytest.raises(SystemExit):
            shell_leftovers.main()
        return dict(json.loads(capsys.readouterr().out))

    return run


def manifest(tmp_path: Path) -> list[dict[str, Any]]:
    file = tmp_path / "backup/manifest.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("name", [".bashrc", ".profile", ".bash_profile", ".zshrc"])
def test_a_users_export_line_is_told_and_left(home: Path, apply: Apply, tmp_path: Path, name: str) -> None:
    (home / name).write_text(BASHRC)
    answer = apply()
    (line,) = answer["lines"]
    assert (line["user"], line["path"], line["number"]) == ("ada", str(home / name), 2)
    assert line["text"] == "export HSA_OVERRIDE_GFX_VERSION=10.3.0"
    assert (line["removable"], line["removed"]) == (True, False)
    assert not answer["changed"]
    assert (home / name).read_text() == BASHRC
    assert manifest(tmp_path) == []


def test_a_users_export_line_goes_where_that_is_asked_for_and_a_copy_stays(
    home: Path, apply: Apply, tmp_path: Path
) -> None:
    bashrc = home / ".bashrc"
    bashrc.write_text(BASHRC)
    bashrc.chmod(0o640)
    for check in (True, False):
        answer = apply(clean=True, check=check)
        assert answer["changed"]
        assert answer["lines"][0]["removed"]
        assert (bashrc.read_text() == BASHRC) is check
    assert "\n: # taken out by rdna1.provision: export HSA" in bashrc.read_text()
    assert bashrc.stat().st_mode & 0o777 == 0o640
    (entry,) = manifest(tmp_path)
    assert entry["path"] == str(bashrc)
    assert (tmp_path / "backup" / entry["copy"]).read_text() == BASHRC
    again = apply(clean=True)
    assert (again["changed"], again["lines"]) == (False, [])
    assert list(home.iterdir()) == [bashrc]


def test_a_line_that_does_more_stays_even_then(home: Path, apply: Apply) -> None:
    (home / ".bashrc").write_text("export HSA_OVERRIDE_GFX_VERSION=10.3.0 EDITOR=vim\n")
    answer = apply(clean=True)
    assert not answer["changed"]
    assert answer["lines"][0]["removed"] is False


def test_a_start_file_that_is_a_link_is_cleaned_where_it_lies(home: Path, apply: Apply) -> None:
    (home / "dotfiles").mkdir()
    (home / "dotfiles/bashrc").write_text(BASHRC)
    (home / ".bashrc").symlink_to("dotfiles/bashrc")
    apply(clean=True)
    assert (home / ".bashrc").is_symlink()
    assert "taken out" in (home / "dotfiles/bashrc").read_text()


def test_a_start_file_of_somebody_else_s_is_told_and_never_read_into_the_backup(
    home: Path, apply: Apply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".bashrc").write_text(BASHRC)
    entry = pwd.struct_passwd(("ada", "x", os.getuid() + 12345, os.getgid(), "", str(home), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry])
    monkeypatch.setattr(os, "geteuid", lambda: 1)  # no root to become somebody else from
    answer = apply(clean=True)
    assert answer["lines"] == []
    assert answer["unseen"] == [f"{home}/.bashrc cannot be read as ada (it is not the user's own file)"]
    assert manifest(tmp_path) == []


def test_files_of_earlier_setups_go_and_a_copy_stays(home: Path, apply: Apply, tmp_path: Path) -> None:
    assert home.is_dir()
    files = [tmp_path / "profile.d" / name for name in ("rocm-rdna1-57.sh", "rocm-rdna1-52.sh")]
    files[0].parent.mkdir()
    for file in files:
        file.write_text("export LD_LIBRARY_PATH=/opt/rocm/lib\n")
    names = [str(file) for file in files]
    assert apply(files=names, check=True)["retired"] == names
    assert all(file.exists() for file in files)
    assert apply(files=names)["retired"] == names
    assert not any(file.exists() for file in files)
    assert sorted(entry["path"] for entry in manifest(tmp_path)) == sorted(names)
    assert apply(files=names)["changed"] is False


def test_a_file_under_our_name_goes_until_it_is_ours(home: Path, apply: Apply, tmp_path: Path) -> None:
    assert home.is_dir()
    profile, ours = tmp_path / "rocm-rdna1.sh", tmp_path / "environment"
    profile.write_text("by hand\n")
    assert apply(replaced=str(profile), ours=str(ours))["retired"] == [str(profile)]
    profile.write_text("by the role\n")
    ours.touch()
    assert apply(replaced=str(profile), ours=str(ours))["retired"] == []
    assert profile.exists()
