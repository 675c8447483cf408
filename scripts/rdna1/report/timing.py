"""Time over size for each family of cards, the hangs among them, and the slowest hosts."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from rdna1.report.verdicts import STUCK, Case

SLOWEST = 10
# A host is compared with its family only where at least so many have been timed.
ENOUGH = 3
FAMILIES = {"gfx1010": "Navi 10", "gfx1011": "Navi 12", "gfx1012": "Navi 14"}


@dataclass(frozen=True)
class Kind:
    """What hosts must share for their times to be comparable."""

    chip: str
    simulated: bool
    stand_in: bool

    @property
    def title(self) -> str:
        """Its name, with what it only stands in for."""
        name = f"{FAMILIES[self.chip]} ({self.chip})" if self.chip in FAMILIES else self.chip
        notes = [
            *(["simulated cards"] if self.simulated else []),
            *(["stand-in torch"] if self.stand_in else []),
        ]
        return f"{name}: {', '.join(notes)}" if notes else name


@dataclass(frozen=True)
class Host:
    """A host's cases and what it was timed on."""

    name: str
    kind: Kind
    cases: list[Case]


@dataclass(frozen=True)
class Spread:
    """What several hosts took for the same."""

    hosts: int
    low: float
    median: float
    high: float


@dataclass
class Family:
    """One family's times of the shape that the original documents report."""

    kind: Kind
    title: str
    hosts: int
    first: dict[int, Spread] = field(default_factory=dict)
    steady: dict[int, Spread] = field(default_factory=dict)
    # Size -> the hosts that did not come back from it.
    hangs: dict[int, list[str]] = field(default_factory=dict)

    @property
    def sizes(self) -> list[int]:
        """Every size with a time or a hang."""
        return sorted({*self.first, *self.steady, *self.hangs})


@dataclass(frozen=True)
class Slow:
    """A host that takes longer than its family."""

    host: str
    family: str
    # How many times the family's median its steady runs take: the geometric mean over the sizes.
    times: float
    sizes: int


@dataclass(frozen=True)
class Hang:
    """A case that did not come back."""

    host: str
    case: str
    size: int
    state: str
    reason: str


def families(hosts: Iterable[Host]) -> list[Family]:
    """Return each family's times."""
    kinds: dict[Kind, list[Host]] = {}
    for host in hosts:
        if any(case.reported for case in host.cases):
            kinds.setdefault(host.kind, []).append(host)
    return [
        _family(kind, members)
        for kind, members in sorted(kinds.items(), key=lambda item: (item[0].simulated, item[0].title))
    ]


def _family(kind: Kind, members: list[Host]) -> Family:
    family = Family(kind, kind.title, len(members))
    first: dict[int, list[float]] = {}
    steady: dict[int, list[float]] = {}
    hangs: dict[int, set[str]] = {}
    for host in members:
        own_first, own_steady = _own(host.cases)
        for own, every in ((own_first, first), (own_steady, steady)):
            for size, seconds in own.items():
                every.setdefault(size, []).append(seconds)
        for case in host.cases:
            if case.reported and case.state in STUCK:
                hangs.setdefault(case.size, set()).add(host.name)
    family.first = {size: _spread(values) for size, values in sorted(first.items())}
    family.steady = {size: _spread(values) for size, values in sorted(steady.items())}
    family.hangs = {size: sorted(names) for size, names in sorted(hangs.items())}
    return family


def _own(cases: list[Case]) -> tuple[dict[int, float], dict[int, float]]:
    """Return a host's first and steady times by size; the first run is only the first once."""
    first: dict[int, float] = {}
    steady: dict[int, float] = {}
    for case in cases:
        if case.reported and case.first_s is not None:
            first.setdefault(case.size, case.first_s)
        if case.reported and case.steady_s is not None:
            steady[case.size] = case.steady_s
    return first, steady


def _spread(values: list[float]) -> Spread:
    return Spread(len(values), min(values), median(values), max(values))


def slowest(hosts: Iterable[Host], found: Iterable[Family]) -> list[Slow]:
    """Return the hosts that are slowest against their families, the slowest first."""
    by_kind: Mapping[Kind, Family] = {family.kind: family for family in found}
    slow = []
    for host in hosts:
        family = by_kind.get(host.kind)
        if family is None:
            continue
        ratios = [
            seconds / family.steady[size].median
            for size, seconds in _own(host.cases)[1].items()
            if family.steady[size].hosts >= ENOUGH
        ]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            slow.append(Slow(host.name, family.title, mean, len(ratios)))
    return sorted(slow, key=lambda one: (-one.times, one.host))[:SLOWEST]


def hangs(hosts: Iterable[Host]) -> list[Hang]:
    """Return every case that did not come back, of whatever shape."""
    return [
        Hang(host.name, case.id, case.size, case.state, case.reason)
        for host in hosts
        for case in host.cases
        if case.state in STUCK
    ]
