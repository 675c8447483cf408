"""The lock of a host: one run at a time, and none that is over keeps anybody away."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import host_lock
from ansible_collections.rdna1.provision.plugins.plugin_utils import run_owner

ROOT = Path(__file__).parents[3]
ONE = {"run": "one", "who": "root@ctl", "process": 4711, "purpose": "rdna1.yml"}
TWO = {**ONE, "run": "two", "purpose": "rollback.yml"}


def test_one_run_has_it_until_it_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert host_lock.take(ONE, lock=lock) is None
    assert host_lock.take(ONE, lock=lock) is None, "a run may take its own again"
    with pytest.raises(host_lock.HeldError, match=r"rdna1\.yml of root@ctl \(process 4711\)") as refused:
        host_lock.take(TWO, lock=lock)
    assert refused.value.holder["run"] == "one"
    assert not host_lock.release(TWO, lock), "and nobody else's"
    assert host_lock.release(ONE, lock)
    assert not lock.exists()
    assert host_lock.take(TWO, lock=lock) is None


def test_only_the_run_that_is_named_is_taken_over(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    host_lock.take(ONE, lock=lock)
    with pytest.raises(host_lock.HeldError):
        host_lock.take(TWO, "another", lock)
    taken = host_lock.take(TWO, "one", lock)
    assert taken is not None
    assert taken["run"] == "one"


def test_one_that_is_older_than_any_run_is_over(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    host_lock.take(ONE, lock=lock)
    holder = json.loads(lock.read_text())
    lock.write_text(json.dumps({**holder, "up": holder["up"] - host_lock.STALE_AFTER + 60}))
    with pytest.raises(host_lock.HeldError):
        host_lock.take(TWO, lock=lock)
    lock.write_text(json.dumps({**holder, "up": holder["up"] - host_lock.STALE_AFTER - 1}))
    assert host_lock.take(TWO, lock=lock)


@pytest.mark.parametrize("content", ["", '{"schema": "rdna1.lock', "[]", '{"schema": "other/1"}'])
def test_what_was_cut_off_while_it_was_written_keeps_nobody_away(tmp_path: Path, content: str) -> None:
    lock = tmp_path / "lock"
    lock.write_text(content)
    assert host_lock.take(TWO, lock=lock) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    victim, lock = tmp_path / "victim", tmp_path / "lock"
    victim.write_text("mine")
    lock.symlink_to(victim)
    with pytest.raises(OSError, match="lock"):
        host_lock.take(ONE, lock=lock)
    assert victim.read_text() == "mine"


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    lock, won, lost = tmp_path / "lock", [], []

    def contend(number: int) -> None:
        for _ in range(20):
            owner = {**ONE, "run": str(number)}
            try:
                host_lock.take(owner, lock=lock)
            except host_lock.HeldError:
                lost.append(number)
                continue
            won.append(number)
            assert json.loads(lock.read_text())["run"] == str(number)
            time.sleep(0.001)
            assert json.loads(lock.read_text())["run"] == str(number)
            assert host_lock.release(owner, lock)

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won
    assert len(won) + len(lost) == 160, "no thread ended early"


RUN = """
import json, os, sys, time
from ansible_collections.rdna1.provision.plugins.plugin_utils import run_owner
run = run_owner.this_run()
if os.fork():
    time.sleep(600)
os.setsid()
print(json.dumps(run), flush=True)
sys.stdin.read()
"""


def test_a_run_lives_until_its_last_worker_has_ended() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    with subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        owner = json.loads(process.stdout.readline())
        assert not run_owner.is_dead(owner)
        process.kill()
        process.wait()
        assert not run_owner.is_dead(owner), "its worker is still at it"
    # Its input is closed, so the worker ends.
    deadline = time.monotonic() + 10
    while not run_owner.is_dead(owner):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_this_run_is_alive_and_always_the_same() -> None:
    assert run_owner.this_run() == run_owner.this_run()
    assert not run_owner.is_dead(run_owner.this_run())


def test_of_another_machine_nothing_is_known() -> None:
    assert not run_owner.is_dead({"run": "ended-long-ago", "machine": "elsewhere"})
    assert not run_owner.is_dead({"run": "ended-long-ago", "machine": ""})
    assert run_owner.is_dead({"run": "ended-long-ago", "machine": run_owner.machine()})
