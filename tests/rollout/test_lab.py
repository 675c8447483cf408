"""The driver against a lab, over SSH: hosts that go away, that ask for a password, whose card hangs."""

from __future__ import annotations

import json
import os
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
# A busy machine's stand-in torch may need more than a card's minute.
PATIENT = "conv2d_verify_timeout=300"


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
    on(lab, SECOND, "rm -f /etc/environment.d/60-rdna1.conf")
    fault = json.dumps({"faults": [{"when": {"min_size": 16}, "do": "hang"}]})
    on(lab, SECOND, f"echo '{fault}' > /srv/simulated-card/conv2d.json")
    quick = ["-e", "conv2d_verify_max_hangs=1", "-e", "conv2d_verify_timeout=10"]
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
    done = one.resume(*quick[:-1], PATIENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.of(SECOND)["state"] == "changed"
    assert len(on(lab, SECOND, f"ls {gone}").split()) == 3


def playbook(lab: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook on a lab without the driver."""
    command = [str(RDNA1.with_name("ansible-playbook")), *arguments]
    environment = {**os.environ, "RDNA1_LAB": lab, "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True, timeout=600
    )


def test_a_reboot_waits_for_the_host_and_verifies_again(one: Site, lab: str) -> None:
    """The container stops where a host would start again; that part is this test's."""
    assert SECOND in one.hosts
    fleet = Fleet(lifecycle.podman_of(LabPaths(lab)), LabPaths(lab))
    container = fleet.container(SECOND)
    before = on(lab, SECOND, "cat /proc/1/stat").split()[21]
    code = f"podman wait {container} && podman start {container}"
    with subprocess.Popen(["sh", "-c", code], stdout=subprocess.DEVNULL) as power:
        words = ["-i", "inventories/lab", "--limit", SECOND, "-e", PATIENT]
        done = playbook(lab, "tests/rollout/standin/reboot.yml", *words)
        power.terminate()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict pass" in done.stdout
    assert on(lab, SECOND, "cat /proc/1/stat").split()[21] != before


def test_this_machine_is_never_rebooted(lab: str, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("rdna1: {hosts: {here: {ansible_connection: local, ansible_become: false}}}\n")
    done = playbook(lab, "tests/rollout/standin/reboot.yml", "-i", str(inventory))
    assert done.returncode == 2
    assert "here: it is reached by a local connection" in done.stdout
    assert "Restart the host" not in done.stdout
