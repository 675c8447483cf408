"""Locks: one owner, dead owners recognised, nothing of another machine's taken away."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rdna1.lab.errors import LabError
from rdna1.rollout import lock, processes


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def dead() -> lock.Owner:
    """Return an owner whose process has ended, and whose id may well be in use again."""
    return dataclasses.replace(lock.me("dead"), started="1")


def test_a_lock_excludes_and_names_its_owner(tmp_path: Path) -> None:
    paths = [(tmp_path / "a.lock", "host a")]
    refused = pytest.raises(LabError, match=r"host a: run first \(process \d+ on .*\) has it; wait")
    with lock.held(paths, lock.me("first")), refused:
        lock.take(tmp_path / "a.lock", lock.me("second"), "host a")
    assert not (tmp_path / "a.lock").exists()


def test_all_locks_or_none(tmp_path: Path) -> None:
    lock.take(tmp_path / "b.lock", lock.me("other"), "host b")
    with (
        pytest.raises(LabError),
        lock.held([(tmp_path / f"{name}.lock", name) for name in "abc"], lock.me("x")),
    ):
        pytest.fail("it must not get here")
    assert sorted(path.name for path in tmp_path.glob("*.lock")) == ["b.lock"]


def test_a_dead_owners_lock_is_taken_over_and_said_so(tmp_path: Path) -> None:
    lock.take(tmp_path / "a.lock", dead(), "host a")
    mine = lock.me("mine")
    with lock.held([(tmp_path / "a.lock", "host a")], mine) as left:
        assert left == [dead_like(left)]
        assert lock.owner_of(tmp_path / "a.lock") == mine


def dead_like(left: list[lock.Owner]) -> lock.Owner:
    assert [owner.run for owner in left] == ["dead"]
    return left[0]


def test_another_machines_owner_is_never_taken_for_dead(tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(dead(), control_host="elsewhere.example.org")
    lock.take(tmp_path / "a.lock", elsewhere, "host a")
    with pytest.raises(LabError, match=r"elsewhere\.example\.org.*if that machine is gone, remove "):
        lock.take(tmp_path / "a.lock", lock.me("mine"), "host a")


def test_a_lock_cut_off_in_the_middle_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text('{"pid": 1')
    assert lock.take(tmp_path / "a.lock", lock.me("mine"), "host a") is None


def test_nobody_gives_back_what_was_taken_over(tmp_path: Path) -> None:
    lock.take(tmp_path / "a.lock", dead(), "host a")
    lock.take(tmp_path / "a.lock", lock.me("mine"), "host a")
    lock.give_back(tmp_path / "a.lock", dead())
    assert (tmp_path / "a.lock").exists()


def test_a_host_is_locked_by_its_address() -> None:
    assert lock.host_lock("192.0.2.1:22").parent == lock.shared()
    assert "/" not in lock.host_lock("a/b:22").name


def test_a_process_is_told_from_a_later_one_of_its_id() -> None:
    assert processes.started(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert processes.started(child.pid) is None


def test_what_a_dead_driver_started_is_ended_and_nothing_else() -> None:
    code = "import os, time; os.setsid(); time.sleep(60)"
    ours, theirs = (
        subprocess.Popen([sys.executable, "-c", code], env={**os.environ, processes.MARK: run})
        for run in ("ours", "ours-too")
    )
    try:
        while ours.pid not in processes.marked("ours"):
            assert ours.poll() is None
        assert processes.end_marked("ours") == 1
        assert ours.wait(5) == -9
        assert theirs.poll() is None
    finally:
        theirs.kill()
        theirs.wait()
