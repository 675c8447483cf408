"""A candidate, a stack under a policy, and what the verdicts about it say, without anybody's expectations.

A verdict excuses a hang that its stack is known for. Here it counts as what it is: candidates are compared
by what the card did, and a hang never counts as a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rdna1.lab.errors import LabError

PASS, WRONG, NOT_RUN, SKIPPED = "pass", "fail", "not-run", "skipped"
STUCK = ("hang", "compile-timeout")
# From best to worst: where several hosts measured a case, the worst is what the candidate does.
STATUSES = (PASS, SKIPPED, NOT_RUN, "error", "crash", "compile-timeout", "hang", WRONG)
# What a verdict's failures are called where they are about a case; all others are about the run.
CASE_CODES = frozenset({*STATUSES, "expected-hang", "unexpected-pass"})


@dataclass(frozen=True)
class Trial:
    """One attempt: the verdict it ended in, or why there is none."""

    stack: str
    policy: str
    verdict: Mapping[str, Any] | None = None
    failure: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a case on the worst of the hosts that ran it."""

    id: str
    suite: str
    op: str
    size: int
    gating: bool
    status: str
    # Not tried because the search already knew: it says nothing that the search does not.
    implied: bool
    steady_s: float | None
    vram_bytes: int | None

    def worse(self, other: Result) -> Result:
        """Return the worse of two results of the same case, with the larger figures of the two."""
        worst = max((self, other), key=lambda one: STATUSES.index(one.status))
        figures = {
            name: max(
                (value for value in (getattr(self, name), getattr(other, name)) if value is not None),
                default=None,
            )
            for name in ("steady_s", "vram_bytes")
        }
        return Result(**{**worst.__dict__, "implied": self.implied and other.implied, **figures})


@dataclass(frozen=True)
class Candidate:
    """Everything that is known of one stack under one policy."""

    stack: str
    policy: str
    results: Mapping[str, Result] = field(default_factory=dict)
    searched: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    # Why what was measured says nothing about this candidate, or nothing was measured.
    unjudged: str = ""
    simulated: bool = False

    @property
    def name(self) -> str:
        """How people speak of it."""
        return f"{self.stack} with {self.policy}"

    @property
    def gating(self) -> list[Result]:
        """The cases that a verdict hangs on, without those that a search had no need to try."""
        return [one for one in self.results.values() if one.gating and not one.implied]

    @property
    def passed(self) -> list[Result]:
        """The gating cases that pass, but for those of searched suites, which count by their largest size."""
        return [one for one in self.gating if one.status == PASS and one.suite not in self.searched]

    @property
    def largest(self) -> int:
        """The largest size that works, summed over the searched suites."""
        good: dict[str, int] = {}
        for one in self.gating:
            if one.status == PASS and one.suite in self.searched:
                good[one.suite] = max(one.size, good.get(one.suite, 0))
        return sum(good.values())

    @property
    def extra(self) -> int:
        """How many of the operations work that no verdict hangs on."""
        return sum(1 for one in self.results.values() if not one.gating and one.status == PASS)

    @property
    def wrong(self) -> list[Result]:
        """The cases that come back with wrong numbers."""
        return [one for one in self.gating if one.status == WRONG]

    @property
    def stuck(self) -> list[Result]:
        """The cases that do not come back."""
        return [one for one in self.results.values() if one.status in STUCK]

    @property
    def works(self) -> bool:
        """Whether anything at all passes."""
        return not self.unjudged and any(one.status == PASS for one in self.gating)

    @property
    def clean(self) -> bool:
        """Whether every gating case passes and nothing else was wrong with the run."""
        return self.works and not self.problems and all(one.status == PASS for one in self.gating)

    @property
    def limit(self) -> int | None:
        """The size up to which every Conv2d passes, where a larger one does not; else none."""
        sizes = [one for one in self.gating if one.op == "conv2d" and one.status not in (NOT_RUN, SKIPPED)]
        bad = [one.size for one in sizes if one.status != PASS]
        good = [one.size for one in sizes if one.status == PASS and bad and one.size < min(bad)]
        return max(good) if good else None


def gather(trials: Iterable[Trial]) -> list[Candidate]:
    """Put the trials of each stack and policy together; their order does not matter."""
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.stack, trial.policy), []).append(trial)
    return [_candidate(stack, policy, groups[stack, policy]) for stack, policy in sorted(groups)]


def _candidate(stack: str, policy: str, trials: list[Trial]) -> Candidate:
    results: dict[str, Result] = {}
    problems: set[str] = set()
    unjudged: set[str] = set()
    searched: set[str] = set()
    simulated = False
    for trial in trials:
        verdict = trial.verdict
        if verdict is None:
            unjudged.add(trial.failure or "it was not tried")
            continue
        _is_about(verdict, trial)
        simulated = simulated or bool(verdict["device"]["simulated"] or verdict["runtime"].get("stand_in"))
        searched |= set(verdict["searches"])
        for check in verdict["checks"]:
            if not check["ok"]:
                unjudged.add(f"{check['name']}: {check['found']} found, {check['wanted']} wanted")
        problems |= {one["message"] for one in verdict["failures"] if one["code"] not in CASE_CODES}
        for one in map(_result, verdict["cases"]):
            known = results.get(one.id)
            results[one.id] = one if known is None else known.worse(one)
        if not any(case["status"] not in (NOT_RUN, SKIPPED) for case in verdict["cases"]):
            unjudged.add(str(verdict["summary"]))
    return Candidate(
        stack=stack,
        policy=policy,
        results=results,
        searched=frozenset(searched),
        problems=tuple(sorted(problems)),
        unjudged="; ".join(sorted(unjudged)),
        simulated=simulated,
    )


def _is_about(verdict: Mapping[str, Any], trial: Trial) -> None:
    expect = verdict["expect"]
    policy = expect["subject"].get("policy", trial.policy)
    if (expect["stack"], policy) != (trial.stack, trial.policy):
        raise LabError(
            f"the verdict of {verdict['host']}",
            f"it is about {expect['stack']} with {policy}, not about {trial.stack} with {trial.policy}",
            "verify this candidate again",
        )


def _result(case: Mapping[str, Any]) -> Result:
    return Result(
        id=case["id"],
        suite=case["case"]["suite"],
        op=case["case"]["op"],
        size=case["case"]["size"],
        gating=case["gating"],
        status=case["status"],
        implied=case["status"] == NOT_RUN and case["kind"] == "search",
        steady_s=case["steady_s"],
        vram_bytes=case["vram_bytes"],
    )
