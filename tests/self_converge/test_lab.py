"""On a lab host: it repairs itself from a signed release, when it should, and from nothing else.

Some five minutes on two cores; RDNA1_LAB names the lab, and its first host with a card is made anew.
The tests follow one another.
"""

import json
import re
from pathlib import Path

import pytest
from conftest import LabHost, Release

SERVICE, BOOT = "rdna1-self-converge.service", "rdna1-self-converge-boot.service"
PROFILE = "/etc/profile.d/rocm-rdna1.sh"


def settings(release: Release, commit: str) -> Path:
    """What the controller plays with: the fleet's variables and one commit."""
    place = release.folder / "vars.json"
    place.write_text(
        json.dumps({**json.loads((release.folder / "here.json").read_text()), "self_converge_commit": commit})
    )
    return place


@pytest.fixture(scope="module")
def commit(release: Release) -> str:
    return release.call("git", "rev-parse", "HEAD").strip()


def test_the_fleet_s_run_switches_it_on(host: LabHost, release: Release, commit: str) -> None:
    host.play(settings(release, commit))
    assert host.root("systemctl is-enabled rdna1-self-converge.timer").splitlines() == ["enabled"]
    assert host.root("systemctl is-active rdna1-self-converge.timer") == "active"
    assert host.root(f"systemctl is-enabled {BOOT}") == "enabled"
    assert re.search(r"\d", host.root("systemctl show -P NextElapseUSecRealtime rdna1-self-converge.timer"))
    assert host.root("stat -c %a /etc/rdna1/self_converge.json") == "600"


def test_a_host_that_is_right_stays_as_it_is(host: LabHost) -> None:
    assert host.repair(SERVICE) == "success", host.root(f"journalctl --no-pager -u {SERVICE} | tail -n 60")
    found = host.result
    assert (found["ok"], found["changed"], found["verified"]) == (True, 0, True), found
    assert found["os"].startswith("debian")


def test_a_boot_without_a_change_is_no_reason_and_one_with_another_kernel_is(host: LabHost) -> None:
    before = host.root("cat /var/lib/rdna1/verdict.json | sha256sum")
    host.root(f"rm {PROFILE}")
    assert host.repair(BOOT) == "success"
    assert "nothing is due" in host.root(f"journalctl --no-pager -u {BOOT}")
    assert host.ssh(f"test -e {PROFILE}").returncode == 1

    host.root(
        'sed -i "s/\\"kernel\\": .*/\\"kernel\\": \\"0.1-older\\",/" /var/lib/rdna1/self_converge/result.json'
    )
    assert host.repair(BOOT) == "success", host.root(f"journalctl --no-pager -u {BOOT} | tail -n 60")
    assert host.root(f"stat -c %a {PROFILE}") == "644"
    found = host.result
    assert found["ok"] is True
    assert found["changed"] > 0
    assert found["reason"] == "boot"
    # Verified afterwards, in the file where every verdict is.
    assert host.root("cat /var/lib/rdna1/verdict.json | sha256sum") != before
    assert json.loads(host.root("cat /var/lib/rdna1/verdict.json"))["ok"] is True
    metrics = host.root("cat /srv/rdna1_self_converge.prom")
    assert "rdna1_self_converge_ok 1" in metrics


def test_the_controller_finds_nothing_to_do_afterwards(host: LabHost, release: Release, commit: str) -> None:
    said = host.play(settings(release, commit))
    assert "changed=0 " in said.partition("PLAY RECAP")[2]


def test_a_commit_that_the_fleet_s_key_did_not_sign_is_not_played(
    host: LabHost, release: Release, commit: str
) -> None:
    """Even where somebody got its number into the host's settings."""
    forged = release.commit("--no-gpg-sign")
    release.publish()
    host.root(f"sed -i s/{commit}/{forged}/ /etc/rdna1/self_converge.json; rm {PROFILE}")
    assert host.repair(SERVICE) == "exit-code"
    found = host.result
    assert (found["ok"], found["commit"]) == (False, forged)
    assert "signature" in found["sentence"].lower(), found
    assert host.ssh(f"test -e {PROFILE}").returncode == 1, "nothing of it was played"
    assert "rdna1_self_converge_ok 0" in host.root("cat /srv/rdna1_self_converge.prom")


def test_a_later_commit_of_the_fleet_is_none_of_the_host_s_business(
    host: LabHost, release: Release, commit: str
) -> None:
    later = release.commit("--gpg-sign=fleet")
    release.publish()
    host.play(settings(release, commit))
    assert host.repair(SERVICE) == "success"
    assert host.result["commit"] == commit != later
