"""The plan misses nothing: whatever is broken is named, one run repairs it, and then nothing is left to do.

Two ways to the same end. One breaks every item of the desired state in every way, once: a batch breaks what
does not meet, on all hosts at once. The other has Hypothesis break a few things in some order, and shrinks
what fails. A quick run does a little of both; README.md has the options.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import batches
import breakages
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from breakages import Breakage
    from conftest import Hosts, Option

RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
# A reason is a sentence for a person: no dictionaries, no Python, but for what it quotes of a file.
QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
UNREADABLE = re.compile(r"[{}\[\]]|None|Traceback|<[a-z]")


@pytest.fixture(scope="module")
def ways(hosts: Hosts, request: pytest.FixtureRequest) -> dict[str, list[Breakage]]:
    """By host all that can be broken, from what its roles want; in an order that the seed decides."""
    # What only a deep look asks about is broken as well.
    before = hosts.look("-e", "rdna1_deep=true")
    assert all(found["plan"]["converged"] for found in before.values()), words(before)
    only = re.compile(request.config.getoption("--only"))
    order = random.Random(request.config.getoption("--seed"))  # noqa: S311 (an order)
    found = {}
    for host, said in before.items():
        found[host] = [way for way in breakages.of_host(said["desired"]) if only.search(str(way))]
        order.shuffle(found[host])
    assert any(found.values()), "there is nothing to break"
    return found


def test_each_way_is_named_and_one_run_repairs_it(
    hosts: Hosts, option: Option, ways: dict[str, list[Breakage]]
) -> None:
    planned = {host: batches.of_all(some) for host, some in batches.once(ways).items()}
    number = max(map(len, planned.values()))
    last = min(number, option("--from") + option("--batches")) if option("--batches") else number
    assert option("--from") < last, f"there are {number} batches"
    for index in range(option("--from"), last):
        now = {host: found[index] if index < len(found) else [] for host, found in planned.items()}
        counted = ", ".join(f"{len(some)} on {host}" for host, some in now.items())
        print(f"batch {index + 1} of {number}: {counted}", flush=True)
        break_and_repair(hosts, now)
    nothing_changes_any_more(hosts)


def test_whatever_is_broken_together_one_run_repairs(
    hosts: Hosts, option: Option, ways: dict[str, list[Breakage]]
) -> None:
    few = {
        host: st.lists(st.sampled_from(some), min_size=1, max_size=6).map(batches.together)
        for host, some in ways.items()
        if some
    }

    @seed(option("--seed"))
    @settings(
        max_examples=option("--examples"),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(now=st.fixed_dictionaries(few))
    def whatever(now: dict[str, list[Breakage]]) -> None:
        print("; ".join(f"{host}: {', '.join(map(str, some))}" for host, some in now.items()), flush=True)
        try:
            break_and_repair(hosts, now)
        except BaseException:
            # The next example, which is a smaller one, begins on whole hosts.
            hosts.play("playbooks/rdna1.yml", "-e", "rdna1_full=true", "-e", "rdna1_deep=true")
            raise

    whatever()
    nothing_changes_any_more(hosts)


def test_every_kind_can_be_broken() -> None:
    """A new kind of thing needs a way to break it, or a reason why there is none."""
    kinds = pytest.importorskip("ansible_collections.rdna1.provision.plugins.plugin_utils.kinds")
    assert breakages.WAYS.keys() | breakages.ELSEWHERE.keys() == kinds.KINDS.keys()
    assert not breakages.WAYS.keys() & breakages.ELSEWHERE.keys()


def break_and_repair(hosts: Hosts, now: Mapping[str, list[Breakage]]) -> None:
    """Break it; see it in the plan; run the chain; see nothing in the plan."""
    listed = "\n".join(f"  {host}: {way}" for host, some in now.items() for way in some)
    deep = ("-e", "rdna1_deep=true") if any(way.deep for some in now.values() for way in some) else ()
    broken = hosts.run({host: script(some) for host, some in now.items() if some}, *deep)
    unseen = {host: missed(some, broken[host]["plan"]["differences"]) for host, some in now.items()}
    assert not any(unseen.values()), f"the plan misses {unseen}; it has\n{words(broken)}"
    said = hosts.play("playbooks/rdna1.yml", *deep, check=False)
    recap = {host: (int(gone), int(failed)) for host, _, gone, failed in RECAP.findall(said)}
    assert set(recap.values()) == {(0, 0)}, f"one run does not repair\n{listed}\n{said[-6000:]}"
    after = hosts.look(*deep)
    assert all(found["plan"]["converged"] for found in after.values()), f"{listed}\n left:\n{words(after)}"


def nothing_changes_any_more(hosts: Hosts) -> None:
    """A full run, which asks no plan, changes nothing either."""
    said = hosts.play("playbooks/rdna1.yml", "-e", "rdna1_full=true")
    changed = {host: int(number) for host, number, _, _ in RECAP.findall(said)}
    assert set(changed.values()) == {0}, f"a full run still changes something: {said}"


def missed(done: list[Breakage], differences: list[dict[str, str]]) -> list[str]:
    """Those that the plan does not name as their role's, with a reason that can be read."""
    return [
        str(way)
        for way in done
        if not any(
            difference["role"] == way.role
            and difference["item"] in way.named
            and not UNREADABLE.search(QUOTED.sub("", difference["reason"]))
            for difference in differences
        )
    ]


def script(done: list[Breakage]) -> str:
    """All of a batch; what two roles want is broken once."""
    return "".join(f"( {shell}\n) # {how}\n" for shell, how in {way.shell: way.how for way in done}.items())


def words(plans: dict[str, Any]) -> str:
    """All that the plans have."""
    return "\n".join(
        f"  {host}: {d['role']}: {d['item']}: {d['reason']}"
        for host, found in plans.items()
        for d in found["plan"]["differences"]
    )
