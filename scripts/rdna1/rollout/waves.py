"""Who goes when: the canaries, then ever larger shares of the fleet."""

import re
from collections.abc import Collection, Sequence

from rdna1.lab.errors import LabError
from rdna1.runs.model import Wave

CANARY = "canary"
SIZE = re.compile(r"(\d+)(%?)")


def share(text: str, fleet: int, *, up: bool, where: str) -> int:
    """Return how many hosts `3` or `10%` of a fleet are; up: a broken host counts as a whole one."""
    found = SIZE.fullmatch(text.strip())
    if not found or (found[2] and int(found[1]) > 100):
        raise LabError(
            where, f"{text.strip()!r} is no number of hosts", "use a number such as 2, or a share such as 5%"
        )
    number = int(found[1])
    if not found[2]:
        return number
    return -(-number * fleet // 100) if up else number * fleet // 100


def plan(spec: str, hosts: Sequence[str], canaries: Collection[str] = ()) -> list[Wave]:
    """Divide hosts into waves: each item says how much of the fleet has been attempted once its wave is over.

    The canaries are a wave of their own before the first, and count towards the items. An item that adds
    nobody makes no wave. Order within the fleet is kept.
    """
    first = [host for host in hosts if host in canaries]
    queue = first + [host for host in hosts if host not in canaries]
    ends = [(CANARY, len(first))] if first else []
    ends += [(item.strip(), share(item, len(hosts), up=True, where="--waves")) for item in spec.split(",")]
    if ends[-1][1] < len(hosts):
        raise LabError(
            "--waves",
            f"{spec} ends before {len(hosts) - ends[-1][1]} of {len(hosts)} hosts",
            "let it end in 100%, and choose fewer hosts with --limit",
        )
    waves: list[Wave] = []
    done = 0
    for item, end in ends:
        if reached := queue[done:end]:
            waves.append(Wave(len(waves) + 1, item, reached))
            done += len(reached)
    return waves
