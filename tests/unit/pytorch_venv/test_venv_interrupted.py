"""Whenever a run is killed, `current` never leads to a venv that is half-built, and the next run mends it."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import (
    venv_build,
    venv_lock,
    venv_run,
    venv_state,
    venv_store,
)

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
Provision = Callable[..., dict[str, Any]]
MakeWheel = Callable[..., str]


def name_of(lock: str) -> str:
    return venv_lock.identity(lock)[:12]


def prepare(provision: Provision, root: Path, lock: str, other_lock: str, state: str) -> None:
    if state == "another lock":
        provision(other_lock)
    elif state == "no venv":
        provision(lock)
        shutil.rmtree(root / "venvs" / name_of(lock))
    elif state != "nothing":
        provision(lock)
        lost = root / "current" / ("bin/python" if state == "no interpreter" else venv_state.MARKER)
        lost.unlink()
        (root / "current/fresh").unlink()


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Do something in a child that dies, as from SIGKILL, at its step-th change to the file system."""
    child = os.fork()
    if child == 0:
        count = -1

        def watch(event: str, _: tuple[Any, ...]) -> None:
            nonlocal count
            if event in {"os.rename", "os.symlink", "os.remove", "os.rmdir", "os.utime"}:
                count += 1
                if count == step:
                    os._exit(9)

        sys.addaudithook(watch)
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


@pytest.mark.usefixtures("quick")
def test_what_an_interrupted_run_set_aside_is_kept_for_going_back(
    provision: Provision, root: Path, lock: str, other_lock: str
) -> None:
    provision(lock)
    layout = venv_state.Layout(root, name_of(lock))
    venv_store.set_aside(layout)
    layout.venv.mkdir()  # half-built, when the power went
    assert "an interrupted run left" in str(provision(other_lock, check=True)["reasons"])
    provision(other_lock)
    assert (layout.venv / venv_state.MARKER).is_file()
    assert {path.name for path in layout.venvs.iterdir()} == {name_of(lock), name_of(other_lock)}


@pytest.mark.usefixtures("quick")
def test_a_new_venv_that_was_complete_is_in_use_before_the_old_one_goes(
    provision: Provision, root: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(lock)
    layout = venv_state.Layout(root, name_of(lock))
    venv_store.set_aside(layout)
    shutil.copytree(layout.aside, layout.venv, symlinks=True)
    removed = []
    monkeypatch.setattr(
        shutil, "rmtree", lambda path: removed.append((path, venv_store.points_to(layout, layout.venv)))
    )
    venv_store.put_back(layout)
    assert removed == [(layout.aside, True)]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("state", ["nothing", "another lock", "no interpreter", "no marker", "no venv"])
def test_a_run_killed_anywhere_leaves_no_half_built_venv_in_use(
    provision: Provision,
    root: Path,
    lock: str,
    other_lock: str,
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is built is proven elsewhere; here only the order of the steps matters.
    monkeypatch.setattr(venv_run, "probe", lambda _: {"version": PYTHON, "missing": []})
    monkeypatch.setattr(venv_build, "check", lambda *_: {})
    prepare(provision, root, lock, other_lock, state)
    before = root.with_name("before")
    if root.exists():
        root.rename(before)
    for step in range(100):
        shutil.rmtree(root, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, root, symlinks=True)
        if not killed_at(step, lambda: provision(lock)):
            break
        current = root / "current"
        if (current / "fresh").exists():
            assert (current / venv_state.MARKER).is_file(), f"half-built and in use after step {step}"
        provision(lock)
        assert (current / venv_state.MARKER).is_file()
        assert current.readlink() == Path("venvs") / name_of(lock)
        assert provision(lock, check=True)["changed"] is False, f"not converged after step {step}"
        assert not list((root / "venvs").glob("*.replaced"))
    assert step > 4, "the run was hardly ever killed: this test tests nothing"


def test_what_a_killed_removal_leaves_does_not_pass_for_complete(root: Path) -> None:
    layout = venv_state.Layout(root, "0123456789ab")
    for step in range(20):
        shutil.rmtree(root, ignore_errors=True)
        (layout.venv / "lib").mkdir(parents=True)
        for name in ("a", "b", venv_state.MARKER, "lib/z"):
            (layout.venv / name).write_text("{}")
        if not killed_at(step, lambda: venv_store.remove(layout, f"venvs/{layout.name}")):
            break
        left = sum(path.is_file() for path in layout.venv.rglob("*"))
        assert left == 4 or venv_state.read_marker(layout.venv) is None
    assert step > 3
