"""The odd host out, and times over size: who is compared with whom."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdna1.report import fleet, timing
from rdna1.report.verdicts import Case, figures

NAVI10 = timing.Kind("gfx1010", simulated=False, stand_in=False)


def summaries(**kernels: str) -> dict[str, dict[str, Any]]:
    return {
        host: {"stack": "rocm52", "kernel": kernel, "torch": "1.13.1"} for host, kernel in kernels.items()
    }


def test_the_odd_host_is_named_with_what_most_have() -> None:
    (peers,) = fleet.compare(summaries(a="6.12", b="6.12", c="6.8"))
    assert peers.odd == [fleet.Odd("kernel", "6.8", "6.12", ["c"])]
    assert fleet.odd_fields([peers]) == {"c": {"kernel"}}
    assert peers.usual["torch"] == "1.13.1"


def test_where_there_is_no_majority_nobody_is_odd() -> None:
    (peers,) = fleet.compare(summaries(a="6.12", b="6.8"))
    assert peers.odd == []
    assert peers.mixed == {"kernel": {"6.12": 1, "6.8": 1}}
    assert peers.usual["kernel"] is None


def test_hosts_of_another_stack_are_no_peers() -> None:
    hosts = summaries(a="6.12", b="6.12")
    hosts["reference"] = {"stack": "cpu_reference", "kernel": "6.12", "torch": "1.13.1+cu117"}
    assert [(peers.stack, peers.hosts, peers.odd) for peers in fleet.compare(hosts)] == [
        ("cpu_reference", 1, []),
        ("rocm52", 2, []),
    ]


def test_a_host_that_lacks_what_the_others_have_is_odd() -> None:
    hosts = summaries(a="6.12", b="6.12", c="6.12")
    hosts["c"]["torch"] = None
    assert fleet.odd_fields(fleet.compare(hosts)) == {"c": {"torch"}}


def test_a_host_of_which_nothing_is_known_is_nobody_s_peer() -> None:
    (peers,) = fleet.compare({**summaries(a="6.12"), "gone": {}})
    assert peers.hosts == 1


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.sampled_from(["1", "2", "3"]), min_size=1))
def test_each_host_has_the_usual_value_or_is_odd_or_there_is_no_majority(kernels: dict[str, str]) -> None:
    (peers,) = fleet.compare(summaries(**kernels))
    odd = fleet.odd_fields([peers])
    for host, kernel in kernels.items():
        assert (kernel == peers.usual["kernel"]) + ("kernel" in odd.get(host, ())) + (
            "kernel" in peers.mixed
        ) == 1


def case(size: int, state: str = "pass", steady: float | None = 1.0, *, reported: bool = True) -> Case:
    return Case(f"smoke/{size}", size, state, "", 2.0 if steady else None, steady, reported)


def host(name: str, *cases: Case, kind: timing.Kind = NAVI10) -> timing.Host:
    return timing.Host(name, kind, list(cases))


def test_a_family_has_the_median_and_the_range_of_its_hosts() -> None:
    (family,) = timing.families([host(str(at), case(64, steady=at)) for at in (1.0, 2.0, 9.0)])
    assert family.steady == {64: timing.Spread(3, 1.0, 2.0, 9.0)}
    assert family.title == "Navi 10 (gfx1010)"


def test_simulated_cards_are_never_mixed_with_real_ones() -> None:
    simulated = timing.Kind("gfx1010", simulated=True, stand_in=True)
    real, other = timing.families([host("a", case(64)), host("b", case(64, steady=50.0), kind=simulated)])
    assert (real.hosts, real.steady[64].high) == (1, 1.0)
    assert other.title == "Navi 10 (gfx1010): simulated cards, stand-in torch"


@pytest.mark.parametrize("state", ["hang", "compile-timeout", "expected-hang"])
def test_a_hang_is_marked_at_its_size_and_has_no_time(state: str) -> None:
    hosts = [host("a", case(64), case(224, state, None)), host("b", case(64))]
    (family,) = timing.families(hosts)
    assert family.hangs == {224: ["a"]}
    assert 224 not in family.steady
    assert [(hang.host, hang.size) for hang in timing.hangs(hosts)] == [("a", 224)]


def test_a_hang_of_another_shape_is_listed_too() -> None:
    hosts = [host("a", case(44, "hang", None, reported=False))]
    assert timing.families(hosts) == []
    assert [hang.size for hang in timing.hangs(hosts)] == [44]


def test_the_slowest_come_first_and_only_where_there_is_a_family_to_compare_with() -> None:
    hosts = [host(name, case(64, steady=steady)) for name, steady in (("a", 1.0), ("b", 1.1), ("c", 4.4))]
    slow = timing.slowest(hosts, timing.families(hosts))
    assert [(one.host, round(one.times, 2)) for one in slow] == [("c", 4.0), ("b", 1.0), ("a", 0.91)]
    assert timing.slowest(hosts[:2], timing.families(hosts[:2])) == []


def test_the_figures_are_the_verifier_s_own() -> None:
    found = figures()
    assert (found.in_channels, found.out_channels) == (3, 64)
    assert found.first_s.keys() == found.steady_s.keys() >= {32, 224, 512}
