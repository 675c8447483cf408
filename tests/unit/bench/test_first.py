"""`bench/first_converge` gives packages of full size to a lab of its own, and to no other."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Bench = Callable[[str], ModuleType]


@pytest.mark.parametrize(("full_size", "last"), [(True, ["2", "--full-size"]), (False, ["--hosts", "2"])])
def test_a_lab_of_its_own_is_brought_up_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, last: list[str], *, full_size: bool
) -> None:
    fleet = bench("fleet")
    commands: list[list[str]] = []
    monkeypatch.setattr(fleet, "checked", commands.append)
    monkeypatch.setattr(fleet, "take", lambda lab: lab)
    assert fleet.bring_up("x", 2, full_size=full_size) == "x"
    assert commands[0][-2:] == last


@pytest.mark.parametrize(
    ("state", "said"), [({"full_size": True}, True), ({"full_size": False}, False), ({}, False)]
)
def test_what_a_lab_s_size_is_stands_in_its_state(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: dict[str, bool], *, said: bool
) -> None:
    fleet = bench("fleet")
    monkeypatch.setattr(fleet, "CHECKOUT", tmp_path)
    (tmp_path / ".lab/x").mkdir(parents=True)
    (tmp_path / ".lab/x/lab.json").write_text(json.dumps(state))
    assert fleet.is_full_size("x") is said


def test_somebody_s_lab_stays_as_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = bench("first")
    monkeypatch.setattr("sys.argv", ["first_converge", "--lab", "mine", "--full-size"])
    with pytest.raises(SystemExit) as stopped:
        first.main()
    assert stopped.value.code == 2
    assert "rdna1 lab up --full-size --name mine" in capsys.readouterr().err
