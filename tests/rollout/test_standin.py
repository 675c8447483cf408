"""The driver with real Ansible and a small chain on this machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import random
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rollout.conftest import Make, Site

KILLS = 10


def test_states_gates_and_the_budget_at_its_limit(site: Make) -> None:
    hosts = {
        "h1": "ok",
        "h2": "verdict-hang",
        "h3": "verdict-fail",
        "h4": "lost",
        "h5": "disk-full",
        "h6": "no-verdict",
    }
    one = site({**hosts, "h7": "ok"}, canaries=["h1"])
    done = one.rollout("--waves", "6,100%", "--budget", "5", "--on-failure", "leave")
    assert done.returncode == 1, done.stderr
    assert one.states() == {
        "h1": "changed", "h2": "verdict-hang", "h3": "verdict-fail", "h4": "unreachable", "h5": "failed",
        "h6": "verdict-unknown", "h7": "changed",
    }  # fmt: skip
    assert one.run["waves"][0]["hosts"] == ["h1"]
    assert "No space left on device" in one.of("h5")["failure"]["stderr_tail"]
    assert f"rdna1 rollout --resume {one.run['id']} --runs-dir {one.runs}" in done.stdout


def test_over_the_budget_nobody_else_is_touched(site: Make) -> None:
    one = site({"h1": "lost", "h2": "lost", "h3": "ok"})
    done = one.rollout("--waves", "2,100%", "--budget", "1", "--on-failure", "leave")
    assert done.returncode == 1
    assert one.run["state"] == "stopped"
    assert one.states()["h3"] == "pending"
    assert one.attempts("h3") == 0


def test_hosts_that_a_fatal_error_held_up_go_again(site: Make) -> None:
    one = site({"h1": "ok", "h2": "fail", "h3": "ok"}, variables={"standin_fatal": True})
    one.rollout("--waves", "100%", "--budget", "1", "--on-failure", "leave")
    assert one.states() == {"h1": "changed", "h2": "failed", "h3": "changed"}


def test_a_hanging_host_is_timed_out_and_the_others_pass(site: Make) -> None:
    one = site({"h1": "ok", "h2": "hang", "h3": "ok"})
    one.rollout("--waves", "100%", "--budget", "1", "--timeout", "45", "--on-failure", "leave")
    assert one.states() == {"h1": "changed", "h2": "timed-out", "h3": "changed"}
    assert one.of("h2")["failure"]["task"] == "Hang"
    assert not left_running(one)


def test_resume_repeats_what_failed_and_nothing_else(site: Make) -> None:
    one = site({"h1": "ok", "h2": "fail", "h3": "ok"})
    one.rollout("--waves", "2,100%", "--on-failure", "leave")
    assert one.states() == {"h1": "changed", "h2": "failed", "h3": "pending"}
    one.hosts["h2"]["standin"] = "ok"
    done = one.resume()
    assert done.returncode == 0, done.stderr
    assert one.states() == dict.fromkeys(one.hosts, "changed")
    assert [one.attempts(host) for host in one.hosts] == [1, 2, 1]


def test_two_drivers_exclude_each_other(site: Make) -> None:
    one = site({"h1": "ok"}, variables={"standin_seconds": 20})
    first = one.start(*one.words)
    wait_for(lambda: one.attempts("h1") == 1)
    for directory, what in ((one.runs, "runs directory"), (one.root / "other-runs", "host h1")):
        second = one.rollout("--runs-dir", str(directory))
        assert second.returncode == 2
        assert what in second.stderr
        assert f"process {first.pid}" in second.stderr
    # By another name, in another inventory, it is still the same host.
    other = one.root / "other.yml"
    other.write_text("rdna1: {hosts: {alias: {ansible_host: h1, ansible_connection: local}}}\n")
    words = ["-i", str(other), "--playbook", one.words[-1], "--runs-dir", str(one.root / "other-runs")]
    second = one.finish(one.start(*words))
    assert (second.returncode, "host alias: run " in second.stderr) == (2, True)
    assert one.finish(first).returncode == 0


def test_interrupted_once_the_wave_is_finished(site: Make) -> None:
    one = site({"h1": "ok", "h2": "ok"}, variables={"standin_seconds": 5})
    first = one.start(*one.words, "--waves", "1,100%")
    wait_for(lambda: one.attempts("h1") == 1)
    first.send_signal(signal.SIGINT)
    assert one.finish(first).returncode == 2
    assert one.states() == {"h1": "changed", "h2": "pending"}
    assert one.run["state"] == "interrupted"


def test_interrupted_twice_it_stops_now_and_leaves_nothing_running(site: Make) -> None:
    one = site({"h1": "ok"}, variables={"standin_seconds": 300})
    first = one.start(*one.words)
    wait_for(lambda: one.attempts("h1") == 1)
    first.send_signal(signal.SIGINT)
    time.sleep(0.5)
    first.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert one.finish(first).returncode == 2
    assert time.monotonic() - began < 30
    assert one.states() == {"h1": "pending"}
    assert not left_running(one)


def test_killed_at_random_moments_every_run_comes_to_the_right_end(site: Make) -> None:
    """Each kill hits another moment of the same run; all must pass, and nobody again that has passed."""
    one = site({f"h{number}": "ok" for number in range(6)}, variables={"standin_seconds": 1})
    words = [*one.words, "--waves", "1,50%,100%"]
    moments = random.Random(6)  # noqa: S311 - moments, not secrets
    passed: dict[str, int] = {}
    for kill in range(KILLS):
        fresh = not list(one.runs.glob("*/run.json"))
        process = one.start(*words) if fresh else one.start("--resume", one.run["id"])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(1.0, 12.0))
        os.kill(process.pid, signal.SIGKILL)
        # Not for its output: that ends when Ansible does, which may still be at work.
        process.wait()
        if not list(one.runs.glob("*/run.json")):
            continue
        for host, state in one.states().items():
            if state == "changed":
                passed.setdefault(host, one.attempts(host))
        assert all(one.attempts(host) == count for host, count in passed.items()), f"after kill {kill + 1}"
    done = one.resume()
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.states() == dict.fromkeys(one.hosts, "changed")
    assert all(one.attempts(host) == count for host, count in passed.items())
    assert one.run["state"] == "done"
    assert not left_running(one)
    assert not list((one.root / "xdg-runtime").iterdir()), "a private folder outlived its driver"


def left_running(one: Site) -> list[str]:
    """Return the command lines of what a run has left running."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if f"RDNA1_RUN={one.run['id']}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_for(condition: object, seconds: float = 60.0) -> None:
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


