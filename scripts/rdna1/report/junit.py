"""JUnit XML for CI: a case for each host, in its wave's suite, and one for each gate."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rdna1.report.document import Document, Finding, ReportedHost

# XML 1.0 has no place for these, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What failed, as opposed to what could not be judged.
FAILED = ("failed", "verdict-fail", "verdict-hang", "rolled-back", "quarantined")
NOT_RUN = ("pending", "skipped")


def render(document: Document) -> str:
    """Return the run as JUnit XML."""
    root = Element("testsuites", name=clean(f"rdna1 {document.id}"))
    findings = {finding.host: finding for finding in document.failures}
    waves: dict[int | None, Element] = {}
    for host in document.hosts:
        if host.wave not in waves:
            name = f"wave {host.wave}" if host.wave is not None else "no wave"
            waves[host.wave] = SubElement(root, "testsuite", name=name)
        _host(waves[host.wave], host, findings.get(host.host))
    gates = SubElement(root, "testsuite", name="gates")
    for wave in document.waves:
        if wave.gate is not None:
            case = _case(gates, "gates", f"after wave {wave.number}", 0.0)
            if not wave.gate.open:
                _child(case, "failure", wave.gate.reason, document.resume)
    if not document.hosts:
        _child(_case(gates, "gates", "hosts", 0.0), "error", "the run has no hosts", "rdna1 doctor")
    for suite in root:
        cases = list(suite)
        suite.set("tests", str(len(cases)))
        for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _host(suite: Element, host: ReportedHost, finding: Finding | None) -> None:
    case = _case(suite, "hosts", host.host, host.seconds or 0.0)
    notes = [*(["simulated card"] if host.simulated else []), *(["stand-in torch"] if host.stand_in else [])]
    if notes:
        SubElement(case, "system-out").text = clean(f"NOTE: {', '.join(notes)}")
    if finding is None:
        return
    failure = host.failure
    text = [f"fix: {finding.fix}"]
    if failure:
        text = [f"phase: {failure.phase}", f"task: {failure.task}", *text, failure.stderr_tail]
    kind = "skipped" if finding.code in NOT_RUN else "failure" if finding.code in FAILED else "error"
    _child(case, kind, f"{host.state}: {finding.message}", "\n".join(text))


def _case(suite: Element, group: str, name: str, seconds: float) -> Element:
    return SubElement(suite, "testcase", classname=f"rdna1.{group}", name=clean(name), time=f"{seconds:.3f}")


def _child(case: Element, kind: str, message: str, text: str) -> None:
    SubElement(case, kind, message=clean(message)).text = clean(text)


def clean(text: str) -> str:
    """Return what XML can hold of a text."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
