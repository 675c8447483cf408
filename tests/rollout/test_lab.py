"""The driver against a lab, over SSH: hosts that go away, that ask for a password, whose disk is full."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.rollout.conftest import Lab, Site

CHECKOUT = Path(__file__).parents[2]
CANARY, SECOND, CPU = "rx5600xt-01", "rx5700xt-01", "cpu-reference"
VENVS = "/opt/rdna1/venvs"
LOST = "/etc/environment.d/60-rdna1.conf"
PATIENT = ("-e", "conv2d_verify_timeout=300")


def start(one: Site, *arguments: str) -> subprocess.Popen[str]:
    """Start the driver with the small stand-in chain on the lab's hosts."""
    words = ["-i", "inventories/lab", "--limit", f"{CANARY},{SECOND},{CPU}"]
    return one.start(*words, "--playbook", "tests/rollout/standin/chain.yml", *arguments)


def standin(**variables: Any) -> list[str]:
    return ["-e", json.dumps({"standin_root": "/tmp/standin", **variables})]  # noqa: S108 - on the lab's hosts


def test_ssh_dropped_in_the_middle_of_a_wave_and_a_sudo_that_asks(one: Site, lab: Lab) -> None:
    lab.on(CPU, "echo 'operator ALL=(ALL) PASSWD: ALL' > /etc/sudoers.d/zz-password")
    began = lab.on(SECOND, "rm -rf /tmp/standin")
    process = start(one, *standin(standin_seconds=15, standin_become=True), "--budget", "1")
    until = time.monotonic() + 240
    while "attempts" not in (began := lab.on(SECOND, "ls /tmp/standin/*", check=False)):
        assert time.monotonic() < until, began
        time.sleep(0.5)
    lab.on(SECOND, "systemctl stop ssh.socket ssh.service; pkill -9 -f '^sshd-session'", check=False)
    done = one.finish(process)
    assert done.returncode == 1, done.stdout + done.stderr
    assert one.states() == {CANARY: "changed", SECOND: "unreachable", CPU: "failed"}
    assert "sudo" in one.of(CPU)["failure"]["message"]
    assert one.run["state"] == "stopped"
    lab.on(SECOND, "systemctl start ssh")
    lab.on(CPU, "rm /etc/sudoers.d/zz-password")
    done = one.resume(*standin(standin_seconds=0, standin_become=True))
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.states() == dict.fromkeys(one.hosts, "changed")
    assert one.of(CANARY)["attempts"] == 1


def test_a_host_that_is_down_from_the_start(one: Site, lab: Lab) -> None:
    lab.podman("stop", "-t", "5", lab.container(SECOND))
    done = one.finish(start(one, *standin(), "--waves", "2,100%"))
    assert done.returncode == 1
    assert one.states() == {CANARY: "changed", SECOND: "unreachable", CPU: "pending"}
    assert one.of(SECOND)["action"] == "left"


def test_a_disk_that_fills_while_the_venv_is_built(one: Site, lab: Lab) -> None:
    """What hides the venv that had passed has room, but for no more than 2500 files."""
    full = f"mount -t tmpfs -o size=12g,nr_inodes=2500 standin-for-a-full-disk {VENVS}"
    lab.on(SECOND, full, privileged=True)
    done = one.in_lab("--limit", SECOND)
    assert done.returncode == 1, done.stdout + done.stderr
    host = one.of(SECOND)
    assert (host["state"], host["action"]) == ("failed", "left"), host
    assert "no space (or no inode) was left while" in host["failure"]["message"], host["failure"]
    # The build is one step that leaves nothing behind: there is nothing to be gone back from.
    assert not host["touched"]
    assert lab.on(SECOND, f"ls {VENVS}") == ""
    lab.on(SECOND, f"umount {VENVS}", privileged=True)
    done = one.resume(*PATIENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.of(SECOND)["state"] == "changed"
    assert lab.on(SECOND, "ls /var/lib/rdna1/quarantined.json", check=False) == ""


def test_a_driver_killed_in_the_middle_of_the_real_chain_is_taken_up_again(one: Site, lab: Lab) -> None:
    """Ansible, which the driver leaves behind, still has the host: the next driver ends it and goes on."""
    lab.on(SECOND, f"rm -f {LOST}")
    process = one.start("-i", "inventories/lab", *PATIENT, "--limit", SECOND)
    until = time.monotonic() + 300
    while not lab.on(SECOND, f"ls {LOST}", check=False):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    process.kill()
    # Not for its output: that ends when Ansible does, which is still at work.
    process.wait()
    assert one.of(SECOND)["state"] == "running"
    done = one.resume(*PATIENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has died and left its lock" in done.stdout
    assert one.of(SECOND)["state"] in ("ok", "changed")
    assert (one.of(SECOND)["attempts"], one.of(SECOND)["touched"]) == (2, True)


def test_the_doctor_names_what_is_wrong_and_nothing_else(one: Site, lab: Lab) -> None:
    lab.on(CPU, "echo 'operator ALL=(ALL) PASSWD: ALL' > /etc/sudoers.d/zz-password")
    lab.podman("stop", "-t", "5", lab.container(SECOND))
    done = one.tell("doctor", "-i", str(CHECKOUT / "inventories/lab"), "--json")
    found = {(finding["host"], finding["code"]) for finding in json.loads(done.stdout)["failures"]}
    assert {one for one in found if one[0] in (CANARY, SECOND, CPU)} == {
        (CPU, "sudo-password"), (SECOND, "refused")
    }  # fmt: skip
