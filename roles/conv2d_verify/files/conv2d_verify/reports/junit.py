"""JUnit XML: one test suite per suite, and one for the checks of the host."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from conv2d_verify import outcome

# XML 1.0 has no place for these, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GOOD = (outcome.PASS, outcome.EXPECTED_HANG, outcome.UNEXPECTED_PASS)


def render(verdict: dict[str, Any]) -> str:
    """Return the verdict as JUnit XML."""
    root = ElementTree.Element("testsuites", name="conv2d-verify")
    checks = ElementTree.SubElement(root, "testsuite", name="host")
    for check in verdict["checks"]:
        case = _testcase(checks, verdict, "host", check["name"], 0.0)
        if not check["ok"]:
            _child(case, "failure", f"{check['found']} found, {check['wanted']} wanted", check["fix"])
    for failure in verdict["failures"]:
        # What is no case's and no check's own still has to be red.
        if failure["code"] not in ("check", *outcome.STATUSES):
            case = _testcase(checks, verdict, "host", failure["code"], 0.0)
            _child(case, "failure", failure["message"], failure["fix"])
    suites: dict[str, ElementTree.Element] = {}
    for result in verdict["cases"]:
        name = result["case"]["suite"]
        if name not in suites:
            suites[name] = ElementTree.SubElement(root, "testsuite", name=name)
        case = _testcase(suites[name], verdict, name, result["id"], result["seconds"] or 0.0)
        _result(case, result)
    for suite in root:
        cases = list(suite)
        suite.set("tests", str(len(cases)))
        for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _testcase(
    suite: ElementTree.Element, verdict: dict[str, Any], group: str, name: str, seconds: float
) -> ElementTree.Element:
    return ElementTree.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{verdict['host']}.{group}"),
        name=_clean(name),
        time=f"{seconds:.3f}",
    )


def _result(case: ElementTree.Element, result: dict[str, Any]) -> None:
    state, reason = result["state"], result["reason"]
    if state in _GOOD:
        return
    if state in (outcome.NOT_RUN, outcome.SKIPPED) or not result["gating"]:
        _child(case, "skipped", f"{state}: {reason}", "")
        return
    kind = "failure" if state in (outcome.FAIL, *outcome.STUCK) else "error"
    _child(case, kind, f"{state}: {reason}", "\n".join([*result["trace"], *result["printed"]]))


def _child(case: ElementTree.Element, kind: str, message: str, text: str) -> None:
    ElementTree.SubElement(case, kind, message=_clean(message)).text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
