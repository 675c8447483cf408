"""JUnit: what CI shows as red, yellow and green."""

from xml.etree import ElementTree

import pytest
from rdna1.report import junit
from rdna1.report.document import build
from rdna1.runs import model

from tests.report import sample


def parse(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - written by this test's subject a moment ago


def case_of(state: model.HostState, cause: model.HostState | None = None) -> ElementTree.Element:
    run, _ = sample.run(12)
    run.waves = [model.Wave(1, "1", ["a"])]
    root = parse(junit.render(build(run, {"a": model.Host("a", wave=1, state=state, cause=cause)})))
    found = root.find("testsuite[@name='wave 1']/testcase[@name='a']")
    assert found is not None
    return found


@pytest.mark.parametrize("state", ["ok", "changed", "needs-reboot"])
def test_a_host_that_passed_is_green(state: model.HostState) -> None:
    assert {child.tag for child in case_of(state)} <= {"system-out"}


@pytest.mark.parametrize(
    ("state", "cause", "kind"),
    [
        ("failed", None, "failure"),
        ("verdict-hang", None, "failure"),
        ("rolled-back", "verdict-fail", "failure"),
        ("quarantined", "verdict-unknown", "error"),
        ("unreachable", None, "error"),
        ("timed-out", None, "error"),
        ("verdict-unknown", None, "error"),
        ("running", None, "error"),
        ("pending", None, "skipped"),
        ("skipped", None, "skipped"),
    ],
)
def test_no_other_host_is(state: model.HostState, cause: model.HostState | None, kind: str) -> None:
    assert [child.tag for child in case_of(state, cause)] == [kind]


def test_a_suite_counts_its_cases() -> None:
    document = build(*sample.run(30))
    root = parse(junit.render(document))
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(attribute, "")) == sum(case.find(kind) is not None for case in cases)
    assert len(root.findall("testsuite/testcase[@classname='rdna1.hosts']")) == len(document.hosts)
    red = root.findall("testsuite/testcase[@classname='rdna1.hosts']/*[@message]")
    assert len(red) == len(document.failures)


def test_a_closed_gate_is_red_and_a_failure_has_its_stderr() -> None:
    text = junit.render(build(*sample.run(12)))
    gate = parse(text).find("testsuite[@name='gates']/testcase[@name='after wave 3']/failure")
    assert gate is not None
    assert "2 are the budget" in gate.get("message", "")
    assert "You don't have enough free space" in text


def test_what_only_stands_in_says_so() -> None:
    root = parse(junit.render(build(*sample.run(12))))
    notes = {one.text for one in root.iter("system-out")}
    assert "NOTE: simulated card, stand-in torch" in notes


def test_hostile_texts_leave_the_file_readable() -> None:
    run, hosts = sample.run(12)
    sample.hostile(run, hosts)
    document = build(run, hosts)
    root = parse(junit.render(document))
    assert any(sample.HOSTILE in case.get("name", "") for case in root.iter("testcase"))
    assert list(root.iter("script")) == []


def test_lone_surrogates_can_be_written() -> None:
    assert junit.clean("a\ud800b\x00c") == "a\ufffdb\ufffdc"
