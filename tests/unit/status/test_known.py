"""What is known of a host without calling it, when a verdict is stale, and what the commands make of it."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rdna1 import cli
from rdna1.lab.errors import LabError
from rdna1.status import compare, known

from tests.report import sample

NAME = "render-000.example.org"
RUN, HOSTS = sample.run(12)
CHANGED = HOSTS[NAME]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "verdicts").mkdir()
    return tmp_path


def record(folder: Path, name: str, **changes: Any) -> None:
    """Write a run of one host."""
    run = replace(RUN, id=name, waves=[])
    sample.write(folder / "runs", run, {NAME: replace(CHANGED, **changes)})


def fetched(folder: Path, **changes: Any) -> None:
    (folder / "verdicts" / f"{NAME}.json").write_text(json.dumps({**(CHANGED.verdict or {}), **changes}))


def know(folder: Path, name: str = NAME, **options: Any) -> known.Known:
    (one,) = known.gather(folder / "runs", folder / "verdicts", [name], **options)
    return one


def test_a_pass_about_this_state_is_a_pass(here: Path) -> None:
    record(here, "20261121-1")
    one = know(here)
    assert one.passed
    assert (one.outcome, one.stale, one.run, one.state) == ("pass", "", "20261121-1", "changed")
    assert one.simulated
    assert one.stand_in


@pytest.mark.parametrize("field", known.JUDGED)
def test_a_verdict_about_another_state_is_stale_and_no_pass(here: Path, field: str) -> None:
    record(here, "20261121-1", after={**CHANGED.after, field: "another"})
    one = know(here)
    assert (one.outcome, one.passed) == ("pass", False)
    assert one.stale.startswith(f"{field} is another now, ")


def test_the_newest_verdict_counts_wherever_it_is(here: Path) -> None:
    record(here, "20261121-1")
    fetched(here, finished=sample.at(9000), outcome="hang", ok=False, summary="it hung")
    assert (know(here).outcome, know(here).sentence) == ("hang", "it hung")
    fetched(here, finished=sample.at(-9000), outcome="hang", ok=False)
    assert know(here).outcome == "pass"


def test_an_earlier_pass_that_the_plan_found_counts_only_while_it_is_current(here: Path) -> None:
    prior = {"verdict": "pass", "current": True, "finished": sample.at(-900), "sentence": "10 of 10"}
    record(here, "20261121-1", verdict=None, prior=prior, differences=[])
    assert know(here).passed
    record(here, "20261121-1", verdict=None, prior={**prior, "current": False})
    assert know(here).stale == "the host has changed since"
    assert not know(here).passed


def test_a_fetched_pass_from_before_a_run_that_changed_the_host_is_stale(here: Path) -> None:
    fetched(here, finished=sample.at(-900))
    record(here, "20261121-1", state="failed", verdict=None)
    assert know(here).stale == "a run has changed the host since, and not verified it"
    record(here, "20261121-1", state="ok", verdict=None, differences=[])
    assert know(here).passed
    record(
        here,
        "20261121-1",
        state="ok",
        verdict=None,
        differences=[],
        prior={"verdict": "pass", "current": False},
    )
    assert know(here).stale == "the host has changed since"
    fetched(here, finished=sample.at(9000))
    assert know(here).passed


def test_after_a_rollback_the_host_is_what_was_judged_then(here: Path) -> None:
    """The failing verdict was about what is gone; without a verdict on what came back, nobody knows."""
    back = {"state": "rolled-back", "cause": "verdict-hang", "action": "rolled-back", "after": {}}
    back |= {"before": {**CHANGED.after, "policy": "older"}}
    found = json.loads(json.dumps(CHANGED.verdict))
    failed = {**found, "outcome": "hang", "ok": False}
    record(here, "20261121-1", verdict=failed, **back)
    assert know(here).stale.startswith("policy is older now, ")
    found["expect"]["subject"]["policy"] = "older"
    restored = {**found, "finished": sample.at(9000)}
    record(here, "20261121-1", verdict=failed, restored=restored, **back)
    assert (know(here).passed, know(here).summary["policy"]) == (True, "older")


def test_a_host_left_with_what_failed_is_what_its_verdict_says(here: Path) -> None:
    failed = {**(CHANGED.verdict or {}), "outcome": "fail", "ok": False}
    before = {**CHANGED.after, "policy": "older"}
    record(here, "20261121-1", state="verdict-fail", verdict=failed, before=before, after={})
    assert (know(here).outcome, know(here).stale) == ("fail", "")
    assert know(here).summary["policy"] == CHANGED.after["policy"]


def test_age_makes_stale_only_where_it_is_asked_for(here: Path) -> None:
    record(here, "20261121-1")
    assert know(here, max_age=timedelta(days=100_000)).passed
    (here / "runs/20261121-1/hosts" / f"{NAME}.json").unlink()
    fetched(here, finished="2020-01-01T00:00:00Z")
    assert know(here).passed
    assert "days old" in know(here, max_age=timedelta(days=30)).stale
    fetched(here, finished="some day")
    assert know(here, max_age=timedelta(days=30)).stale == "nobody knows when it was made"


def test_the_newest_run_that_tried_the_host_counts(here: Path) -> None:
    record(here, "20261121-1", state="failed", verdict=None)
    record(here, "20261122-1", state="pending", verdict=None, after={}, before={})
    assert (know(here).run, know(here).state) == ("20261121-1", "failed")
    record(here, "20261123-1")
    assert (know(here).run, know(here).passed) == ("20261123-1", True)


def test_a_host_that_no_run_got_to_is_listed_all_the_same(here: Path) -> None:
    record(here, "20261121-1", state="pending", verdict=None, after={}, before={})
    (one,) = known.gather(here / "runs", here / "verdicts")
    assert (one.host, one.state, one.outcome, one.passed) == (NAME, "pending", "none", False)


def test_a_host_of_which_nothing_is_known_has_no_pass(here: Path) -> None:
    one = know(here, "nobody")
    assert (one.outcome, one.passed, one.stale) == ("none", False, "")


def test_a_skip_is_no_pass(here: Path) -> None:
    fetched(here, outcome="skipped", ok=False)
    assert not know(here).passed


def test_what_is_no_verdict_is_named(here: Path) -> None:
    (here / "verdicts/a.json").write_text("[]")
    with pytest.raises(LabError, match=r"a\.json: it is no verdict"):
        known.gather(here / "runs", here / "verdicts")


def test_status_says_who_passes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.write(here / "runs", *sample.run(12))
    assert cli.code(["status"]) == 1
    said = capsys.readouterr().out
    assert "3 of 12 hosts pass." in said
    assert "STALE: kernel is 6.8.0-88-generic now, 6.12.48-amd64 was judged" in said
    assert "RX 5600 XT (simulated)" in said
    assert "1.13.1+rocm5.2 (stand-in)" in said
    assert "render-010.example.org" in said


def test_status_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.write(here / "runs", *sample.run(12))
    assert cli.code(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["ok"], len(found["hosts"])) == ("rdna1.status/1", False, 12)
    assert len(found["failures"]) == 9
    assert all(sorted(one) == ["code", "fix", "host", "message"] for one in found["failures"])
    assert all(one["message"] and one["fix"] for one in found["failures"])


def test_status_of_a_good_fleet_exits_0(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(here, "20261121-1")
    assert cli.code(["status"]) == 0
    assert "1 of 1 hosts pass." in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_status_of_nothing_cannot_judge(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.code(["status"]) == 2
    assert "there is neither a verdict in verdicts nor a run in runs" in capsys.readouterr().err


def test_an_inventory_s_unknown_hosts_are_shown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(here, "20261121-1")
    (here / "hosts.yml").write_text(f"rdna1: {{hosts: {{{NAME}: , new-01: }}}}\n")
    assert cli.code(["status", "-i", "hosts.yml", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [host["host"] for host in found["hosts"]] == [NAME, "new-01"]
    assert [(one["host"], one["code"]) for one in found["failures"]] == [("new-01", "verdict-none")]


def test_what_a_host_says_cannot_move_the_cursor(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetched(here, outcome="fail", ok=False, summary="\x1b[2Jgone\r[red]not red[/red]")
    assert cli.code(["status"]) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\r" not in said
    assert "[red]not red[/red]" in said


def both(folder: Path) -> tuple[known.Known, known.Known]:
    sample.write(folder / "runs", *sample.run(12))
    one, other = (know(folder, f"render-00{number}.example.org") for number in (1, 5))
    return one, other


def test_a_host_does_not_differ_from_itself(here: Path) -> None:
    one, _ = both(here)
    assert compare.compare(one, one) == []


def test_everything_that_differs_is_named(here: Path) -> None:
    found = {(one.kind, one.what): (one.left, one.right) for one in compare.compare(*both(here))}
    assert found[("summary", "kernel")] == ("6.12.48-amd64", "6.8.0-88-generic")
    assert found[("summary", "card")] == (sample.CARDS[0][0], sample.CARDS[1][0])
    assert found[("case", "smoke/44")] == ("pass", "fail")
    assert ("summary", "torch") not in found


def test_what_a_run_has_repaired_is_no_difference(here: Path) -> None:
    record(here, "20261121-1", state="changed")
    assert know(here).differences == []
    record(here, "20261121-1", state="failed")
    assert know(here).differences == CHANGED.differences != []


def test_plans_and_times_differ_too(here: Path) -> None:
    one = replace(both(here)[0], differences=sample.differences())
    verdict = json.loads(json.dumps(one.verdict))
    verdict["cases"][0]["steady_s"] *= 1.3
    verdict["cases"][1]["steady_s"] *= 1.1
    del verdict["cases"][2]
    found = compare.compare(one, replace(one, verdict=verdict, differences=one.differences[1:]))
    assert [(each.kind, each.what) for each in found] == [
        ("plan", "rocm package rocm-dev"),
        ("time", "smoke/32, steady"),
        ("case", "smoke/42"),
    ]
    assert found[2].right == "not run"


def test_diff_returns_as_diff_does(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both(here)
    one, other = "render-001.example.org", "render-005.example.org"
    assert cli.code(["diff", one, one]) == 0
    assert "are alike" in capsys.readouterr().out
    assert cli.code(["diff", one, other]) == 1
    assert "6.8.0-88-generic" in capsys.readouterr().out
    assert cli.code(["diff", one, other, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["ok"]) == ("rdna1.diff/1", False)
    assert len(found["failures"]) == len(found["differences"])
    assert cli.code(["diff", one, "nobody"]) == 2
    assert "nobody: there is neither a verdict of it" in capsys.readouterr().err
