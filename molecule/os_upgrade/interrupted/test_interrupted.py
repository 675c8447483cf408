"""Halfway between two releases, with a dpkg that was killed: a run says so, and touches nothing."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))
from playing import HOST, plan, play

testinfra_hosts = [f"ansible://{HOST}"]
STATE = "sh /root/os_upgrade/state.sh | diff /root/os_upgrade/interrupted -"


def test_dpkg_is_not_whole(host):
    """Or the tests below would prove nothing."""
    assert host.run("dpkg --audit").stdout


def test_the_plan_names_it(tmp_path):
    found = plan(tmp_path)
    (said,) = [item for item in found["differences"] if item["item"] == "dpkg"]
    assert "dpkg was interrupted" in said["reason"]
    assert "run dpkg --configure -a" in said["reason"]


@pytest.mark.parametrize("playbook", ["rdna1", "preflight"])
def test_a_run_says_so_and_touches_nothing(playbook, host, tmp_path):
    done = play(playbook, "-e", f"rdna1_preflight_to={tmp_path}/preflight.json")
    said = " ".join(done.stdout.split())
    assert done.returncode == 2, said
    assert "dpkg was interrupted there (" in said
    assert "dpkg --configure -a" in said
    assert "finish the upgrade if one was under way, then run this again" in said
    assert "changed=0 " in said.partition("PLAY RECAP")[2]
    assert host.run(STATE).stdout == ""
