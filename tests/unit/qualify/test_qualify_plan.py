"""What is tried, and on whom."""

import pytest
from rdna1.lab.errors import LabError
from rdna1.qualify import plan
from rdna1.qualify.plan import Try
from rdna1.rollout.fleet import Member
from rdna1.stacks import model, policies

STACKS = {name: model.load(name) for name in model.names()}
POLICIES = policies.load()


def tried(**chosen: list[str]) -> list[str]:
    return [str(one) for one in plan.candidates(STACKS, POLICIES, **chosen)]


def test_by_default_every_stack_for_a_card_under_its_own_policy_the_default_one_first() -> None:
    assert tried() == [
        "rocm52 with readme",
        "rocm52-nightly with defaults",
        "rocm57 with gemm-only",
        "therock with defaults",
    ]


def test_further_policies_are_tried_with_each_stack_unless_they_are_the_same() -> None:
    """readme sets what changes nothing: it is the same as defaults."""
    assert tried(chosen=["rocm52"], also=["defaults", "gemm-off", "winograd-off+sdma-off"]) == [
        "rocm52 with readme",
        "rocm52 with gemm-off",
        "rocm52 with winograd-off+sdma-off",
    ]


def test_exactly_what_is_named() -> None:
    named = ["rocm52-mixed:gemm-only", "rocm57", "rocm57:gemm-only"]
    assert tried(exactly=named) == ["rocm52-mixed with gemm-only", "rocm57 with gemm-only"]
    assert Try("rocm52", "winograd-off+sdma-off").key == "rocm52@winograd-off+sdma-off"


@pytest.mark.parametrize(
    ("chosen", "word"),
    [
        ({"chosen": ["rocm99"]}, "no stack rocm99"),
        ({"chosen": ["cpu_reference"]}, "for the CPU"),
        ({"exactly": ["rocm52:"]}, "no policy"),
        ({"exactly": ["rocm52:nothing"]}, "there is no nothing"),
        ({"exactly": ["rocm52:gemm-off+gemm-only"]}, "would be 0 and 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(chosen: dict[str, list[str]], word: str) -> None:
    with pytest.raises(LabError, match=word):
        tried(**chosen)


def member(name: str, *groups: str) -> Member:
    return Member(name, list(groups), name, 22)


FLEET = {
    one.name: one
    for one in (
        member("a", "rdna1", "navi10"),
        member("b", "rdna1", "navi10", "canary"),
        member("c", "rdna1", "navi14"),
        member("d", "rdna1", "navi14"),
        member("cpu", "cpu_reference"),
    )
}


def test_a_host_for_each_card_family_a_canary_where_there_is_one() -> None:
    assert plan.hosts(FLEET, None) == ["b", "c"]


def test_whom_limit_names() -> None:
    few = {name: FLEET[name] for name in ("a", "d")}
    assert plan.hosts(few, "a,d") == ["a", "d"]
    with pytest.raises(LabError, match="no host of rdna1"):
        plan.hosts({"cpu": FLEET["cpu"]}, "cpu")


def test_the_lines_go_where_the_hosts_have_something_in_common() -> None:
    assert plan.group_of(FLEET, ["a", "b"]) == "navi10"
    assert plan.group_of(FLEET, ["a", "c"]) == "rdna1"
