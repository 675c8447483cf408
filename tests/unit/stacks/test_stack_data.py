"""The stacks as shipped, and what the schema and the validator refuse."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml
from rdna1 import cli
from rdna1.lab.errors import LabError
from rdna1.stacks import model

MakeStack = Callable[..., model.Stack]

NAMES = model.names()
SHIPPED = {name: model.load(name) for name in NAMES}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(model.schema())


def test_every_configuration_of_the_documents_is_a_stack() -> None:
    assert {"rocm52", "rocm52-nightly", "rocm57", "rocm52-mixed", "therock"} <= set(NAMES)
    assert [stack.name for stack in model.load_all()] == NAMES


def test_rocm52_is_complete_as_shipped() -> None:
    stack = SHIPPED["rocm52"]
    assert stack.refusal() == ""
    pins = {pin.project: pin for pin in stack.pins}
    assert pins["torch"].version == "1.13.1+rocm5.2"
    assert pins["torch"].sha256 == "f3685d08ac0d8c951cc367f9bd4b2c924c5d4517669c476807748abcd966136f"
    assert (stack.python, stack.policy, stack.override, stack.rocm) == ("3.10", "readme", "10.3.0", "5.2.0")
    assert stack.data["rocm"]["repository"]["suite"] == "ubuntu"


@pytest.mark.parametrize("name", [name for name in NAMES if SHIPPED[name].wanted])
def test_what_is_not_locked_is_refused_with_the_command_that_cures_it(name: str) -> None:
    stack = SHIPPED[name]
    if stack.lock.exists():
        assert stack.refusal(allow_diagnostic=True) == ""
    else:
        assert f"`rdna1 lock {name}`" in stack.refusal(allow_diagnostic=True)
        assert "torch" in stack.refusal(allow_diagnostic=True)


def test_only_the_mixture_is_for_diagnosis_and_needs_its_switch() -> None:
    assert [name for name in NAMES if SHIPPED[name].diagnostic] == ["rocm52-mixed"]
    assert model.ALLOW in SHIPPED["rocm52-mixed"].refusal()
    assert model.ALLOW not in SHIPPED["rocm52-mixed"].refusal(allow_diagnostic=True)


def test_the_mixture_is_made_of_the_other_two() -> None:
    mixed, old, new = (SHIPPED[name].data for name in ("rocm52-mixed", "rocm52", "rocm57"))
    assert mixed["rocm"] == old["rocm"]
    assert mixed["wheels"]["wanted"] == new["wheels"]["wanted"]
    assert mixed["environment"]["ld_library_path"] is True


def test_rocm57_states_the_documented_boundary() -> None:
    expect = SHIPPED["rocm57"].data["expect"]
    assert max(expect["must_pass"]["boundary"]) == 42
    assert [entry["size_at_least"] for entry in expect["known_hangs"]] == [44]


def test_the_native_wheels_have_neither_override_nor_system_rocm() -> None:
    stack = SHIPPED["therock"]
    assert (stack.override, stack.rocm) == ("", "")
    assert stack.data["expect"]["capability"] == [10, 1]


@pytest.mark.parametrize("name", [name for name in NAMES if SHIPPED[name].on_card])
def test_a_stack_for_a_card_says_what_is_known_by_whom_and_what_by_nobody(name: str) -> None:
    known = SHIPPED[name].data["known"]
    assert any(entry["by"] == "nobody" for entry in known) or name == "rocm52-nightly"
    assert all(entry["source"] == "none" for entry in known if entry["by"] == "nobody")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"python": "3.9"}, "pythons.yml has no 3.9"),
    ({"wheel": {}}, "'wheel' was unexpected"),
    ({"wheels": {"index_urls": []}}, "neither a lock nor anything wanted"),
    ({"wheels": {"index_urls": [], "wanted": {"torch>=2": "unknown"}}}, "torch>=2"),
    ({"wheels": {"index_urls": [], "wanted": {"torch==2": "abc"}}}, "abc"),
    ({"wheels": {"index_urls": ["http://example.org/simple"]}}, "http://example.org/simple"),
    ({"cards": ["gfx1030"], "environment": {"policy": "readme"}, "known": []}, "gfx1030"),
    ({"cards": ["gfx1010"]}, "'environment' is a required property"),
    ({"environment": {"policy": "nonsense"}}, "no policy nonsense"),
    ({"environment": {"policy": "readme", "ld_library_path": True}}, "'diagnostic' is a required property"),
    ({"expect": {"must_pass": {"smoke": [0]}}}, "0 is less than the minimum"),
    ({"expect": {"known_hangs": [{"size_at_least": 44}]}}, "'reason' is a required property"),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_said_with_its_place(
    make_stack: MakeStack, change: dict[str, Any], said: str
) -> None:
    make_stack("sound")
    assert model.load("sound").refusal()
    make_stack("wrong", **change)
    with pytest.raises(LabError) as error:
        model.load("wrong")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_stack_is_called_as_its_folder(make_stack: MakeStack) -> None:
    stack = make_stack("mine")
    stack.data["name"] = "other"
    assert model.problems(stack) == ["$.name: it is other in the folder mine"]


def test_a_lock_that_does_not_hold_what_is_wanted_is_refused(make_stack: MakeStack) -> None:
    lock = "torch==2.2.1 \\\n    --hash=sha256:" + 64 * "a" + "\n"
    stack = make_stack(lock=lock)
    assert stack.refusal().startswith("its lock does not pin torch==2.2.2+rocm5.7; run `rdna1 lock mine`")
    stack = make_stack(lock=lock.replace("2.2.1", "2.2.2+rocm5.7"))
    assert stack.refusal() == ""
    stack.data["wheels"]["wanted"] = {"torch==2.2.2+rocm5.7": 64 * "b"}
    assert stack.refusal().startswith("its lock has another hash for torch==2.2.2+rocm5.7; run ")


def test_packages_of_another_build_are_noticed() -> None:
    data = yaml.safe_load((model.STACKS / "rocm52/stack.yml").read_text())
    data["rocm"]["packages"]["minimal"]["rocminfo"] = "5.7.1-3build1"
    assert model.problems(model.Stack(model.STACKS / "rocm52", data)) == [
        "$.rocm.packages.minimal.rocminfo: 5.7.1-3build1 is of another build than the release"
    ]


def test_one_release_described_twice_must_be_described_the_same() -> None:
    data = yaml.safe_load((model.STACKS / "rocm52/stack.yml").read_text())
    data["rocm"]["prefix"] = "/opt/rocm-5.2"
    changed = model.Stack(model.STACKS / "rocm52", data)
    assert model.contradictions([changed, SHIPPED["rocm52-nightly"]]) == [
        "rocm52 and rocm52-nightly describe ROCm 5.2.0 differently"
    ]


def test_the_list_is_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(["stacks"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in NAMES)
    assert "rdna1 lock rocm57" in table or SHIPPED["rocm57"].lock.exists()
    assert cli.code(["stacks", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["schema"], report["ok"], report["failures"]) == ("rdna1.stacks/1", True, [])
    rows = {row["name"]: row for row in report["stacks"]}
    assert rows["rocm52"]["installable"] is True
    assert rows["rocm52-mixed"]["installable"] is False
    assert all(bool(row["why_not"]) != row["installable"] for row in rows.values())


def test_a_broken_stack_is_a_failure_of_the_list(
    make_stack: MakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    make_stack("sound")
    make_stack("broken", python="2.7")
    assert cli.code(["stacks", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in report["stacks"]] == ["sound"]
    assert "2.7" in report["failures"][0]["message"]
