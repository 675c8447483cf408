"""The state file: what is written is what is read, and what cannot be read is said."""

import dataclasses
import json

import pytest
from rdna1.lab import state
from rdna1.lab.errors import LabError
from rdna1.lab.paths import LabPaths

LAB = state.LabState(
    name="try",
    user="operator",
    mirror=state.MirrorState(20000, "10.89.7.254", "http://mirror.lab:8080", {"key_fingerprint": "AB"}),
    hosts={
        "rx5600xt-01": state.HostState(
            20001,
            "debian-13",
            "localhost/rdna1-lab/debian-13:1",
            "rx5600xt",
            "AMD Radeon RX 5600 XT",
            ("canary",),
        ),
        "cpu-reference": state.HostState(20002, "debian-13", "x", None, None, ("cpu_reference",)),
    },
    bases=("debian-13",),
    full_size=True,
)


def test_what_is_written_is_read(paths: LabPaths) -> None:
    state.save(paths, LAB)
    assert state.load(paths) == LAB
    assert json.loads(paths.state.read_text())["schema"] == "rdna1.lab-state/1"
    assert [path.name for path in paths.root.iterdir()] == ["lab.json"], "a temporary file was left behind"


def test_a_lab_of_before_full_size_is_not(paths: LabPaths) -> None:
    state.save(paths, LAB)
    older = json.loads(paths.state.read_text())
    del older["full_size"]
    paths.state.write_text(json.dumps(older))
    assert not state.need(paths).full_size


def test_no_lab_is_none_and_where_one_is_needed_an_error(paths: LabPaths) -> None:
    assert state.load(paths) is None
    with pytest.raises(LabError, match="lab try: it is not up; run `rdna1 lab up --name try`"):
        state.need(paths)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": "rdna1.lab-state/99"}', '{"schema": "rdna1.lab-state/1"}']
)
def test_a_damaged_file_is_one_sentence(paths: LabPaths, text: str) -> None:
    paths.state.parent.mkdir(parents=True)
    paths.state.write_text(text)
    with pytest.raises(LabError, match="damaged or of another version") as caught:
        state.load(paths)
    assert "rdna1 lab down --name try" in caught.value.cure


def test_ports_are_by_name() -> None:
    assert LAB.ports() == {"mirror": 20000, "rx5600xt-01": 20001, "cpu-reference": 20002}


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "a_b", "a/b", "..", "a" * 32, "a b"])
def test_a_name_that_podman_or_a_path_would_not_take_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot name a lab"):
        LabPaths(name)


def test_the_lock_lies_outside_of_what_down_removes(paths: LabPaths) -> None:
    assert not paths.lock.is_relative_to(paths.root)
    assert dataclasses.replace(paths, name="other").lock != paths.lock
