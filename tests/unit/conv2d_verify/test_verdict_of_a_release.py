"""A verdict that was reached on another release of the operating system does not count."""

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.plugin_utils import kinds
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[3]


def subject(distribution: str, version: str) -> dict[str, Any]:
    facts = {
        "distribution": distribution,
        "distribution_version": version,
        "distribution_major_version": version.partition(".")[0],
    }
    variables = RoleVariables(ROOT, "conv2d_verify", "none")
    variables.set(ansible_facts=facts, conv2d_verify_stack="rocm52")
    found: dict[str, Any] = variables["__conv2d_verify_expect"]["subject"]
    return found


def reasons(reached_on: dict[str, Any], now: dict[str, Any]) -> list[str]:
    item: dict[str, Any] = {"stack": "rocm52", "subject": now, "kernel": "6.8", "cards": None, "suites": []}
    verdict = {
        "outcome": "pass",
        "expect": {"stack": "rocm52", "subject": reached_on},
        "kernel": {"release": "6.8"},
    }
    return [difference.reason for difference in kinds.KINDS["verdict"].judge(item, verdict)]


def test_another_release_makes_it_stale() -> None:
    """Nothing else may differ: a host without ROCm has all it needs under /opt."""
    older, newer = subject("Debian", "12.8"), subject("Debian", "13.1")
    assert reasons(older, newer) == ["it is about release Debian 12, not Debian 13"]
    assert reasons(subject("Ubuntu", "22.04"), subject("Ubuntu", "24.04"))


def test_a_verdict_that_names_no_release_is_stale() -> None:
    now = subject("Debian", "13.1")
    before = {name: value for name, value in now.items() if name != "release"}
    assert reasons(before, now) == ["it is about release nothing, not Debian 13"]


@pytest.mark.parametrize("point", ["13.1", "13.7"])
def test_a_point_release_does_not(point: str) -> None:
    assert reasons(subject("Debian", "13.0"), subject("Debian", point)) == []
