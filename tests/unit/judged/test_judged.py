"""The exit codes of the project around playbooks that only look."""

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from rdna1 import cli


@pytest.fixture
def played() -> list[list[str]]:
    """Collect the command lines that were run."""
    return []


def run(
    monkeypatch: pytest.MonkeyPatch, played: list[list[str]], arguments: list[str], returned: int = 0
) -> int:
    def ansible(argv: list[str], **_options: object) -> SimpleNamespace:
        played.append(argv)
        return SimpleNamespace(returncode=returned)

    monkeypatch.setattr(subprocess, "run", ansible)
    return cli.code(arguments)


@pytest.mark.parametrize(("ansible", "ours"), [(0, 0), (2, 1), (4, 1), (1, 2), (5, 2), (250, 2), (-9, 2)])
@pytest.mark.parametrize("command", ["preflight", "drift"])
def test_a_failed_host_is_1_and_no_judgement_is_2(
    monkeypatch: pytest.MonkeyPatch, played: list[list[str]], command: str, ansible: int, ours: int
) -> None:
    assert run(monkeypatch, played, [command], ansible) == ours


def test_the_playbook_is_asked_as_a_user_would(
    monkeypatch: pytest.MonkeyPatch, played: list[list[str]], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    arguments = [
        "drift",
        "-i",
        "mine",
        "--limit",
        "a",
        "--deep",
        "--json",
        "here.json",
        "-e",
        "rdna1_stack=rocm57",
    ]
    assert run(monkeypatch, played, arguments) == 0
    (argv,) = played
    assert argv[1].endswith("/playbooks/drift.yml")
    assert argv[2:] == [
        "--inventory", str(tmp_path / "mine"), "--limit", "a",
        "--extra-vars", f"rdna1_drift_to={tmp_path}/here.json",
        "--extra-vars", "rdna1_stack=rocm57", "--extra-vars", "rdna1_deep=true",
    ]  # fmt: skip


def test_without_an_inventory_it_is_the_lab(monkeypatch: pytest.MonkeyPatch, played: list[list[str]]) -> None:
    run(monkeypatch, played, ["preflight"])
    assert played[0][3].endswith("/inventories/lab")


def test_the_example_of_a_schedule_asks_for_a_deep_report(
    monkeypatch: pytest.MonkeyPatch, played: list[list[str]]
) -> None:
    folder = Path(__file__).parents[3] / "docs/schedule"
    (line,) = re.findall(
        r"^ExecStart=\S+/\.venv/bin/rdna1 (.*)$",
        (folder / "rdna1-drift-deep.service").read_text(),
        re.MULTILINE,
    )
    assert run(monkeypatch, played, line.split()) == 0
    (argv,) = played
    assert argv[1].endswith("/playbooks/drift.yml")
    assert "rdna1_deep=true" in argv
    assert "rdna1_drift_to=/var/lib/rdna1-drift/deep.json" in argv
    assert (folder / "rdna1-drift-deep.timer").exists()
