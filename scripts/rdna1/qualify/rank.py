"""The order of candidates: right numbers, then sizes and operations that work, then speed, then memory."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from rdna1.qualify.candidate import PASS, Candidate, Trial, gather

# Figures closer than this to the best are taken for the same: a card's own spread is of this size.
SAME = 1.05


class Worth(NamedTuple):
    """What decides, in this order; larger is better. A case that comes to pass makes nothing smaller."""

    works: bool
    right: int
    clean: bool
    passed: int
    largest: int
    extra: int
    judged: bool
    returns: int


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place, with its figures beside those it is level with."""

    place: int
    candidate: Candidate
    worth: Worth
    # Of the cases that all of the level candidates pass: the steady runs' geometric mean, the most memory.
    steady_s: float | None
    vram_bytes: int | None


@dataclass(frozen=True)
class Ranking:
    """All candidates in order, and the one to use."""

    ranked: Sequence[Ranked]
    best: Ranked | None
    sentence: str

    @property
    def ok(self) -> bool:
        """Whether there is a candidate with which everything passes."""
        return self.best is not None and self.best.candidate.clean


def worth(candidate: Candidate) -> Worth:
    """Return what a candidate is worth, but for its speed and memory."""
    return Worth(
        works=candidate.works,
        right=-len(candidate.wrong),
        clean=candidate.clean,
        passed=len(candidate.passed),
        largest=candidate.largest,
        extra=candidate.extra,
        judged=not candidate.unjudged,
        returns=-len(candidate.stuck),
    )


def rank(trials: Iterable[Trial], *, not_offered: Collection[str] = ()) -> Ranking:
    """Rank what was tried on one kind of card; stacks in not_offered are ranked but never recommended."""
    level = sorted(gather(trials), key=lambda one: (worth(one), one.name), reverse=True)
    ranked: list[Ranked] = []
    for value, group in groupby(level, key=worth):
        ranked += _by_figures(value, list(group), len(ranked))
    offered = [one for one in ranked if one.worth.works and one.candidate.stack not in not_offered]
    best = offered[0] if offered else None
    return Ranking(ranked, best, _sentence(ranked, offered))


def _by_figures(value: Worth, level: Sequence[Candidate], before: int) -> list[Ranked]:
    """Order candidates that are worth the same by speed, then memory, then name."""
    passes = [{one.id: one for one in candidate.passed} for candidate in level]
    common = set.intersection(*map(set, passes)) if value.works else set()
    figures = []
    for candidate, passed in zip(level, passes, strict=True):
        results = [passed[case] for case in sorted(common)]
        figures.append(
            (_mean([one.steady_s for one in results]), _most([one.vram_bytes for one in results]), candidate)
        )
    steady = [_step(first, [one[0] for one in figures]) for first, _, _ in figures]
    vram = [_step(second, [one[1] for one in figures]) for _, second, _ in figures]
    order = sorted(range(len(level)), key=lambda i: (steady[i], vram[i], level[i].name))
    return [
        Ranked(before + place, figures[i][2], value, figures[i][0], figures[i][1])
        for place, i in enumerate(order, start=1)
    ]


def _mean(times: Sequence[float | None]) -> float | None:
    known = [time for time in times if time]
    return (
        math.exp(math.fsum(map(math.log, known)) / len(known)) if known and len(known) == len(times) else None
    )


def _most(sizes: Sequence[int | None]) -> int | None:
    return max((size for size in sizes if size is not None), default=None)


def _step(figure: float | None, figures: Sequence[float | None]) -> float:
    """Return how many steps of the spread a figure is above the best; not measured is last."""
    if figure is None:
        return math.inf
    least = min(one for one in figures if one is not None)
    return math.floor(math.log(figure / least) / math.log(SAME)) if least > 0 else 0.0


def _sentence(ranked: Sequence[Ranked], offered: Sequence[Ranked]) -> str:
    """Say in one sentence what to use and why."""
    if not offered:
        reasons = "; ".join(f"{one.candidate.name}: {state(one.candidate)}" for one in ranked)
        return f"Nothing that can be recommended works on this card ({reasons or 'nothing was tried'})."
    best = offered[0]
    others = [one for one in ranked if one is not best]
    told = f"{best.candidate.name}: {state(best.candidate)}"
    if others:
        told += f", and {_because(best, others[0])}"
    if best.candidate.clean:
        return f"Use {told}."
    limit = best.candidate.limit
    cure = f"; keep Conv2d to that size with rdna1_torch.limit_conv2d(max_size={limit})" if limit else ""
    return f"Nothing passes everything; the least bad is {told}{cure}."


def state(candidate: Candidate) -> str:
    """Say what works with a candidate."""
    if candidate.unjudged:
        return f"not judged ({candidate.unjudged})"
    if candidate.clean:
        sizes = max(one.size for one in candidate.gating)
        return f"all {len(candidate.gating)} cases pass, up to {sizes}x{sizes}"
    good = sum(1 for one in candidate.gating if one.status == PASS)
    words = [f"{good} of {len(candidate.gating)} cases pass"]
    if candidate.wrong:
        words.append(f"{len(candidate.wrong)} come back with wrong numbers")
    if candidate.stuck:
        words.append(f"{len(candidate.stuck)} do not come back")
    if candidate.limit:
        words.append(f"{candidate.limit}x{candidate.limit} is the largest that surely works")
    return ", ".join([*words, *candidate.problems])


def _because(best: Ranked, other: Ranked) -> str:
    """Say what sets the best apart from another one: the first thing in which they differ."""
    name = other.candidate.name
    if best.worth[:-1] < other.worth[:-1]:
        return f"{name}, which does better, is not for work"
    if best.worth != other.worth:
        return f"the next, {name}, is worse: {state(other.candidate)}"
    if best.steady_s and other.steady_s and _step(other.steady_s, [best.steady_s, other.steady_s]):
        return f"it is {other.steady_s / best.steady_s:.1f} times as fast as the next, {name}"
    if best.vram_bytes and other.vram_bytes and _step(other.vram_bytes, [best.vram_bytes, other.vram_bytes]):
        return f"it needs {best.vram_bytes / other.vram_bytes:.0%} of the memory of the next, {name}"
    return f"{name} is as good"
