"""The lock between real runs of Ansible: a living run keeps another away, a killed one does not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
LOCK = {"purpose": "this test", "path": "{{ lock }}"}
TAKE = {"name": "Take", "rdna1.provision.host_lock": LOCK, "register": "taken"}


def command(folder: Path, name: str, tasks: Sequence[object], *options: str) -> list[str]:
    """Write a play on this machine; return what runs it."""
    play = [
        {"name": name, "hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": tasks}
    ]
    (folder / f"{name}.yml").write_text(json.dumps(play))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    variables = json.dumps({"lock": f"{folder}/lock", "ansible_python_interpreter": sys.executable})
    return [program, "-i", "localhost,", f"{folder}/{name}.yml", "-e", variables, *options]


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_living_run_keeps_another_away_and_a_killed_one_does_not(tmp_path: Path) -> None:
    hold = command(
        tmp_path, "hold", [TAKE, {"name": "Hold", "ansible.builtin.wait_for": {"path": f"{tmp_path}/end"}}]
    )
    show = {"name": "Show", "ansible.builtin.debug": {"var": "taken.taken_over"}}
    other = command(tmp_path, "other", [TAKE, show])
    with subprocess.Popen(
        hold, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as first:
        try:
            assert first.stdout
            assert any("TASK [Hold]" in line for line in first.stdout), "it never took it"
            assert json.loads((tmp_path / "lock").read_text())["process"] == first.pid
            refused = run(other)
            said = " ".join(refused.stdout.split())
            assert refused.returncode != 0
            assert f"localhost: this test of {os.environ.get('USER', 'root')}@" in said
            assert f"(process {first.pid}) changes it since" in said
            assert "wait until that has ended" in said
            assert run([*other, "--check"]).returncode == 0, "check mode changes nothing and waits for nobody"
        finally:
            os.killpg(first.pid, signal.SIGKILL)
    # The worker is in a session of its own, and still at it.
    refused = run(other)
    assert "wait until that has ended" in " ".join(refused.stdout.split())
    (tmp_path / "end").touch()
    deadline = time.monotonic() + 30
    while (taken := run(other)).returncode:
        assert time.monotonic() < deadline, taken.stdout
    assert taken.returncode == 0, taken.stdout
    assert f"(process {first.pid}) changes it since" in taken.stdout


def test_what_a_run_took_it_releases_and_nothing_else(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    let_go = {"name": "Let go", "rdna1.provision.host_lock": {**LOCK, "state": "released"}}
    assert run(command(tmp_path, "both", [TAKE, let_go])).returncode == 0
    assert not lock.exists()
    lock.write_text(json.dumps({"schema": "rdna1.lock/1", "run": "another's", "up": time.monotonic()}))
    assert run(command(tmp_path, "only", [let_go])).returncode == 0
    assert lock.exists()
