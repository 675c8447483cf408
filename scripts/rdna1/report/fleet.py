"""The odd host out: which hosts differ from most of their peers, and in what."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What is compared; hosts are peers when they have the same stack.
FIELDS = {
    "os": "system",
    "kernel": "kernel",
    "rocm": "ROCm",
    "python": "Python",
    "torch": "torch",
    "policy": "policy",
    "lock": "lock",
    "card": "card",
}
NONE = "none"


@dataclass(frozen=True)
class Odd:
    """A value that few have, and who has it."""

    field: str
    value: str
    usual: str
    hosts: list[str]


@dataclass
class Peers:
    """The hosts of one stack: what most of them have, and who has not."""

    stack: str
    hosts: int
    usual: dict[str, str | None] = field(default_factory=dict)
    odd: list[Odd] = field(default_factory=list)
    # Fields in which no value is that of more than half of the hosts, with each value's number of hosts.
    mixed: dict[str, dict[str, int]] = field(default_factory=dict)


def compare(summaries: Mapping[str, Mapping[str, Any]]) -> list[Peers]:
    """Compare the hosts of each stack; a host of which nothing is known is nobody's peer."""
    stacks: dict[str, dict[str, Mapping[str, Any]]] = {}
    for host, summary in summaries.items():
        if summary:
            stacks.setdefault(str(summary.get("stack") or NONE), {})[host] = summary
    return [_peers(stack, hosts) for stack, hosts in sorted(stacks.items())]


def _peers(stack: str, hosts: Mapping[str, Mapping[str, Any]]) -> Peers:
    found = Peers(stack, len(hosts))
    for name in FIELDS:
        values = {host: str(summary.get(name) or NONE) for host, summary in hosts.items()}
        counts = Counter(values.values())
        usual, number = counts.most_common(1)[0]
        if number * 2 <= len(hosts) and len(counts) > 1:
            found.usual[name] = None
            found.mixed[name] = dict(counts.most_common())
            continue
        found.usual[name] = usual
        for value in counts:
            if value != usual:
                who = [host for host, mine in values.items() if mine == value]
                found.odd.append(Odd(name, value, usual, who))
    return found


def odd_fields(peers: list[Peers]) -> dict[str, set[str]]:
    """Return, for each host that differs, the fields in which it does."""
    found: dict[str, set[str]] = {}
    for group in peers:
        for odd in group.odd:
            for host in odd.hosts:
                found.setdefault(host, set()).add(odd.field)
    return found
