"""Which of the breakages go together."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from breakages import Breakage

LOCK = re.compile(r"\b[0-9a-f]{12}\b")


def together(wanted: Iterable[Breakage]) -> list[Breakage]:
    """The first, and of the others, in their order, all that do not meet those taken before."""
    taken: list[Breakage] = []
    for breakage in wanted:
        if not any(breakage.meets(other) for other in taken):
            taken.append(breakage)
    return taken


def once(ways: Mapping[str, list[Breakage]]) -> dict[str, list[Breakage]]:
    """Each way on one host only, the one that has the most of them; a venv is named for its lock."""
    seen: set[str] = set()
    found = {}
    for host in sorted(ways, key=lambda host: -len(ways[host])):
        names = {id(way): LOCK.sub("LOCK", str(way)) for way in ways[host]}
        found[host] = [way for way in ways[host] if names[id(way)] not in seen]
        seen.update(names.values())
    return found


def of_all(ways: list[Breakage]) -> list[list[Breakage]]:
    """Batches in which each way comes once: what can be broken in most ways first, so that they are few."""
    left, found = list(ways), []
    while left:
        ways_left = Counter(breakage.named[0] for breakage in left)
        found.append(together(sorted(left, key=lambda breakage: -ways_left[breakage.named[0]])))
        gone = set(map(id, found[-1]))
        left = [breakage for breakage in left if id(breakage) not in gone]
    return found
