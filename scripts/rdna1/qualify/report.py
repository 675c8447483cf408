"""A ranking for people, for programs and for other people's comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from rdna1.qualify.candidate import PASS, STATUSES, Candidate, Trial
from rdna1.qualify.rank import Ranked, Ranking, state

SCHEMA = "rdna1.qualify/1"
RECORD = "rdna1.qualify-record/1"
# What a record takes of a version: no suffix that somebody may have given a build of their own.
VERSION = re.compile(r"\d+(\.\d+)*(\+(rocm|cu)\d+(\.\d+)*)?")


@dataclass(frozen=True)
class Qualified:
    """What was found on one kind of card: on which hosts, and the group whose variables adopt it."""

    card: str
    hosts: Sequence[str]
    group: str
    ranking: Ranking
    trials: Sequence[Trial]


def document(found: Iterable[Qualified], run: str, state: str) -> dict[str, Any]:
    """Return what programs read of a qualification: each kind of card by itself."""
    cards = [
        {**as_json(one.ranking, card=one.card), "hosts": list(one.hosts), "group": one.group} for one in found
    ]
    return {
        "schema": SCHEMA,
        "ok": bool(cards) and state == "done" and all(card["ok"] for card in cards),
        "failures": [failure for card in cards for failure in card.pop("failures")],
        "run": run,
        "state": state,
        "cards": cards,
    }


def inventory(ranked: Ranked) -> str:
    """Return the lines that adopt a candidate, for the group_vars of the hosts with this card."""
    return f"rdna1_stack: {ranked.candidate.stack}\nrocm_environment_policy: {ranked.candidate.policy}\n"


def suites(candidates: Iterable[Candidate]) -> list[str]:
    """Return the suites that anybody ran, in the order of their names."""
    return sorted({one.suite for candidate in candidates for one in candidate.results.values()})


def cell(candidate: Candidate, suite: str) -> str:
    """Say how one suite went: how many cases pass, and the worst that happened."""
    results = [one for one in candidate.results.values() if one.suite == suite and not one.implied]
    if candidate.unjudged or not results:
        return "-"
    good = sum(1 for one in results if one.status == PASS)
    worst = max((one.status for one in results), key=STATUSES.index)
    if worst == PASS:
        return f"{good}/{len(results)}"
    sizes = [one.size for one in results if one.status == worst and one.op == "conv2d"]
    return f"{good}/{len(results)} {worst}{f' from {min(sizes)}' if sizes and not candidate.unjudged else ''}"


def table(ranking: Ranking) -> Table:
    """Return the matrix of stack, policy and suite for the terminal."""
    columns = suites(one.candidate for one in ranking.ranked)
    drawn = Table(
        "", "stack", "policy", *columns, "steady", "memory", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for one in ranking.ranked:
        steady = f"{one.steady_s * 1000:.3g} ms" if one.steady_s else "-"
        memory = f"{one.vram_bytes / 2**20:.0f} MiB" if one.vram_bytes else "-"
        cells = [cell(one.candidate, suite) for suite in columns]
        drawn.add_row(str(one.place), one.candidate.stack, one.candidate.policy, *cells, steady, memory)
    return drawn


def as_json(ranking: Ranking, *, card: str) -> dict[str, Any]:
    """Return what programs read of one kind of card."""
    best = ranking.best
    failures = [
        {
            "host": "",
            "code": "unjudged" if one.candidate.unjudged else "not-clean",
            "message": f"{card}: {one.candidate.name}: {state(one.candidate)}",
            "fix": "see the verdicts of this candidate",
        }
        for one in ranking.ranked
        if not one.candidate.clean
    ]
    return {
        "ok": ranking.ok,
        "failures": failures,
        "card": card,
        "simulated": any(one.candidate.simulated for one in ranking.ranked),
        "recommendation": {
            "stack": best.candidate.stack if best else None,
            "policy": best.candidate.policy if best else None,
            "sentence": ranking.sentence,
            "inventory": inventory(best) if best else None,
        },
        "candidates": [_candidate(one) for one in ranking.ranked],
    }


def _candidate(one: Ranked) -> dict[str, Any]:
    candidate = one.candidate
    return {
        "place": one.place,
        "stack": candidate.stack,
        "policy": candidate.policy,
        "clean": candidate.clean,
        "state": state(candidate),
        "unjudged": candidate.unjudged or None,
        "works_up_to": candidate.limit,
        "steady_s": one.steady_s,
        "vram_bytes": one.vram_bytes,
        "suites": {
            suite: {
                "passed": sum(1 for case in cases if case.status == PASS),
                "cases": len(cases),
                "words": cell(candidate, suite),
            }
            for suite in suites([candidate])
            for cases in [[c for c in candidate.results.values() if c.suite == suite and not c.implied]]
        },
        "worth": one.worth._asdict(),
    }


def record(ranking: Ranking, trials: Iterable[Trial]) -> dict[str, Any]:
    """Return what others may compare: the kind of card, versions, results; nothing of hosts, users or paths.

    Only what is named here is taken over, so that a field that a verdict gets tomorrow stays at home.
    """
    verdicts = [trial.verdict for trial in trials if trial.verdict is not None]
    return {
        "schema": RECORD,
        "simulated": any(one.candidate.simulated for one in ranking.ranked),
        "cards": _distinct(
            {"chip": card["gfx"], "device_id": card["device_id"]}
            for verdict in verdicts
            for card in verdict["device"]["cards"]
        ),
        "kernels": sorted({_version(verdict["kernel"]["release"]) for verdict in verdicts}),
        "best": {"stack": ranking.best.candidate.stack, "policy": ranking.best.candidate.policy}
        if ranking.best
        else None,
        "candidates": [
            {
                "place": one.place,
                "stack": one.candidate.stack,
                "policy": one.candidate.policy,
                "judged": not one.candidate.unjudged,
                "clean": one.candidate.clean,
                "versions": _versions(one.candidate, verdicts),
                "cases": {
                    case.id: {"status": case.status, "steady_s": case.steady_s, "vram_bytes": case.vram_bytes}
                    for case in sorted(one.candidate.results.values(), key=lambda case: case.id)
                },
            }
            for one in ranking.ranked
        ],
    }


def _versions(candidate: Candidate, verdicts: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    return _distinct(
        {
            name: _version(verdict["runtime"][name])
            for name in ("torch", "hip", "miopen", "python")
            if verdict["runtime"].get(name)
        }
        for verdict in verdicts
        if verdict["expect"]["stack"] == candidate.stack
        and verdict["expect"]["subject"].get("policy", candidate.policy) == candidate.policy
    )


def _version(text: str) -> str:
    found = VERSION.match(text)
    return found[0] if found else "unknown"


def _distinct(items: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return [dict(pairs) for pairs in sorted({tuple(sorted(item.items())) for item in items})]
