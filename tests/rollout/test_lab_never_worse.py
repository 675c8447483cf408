"""The real chain in a lab: a card that is worse off after a change gets its old state back, or no job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rollout.conftest import Lab, Site

SECOND, CPU = "rx5700xt-01", "cpu-reference"
CARD = "/srv/simulated-card/conv2d.json"
MARKER = "/var/lib/rdna1/quarantined.json"
PATIENT = "conv2d_verify_timeout=300"
# What quarantine puts aside.
FOR_JOBS = "/etc/profile.d/rocm-rdna1.sh /etc/environment.d/60-rdna1.conf /opt/rdna1/bin/rdna1-python"
FOR_JOBS += " /opt/rdna1/modulefiles/rdna1/rocm52"
STATE = "cat /etc/rdna1/*.json /etc/rdna1/environment /etc/profile.d/rocm*; readlink /opt/rdna1/current"


def break_card(lab: Lab, **fault: object) -> None:
    lab.on(SECOND, f"echo '{json.dumps({'faults': [fault]})}' > {CARD}")


def test_a_verdict_that_fails_after_a_change_brings_the_passing_state_back(one: Site, lab: Lab) -> None:
    before = lab.on(SECOND, STATE)
    # Wrong under the new policy alone: MIOpen has such solvers.
    break_card(lab, when={"env": {"MIOPEN_DEBUG_CONV_GEMM": "0"}}, do="wrong")
    words = ["-e", "rocm_environment_policy=gemm-off"]
    done = one.in_lab(*words, "--limit", SECOND)
    assert done.returncode == 1, done.stdout + done.stderr
    host = one.of(SECOND)
    assert (host["state"], host["cause"], host["action"]) == ("rolled-back", "verdict-fail", "rolled-back"), (
        host
    )
    assert (host["prior"]["verdict"], host["verdict"]["outcome"]) == ("pass", "fail")
    assert (host["verdict"]["expect"]["subject"]["policy"], host["restored"]["outcome"]) == (
        "gemm-off",
        "pass",
    )
    assert lab.on(SECOND, STATE) == before
    assert lab.on(SECOND, f"ls {MARKER}", check=False) == ""
    assert "as it was before; find the cause, then resume" in done.stdout
    status = json.loads(one.report("status", "--json").stdout)
    (known,) = (host for host in status["hosts"] if host["host"] == SECOND)
    assert (known["outcome"], known["stale"], known["summary"]["policy"]) == ("pass", "", "readme")
    (failure,) = json.loads(one.report("report", "--json", "-").stdout)["failures"]
    # Asked for beside ./runs, so that the command need not say where.
    assert failure["fix"].endswith(
        f"--resume {one.run['id']} -e … (conv2d_verify_timeout, rocm_environment_policy)"
    )
    lab.on(SECOND, f"rm {CARD}")
    done = one.resume("-e", PATIENT, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (one.of(SECOND)["state"], one.of(SECOND)["after"]["policy"]) == ("changed", "gemm-off")
    # A run of its own takes the host back to what the lab wants.
    done = one.in_lab("--limit", SECOND)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.on(SECOND, STATE) == before


def test_a_card_that_hangs_after_a_change_is_kept_from_jobs_until_it_passes(one: Site, lab: Lab) -> None:
    lab.on(SECOND, "rm -f /etc/environment.d/60-rdna1.conf")
    break_card(lab, when={"min_size": 16}, do="hang")
    quick = ["-e", "conv2d_verify_max_hangs=1", "-e", "conv2d_verify_timeout=10"]
    done = one.in_lab(*quick, "--limit", SECOND, "--on-failure", "quarantine")
    assert done.returncode == 1, done.stdout + done.stderr
    host = one.of(SECOND)
    assert (host["state"], host["cause"]) == ("quarantined", "verdict-hang")
    assert host["verdict"]["outcome"] == "hang"
    marker = json.loads(lab.on(SECOND, f"cat {MARKER}"))
    assert marker["run"] == one.run["id"]
    assert marker["reason"].startswith("verdict-hang: ")
    assert lab.on(SECOND, f"ls {FOR_JOBS} /var/lib/rdna1/verdict.json", check=False) == ""
    # Nor may the same hang bring it back.
    done = one.resume(*quick)
    assert done.returncode == 1, done.stdout + done.stderr
    assert one.of(SECOND)["state"] == "quarantined"
    assert lab.on(SECOND, f"ls {FOR_JOBS}", check=False) == ""
    lab.on(SECOND, f"rm {CARD}")
    done = one.resume(*quick[:-1], PATIENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.of(SECOND)["state"] == "changed"
    assert len(lab.on(SECOND, f"ls {FOR_JOBS}").split()) == 4
    assert lab.on(SECOND, f"ls {MARKER} /var/lib/rdna1/quarantine", check=False) == ""


def test_a_quarantine_by_hand_ends_with_a_pass_or_by_hand(lab: Lab) -> None:
    """Also where nothing but the marker is there to be put aside."""
    for host in (SECOND, CPU):
        before = lab.on(host, f"ls {FOR_JOBS} /var/lib/rdna1/verdict.json", check=False)
        words = ["-i", "inventories/lab", "--limit", host]
        put = lab.play("playbooks/quarantine.yml", *words, "-e", "rdna1_quarantine_reason=tried")
        assert put.returncode == 0, put.stdout
        assert json.loads(lab.on(host, f"cat {MARKER}"))["reason"] == "tried"
        assert lab.on(host, f"ls {FOR_JOBS} /var/lib/rdna1/verdict.json", check=False) == ""
        if host == SECOND:
            ended = lab.play("playbooks/quarantine.yml", *words, "-e", "rdna1_quarantine=false")
        else:
            ended = lab.play("playbooks/rdna1.yml", *words, "-e", PATIENT)
            # The pass that ends it is a verdict, whether there was one before or not.
            before = "/var/lib/rdna1/verdict.json\n"
        assert ended.returncode == 0, ended.stdout
        assert lab.on(host, f"ls {MARKER} /var/lib/rdna1/quarantine", check=False) == ""
        assert lab.on(host, f"ls {FOR_JOBS} /var/lib/rdna1/verdict.json", check=False) == before
