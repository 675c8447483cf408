"""Policies joined by name: what they set together, what is refused, what is labelled; and their page."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from rdna1.lab.errors import LabError
from rdna1.lab.paths import CHECKOUT
from rdna1.stacks import model, policies
from rdna1.stacks.docs import render_stacks_docs
from rdna1.stacks.policies import JOIN, OFF, SOLVERS, Policy, compose

KNOWN = policies.load()


def test_the_one_that_changes_nothing_is_labelled_and_the_empty_one_is_not() -> None:
    assert [name for name, policy in KNOWN.items() if policy.idle] == ["readme"]
    assert not KNOWN["defaults"].variables


def test_joined_policies_set_what_each_sets() -> None:
    both = compose("gemm-off+sdma-off", KNOWN)
    assert both.variables == {**KNOWN["gemm-off"].variables, **KNOWN["sdma-off"].variables}
    assert both.no_effect == KNOWN["gemm-off"].no_effect
    assert KNOWN["gemm-off"].effect in both.effect
    assert KNOWN["sdma-off"].effect in both.effect
    assert "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM" not in both.changes


@pytest.mark.parametrize("name", KNOWN)
def test_one_policy_is_itself(name: str) -> None:
    assert compose(name, KNOWN) == KNOWN[name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gemm-of", "there is no gemm-of; use defaults"),
        ("gemm-off+", "there is no empty name"),
        ("gemm-off+implicit-gemm-off", "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM would be 1 and 0"),
        ("gemm-only+gemm-off", "MIOPEN_DEBUG_CONV_GEMM would be 1 and 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, said: str) -> None:
    with pytest.raises(LabError, match=said.replace("+", r"\+")):
        compose(name, KNOWN)


def single(solver: str, value: str = "0") -> Policy:
    return Policy(solver, "t", "s", "e", {solver: value})


@pytest.mark.parametrize("value", OFF)
def test_all_solvers_off_is_refused_however_it_is_put_together(value: str) -> None:
    known = {solver: single(solver, value.upper()) for solver in SOLVERS}
    with pytest.raises(LabError, match="every solver of MIOpen off"):
        compose(JOIN.join(known), known)
    for four in itertools.combinations(known, 4):
        assert len(compose(JOIN.join(four), known).variables) == 4


PAIRS = list(itertools.combinations(sorted(KNOWN), 2))
# These say the opposite of each other about one variable; every other pair composes.
OPPOSITE = {
    ("gemm-off", "gemm-only"),
    ("gemm-off", "implicit-gemm-off"),
    ("gemm-only", "readme"),
    ("implicit-gemm-off", "readme"),
}


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in OPPOSITE], ids=JOIN.join)
def test_pairs_compose_in_any_order(pair: tuple[str, str]) -> None:
    joined = compose(JOIN.join(pair), KNOWN)
    assert any(joined.variables.get(solver) not in OFF for solver in SOLVERS)
    assert joined.variables == compose(JOIN.join(reversed(pair)), KNOWN).variables


@pytest.mark.parametrize("pair", sorted(OPPOSITE), ids=JOIN.join)
def test_opposites_do_not_compose(pair: tuple[str, str]) -> None:
    with pytest.raises(LabError, match="would be"):
        compose(JOIN.join(pair), KNOWN)


def test_a_stack_s_policy_is_one_of_them() -> None:
    assert {stack.policy for stack in model.load_all() if stack.policy} <= set(KNOWN)


def test_the_page_is_what_the_data_says() -> None:
    """What `rdna1 docs` writes; run it where this fails."""
    assert (CHECKOUT / "docs/stacks.md").read_text() == render_stacks_docs()


def test_the_page_labels_what_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    def row(page: str, name: str) -> Any:
        return next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))

    page = render_stacks_docs()
    assert "**no effect**" in row(page, "readme")
    assert "**no effect**" not in row(page, "gemm-off")
    monkeypatch.setattr(
        policies, "load", lambda: {"x": replace(single(SOLVERS[0], "1"), no_effect=SOLVERS[:1])}
    )
    assert "**no effect**" in row(render_stacks_docs(), SOLVERS[0])
