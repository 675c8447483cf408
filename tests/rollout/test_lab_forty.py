"""Forty lab hosts or more in waves, over SSH, one of each trouble: the budget exactly used, then all cured.

The chain is the small stand-in: `rdna1 lab up --hosts 40` is enough, nothing needs to be provisioned.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.rollout.conftest import Lab, Make, Site

CHECKOUT = Path(__file__).parents[2]
LEAST = 40
ASKS, FULL, HANGS, DOWN, DROPS = "rx5600xt-02", "rx5600xt-05", "rx5500xt-05", "rx5700xt-05", "rx5700xt-10"
TROUBLED = {
    ASKS: "failed", FULL: "failed", HANGS: "verdict-hang", DOWN: "unreachable", DROPS: "unreachable"
}  # fmt: skip
PLACE = "/tmp/standin"  # noqa: S108 - on the lab's hosts


@pytest.fixture
def forty(site: Make, lab: Lab) -> Site:
    """Return a site with all hosts of the lab."""
    hosts = json.loads((CHECKOUT / f".lab/{lab.name}/lab.json").read_text())["hosts"]
    if len(hosts) < LEAST:
        pytest.fail(f"the lab {lab.name} has {len(hosts)} hosts; run `rdna1 lab up --hosts {LEAST}`")
    return site(dict.fromkeys(hosts, ""))


def standin(**variables: Any) -> list[str]:
    return ["-e", json.dumps({"standin_root": PLACE, "standin_become": True, **variables})]


def drop_in_the_middle(lab: Lab, driver: subprocess.Popen[str]) -> None:
    """Once the chain has begun to change the host, let its SSH go."""
    while driver.poll() is None:
        if lab.on(DROPS, f"ls {PLACE}/{DROPS}/attempts", check=False):
            lab.on(DROPS, "systemctl stop ssh.socket ssh.service; pkill -9 -f '^sshd'", check=False)
            return
        time.sleep(0.5)


def test_one_of_each_trouble_among_forty_hosts(forty: Site, lab: Lab, capfd: Any) -> None:
    lab.on(DROPS, f"rm -rf {PLACE}")
    lab.on(ASKS, "echo 'operator ALL=(ALL) PASSWD: ALL' > /etc/sudoers.d/zz-password")
    lab.podman("stop", "-t", "5", lab.container(DOWN))
    does = {FULL: "disk-full", HANGS: "verdict-hang"}
    words = [
        "-i",
        "inventories/lab",
        "--playbook",
        "tests/rollout/standin/chain.yml",
        "--on-failure",
        "leave",
    ]
    words += standin(standin_by_host=does, standin_seconds=10)
    began = time.monotonic()
    with ThreadPoolExecutor(1) as aside:
        driver = forty.start(*words, "--budget", str(len(TROUBLED)))
        aside.submit(drop_in_the_middle, lab, driver)
        done = forty.finish(driver)
    took = time.monotonic() - began
    assert done.returncode == 1, done.stdout + done.stderr
    states = forty.states()
    assert states == {**dict.fromkeys(forty.hosts, "changed"), **TROUBLED}
    assert "No space left on device" in forty.of(FULL)["failure"]["stderr_tail"]
    waves = forty.run["waves"]
    assert [wave["number"] for wave in waves] == [1, 2, 3, 4]
    failed = [
        sum(host in TROUBLED for wave in waves[:last] for host in wave["hosts"]) for last in range(1, 5)
    ]
    assert [wave["gate"]["failures"] for wave in waves] == failed
    assert (forty.run["state"], failed[-1], waves[-1]["gate"]["open"]) == ("done", len(TROUBLED), True)
    lab.on(ASKS, "rm /etc/sudoers.d/zz-password")
    lab.podman("start", lab.container(DOWN))
    lab.on(DROPS, "systemctl start ssh")
    time.sleep(5)
    done = forty.resume(*standin(standin_by_host={}, standin_seconds=0))
    assert done.returncode == 0, done.stdout + done.stderr
    assert forty.states() == dict.fromkeys(forty.hosts, "changed")
    assert {host for host in forty.hosts if forty.of(host)["attempts"] > 1} == set(TROUBLED)
    with capfd.disabled():
        print(f"\n{len(states)} hosts on {os.cpu_count()} cores: {took:.0f} s")
