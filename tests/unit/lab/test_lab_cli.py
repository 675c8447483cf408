"""The commands: what they print and return, above all where they cannot do what was asked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rdna1 import cli
from rdna1.lab import images, lifecycle, paths, state
from rdna1.lab.errors import LabError
from typer.testing import CliRunner

if TYPE_CHECKING:
    from tests.unit.lab.conftest import FakeMachine


@pytest.fixture(autouse=True)
def _an_empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths.LabPaths.__init__, "__defaults__", (tmp_path,))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lab", "up", "--hosts", "0"], "a lab cannot have 0 hosts; use 1 to 200"),
        (["lab", "up", "--hosts", "many"], "'--hosts'"),
        (["lab", "up", "--name", "My Lab"], "cannot name a lab"),
        (["lab", "up", "--debian", "11"], "there is no base debian-11; use debian-13 or debian-12"),
        (["lab", "up", "--debian", ""], "there is no base debian-"),
        (["lab", "up", "--debain", "12"], "--debain"),
        (["lab", "start"], "start"),
        (["lab", "status"], "lab lab: it is not up; run `rdna1 lab up --name lab`"),
        (["lab", "reset"], "it is not up"),
        (["lab", "ssh", "rx5600xt-01"], "it is not up"),
        (["lab", "ssh"], "'host'"),
        (["nothing"], "nothing"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.code(arguments) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.err.count("\n") == 1
    assert output.err.startswith("rdna1: ")
    assert output.out == ""


@pytest.mark.parametrize("arguments", [[], ["lab"]])
def test_nothing_asked_shows_the_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(arguments) == 2
    output = capsys.readouterr()
    assert "Usage" in output.out + output.err
    assert "rdna1: " not in output.err


def test_an_unknown_lab_base_names_the_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_BASE", "fedora")
    assert cli.code(["lab", "up"]) == 2
    assert capsys.readouterr().err.startswith("rdna1: LAB_BASE: there is no base fedora; use debian-13 or")


def test_the_help_says_what_is_not_proven() -> None:
    said = " ".join(CliRunner().invoke(cli.app, ["lab", "up", "--help"]).output.split())
    assert "LAB_BASE" in said
    assert "not proven" in said.replace("│ ", "")


def test_status_as_json_without_a_lab(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(["lab", "status", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "rdna1.lab/1"
    assert found["ok"] is False
    (failure,) = found["failures"]
    assert sorted(failure) == ["code", "fix", "host", "message"]


def test_the_environment_names_the_lab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RDNA1_LAB", "second")
    assert cli.code(["lab", "status"]) == 2
    assert "lab second: it is not up" in capsys.readouterr().err
    assert cli.code(["lab", "status", "--name", "third"]) == 2
    assert "lab third" in capsys.readouterr().err


def outcome(failures: dict[str, LabError]) -> lifecycle.Outcome:
    host = state.HostState(20001, "debian-13", images.recipe("debian-13").image, None, None, ())
    mirror = state.MirrorState(20000, "10.89.7.254", "http://mirror.lab:8080")
    lab = state.LabState("lab", "operator", mirror, {"cpu-reference": host})
    return lifecycle.Outcome(lab, ["cpu-reference"], [], failures)


def test_up_returns_what_its_hosts_did(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: dict[str, LabError] = {}
    monkeypatch.setattr(lifecycle, "up", lambda *_, **_options: outcome(failures))
    assert cli.code(["lab", "up"]) == 0
    assert "lab has 1 of 1 hosts ready (1 new, 0 started again)" in capsys.readouterr().out
    failures["cpu-reference"] = LabError("cpu-reference", "no", "reset it", exit_code=1)
    assert cli.code(["lab", "up"]) == 1
    output = capsys.readouterr()
    assert output.err == "rdna1: cpu-reference: no; reset it\n"
    assert "0 of 1 hosts ready" in output.out
    failures["the mirror's content"] = LabError("the mirror", "no", "wait")
    assert cli.code(["lab", "up"]) == 2


@pytest.mark.parametrize(("words", "asked"), [([], None), (["--full-size"], True), (["--small"], False)])
def test_up_passes_the_packages_size_on(
    monkeypatch: pytest.MonkeyPatch, words: list[str], *, asked: bool | None
) -> None:
    options: dict[str, object] = {}
    monkeypatch.setattr(lifecycle, "up", lambda *_, **given: options.update(given) or outcome({}))
    assert cli.code(["lab", "up", *words]) == 0
    assert options["full_size"] is asked


def test_ctrl_c_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, "up", interrupted)
    assert cli.code(["lab", "up"]) == 2
    assert capsys.readouterr().err.startswith("rdna1: interrupted; run the same command again")


def test_a_missing_podman_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.code(["lab", "down"]) == 2
    assert capsys.readouterr().err == (
        "rdna1: this machine: podman is not installed; run scripts/setup, which installs what is missing\n"
    )


def test_ssh_becomes_ssh(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    where = paths.LabPaths("lab")
    state.save(where, outcome({}).lab)
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execvp", lambda _file, argv: called.append(argv))
    assert cli.code(["lab", "ssh", "cpu-reference", "--name", "lab", "--", "ls", "--all"]) == 0
    (argv,) = called
    assert argv[-4:] == ["20001", "operator@127.0.0.1", "ls", "--all"]
    assert "StrictHostKeyChecking=yes" in argv
    assert machine.commands == []


def test_ssh_knows_its_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    state.save(paths.LabPaths("lab"), outcome({}).lab)
    assert cli.code(["lab", "ssh", "rx580"]) == 2
    assert "it has no host rx580; use one of cpu-reference" in capsys.readouterr().err