@contextlib.contextmanager
def watched(secret: bytes) -> Iterator[list[str]]:
    """Look at every process, again and again; yields where arguments or environments tell a secret."""
    found: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            for file in (
                file for pattern in ("cmdline", "environ") for file in Path("/proc").glob(f"[0-9]*/{pattern}")
            ):
                with contextlib.suppress(OSError):
                    if secret in file.read_bytes():
                        found.append(str(file))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("where", ["extra", "inventory", "inline"])
def test_a_vaulted_value_shows_up_nowhere(site: Make, where: str) -> None:
    secret = "correct-horse-battery"  # noqa: S105 - what the test looks for
    one = site({"h1": "ok", "h2": "fail-aloud"}, variables={"standin_seconds": 3})
    password = one.root / "password"
    password.write_text("vault-pass-phrase\n")
    target = one.root / "secret.yml" if where == "extra" else one.inventory.parent / "group_vars/rdna1.yml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"standin_secret: {secret}\n")
    vault = str(Path(sys.executable).with_name("ansible-vault"))
    words = ["--vault-password-file", str(password)]
    if where == "inline":
        encrypt = [vault, "encrypt_string", *words, "--name", "standin_secret", secret]
        target.write_text(subprocess.run(encrypt, check=True, capture_output=True, text=True).stdout)
    else:
        subprocess.run([vault, "encrypt", *words, str(target)], check=True, capture_output=True)
    more = ["-e", f"@{target}"] if where == "extra" else []
    with watched(secret.encode()) as told:
        done = one.rollout(*words, *more, "--on-failure", "leave", "--waves", "100%")
        assert done.returncode == 1, done.stderr
        forms = [word for form in ("html", "json", "junit") for word in (f"--{form}", str(one.runs / form))]
        reported = one.report("report", *forms)
        assert reported.stderr.count("wrote ") == 3, reported.stderr
    assert told == []
    assert one.states() == {"h1": "changed", "h2": "failed"}
    kept = {path: path.read_bytes() for path in one.runs.rglob("*") if path.is_file()}
    assert [path for path, content in kept.items() if secret.encode() in content] == []
    log = (one.runs / one.run["id"] / "logs/wave-1.log").read_text()
    assert "the password is ********" in log
    for form in ("html", "json", "junit"):
        assert b"no login with ********" in kept[one.runs / form]
    assert "no login with ********" in done.stdout
    assert secret not in done.stdout + done.stderr + reported.stdout + reported.stderr


