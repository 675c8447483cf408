"""Verdicts of cards that behave as told, complete enough for docs/verdict.schema.json."""

from collections.abc import Callable
from typing import Any

import pytest
from conv2d_verify import outcome, suites, verdict
from conv2d_verify.cases import Case
from conv2d_verify.expectations import Expectation
from conv2d_verify.outcome import Outcome
from conv2d_verify.search import LargestSize

SUITES = suites.load(["all"])
MAX_HANGS = 2
Card = Callable[[Case], str]


def walk(card: Card, speed: float = 1.0, vram: int = 2**20) -> tuple[list[Outcome], dict[str, Any]]:
    """Run all suites on a card that does what it is told, as the verifier walks through them."""
    outcomes: list[Outcome] = []
    searches: dict[str, Any] = {}

    def run(case: Case) -> bool:
        hangs = sum(1 for one in outcomes if one.status == outcome.HANG and one.case.gating)
        status = outcome.NOT_RUN if hangs >= MAX_HANGS else card(case)
        steady = 0.001 * speed * case.size
        times = [2.0, steady, steady, steady, steady] if status == outcome.PASS else []
        memory = vram * case.size if status == outcome.PASS else None
        outcomes.append(Outcome(case, status, times=times, vram_bytes=memory))
        return status == outcome.PASS

    for suite in SUITES:
        if suite.search == "none":
            for case in suite.cases:
                run(case)
            continue
        search = LargestSize([case.size for case in suite.cases])
        while (size := search.next_size()) is not None:
            search.tried(size, run(suite.cases[0].at_size(size)))
        for size in search.untried():
            outcomes.append(Outcome(suite.cases[0].at_size(size), outcome.NOT_RUN, kind="search"))
        searches[suite.name] = {"largest_good": search.good, "smallest_bad": search.bad}
    return outcomes, searches


def document(card: Card, stack: str, policy: str, expect: Expectation, **figures: Any) -> dict[str, Any]:
    """Return the verdict that the verifier would give."""
    outcomes, searches = walk(card, **figures)
    names = [suite.name for suite in SUITES]
    seen = verdict.Seen("host-01", names, "a card", True, outcomes, [])
    judged = verdict.judge(seen, expect)
    return {
        "schema": verdict.SCHEMA,
        "ok": judged.outcome == "pass",
        "outcome": judged.outcome,
        "exit_code": judged.exit_code,
        "summary": judged.summary,
        "host": "host-01",
        "started": "2026-11-21T03:00:00+00:00",
        "finished": "2026-11-21T03:01:00+00:00",
        "seconds": 60.0,
        "notices": [],
        "verifier": {"version": "1", "python": "3.10.21", "user": "rdna1-verify"},
        "suites": names,
        "filtered": False,
        "expect": {
            "source": "/etc/rdna1/expect.json",
            "stack": stack,
            "subject": {"lock": "abc", "policy": policy},
        },
        "limits": {"timeout": 60, "compile_timeout": 300, "start_timeout": 120, "max_hangs": MAX_HANGS},
        "device": {
            "asked_for": "cuda:0",
            "sysfs": "/sys",
            "simulated": False,
            "cards": [
                {
                    "node": 1,
                    "gfx": "gfx1010",
                    "device_id": "731f",
                    "render_minor": 128,
                    "name": "Radeon RX 5600 XT",
                }
            ],
            "sysfs_gfx": "gfx1010",
            "runtime_gfx": "gfx1030",
            "runtime": None,
            "kfd": {"path": "/dev/kfd", "exists": True, "is_device": True, "usable": True},
            "groups": ["video"],
        },
        "runtime": {},
        "environment": [],
        "databases": [],
        "kernel": {"release": "6.8.0-51-generic"},
        "kernel_log": {"readable": True, "problem": "", "new_lines": 0, "matches": [], "at_boot": []},
        "workers": {"started": 1, "deaths": [], "printed": []},
        "searches": searches,
        "warm_up": [],
        "counts": {},
        "checks": [],
        "cases": [
            {**one.to_json(), "state": state} for one, state in zip(outcomes, judged.states, strict=True)
        ],
        "failures": judged.failures,
    }


@pytest.fixture(scope="session")
def verdict_of() -> Callable[..., dict[str, Any]]:
    """Return what makes a verdict: verdict_of(card, stack, policy, expect=..., speed=..., vram=...)."""

    def make(card: Card, stack: str = "rocm52", policy: str = "readme", **more: Any) -> dict[str, Any]:
        return document(card, stack, policy, more.pop("expect", Expectation()), **more)

    return make
