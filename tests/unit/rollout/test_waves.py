"""Who goes when: nobody twice, nobody left out, the canaries first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdna1.lab.errors import LabError
from rdna1.rollout import waves

FLEETS = st.integers(1, 120).map(lambda size: [f"h{number:03}" for number in range(size)])
ITEMS = st.one_of(st.integers(0, 130).map(str), st.integers(0, 100).map("{}%".format))
SPECS = st.lists(ITEMS, max_size=5).map(lambda items: ",".join([*items, "100%"]))


@given(FLEETS, SPECS, st.data())
def test_everybody_goes_exactly_once_and_the_canaries_go_first(
    hosts: list[str], spec: str, data: st.DataObject
) -> None:
    canaries = data.draw(st.sets(st.sampled_from(hosts)))
    planned = waves.plan(spec, hosts, canaries)
    assert sorted(name for wave in planned for name in wave.hosts) == hosts
    assert all(wave.hosts for wave in planned)
    assert [wave.number for wave in planned] == list(range(1, len(planned) + 1))
    if canaries:
        assert planned[0].spec == waves.CANARY
        assert set(planned[0].hosts) == canaries


@given(FLEETS, SPECS)
def test_sizes_are_cumulative_shares_of_the_fleet(hosts: list[str], spec: str) -> None:
    done = 0
    for wave in waves.plan(spec, hosts):
        done += len(wave.hosts)
        wanted = waves.share(wave.spec, len(hosts), up=True, where="")
        assert done == min(wanted, len(hosts))


@given(FLEETS, SPECS)
def test_order_within_the_fleet_is_kept(hosts: list[str], spec: str) -> None:
    assert [name for wave in waves.plan(spec, hosts) for name in wave.hosts] == hosts


@pytest.mark.parametrize(
    ("spec", "size", "canaries", "wanted"),
    [
        ("1,10%,50%,100%", 40, 0, [1, 3, 16, 20]),
        ("1,10%,50%,100%", 40, 2, [2, 2, 16, 20]),
        ("1,10%,50%,100%", 3, 0, [1, 1, 1]),
        ("1,10%,50%,100%", 1, 1, [1]),
        ("2,5,9", 9, 0, [2, 3, 4]),
        ("100%", 4, 0, [4]),
        ("10%,100%", 11, 0, [2, 9]),
    ],
)
def test_sizes(spec: str, size: int, canaries: int, wanted: list[int]) -> None:
    hosts = [f"h{number}" for number in range(size)]
    planned = waves.plan(spec, hosts, set(hosts[size - canaries :]))
    assert [len(wave.hosts) for wave in planned] == wanted


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("1,10%", "ends before 9 of 10 hosts"),
        ("", "'' is no number of hosts"),
        ("half", "'half'"),
        ("-1,100%", "'-1'"),
        ("101%", "'101%'"),
        ("1.5,100%", "'1.5'"),
    ],
)
def test_a_spec_that_means_nothing_is_refused(spec: str, said: str) -> None:
    with pytest.raises(LabError, match="--waves: ") as refused:
        waves.plan(spec, [f"h{number}" for number in range(10)])
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "fleet", "wanted"), [("2", 40, 2), ("5%", 40, 2), ("5%", 39, 1), ("5%", 10, 0), ("0", 5, 0)]
)
def test_a_budget_is_rounded_down(text: str, fleet: int, wanted: int) -> None:
    assert waves.share(text, fleet, up=False, where="--budget") == wanted
