"""`rdna1 report`: what it writes, says and returns."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rdna1 import cli
from rdna1.lab.errors import LabError
from rdna1.report import commands
from rdna1.runs import model

from tests.report import sample


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with one run, in a folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    sample.write(tmp_path / "runs", *sample.run(12))
    return tmp_path / "runs"


def good(runs: Path, name: str) -> None:
    record, hosts = sample.run(12)
    passed = {name: host for name, host in hosts.items() if host.state in model.PASSED}
    record.id, record.state = name, "done"
    record.waves = [model.Wave(1, "100%", list(passed), state="done")]
    sample.write(runs, record, passed)


def test_without_options_it_writes_the_page_beside_the_run(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.code(["report"]) == 1
    page = runs / "20261121T090000Z-3f1c/report.html"
    assert page.read_text().startswith("<!DOCTYPE html>")
    said = capsys.readouterr().err
    assert "wrote runs/20261121T090000Z-3f1c/report.html" in said
    assert "stopped, 3 of 12 hosts passed; 7 with simulated cards" in said


def test_each_form_goes_where_it_is_asked_for(runs: Path, tmp_path: Path) -> None:
    wanted = ["--json", "a.json", "--html", "a.html", "--junit", "a.xml"]
    assert cli.code(["report", "20261121T090000Z-3f1c", *wanted]) == 1
    document = json.loads((tmp_path / "a.json").read_text())
    assert (document["schema"], document["ok"], len(document["hosts"])) == ("rdna1.run/1", False, 12)
    ElementTree.parse(tmp_path / "a.xml")  # noqa: S314 - written a moment ago
    assert (tmp_path / "a.html").exists()
    assert not (runs / "20261121T090000Z-3f1c/report.html").exists()


@pytest.mark.usefixtures("runs")
def test_the_document_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(["report", "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["id"] == "20261121T090000Z-3f1c"


def test_a_good_run_exits_0_and_the_newest_is_the_default(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(runs, "20261122T090000Z-aaaa")
    assert cli.code(["report"]) == 0
    assert "20261122T090000Z-aaaa: done, 3 of 3 hosts passed" in capsys.readouterr().err


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "there is no run"),
        (["../runs"], "cannot be a run's id"),
        (["--runs-dir", "nowhere"], "there is no run; start one with `rdna1 rollout`"),
        (["--html", "nowhere/a.html"], "it cannot be written (No such file or directory)"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.code(["report", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_damaged_host_is_one_sentence(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "20261121T090000Z-3f1c/hosts/cpu-reference.json").write_text("{")
    assert cli.code(["report"]) == 2
    assert "it is damaged" in capsys.readouterr().err


def test_a_host_s_name_cannot_lead_out_of_the_directory(tmp_path: Path) -> None:
    with pytest.raises(LabError):
        commands.find(tmp_path, "..")
