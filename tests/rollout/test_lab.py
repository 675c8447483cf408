"""The driver against a lab, over SSH: hosts that go away, that ask for a password, whose card hangs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rdna1.lab import lifecycle
from rdna1.lab.containers import Fleet
from rdna1.lab.paths import LabPaths

if TYPE_CHECKING:
    from tests.rollout.conftest import Make, Site

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
RDNA1 = Path(sys.executable).with_name("rdna1")
CANARY, SECOND, CPU = "rx5600xt-01", "rx5700xt-01", "cpu-reference"


def on(lab: str, host: str, command: str, *, check: bool = True) -> str:
    """Run a shell command on a host as root, past SSH and sudo."""
    fleet = Fleet(lifecycle.podman_of(LabPaths(lab)), LabPaths(lab))
    words = ["podman", "exec", fleet.container(host), "sh", "-c", command]
    return subprocess.run(words, check=check, capture_output=True, text=True).stdout


@pytest.fixture
def one(site: Make, lab: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a site whose hosts are the lab's; what the tests break on them is mended."""
    monkeypatch.setenv("RDNA1_LAB", lab)
    made = site(dict.fromkeys((CANARY, SECOND, CPU), ""))
    yield made
    subprocess.run([RDNA1, "lab", "up", "--name", lab], check=True, capture_output=True)
    for host in made.hosts:
        on(lab, host, "systemctl start ssh; rm -f /etc/sudoers.d/zz-password /srv/simulated-card/conv2d.json")


def rollout(one: Site, *arguments: str, playbook: str = "tests/rollout/standin/chain.yml") -> Any:
    chain = ["--playbook", playbook] if playbook else []
    return one.start("-i", "inventories/lab", *chain, *arguments)


def standin(**variables: Any) -> list[str]:
    return ["-e", json.dumps({"standin_root": "/tmp/standin", **variables})]  # noqa: S108 - on the lab's hosts


def test_ssh_dropped_in_the_middle_of_a_wave_and_a_sudo_that_asks(one: Site, lab: str) -> None:
    on(lab, CPU, "echo 'operator ALL=(ALL) PASSWD: ALL' > /etc/sudoers.d/zz-password")
    began = on(lab, SECOND, "rm -rf /tmp/standin")
    process = rollout(one, *standin(standin_seconds=15, standin_become=True), "--budget", "1")
    until = time.monotonic() + 240
    while "attempts" not in (began := on(lab, SECOND, "ls /tmp/standin/*", check=False)):
        assert time.monotonic() < until, began
        time.sleep(0.5)
    on(lab, SECOND, "systemctl stop ssh.socket ssh.service; pkill -9 -f '^sshd-session'", check=False)
    done = one.finish(process)
    assert done.returncode == 1, done.stdout + done.stderr
    assert one.states() == {CANARY: "changed", SECOND: "unreachable", CPU: "failed"}
    assert "sudo" in one.of(CPU)["failure"]["message"]
    assert one.run["state"] == "stopped"
    on(lab, SECOND, "systemctl start ssh")
    on(lab, CPU, "rm /etc/sudoers.d/zz-password")
    done = one.resume(*standin(standin_seconds=0, standin_become=True))
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.states() == dict.fromkeys(one.hosts, "changed")
    assert one.of(CANARY)["attempts"] == 1


def test_a_host_that_is_down_from_the_start(one: Site, lab: str) -> None:
    fleet = Fleet(lifecycle.podman_of(LabPaths(lab)), LabPaths(lab))
    subprocess.run(["podman", "stop", "-t", "5", fleet.container(SECOND)], check=True, capture_output=True)
    done = one.finish(rollout(one, *standin(), "--waves", "2,100%"))
    assert done.returncode == 1
    assert one.states() == {CANARY: "changed", SECOND: "unreachable", CPU: "pending"}
    assert one.of(SECOND)["action"] == "left"


def test_a_card_that_hangs_after_a_change_is_kept_from_jobs_until_it_passes(one: Site, lab: str) -> None:
    on(lab, SECOND, "rm /etc/environment.d/60-rdna1.conf")
    fault = json.dumps({"faults": [{"when": {"min_size": 16}, "do": "hang"}]})
    on(lab, SECOND, f"echo '{fault}' > /srv/simulated-card/conv2d.json")
    quick = ["-e", "conv2d_verify_timeout=10", "-e", "conv2d_verify_max_hangs=1"]
    done = one.finish(rollout(one, *quick, "--limit", SECOND, "--on-failure", "quarantine", playbook=""))
    assert done.returncode == 1, done.stdout + done.stderr
    host = one.of(SECOND)
    assert (host["state"], host["cause"]) == ("quarantined", "verdict-hang")
    assert host["verdict"]["outcome"] == "hang"
    marker = json.loads(on(lab, SECOND, "cat /var/lib/rdna1/quarantined.json"))
    assert marker["run"] == one.run["id"]
    assert marker["reason"].startswith("verdict-hang: ")
    gone = "/etc/profile.d/rocm-rdna1.sh /etc/environment.d/60-rdna1.conf /opt/rdna1/bin/rdna1-python"
    assert on(lab, SECOND, f"ls {gone}", check=False) == ""
    on(lab, SECOND, "rm /srv/simulated-card/conv2d.json")
    done = one.resume(*quick)
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.of(SECOND)["state"] == "changed"
    assert len(on(lab, SECOND, f"ls {gone}").split()) == 3
