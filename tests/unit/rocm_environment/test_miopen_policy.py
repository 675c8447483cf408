"""Stale databases go when the policy changes: files of that name, the owner's own, and nothing else."""

import json
import os
import pwd
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rdna1.provision.plugins.module_utils import miopen_databases, text_file
from ansible_collections.rdna1.provision.plugins.modules import miopen_policy

STALE = "gfx103036.HIP.2_17_0_a1b2c3.ufdb.txt"
KEPT = ["gfx103036.HIP.2_17_0_a1b2c3.updb.txt", "gfx103036_1.1.0.udb", "gfx103036.ukdb", "notes.ufdb.txt"]
README = {"policy": "readme", "variables": {"MIOPEN_DEBUG_CONV_IMPLICIT_GEMM": "1"}}
GEMM_OFF = {"policy": "gemm-off", "variables": {"MIOPEN_DEBUG_CONV_GEMM": "0"}}

Apply = Callable[..., dict[str, Any]]


def entry(name: str, uid: int, home: Path | str) -> Any:
    return SimpleNamespace(pw_name=name, pw_uid=uid, pw_gid=uid, pw_dir=str(home))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of somebody with our own user id, as the only person of the host."""
    home = tmp_path / "home/ada"
    (home / ".config/miopen").mkdir(parents=True)
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry("ada", os.getuid() or 0, home)])
    return home


@pytest.fixture
def apply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Apply:
    """Run the module."""

    def run(policy: dict[str, Any], *, check: bool = False, **more: Any) -> dict[str, Any]:
        parameters = {
            "record": str(tmp_path / "policy.json"), "policy": policy, "users": ["ada"],
            "directories": ["~/.config/miopen", str(tmp_path / "shared")], **more,
        }  # fmt: skip
        with (
            patch_module_args(
                {**parameters, "_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path)}
            ),
            pytest.raises(SystemExit),
        ):
            miopen_policy.main()
        return dict(json.loads(capsys.readouterr().out))

    return run


def fill(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in [STALE, *KEPT]:
        (folder / name).write_text("64-32-32-3x3=...\n")
    return folder / STALE


def test_only_a_change_of_policy_removes_and_only_the_find_databases(home: Path, apply: Apply) -> None:
    stale = fill(home / ".config/miopen")
    for check in (True, False):
        done = apply(README, check=check)
        assert (done["changed"], done["removed"]) == (True, [str(stale)])
        assert stale.exists() is check
    assert {path.name for path in stale.parent.iterdir()} == set(KEPT)

    fill(stale.parent)  # what people find under this policy is theirs to keep
    for check in (True, False):
        again = apply(README, check=check)
        assert (again["changed"], again["removed"]) == (False, [])
        assert again["diff"]["before"] == again["diff"]["after"]
    assert stale.exists()

    assert apply(GEMM_OFF)["removed"] == [str(stale)]
    assert not stale.exists()


@pytest.mark.usefixtures("home")
def test_the_record_is_readable_and_says_the_policy(apply: Apply, tmp_path: Path) -> None:
    apply(README)
    record = tmp_path / "policy.json"
    assert json.loads(record.read_text()) == README
    assert record.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"policy": "gemm-only"}'])
def test_a_record_that_says_something_else_counts_as_another_policy(
    home: Path, apply: Apply, tmp_path: Path, content: str
) -> None:
    (tmp_path / "policy.json").write_text(content)
    stale = fill(home / ".config/miopen")
    assert apply(README)["removed"] == [str(stale)]


def test_a_run_that_was_interrupted_before_the_record_begins_again(
    home: Path, apply: Apply, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stale = fill(home / ".config/miopen")
    with monkeypatch.context() as patched:
        patched.setattr(text_file, "write", lambda *_: exit(9))
        with (
            patch_module_args({"record": str(tmp_path / "policy.json"), "policy": README}),
            pytest.raises(SystemExit),
        ):
            miopen_policy.main()
    fill(stale.parent)
    assert str(stale) in apply(README)["removed"]


def test_a_folder_that_leads_out_of_the_home_is_left_and_told(
    home: Path, apply: Apply, tmp_path: Path
) -> None:
    elsewhere = fill(tmp_path / "elsewhere")
    (home / ".config/miopen").rmdir()
    (home / ".config/miopen").symlink_to(elsewhere.parent)
    done = apply(README)
    assert done["removed"] == []
    assert done["unseen"] == [f"{home}/.config/miopen leads out of ada's home"]
    assert elsewhere.exists()


def test_a_folder_that_is_linked_within_the_home_is_cleaned(home: Path, apply: Apply) -> None:
    stale = fill(home / "dotfiles/miopen")
    (home / ".config/miopen").rmdir()
    (home / ".config/miopen").symlink_to(stale.parent)
    apply(README)
    assert not stale.exists()


def test_links_and_folders_of_that_name_are_no_databases(home: Path, apply: Apply, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("x")
    link = home / ".config/miopen" / STALE
    link.symlink_to(target)
    (home / ".config/miopen/gfx1030.x.ufdb.txt").mkdir()
    assert apply(README)["removed"] == []
    assert link.is_symlink()
    assert target.exists()


def test_in_a_shared_folder_only_the_owner_s_own_are_removed(
    home: Path, apply: Apply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = fill(tmp_path / "shared")
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry("ada", os.getuid() + 12345, home)])
    monkeypatch.setattr(os, "geteuid", lambda: 1)  # no root to become somebody else from
    assert apply(README, check=True)["removed"] == []
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry("ada", os.getuid(), home)])
    assert apply(README, check=True)["removed"] == [str(stale)]


def test_a_home_that_is_not_there_is_nothing_to_clean(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry("ada", os.getuid(), "/nonexistent")])
    assert apply(README)["removed"] == []


def test_without_names_people_and_root_are_asked_and_nobody_else() -> None:
    people = [("root", 0), ("ada", 1000), ("bob", 60000)]
    others = [("daemon", 1), ("jupyter", 999), ("nobody", 65534)]
    entries = [entry(name, uid, f"/home/{name}") for name, uid in people + others]
    entries += [entry("odd", 1001, "/"), entry("odder", 1002, "relative")]
    assert [account.name for account in miopen_databases.accounts(entries, [])] == ["root", "ada", "bob"]
    assert [account.name for account in miopen_databases.accounts(entries, ["jupyter"])] == ["jupyter"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_acts_with_the_owner_s_rights_alone(open_folder: Path) -> None:
    secret = fill(open_folder / "root-only")
    secret.parent.chmod(0o700)
    home = open_folder / "home"
    (home / "own").mkdir(parents=True)
    os.chown(home / "own", 65000, 65000)
    own = fill(home / "own")
    os.chown(own, 65000, 65000)
    account = miopen_databases.Account("ada", 65000, 65000, home)
    found = miopen_databases.remove(account, [str(secret.parent), str(own.parent)], dry=False)
    assert secret.exists()
    assert not own.exists()
    assert found.unseen == [f"{secret.parent} cannot be read as ada (Permission denied)"]
    assert os.geteuid() == 0
