"""The gate: every combination of what hosts can be."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from rdna1.rollout import gate
from rdna1.runs.model import PASSED, UNFINISHED, Host, HostState, Wave

STATES: tuple[HostState, ...] = get_args(HostState)


def fleet(*states: HostState, wave: int = 1) -> dict[str, Host]:
    return {f"h{number}": Host(f"h{number}", wave=wave, state=state) for number, state in enumerate(states)}


@pytest.mark.parametrize("budget", [0, 1, 2])
def test_every_pair_of_states(budget: int) -> None:
    for states in itertools.product(STATES, repeat=2):
        hosts = fleet(*states)
        found = gate.decide(Wave(1, "", list(hosts)), hosts, budget)
        failures = sum(state not in PASSED | UNFINISHED for state in states)
        lost = any(state in UNFINISHED for state in states)
        assert found.failures == failures, states
        assert found.open == (not lost and failures <= budget), states


@pytest.mark.parametrize(("budget", "opens"), [(1, False), (2, True), (3, True)])
def test_the_budget_is_spent_by_all_waves_together(budget: int, *, opens: bool) -> None:
    hosts = {
        **fleet("ok", "unreachable"),
        "h9": Host("h9", wave=2, state="verdict-hang", cause="verdict-hang"),
    }
    found = gate.decide(Wave(2, "", ["h9"]), hosts, budget)
    assert found.open is opens
    assert found.failures == 2


def test_failures_of_later_waves_wait_for_their_turn() -> None:
    hosts = {**fleet("ok"), "h9": Host("h9", wave=2, state="failed")}
    assert gate.decide(Wave(1, "", ["h0"]), hosts, 0).open


def test_a_host_that_nothing_is_known_of_keeps_it_closed() -> None:
    found = gate.decide(Wave(1, "", ["h0", "h1"]), fleet("ok"), 5)
    assert not found.open
    assert "not accounted for: h1" in found.reason


def test_the_reason_is_a_sentence_that_names_hosts() -> None:
    hosts = fleet("ok", "quarantined", "unreachable")
    hosts["h1"].cause = "verdict-hang"
    assert gate.decide(Wave(1, "", list(hosts)), hosts, 1).reason == (
        "1 of 3 passed; h1 verdict-hang (quarantined), h2 unreachable; "
        "2 failures in all, over the budget of 1"
    )


def test_a_large_wave_does_not_name_everybody() -> None:
    hosts = {f"h{number}": Host(f"h{number}", wave=1, state="failed") for number in range(40)}
    assert "h4 failed and 35 more" in gate.decide(Wave(1, "", list(hosts)), hosts, 0).reason
