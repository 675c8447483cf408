"""The policies are data: each says what it does, and none leaves MIOpen without a solver."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
POLICIES: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "roles/rocm_environment/files/policies.yml").read_text()
)
FILTERS = {f"MIOPEN_DEBUG_CONV_{name}" for name in ("FFT", "DIRECT", "GEMM", "WINOGRAD", "IMPLICIT_GEMM")}

Evaluate = Callable[..., Any]


def test_the_seeds_policies_are_there() -> None:
    assert {"defaults", "readme", "gemm-off", "gemm-only"} <= set(POLICIES)


@pytest.mark.parametrize("name", POLICIES)
class TestEachPolicy:
    def test_says_what_it_is_who_used_it_and_what_it_does(self, name: str) -> None:
        policy = POLICIES[name]
        assert policy.keys() - {"no_effect", "unknown", "left_out"} == {
            "title",
            "source",
            "effect",
            "variables",
        }
        assert all(policy[key].strip() for key in ("title", "source", "effect"))
        assert "\n" not in policy["title"]

    def test_leaves_a_solver_on(self, name: str) -> None:
        assert {key for key, value in POLICIES[name]["variables"].items() if value == "0"} < FILTERS | {
            "HSA_ENABLE_SDMA", "HSA_XNACK", "HIP_VISIBLE_DEVICES"
        }  # fmt: skip
        assert any(POLICIES[name]["variables"].get(key) != "0" for key in FILTERS)

    def test_has_strings_for_values(self, name: str) -> None:
        """YAML's own 0 or no would come out as something else."""
        assert all(type(value) is str for value in POLICIES[name]["variables"].values())

    def test_labels_every_filter_that_changes_nothing(self, name: str) -> None:
        """In MIOpen 2.17 every family of solvers is on unless its variable says 0."""
        variables = POLICIES[name]["variables"]
        no_ops = {key for key in FILTERS & variables.keys() if variables[key] == "1"}
        assert set(POLICIES[name].get("no_effect", [])) == no_ops

    def test_sets_nothing_that_is_known_to_harm_or_not_to_exist(self, name: str) -> None:
        never = {
            "MIOPEN_FIND_ENFORCE",
            "LD_LIBRARY_PATH",
            "HIP_FORCE_COARSE_GRAIN",
            "HSA_USE_SVM",
            "PYTORCH_ROCM_ARCH",
        }
        assert not POLICIES[name]["variables"].keys() & never

    def test_does_not_promise_a_cure(self, name: str) -> None:
        assert not re.search(r"\b(fixes|cures|solves|stable|always works)\b", POLICIES[name]["effect"])


def test_every_stack_names_a_policy_that_there_is() -> None:
    for stack in ROOT.glob("stacks/*/stack.yml"):
        environment = yaml.safe_load(stack.read_text()).get("environment", {})
        assert environment.get("policy", "defaults") in POLICIES, stack


def test_a_site_s_policy_takes_its_place_beside_them(evaluate: Evaluate) -> None:
    mine = {"winograd-off": {"title": "Ours", "variables": {"MIOPEN_DEBUG_CONV_WINOGRAD": "0"}}}
    found = evaluate(
        "__rocm_environment_set", rocm_environment_policies=mine, rocm_environment_policy="winograd-off"
    )
    assert found["MIOPEN_DEBUG_CONV_WINOGRAD"] == "0"
    assert "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM" not in found


def test_what_the_policy_does_not_set_is_unset(evaluate: Evaluate) -> None:
    for name, policy in POLICIES.items():
        unset = evaluate("__rocm_environment_unset", rocm_environment_policy=name)
        assert (
            set(unset)
            == (FILTERS | {"MIOPEN_FIND_ENFORCE", "MIOPEN_DEBUG_FIND_ONLY_SOLVER"})
            - policy["variables"].keys()
        )


def test_a_stack_without_an_override_has_none_and_unsets_one(evaluate: Evaluate) -> None:
    assert "HSA_OVERRIDE_GFX_VERSION" not in evaluate(
        "__rocm_environment_set", rocm_environment_stack="cpu_reference"
    )
    assert "HSA_OVERRIDE_GFX_VERSION" in evaluate(
        "__rocm_environment_unset", rocm_environment_stack="cpu_reference"
    )


def test_the_record_holds_what_miopen_s_answers_depend_on(evaluate: Evaluate) -> None:
    record = evaluate(
        "__rocm_environment_record",
        rocm_environment_variables={"OMP_NUM_THREADS": "4", "HSA_ENABLE_SDMA": "0"},
    )
    assert record["variables"] == {
        "HSA_OVERRIDE_GFX_VERSION": "10.3.0",
        "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM": "1",
        "HSA_ENABLE_SDMA": "0",
    }
