"""Suites: what the original documents measured has its place, and a mistake in a file gets one sentence."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from conv2d_verify import suites
from conv2d_verify.cases import Case
from conv2d_verify.errors import UsageError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOOD: dict[str, Any] = {
    "schema": "rdna1.suite/1",
    "name": "mine",
    "about": "A suite.",
    "defaults": {"in_channels": 3, "out_channels": 8},
    "cases": [{"size": 32}, {"id": "big", "size": 64, "runs": 2}],
}


def write(folder: Path, document: object) -> str:
    file = folder / "mine.json"
    file.write_text(json.dumps(document))
    return str(file)


def one(name: str) -> suites.Suite:
    (suite,) = suites.load([name])
    return suite


def test_smoke_is_the_migration_document_s_table() -> None:
    cases = one("smoke").cases
    assert [case.size for case in cases] == [32, 40, 42, 44, 48, 56, 64, 128, 224, 512]
    assert {
        (case.in_channels, case.out_channels, case.kernel, case.padding, case.batch) for case in cases
    } == {(3, 64, 3, 1, 1)}


def test_boundary_walks_the_original_steps() -> None:
    suite = one("boundary")
    assert [case.size for case in suite.cases] == [32, 36, 40, 42, 44, 46, 48, 50, 52, 56, 60, 64]
    assert {(case.in_channels, case.out_channels) for case in suite.cases} == {(16, 32)}
    assert suite.search == "largest-size"


def test_channels_has_every_pair_at_both_sizes() -> None:
    found = {(case.in_channels, case.out_channels, case.size) for case in one("channels").cases}
    pairs = [(16, 32), (15, 31), (17, 33), (31, 63)]
    assert found == {(*pair, size) for pair in pairs for size in (48, 64)} | {(16, 32, 32), (16, 32, 40)}


def test_timing_has_the_sizes_of_both_tables() -> None:
    cases = one("timing").cases
    assert [case.size for case in cases if case.in_channels == 3] == [32, 44, 64, 128, 224, 512]
    assert (16, 32, 32) in {(case.in_channels, case.out_channels, case.size) for case in cases}
    assert min(case.runs for case in cases) >= 3


def test_ops_are_reported_and_gate_nothing() -> None:
    cases = one("ops").cases
    assert {case.op for case in cases} >= {"conv2d", "batchnorm", "lstm", "gru", "nonzero", "unique"}
    assert {case.dtype for case in cases} == {"float32", "float16"}
    assert not any(case.gating for case in cases)


def test_models_ends_where_a_resnet_18_does() -> None:
    (case,) = one("models").cases
    assert (case.size, len(case.layers), case.layers[-1][1]) == (224, 17, 512)


def test_all_leaves_out_what_takes_minutes_or_breaks_things() -> None:
    assert {suite.name for suite in suites.load(["all"])} == set(suites.names()) - {
        "all",
        "burnin",
        "selftest",
    }
    assert one("burnin").minutes > 0


def test_every_fault_but_none_is_provoked_by_the_selftest() -> None:
    wants = {case.fault: case.wants for case in one("selftest").cases}
    assert set(wants.values()) >= {"fail", "error", "crash", "hang", "compile-timeout"}


def test_a_suite_named_twice_runs_once() -> None:
    assert [suite.name for suite in suites.load(["smoke", "all", "smoke"])][:1] == ["smoke"]
    assert len(suites.load(["all", "smoke"])) == len(suites.load(["all"]))


def test_a_file_is_as_good_as_a_name(tmp_path: Path) -> None:
    (suite,) = suites.load([write(tmp_path, GOOD)])
    assert [case.id for case in suite.cases] == ["mine/32", "mine/big"]
    assert {case.out_channels for case in suite.cases} == {8}


@pytest.mark.parametrize(
    ("change", "key", "allowed"),
    [
        ({"cases": []}, "cases", "at least one case"),
        ({"cases": [{"size": 0}]}, "cases[0].size", "from 1 to 4096"),
        ({"cases": [{"size": True}]}, "cases[0].size", "from 1 to 4096"),
        ({"cases": [{"size": 32}, {"size": 32}]}, "cases[1]", "id of its own"),
        ({"cases": [{"sise": 32}]}, "cases[0].sise", "allowed here"),
        ({"cases": [{"op": "convolve"}]}, "cases[0].op", "conv2d, "),
        ({"cases": [{"size": 1, "kernel": 9}]}, "cases[0].size", "at least 7"),
        ({"cases": [{"op": "conv2d-chain"}]}, "cases[0].layers", "[in, out, kernel, stride, padding]"),
        (
            {"cases": [{"op": "conv2d-chain", "layers": [[3, 4, 3, 1, 1], [5, 6, 3, 1, 1]]}]},
            "layers",
            "taking",
        ),
        ({"cases": [{"id": "A b"}]}, "cases[0].id", "lower-case"),
        ({"search": "up"}, "search", "none, largest-size"),
        ({"search": "largest-size", "cases": [{"size": 64}, {"size": 32}]}, "search", "only grow"),
        ({"minutes": "ten"}, "minutes", "a number from 0"),
        ({"gating": 1}, "gating", "true or false"),
        ({"name": "Mine"}, "name", "lower-case"),
        ({"schema": "rdna1.suite/2"}, "schema", "rdna1.suite/1"),
        ({"colour": "red"}, "colour", "allowed here"),
    ],
)
def test_a_mistake_gets_one_sentence(tmp_path: Path, change: dict[str, Any], key: str, allowed: str) -> None:
    file = write(tmp_path, {**GOOD, **change})
    with pytest.raises(UsageError) as caught:
        suites.load([file])
    said = str(caught.value)
    assert said.startswith(file)
    assert key in said
    assert allowed in said
    assert "\n" not in said
    assert said.endswith(".")


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"x"', "\ufeff{}", "[" * 10000])
def test_what_is_no_object_gets_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"mine\.json: [^\n]+\.$"):
        suites.load([str(file)])


def test_bytes_that_are_no_text_get_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        suites.load([str(file)])


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="smoke"):
        suites.load(["smok"])


def test_suites_that_include_each_other_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "round.json"
    file.write_text(
        json.dumps({"schema": "rdna1.suite/1", "name": "round", "about": "Itself.", "includes": [str(file)]})
    )
    with pytest.raises(UsageError, match="lead back"):
        suites.load([str(file)])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    place=st.sampled_from(["", "defaults", "cases", "case"]),
    key=st.sampled_from(["name", "size", "op", "cases", "layers", "runs", "minutes", "search", "id", "x"]),
    value=values,
)
def test_whatever_stands_in_a_file_it_loads_or_says_why(
    tmp_path: Path, place: str, key: str, value: Any
) -> None:
    document = copy.deepcopy(GOOD)
    {"": document, "defaults": document["defaults"], "case": document["cases"][0]}.get(place, {})[key] = value
    if place == "cases":
        document["cases"] = value
    said, found = "mine.json", []
    try:
        found = suites.load([write(tmp_path, document)])
    except UsageError as error:
        said = str(error)
    assert "mine.json" in said
    assert "\n" not in said
    assert all(suite.cases for suite in found)


@given(
    st.builds(
        dict,
        size=st.integers(1, 4096),
        kernel=st.integers(1, 7),
        padding=st.integers(3, 7),
        runs=st.integers(1, 50),
        gating=st.booleans(),
    )
)
def test_a_case_survives_the_way_to_the_worker(shape: dict[str, Any]) -> None:
    case = Case(id="a/b", suite="a", layers=((3, 4, 3, 1, 1),), **shape)
    assert Case.from_json(json.loads(json.dumps(case.to_json()))) == case
