"""Forty hosts in a lab and the real chain: one of each trouble, the budget exactly used, then all cured.

The hosts are copies of two that were provisioned: `rdna1 lab up --hosts 3`, the chain, and then
`rdna1 lab up --hosts 60 --copy`. Of the third card there is no host to be copied; its hosts are left out.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rdna1.runs.model import PASSED

if TYPE_CHECKING:
    import subprocess

    from tests.rollout.conftest import Lab, Make, Site

CHECKOUT = Path(__file__).parents[2]
SIZE = 60
LIMIT = "!navi14"
VENVS = "/opt/rdna1/venvs"
CARD = "/srv/simulated-card/conv2d.json"
# What the chain writes anew where it is gone, and then verifies.
LOST = "/etc/environment.d/60-rdna1.conf"
ASKS, FULL, HANGS, DOWN, DROPS = "rx5600xt-02", "rx5600xt-05", "rx5600xt-15", "rx5700xt-05", "rx5700xt-10"
CHANGED = ("rx5700xt-01", "rx5600xt-04", "rx5700xt-06", "rx5700xt-11")
# The other hosts share two cores with those that are verified.
EXTRA = ["-e", "conv2d_verify_timeout=60", "-e", "conv2d_verify_max_hangs=1"]


@pytest.fixture
def forty(site: Make, lab: Lab) -> Site:
    """Return a site with the hosts of the lab that were provisioned."""
    state = json.loads((CHECKOUT / f".lab/{lab.name}/lab.json").read_text())
    if len(state["hosts"]) != SIZE:
        pytest.fail(f"the lab {lab.name} has {len(state['hosts'])} hosts; make it have {SIZE}, see above")
    return site({name: "" for name, host in state["hosts"].items() if "navi14" not in host["groups"]})


def break_them(lab: Lab) -> None:
    for host in (*CHANGED, FULL, HANGS, DROPS):
        lab.on(host, f"rm -f {LOST}")
    lab.on(ASKS, "echo 'operator ALL=(ALL) PASSWD: ALL' > /etc/sudoers.d/zz-password")
    full = f"mount -t tmpfs -o size=12g,nr_inodes=2500 standin-for-a-full-disk {VENVS}"
    lab.on(FULL, full, privileged=True)
    lab.on(HANGS, f"""echo '{{"faults": [{{"when": {{"min_size": 16}}, "do": "hang"}}]}}' > {CARD}""")
    lab.podman("stop", "-t", "5", lab.container(DOWN))


def cure_them(lab: Lab) -> None:
    lab.on(ASKS, "rm /etc/sudoers.d/zz-password")
    lab.on(FULL, f"umount {VENVS}", privileged=True)
    lab.on(HANGS, f"rm {CARD}")
    lab.podman("start", lab.container(DOWN))
    lab.on(DROPS, "systemctl start ssh")


def drop_in_the_middle(one: Site, lab: Lab, driver: subprocess.Popen[str]) -> None:
    """Once the host has got back what it had lost, let its SSH go."""
    while driver.poll() is None:
        time.sleep(0.5)
        if not list(one.runs.glob("*/run.json")) or one.of(DROPS)["state"] != "running":
            continue
        if lab.on(DROPS, f"ls {LOST}", check=False):
            lab.on(DROPS, "systemctl stop ssh.socket ssh.service; pkill -9 -f '^sshd'", check=False)
            return


def test_one_of_each_trouble_among_forty_hosts(forty: Site, lab: Lab, capfd: Any) -> None:
    break_them(lab)
    began = time.monotonic()
    with ThreadPoolExecutor(1) as aside:
        driver = forty.start("-i", "inventories/lab", "--limit", LIMIT, *EXTRA, "--budget", "5")
        aside.submit(drop_in_the_middle, forty, lab, driver)
        done = forty.finish(driver)
    took = time.monotonic() - began
    assert done.returncode == 1, done.stdout + done.stderr
    states = forty.states()
    assert {host: state for host, state in states.items() if state not in PASSED} == {
        ASKS: "failed", FULL: "failed", HANGS: "quarantined", DOWN: "unreachable", DROPS: "unreachable",
    }  # fmt: skip
    assert {host: forty.of(host)["cause"] for host in (FULL, HANGS)} == {
        FULL: "failed",
        HANGS: "verdict-hang",
    }
    assert all(states[host] == "changed" for host in CHANGED)
    assert [len(wave["hosts"]) for wave in forty.run["waves"]] == [1, 4, 16, 20]
    assert [wave["gate"]["failures"] for wave in forty.run["waves"]] == [0, 1, 4, 5]
    assert (forty.run["state"], forty.run["waves"][3]["gate"]["open"]) == ("done", True)
    attempts = {host: forty.of(host)["attempts"] for host, state in states.items() if state in PASSED}
    cure_them(lab)
    done = forty.resume(*EXTRA)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(state in PASSED for state in forty.states().values())
    assert {host: forty.of(host)["attempts"] for host in attempts} == attempts
    with capfd.disabled():
        print(f"\n{len(states)} hosts on {os.cpu_count()} cores: {took:.0f} s")
