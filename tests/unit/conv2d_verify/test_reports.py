"""JUnit, metrics, the table: what others read says what the verdict says."""

import io
from typing import Any

import pytest
from conv2d_verify import outcome
from conv2d_verify.cases import Case
from conv2d_verify.outcome import Outcome
from conv2d_verify.reports import junit, metrics
from conv2d_verify.reports.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def verdict(*results: tuple[Outcome, str], failures: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    return {
        "host": "rx5600xt-01",
        "ok": not failures,
        "exit_code": 0,
        "finished": "2026-11-21T03:00:00+00:00",
        "seconds": 4.5,
        "expect": {"stack": "rocm52"},
        "device": {"simulated": True},
        "runtime": {},
        "checks": [{"name": "torch version", "wanted": "1", "found": "2", "ok": False, "fix": "y"}],
        "cases": [{**one.to_json(), "state": state} for one, state in results],
        "failures": list(failures),
    }


def result(status: str, reason: str = "", **changes: Any) -> Outcome:
    return Outcome(Case(id="smoke/32", suite="smoke", **changes), status, reason, times=[2.0, 0.2, 0.1])


@pytest.mark.parametrize(
    ("state", "gating", "child"),
    [
        (outcome.PASS, True, None),
        (outcome.EXPECTED_HANG, True, None),
        (outcome.FAIL, True, "failure"),
        (outcome.HANG, True, "failure"),
        (outcome.CRASH, True, "error"),
        (outcome.NOT_RUN, True, "skipped"),
        (outcome.FAIL, False, "skipped"),
    ],
)
def test_a_case_s_state_in_junit(xml: Any, state: str, gating: bool, child: str | None) -> None:
    raw = outcome.HANG if state == outcome.EXPECTED_HANG else state
    root = xml(junit.render(verdict((result(raw, "why", gating=gating), state))))
    case = root.find("testsuite[@name='smoke']/testcase")
    assert case is not None
    assert [element.tag for element in case] == ([child] if child else [])


def test_checks_and_what_is_nobody_s_own_are_red_too(xml: Any) -> None:
    failure = {"host": "h", "code": "gpu-reset", "message": "the card was reset", "fix": "reboot"}
    root = xml(junit.render(verdict(failures=(failure,))))
    suite = root.find("testsuite[@name='host']")
    assert suite is not None
    assert suite.get("failures") == "2"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_whatever_a_library_prints_the_xml_can_be_read(xml: Any, text: str) -> None:
    bad = result(outcome.CRASH, text)
    bad.printed = [text]
    xml(junit.render(verdict((bad, outcome.CRASH))))


def test_metrics_are_what_prometheus_reads() -> None:
    text = metrics.render(verdict((result(outcome.PASS), outcome.PASS)))
    assert 'rdna1_conv2d_ok{stack="rocm52",simulated="true"} 1\n' in text
    assert 'rdna1_conv2d_first_seconds{case="smoke/32"} 2.0\n' in text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert text.endswith("\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_and_a_running_line_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        table = Table(1, stream)
        table.begin(Case(id="smoke/32", suite="smoke"))
        table.end(result(outcome.HANG, "no answer"), outcome.HANG)
    assert "\033" not in plain.getvalue()
    assert "\r" not in plain.getvalue()
    assert "\033[31m" in terminal.getvalue()
    assert "[1/1] smoke/32" in terminal.getvalue()
    assert "no answer" in plain.getvalue()


def test_no_colour_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    Table(1, terminal).end(result(outcome.HANG), outcome.HANG)
    assert "\033[3" not in terminal.getvalue()


def test_times_are_the_first_and_the_median_of_the_later_runs() -> None:
    one = Outcome(Case(id="a/b", suite="a"), outcome.PASS, times=[2.0, 9.0, 0.2, 0.1, 0.4])
    assert (one.first_s, one.steady_s) == (2.0, 0.2)
    assert one.spread_s == pytest.approx(0.3)
    assert one.speedup == pytest.approx(10)
    assert Outcome(one.case, outcome.PASS, times=[2.0]).steady_s is None
