"""Waves without the driver: with rdna1_serial, ansible-playbook goes past no unreachable host either."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rollout.conftest import Lab

CANARY, SECOND, CPU = "rx5600xt-01", "rx5700xt-01", "cpu-reference"
VERDICT = "/var/lib/rdna1/verdict.json"
WORDS = ["-i", "inventories/lab", "--limit", f"{CANARY},{SECOND},{CPU}"]
WORDS += ["-e", "rdna1_serial=1", "-e", "conv2d_verify_timeout=300"]


def differ(lab: Lab) -> None:
    """Let those that come after the canary have something to do."""
    for host in (SECOND, CPU):
        lab.on(host, f"rm -f {VERDICT}")


def test_a_host_that_is_down_from_the_start_stops_the_next_batch(lab: Lab) -> None:
    differ(lab)
    lab.podman("stop", "-t", "5", lab.container(SECOND))
    done = lab.play("playbooks/rdna1.yml", *WORDS)
    assert done.returncode != 0
    assert f"{SECOND} did not pass, which is more than rdna1_budget (0) allows, so {CPU}" in done.stdout
    assert lab.on(CPU, f"ls {VERDICT}", check=False) == ""
    done = lab.play("playbooks/rdna1.yml", *WORDS, "-e", "rdna1_budget=1")
    assert done.returncode != 0
    assert lab.on(CPU, f"ls {VERDICT}") == f"{VERDICT}\n"


def test_a_host_that_drops_ssh_in_the_middle_stops_the_next_batch(lab: Lab) -> None:
    differ(lab)
    lab.on(SECOND, "rm -f /etc/environment.d/60-rdna1.conf")
    with lab.start("playbooks/rdna1.yml", *WORDS) as process:
        until = time.monotonic() + 300
        while not lab.on(SECOND, "ls /etc/environment.d/60-rdna1.conf", check=False):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.2)
        lab.on(SECOND, "systemctl stop ssh.socket ssh.service; pkill -9 -f '^sshd'", check=False)
        said, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    # Ansible itself ends a play of which a whole batch is lost.
    assert "unreachable=1" in said
    assert lab.on(CPU, f"ls {VERDICT}", check=False) == ""
