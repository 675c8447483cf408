"""The plain shell check: it must say something else as soon as something is else."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Bench = Callable[[str], ModuleType]


@pytest.fixture
def observing(bench: Bench) -> ModuleType:
    return bench("observing")


def said(command: str) -> str:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.py").write_text("a\n")
    (folder / "deep/b.py").write_text("b\n")
    (folder / "link").symlink_to("a.py")
    return folder


def broken(tree: Path) -> dict[str, Callable[[], Any]]:
    return {
        "another content of the same size": lambda: (tree / "a.py").write_text("x\n"),
        "another mode": lambda: (tree / "a.py").chmod(0o600),
        "a missing file": (tree / "deep/b.py").unlink,
        "a stranger": (tree / "c.py").touch,
        "a file instead of a link": lambda: (tree / "a.py").replace(tree / "link"),
    }


BROKEN = list(broken(Path()))


@pytest.mark.parametrize("how", BROKEN)
def test_a_tree_is_told_by_content_mode_and_names(observing: ModuleType, tree: Path, how: str) -> None:
    before = said(observing.tree_command(str(tree)))
    broken(tree)[how]()
    assert said(observing.tree_command(str(tree))) != before


@pytest.mark.parametrize("how", ["a missing file", "a stranger", "a file instead of a link"])
def test_a_large_folder_is_told_by_names_and_sizes(observing: ModuleType, tree: Path, how: str) -> None:
    before = said(observing.large_command(f"{tree}/"))
    broken(tree)[how]()
    assert said(observing.large_command(f"{tree}/")) != before


@pytest.mark.parametrize("command", ["tree_command", "large_command"])
def test_what_python_compiled_is_no_difference(observing: ModuleType, tree: Path, command: str) -> None:
    ask = getattr(observing, command)(str(tree))
    before = said(ask)
    (tree / "deep/__pycache__").mkdir()
    (tree / "deep/__pycache__/b.pyc").touch()
    assert said(ask) == before != said(f"cd {tree}.gone && {ask}")


def test_a_verdict_is_told_by_its_outcome_and_not_by_its_time(observing: ModuleType, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    text = '{\n  "outcome": "pass",\n  "finished": "2026-01-01",\n  "subject": {\n    "lock": "b1"\n  }\n}\n'
    ask = observing.verdict_command(str(verdict))
    verdict.write_text(text)
    before = said(ask)
    verdict.write_text(text.replace("2026", "2027"))
    assert said(ask) == before
    for change in (("pass", "fail"), ("b1", "c1")):
        verdict.write_text(text.replace(*change))
        assert said(ask) != before


def test_what_the_roles_say_must_be_absent_is_read_from_them(observing: ModuleType) -> None:
    absent = observing.managed()["absent"]
    assert "/etc/profile.d/rocm-rdna1-57.sh" in absent
    assert "/etc/apt/preferences.d/rocm-pin-600" in absent


def test_the_script_is_plain_posix_shell(observing: ModuleType) -> None:
    script = observing.script(observing.managed())
    assert subprocess.run(["dash", "-n"], input=script, text=True, check=False).returncode == 0
