"""A misspelt variable must not pass in silence."""

from typing import Any

from ansible_collections.rdna1.provision.plugins.action import check_variables
from hypothesis import given
from hypothesis import strategies as st

OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "rocm": {
        "rocm_package_set": {"type": "str", "choices": ["full", "minimal"]},
        "rocm_users": {"type": "list"},
    },
    "rocm_environment": {"rocm_environment_policy": {"type": "str"}},
    "rdna1": {"rdna1_stack": {"type": "str"}},
}


def test_the_longest_prefix_owns_a_name() -> None:
    assert check_variables.owner_of("rocm_environment_policy", OPTIONS) == "rocm_environment"
    assert check_variables.owner_of("rocm_policy", OPTIONS) == "rocm"
    assert check_variables.owner_of("ntp_servers", OPTIONS) is None


def test_a_misspelt_name_is_found_with_the_meant_one() -> None:
    found = dict(
        check_variables.unknown_names(["rocm_pakage_set", "rdna1_stak", "site_rocm", "rdna1_stack"], OPTIONS)
    )
    assert found == {"rocm_pakage_set": "rocm_package_set", "rdna1_stak": "rdna1_stack"}


def test_a_name_that_is_like_nothing_gets_no_guess() -> None:
    assert dict(check_variables.unknown_names(["rocm_zzzzzzzzzzzzzzz"], OPTIONS)) == {
        "rocm_zzzzzzzzzzzzzzz": ""
    }


def test_a_wrong_choice_names_the_variable() -> None:
    (error,) = check_variables.type_errors({"rocm_package_set": "everything"}, OPTIONS)
    assert error.startswith("rocm_package_set:")
    assert "full, minimal" in error


def test_right_values_pass() -> None:
    assert check_variables.type_errors({"rocm_package_set": "full", "rocm_users": ["ada"]}, OPTIONS) == []


def test_the_checkout_s_own_specs_are_read() -> None:
    options = check_variables.load_options(check_variables.COLLECTION)
    assert "host_check_sysfs" in options["host_check"]
    assert "rdna1_roles" in options["rdna1"]


@given(st.sampled_from([name for owned in OPTIONS.values() for name in owned]))
def test_no_known_name_is_called_unknown(name: str) -> None:
    assert list(check_variables.unknown_names([name], OPTIONS)) == []
