"""Which hosts a lab has: a pure function of how many are wanted and on what they are based."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from rdna1.lab import cards
from rdna1.lab.errors import LabError

CPU_REFERENCE = "cpu-reference"
DEFAULT_HOSTS = 4
# One /24 network, less its own addresses, the mirror's and a probe's.
MAX_HOSTS = 200


@dataclass(frozen=True)
class Host:
    """One host as it shall be."""

    name: str
    base: str
    card: str | None
    groups: tuple[str, ...]


def plan(count: int, bases: Sequence[str] = ()) -> list[Host]:
    """Return the hosts: the cards in turn, the first host as the canary, the CPU reference last.

    The hosts of a smaller lab are a part of those of a larger one. With `bases`, the hosts take them in turn.
    """
    if not 1 <= count <= MAX_HOSTS:
        raise LabError("--hosts", f"a lab cannot have {count} hosts", f"use 1 to {MAX_HOSTS}")
    seen: Counter[str] = Counter()
    hosts: list[Host] = []
    for card in islice(cycle(cards.catalogue().values()), count - 1):
        seen[card.key] += 1
        groups = (card.chip, "canary") if not hosts else (card.chip,)
        hosts.append(Host(f"{card.key}-{seen[card.key]:02}", card.host_base, card.key, groups))
    hosts.append(Host(CPU_REFERENCE, cards.data()["cpu_reference"]["host_base"], None, ("cpu_reference",)))
    if not bases:
        return hosts
    return [
        Host(host.name, base, host.card, host.groups) for host, base in zip(hosts, cycle(bases), strict=False)
    ]
