"""From a run's files to one document: what is ok, what failed, and what each host shows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from markupsafe import escape
from rdna1.report import junit, page, schema, verdicts
from rdna1.report.document import Document, build
from rdna1.runs import model

from tests.report import sample

ROOT = Path(__file__).parents[3]


def done(*hosts: model.Host, state: model.RunState = "done", **changes: Any) -> Document:
    """Return the document of a run of these hosts."""
    run, _ = sample.run(12)
    waves = [model.Wave(1, "100%", [host.host for host in hosts], state="done")]
    run = replace(run, **{"state": state, "waves": waves, **changes})
    return build(run, {host.host: host for host in hosts})


@pytest.mark.parametrize("state", get_args(model.HostState))
def test_one_host_decides_whether_a_run_is_ok(state: model.HostState) -> None:
    document = done(model.Host("a", state="ok"), model.Host("b", state=state))
    assert document.ok is (state in {"ok", "changed", "needs-reboot"})
    assert [finding.host for finding in document.failures] == ([] if document.ok else ["b"])
    assert all(finding.fix and finding.message for finding in document.failures)


@pytest.mark.parametrize("state", [state for state in get_args(model.RunState) if state != "done"])
def test_a_run_that_is_not_done_is_not_ok(state: model.RunState) -> None:
    assert not done(model.Host("a", state="ok"), state=state).ok


def test_a_run_without_hosts_is_not_ok() -> None:
    assert not done().ok


def test_a_host_that_has_no_file_yet_is_pending_and_counted() -> None:
    run, hosts = sample.run(12)
    del hosts["render-010.example.org"]
    document = build(run, hosts)
    (missing,) = (host for host in document.hosts if host.host == "render-010.example.org")
    assert (missing.state, missing.wave) == ("pending", 4)
    assert len(document.hosts) == 12
    assert sum(document.counts.values()) == 12


@pytest.mark.parametrize(
    ("cause", "command"),
    [
        ("verdict-hang", "ansible.builtin.reboot"),
        ("verdict-hang", "&& rdna1 rollout --resume 20261121T090000Z-3f1c"),
        ("verdict-fail", "playbooks/verify.yml -i inventories/mine --limit a"),
        ("verdict-fail", "&& rdna1 rollout --resume 20261121T090000Z-3f1c"),
        ("unreachable", "rdna1 doctor -i inventories/mine"),
        ("failed", "rdna1 rollout --resume 20261121T090000Z-3f1c"),
        ("pending", "rdna1 rollout --resume 20261121T090000Z-3f1c"),
    ],
)
def test_the_next_command_follows_from_the_cause(cause: model.HostState, command: str) -> None:
    state: model.HostState = "quarantined" if cause == "verdict-hang" else cause
    (finding,) = done(model.Host("a", state=state, cause=cause)).failures
    assert finding.code == cause
    assert command in finding.fix


@pytest.mark.parametrize("cause", ["verdict-hang", "verdict-fail", "unreachable", "failed"])
def test_a_cure_finds_a_run_that_is_kept_elsewhere(cause: model.HostState, tmp_path: Path) -> None:
    run, _ = sample.run(12)
    run.options.extra_vars_names.append("rdna1_stack")
    host = model.Host("a", state=cause, cause=cause)
    document = build(run, {host.host: host}, tmp_path / "my runs")
    wanted = f"--resume {run.id} --runs-dir '{tmp_path}/my runs' -e … (rdna1_stack)"
    (finding,) = (one for one in document.failures if one.host == host.host)
    assert finding.fix.endswith(wanted)
    assert document.resume.endswith(wanted)
    assert document.resume in junit.render(document)
    assert str(escape(document.resume)) in page.render(document)


def test_an_earlier_pass_counts_only_for_exactly_this_state() -> None:
    prior = {"verdict": "pass", "current": True, "finished": "2026-11-20T09:00:00Z", "sentence": "10 of 10"}
    current, changed, none = done(
        model.Host("a", state="ok", prior=prior),
        model.Host("b", state="ok", prior={**prior, "current": False}),
        model.Host("c", state="ok"),
    ).hosts
    assert (current.outcome, current.earlier) == ("pass", True)
    assert (changed.outcome, changed.earlier) == ("stale", True)
    assert (none.outcome, none.earlier) == ("none", False)


@pytest.mark.parametrize(
    "verdict",
    [
        {"schema": "rdna1.verdict/2", "outcome": "pass", "ok": True},
        {"schema": "rdna1.verdict/1", "outcome": "pass", "ok": False},
        {"schema": "rdna1.verdict/1", "outcome": "fine", "ok": True},
        {"schema": "rdna1.verdict/1", "cases": [1, {"case": 2}, {"case": {"size": "x"}}], "notices": 3},
        {"schema": "rdna1.verdict/1", "device": [], "runtime": None, "expect": {"subject": []}},
    ],
)
def test_what_is_no_verdict_is_unknown_and_stops_nothing(verdict: dict[str, Any]) -> None:
    (host,) = done(model.Host("a", state="ok", verdict=verdict)).hosts
    assert host.outcome == "unknown"
    assert verdicts.cases(verdict) == []


def test_simulated_cards_and_stand_ins_are_counted() -> None:
    document = build(*sample.run(12))
    verified = [host for host in document.hosts if host.verdict and host.host != "cpu-reference"]
    assert document.stand_ins == len(verified) > 0
    assert all(host.simulated and host.stand_in for host in verified)
    (reference,) = (host for host in document.hosts if host.host == "cpu-reference")
    assert not reference.simulated
    assert not reference.stand_in


def test_phases_name_the_slowest_host() -> None:
    hosts = [model.Host(name, state="ok", phases=[model.Phase("rocm", seconds)]) for name, seconds in
             (("a", 1.0), ("b", 9.0), ("c", 3.0))]  # fmt: skip
    (phase,) = done(*hosts).phases
    assert (phase.hosts, phase.median, phase.longest, phase.host) == (3, 3.0, 9.0, "b")


def test_the_sample_s_verdicts_are_what_the_verifier_writes() -> None:
    valid = json.loads((ROOT / "docs/verdict.schema.json").read_text())
    found = [host.verdict for host in sample.run(12)[1].values() if host.verdict]
    assert found
    for verdict in found:
        jsonschema.validate(verdict, valid)


@pytest.mark.parametrize("evil", [False, True])
def test_the_document_is_valid_by_its_schema(evil: bool) -> None:
    run, hosts = sample.run(30)
    if evil:
        sample.hostile(run, hosts)
    document = json.loads(build(run, hosts).as_text())
    jsonschema.validate(document, schema.schema())
    assert document["schema"] == "rdna1.run/1"
    assert {"ok", "failures", "waves", "hosts"} <= document.keys()


def test_the_driver_s_files_are_valid_by_the_same_schema(tmp_path: Path) -> None:
    paths = sample.write(tmp_path, *sample.run(12))
    whole = schema.schema()
    jsonschema.validate(json.loads(paths.run.read_text()), {**whole, "$ref": "#/$defs/Run"})
    files = list((paths.root / "hosts").iterdir())
    assert len(files) == 12
    for file in files:
        jsonschema.validate(json.loads(file.read_text()), {**whole, "$ref": "#/$defs/Host"})


def test_the_schema_refuses_what_it_should() -> None:
    document = json.loads(build(*sample.run(12)).as_text())
    document["hosts"][0]["state"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema.schema())


def test_the_schema_in_docs_is_the_one_that_is_made() -> None:
    written = (ROOT / "docs/run.schema.json").read_text()
    assert written == schema.text(), "run: python -m rdna1.report.schema >docs/run.schema.json"
