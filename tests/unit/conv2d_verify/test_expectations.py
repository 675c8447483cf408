"""Expectation files: what they say, and what is said of a mistake."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from conv2d_verify import expectations
from conv2d_verify.cases import Case
from conv2d_verify.errors import UsageError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st


def case(size: int, suite: str = "smoke", op: str = "conv2d") -> Case:
    return Case(id=f"{suite}/{size}", suite=suite, size=size, op=op)


GOOD: dict[str, Any] = {
    "schema": "rdna1.expect/1",
    "stack": "rocm57",
    "subject": {"lock": "0123456789ab"},
    "versions": {"python": "3.10", "torch": "2.2.2+rocm5.7", "hip": "5.7", "numpy_below": "2"},
    "device": {"capability": [10, 3], "gfx": ["gfx1010"]},
    "environment": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0", "MIOPEN_FIND_ENFORCE": None},
    "groups": ["video", "render"],
    "kfd": True,
    "kernel_log": True,
    "must_pass": {"smoke": [32, 40, 42]},
    "known_hangs": [{"size_at_least": 44, "reason": "reported for ROCm 5.7"}],
    "ceilings": [{"cases": "smoke/*", "first_s": 60, "steady_s": 1}],
}


def load(folder: Path, document: object) -> expectations.Expectation:
    file = folder / "expect.json"
    file.write_text(json.dumps(document))
    return expectations.load(file)


def test_all_of_it_is_read(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert found.versions["torch"] == "2.2.2+rocm5.7"
    assert found.environment == {"HSA_OVERRIDE_GFX_VERSION": "10.3.0", "MIOPEN_FIND_ENFORCE": None}
    assert found.must_pass == {"smoke": (32, 40, 42)}
    assert found.known_hang(case(44)) is not None
    assert found.known_hang(case(43)) is None
    assert found.known_hang(case(64, op="lstm")) is None
    assert [ceiling.first_s for ceiling in found.ceilings_of("smoke/32")] == [60]
    assert found.ceilings_of("timing/32") == []


def test_a_known_hang_can_be_a_suite_s_own(tmp_path: Path) -> None:
    hangs = [{"size_at_least": 44, "suites": ["boundary"], "reason": "x"}]
    found = load(tmp_path, {**GOOD, "known_hangs": hangs})
    assert found.known_hang(case(44)) is None
    assert found.known_hang(case(44, suite="boundary")) is not None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"stack": ""}, "stack"),
        ({"versions": {"torhc": "2"}}, "versions.torhc"),
        ({"versions": {"torch": 2}}, "versions.torch"),
        ({"environment": {"A": 1}}, "environment.A"),
        ({"must_pass": {"smoke": [0]}}, "must_pass.smoke"),
        ({"must_pass": [32]}, "must_pass"),
        ({"known_hangs": [{"size_at_least": 44}]}, "known_hangs[0].reason"),
        ({"known_hangs": [{"reason": "x"}]}, "known_hangs[0].size_at_least"),
        ({"ceilings": [{"cases": "*"}]}, "ceilings[0]"),
        ({"ceilings": [{"cases": "*", "steady_s": -1}]}, "ceilings[0].steady_s"),
        ({"kfd": "yes"}, "kfd"),
        ({"groups": "video"}, "groups"),
        ({"device": {"capability": "10.3"}}, "device.capability"),
        ({"must_fail": {}}, "must_fail"),
    ],
)
def test_a_mistake_gets_one_sentence(tmp_path: Path, change: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, {**GOOD, **change})
    said = str(caught.value)
    assert "expect.json" in said
    assert key in said
    assert "allowed" in said or "must be" in said
    assert "\n" not in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json: cannot be read"):
        expectations.load(tmp_path / "none.json")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(key=st.sampled_from([*GOOD, "x"]), value=values)
@example(key="subject", value={"\n": None})
def test_whatever_stands_in_a_file_it_loads_or_says_why(tmp_path: Path, key: str, value: Any) -> None:
    document = copy.deepcopy(GOOD)
    document[key] = value
    said = "expect.json"
    try:
        load(tmp_path, document)
    except UsageError as error:
        said = str(error)
    assert "expect.json" in said
    assert "\n" not in said
