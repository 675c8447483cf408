"""A directory exactly as on the controller."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.rdna1.provision.plugins.action import files
from ansible_collections.rdna1.provision.plugins.module_utils import tree_state
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FILES = {"cli.py": "a\n", "data/suites/smoke.json": "{}\n", "data/x.json": "1\n"}
MODES = (0o644, 0o755)


def differences(root: Path) -> list[str]:
    return [difference.path for difference in tree_state.differences(root, FILES, *MODES)]


def make(root: Path) -> None:
    tree_state.apply(root, FILES, *MODES)


def test_from_nothing_to_exactly_that(tmp_path: Path) -> None:
    root = tmp_path / "lib"
    assert differences(root) == [
        "./",
        "data/",
        "data/suites/",
        "cli.py",
        "data/suites/smoke.json",
        "data/x.json",
    ]
    make(root)
    assert differences(root) == []
    assert (root / "data/suites/smoke.json").read_text() == "{}\n"
    assert stat.S_IMODE((root / "data").stat().st_mode) == 0o755


def link_for_file(root: Path) -> None:
    (root / "cli.py").unlink()
    (root / "cli.py").symlink_to("data/x.json")


def folder_for_file(root: Path) -> None:
    (root / "cli.py").unlink()
    (root / "cli.py").mkdir()


BREAKS: dict[str, Callable[[Path], object]] = {
    "other text": lambda root: (root / "cli.py").write_text("b\n"),
    "other line ends": lambda root: (root / "cli.py").write_bytes(b"a\r\n"),
    "no text": lambda root: (root / "cli.py").write_bytes(b"\xff"),
    "missing": lambda root: (root / "data/x.json").unlink(),
    "another mode": lambda root: (root / "cli.py").chmod(0o755),
    "a folder's mode": lambda root: (root / "data").chmod(0o700),
    "a stranger": lambda root: (root / "data/old.py").write_text(""),
    "a strange folder": lambda root: (root / "__pycache__").mkdir(),
    "a link for a file": link_for_file,
    "a folder for a file": folder_for_file,
    "a dangling link": lambda root: (root / "data/gone").symlink_to("/nowhere"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_thing_that_is_broken_is_seen_and_mended_at_once(tmp_path: Path, name: str) -> None:
    root = tmp_path / "lib"
    make(root)
    BREAKS[name](root)
    assert len(differences(root)) == 1
    make(root)
    assert differences(root) == []


def test_a_package_that_everybody_imports_may_be_compiled(tmp_path: Path) -> None:
    root = tmp_path / "lib"
    make(root)
    compiled = root / "data/__pycache__"
    compiled.mkdir()
    (compiled / "x.cpython-310.pyc").touch()
    assert tree_state.differences(root, FILES, *MODES, compiled=True) == []
    (root / "data/old.py").touch()
    (found,) = tree_state.differences(root, FILES, *MODES, compiled=True)
    assert found.path == "data/old.py"
    tree_state.apply(root, FILES, *MODES, compiled=True)
    assert compiled.is_dir()
    assert differences(root) == ["data/__pycache__"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(names=st.lists(st.sampled_from(sorted(BREAKS)), max_size=4, unique=True))
def test_whatever_is_broken_together_one_run_mends_all(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    root = tmp_path_factory.mktemp("tree") / "lib"
    make(root)
    for name in names:
        try:
            BREAKS[name](root)
        except OSError:
            continue
    make(root)
    assert differences(root) == []


@pytest.mark.parametrize("whose", ["geteuid", "getegid"])
def test_what_belongs_to_somebody_else_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    root = tmp_path / "lib"
    make(root)
    monkeypatch.setattr(os, whose, lambda: 54321)
    assert differences(root) == ["./", "data/", "data/suites/", *sorted(FILES)]


def test_what_belongs_to_somebody_else_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "lib"
    make(root)
    inode = (root / "cli.py").stat().st_ino
    taken = []
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    monkeypatch.setattr(os, "chown", lambda *arguments: taken.append(arguments))
    make(root)
    assert [
        str(path.relative_to(root)) for path, uid, _ in taken if uid == 54321 and isinstance(path, Path)
    ] == [
        ".",
        "data",
        "data/suites",
    ]
    assert (root / "cli.py").stat().st_ino != inode, "a file is written anew by whoever runs it"


def test_what_a_link_points_to_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "lib"
    make(root)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (root / "data/link").symlink_to(precious)
    make(root)
    assert (precious / "file").exists()
    assert not (root / "data/link").exists()


def test_the_controller_sends_no_compiled_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/a.cpython-313.pyc").write_bytes(b"\xff")
    assert files.read(tmp_path) == {"a.py": "x"}


def test_a_controller_without_the_files_is_no_wish_for_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match="holds no files"):
        files.read(tmp_path)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\xff")
    with pytest.raises(AnsibleActionFail, match=r"a\.bin is not UTF-8"):
        files.read(tmp_path)
