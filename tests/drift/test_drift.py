"""The plan misses nothing: whatever is broken is named, one run repairs it, and then nothing is left to do.

Every item of the desired state, every way to break its kind, shuffled: a batch breaks what does not meet,
on all hosts at once. A quick run breaks one batch; pytest tests/drift --batches 0 breaks everything once.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import breakages
import pytest
from breakages import Breakage

if TYPE_CHECKING:
    from conftest import Hosts, Option

RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
# A reason is a sentence for a person: no dictionaries, no Python.
UNREADABLE = re.compile(r"[{}\[\]]|None|Traceback|<[a-z]")


def batch(left: list[Breakage]) -> list[Breakage]:
    """The first of what is left, and all that do not meet those taken before."""
    taken: list[Breakage] = []
    for breakage in left:
        if not any(breakage.meets(other) for other in taken):
            taken.append(breakage)
    return taken


def missed(done: list[Breakage], differences: list[dict[str, str]]) -> list[str]:
    """Those that the plan does not name as their role's, with a reason that can be read."""
    return [
        str(breakage)
        for breakage in done
        if not any(
            difference["role"] == breakage.role
            and difference["item"] in breakage.named
            and not UNREADABLE.search(difference["reason"])
            for difference in differences
        )
    ]


def script(done: list[Breakage]) -> str:
    """All of a batch."""
    return "".join(f"( {breakage.shell}\n) # {breakage.how}\n" for breakage in done)


def words(plans: dict[str, Any]) -> str:
    return "\n".join(
        f"  {host}: {d['role']}: {d['item']}: {d['reason']}"
        for host, found in plans.items()
        for d in found["plan"]["differences"]
    )


def test_whatever_is_broken_is_named_and_one_run_repairs_it(hosts: Hosts, option: Option) -> None:
    before = hosts.look()
    assert all(found["plan"]["converged"] for found in before.values()), words(before)
    left = {host: breakages.of_host(found["desired"]) for host, found in before.items()}
    only, order = re.compile(option("--only")), random.Random(option("--seed"))  # noqa: S311 (an order)
    for host in left:
        left[host] = [breakage for breakage in left[host] if only.search(str(breakage))]
        order.shuffle(left[host])
    batches = 0
    while any(left.values()) and (batches < option("--batches") or not option("--batches")):
        now = {host: batch(some) for host, some in left.items()}
        left = {host: [b for b in some if b not in now[host]] for host, some in left.items()}
        batches += 1
        print(f"batch {batches}: {', '.join(f'{len(s)} on {h}' for h, s in now.items())}; "
              f"{sum(map(len, left.values()))} left", flush=True)  # fmt: skip
        hosts.run({host: script(some) for host, some in now.items()})
        broken = hosts.look()
        unseen = {host: missed(some, broken[host]["plan"]["differences"]) for host, some in now.items()}
        assert not any(unseen.values()), f"the plan misses {unseen}; it has\n{words(broken)}"
        said = hosts.play("playbooks/rdna1.yml", check=False)
        recap = {host: (int(gone), int(failed)) for host, _, gone, failed in RECAP.findall(said)}
        listed = "\n".join(f"  {host}: {b}" for host, some in now.items() for b in some)
        assert set(recap.values()) == {(0, 0)}, f"one run does not repair\n{listed}\n{said[-6000:]}"
        after = hosts.look()
        assert all(found["plan"]["converged"] for found in after.values()), words(after)
    assert batches, "nothing was broken"
    said = hosts.play("playbooks/rdna1.yml", "-e", "rdna1_full=true")
    changed = {host: int(number) for host, number, _, _ in RECAP.findall(said)}
    assert set(changed.values()) == {0}, f"a full run still changes something: {said}"


def test_every_kind_can_be_broken() -> None:
    """A new kind of thing needs a way to break it, or a reason why there is none."""
    kinds = pytest.importorskip("ansible_collections.rdna1.provision.plugins.plugin_utils.kinds")
    assert breakages.WAYS.keys() | breakages.ELSEWHERE.keys() == kinds.KINDS.keys()
    assert not breakages.WAYS.keys() & breakages.ELSEWHERE.keys()