def test_forty_hosts_of_two_inventories_in_waves(site: Make) -> None:
    names = [f"h{number:02}" for number in range(30)]
    one = site({name: "disk-full" if name in ("h02", "h29") else "ok" for name in names}, canaries=["h07"])
    second = one.root / "second/hosts.yml"
    second.parent.mkdir()
    second.write_text("rdna1: {hosts: {'h[30:39]': }}\n")
    done = one.rollout("-i", str(second), "--budget", "5%", "--on-failure", "leave", "--quiet")
    assert done.returncode == 1, done.stdout + done.stderr
    assert [len(wave["hosts"]) for wave in one.run["waves"]] == [1, 3, 16, 20]
    assert [wave["gate"]["failures"] for wave in one.run["waves"]] == [0, 1, 1, 2]
    assert one.run["state"] == "done"
    assert sorted(name for name, state in one.states().items() if state != "changed") == ["h02", "h29"]
    assert [one.of(f"h{number}")["state"] for number in range(30, 40)] == ["changed"] * 10
    assert one.run["inventory"]["paths"] == [str(one.inventory), str(second)]


def test_a_terminal_shows_a_table_and_at_last_one_screen(site: Make) -> None:
    one = site(
        {"h1": "ok", "h2": "fail-aloud"}, variables={"standin_seconds": 4, "standin_secret": "nothing"}
    )
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = one.start(*one.words, "--waves", "1,100%", "--on-failure", "leave", stdout=terminal)
    os.close(terminal)
    shown = b""
    # Reading from a terminal that nobody holds any more is an error.
    with contextlib.suppress(OSError):
        while piece := os.read(controller, 65536):
            shown += piece
    assert process.wait(60) == 1
    said = shown.decode()
    assert re.search(r"wave 1 of 2 \(1\)  0 passed, 0 failed, 2 to go  budget left 0 of 0", said)
    assert re.search(r"h1 +running", said)
    screen = said[said.rindex("Run ") :]
    assert "stopped. 2 hosts: 1 changed, 1 failed." in screen
    assert "no login with nothing" in screen
    assert f"Next: rdna1 rollout --resume {one.run['id']} --runs-dir" in screen


def test_hooks_are_told_the_hosts_facts(site: Make) -> None:
    one = site({"h1": "ok", "h2": "ok"})
    told = one.root / "told"
    hook = (
        f'test "$RDNA1_HOST" != h2 && echo "$RDNA1_HOST $RDNA1_KERNEL $RDNA1_GROUPS $RDNA1_STATE" >> {told}'
    )
    done = one.rollout("--waves", "100%", "--budget", "1", "--drain", hook, "--undrain", hook)
    assert done.returncode == 1, done.stdout + done.stderr
    assert one.states() == {"h1": "changed", "h2": "skipped"}
    assert one.attempts("h2") == 0
    kernel = os.uname().release
    assert told.read_text() == f"h1 {kernel} rdna1 pending\nh1 {kernel} rdna1 changed\n"
