"""The command: bad usage is one sentence and exit code 2, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdna1 import cli

INVENTORY = "rdna1: {hosts: {a.example.org: , b.example.org: }}\n"


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "hosts.yml").write_text(INVENTORY)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "some"], "--budget: 'some' is no number of hosts"),
        (["--waves", "1,10%"], "--waves: 1,10% ends before 1 of 2 hosts; let it end in 100%"),
        (["--limit", "!all"], "--inventory: no host of rdna1 or cpu_reference"),
        (["--confirm"], "--confirm: nobody can be asked"),
        (["--playbook", "nowhere.yml"], "--playbook: there is no "),
        (["-e", "@nowhere.yml"], "--extra-vars: @nowhere.yml cannot be read"),
        (["--on-failure", "panic"], "'--on-failure'"),
        (["--reboot", "now"], "'--reboot'"),
        (["--soak", "-1"], "'--soak'"),
        (["--resume", "x", "--waves", "100%"], "--waves: it cannot be changed when a run is resumed"),
    ],
)
def test_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    inventory = [] if "--resume" in arguments else ["-i", str(tmp_path / "hosts.yml")]
    assert cli.code(["rollout", *inventory, "--runs-dir", str(tmp_path / "runs"), *arguments]) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.err.startswith("rdna1: ")
    assert output.err.count("\n") == 1
    assert output.out == ""
    assert not (tmp_path / "runs").exists()


def test_the_help_has_every_option_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(["rollout", "--help"]) == 0
    said = capsys.readouterr().out
    words = (
        "inventory limit waves soak confirm budget timeout on-failure resume reboot drain undrain extra-vars"
    )
    words += " extra-vars playbook vault-password-file quiet json-lines runs-dir"
    assert [word for word in words.split() if f"--{word}" not in said] == []
    assert "rdna1 rollout -i inventories/mine" in said
    assert "Exit codes: 0" in said
