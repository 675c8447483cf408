"""From what was seen to a verdict: pure, so that every way a run can end is a unit test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conv2d_verify import outcome

if TYPE_CHECKING:
    from conv2d_verify.checks import Check
    from conv2d_verify.expectations import Expectation
    from conv2d_verify.outcome import Outcome

SCHEMA = "rdna1.verdict/1"
EXIT = {"pass": 0, "fail": 1, "unknown": 2, "hang": 3, "skipped": 77}

FIXES = {
    outcome.HANG: "reboot the host, since its card may still hang, then compare environment policies on it",
    outcome.COMPILE_TIMEOUT: "raise --compile-timeout, or see that MIOPEN_FIND_ENFORCE is not set",
    outcome.FAIL: "do not compute on this card with this stack; compare environment policies on it",
    outcome.ERROR: "read the case's trace in the verdict",
    outcome.CRASH: "read what the worker printed and the kernel log in the verdict",
    outcome.NOT_RUN: "cure what stopped the run, then verify again",
    outcome.SKIPPED: "run this case with a build of PyTorch that has the operation",
}


@dataclass
class Seen:
    """Everything a run brought to light."""

    host: str
    suites: list[str]
    device: str
    on_gpu: bool
    outcomes: list[Outcome]
    checks: list[Check]
    # Suites that ran whole; an expectation asks nothing of the others unless they were asked for.
    filtered: bool = False
    problem: str = ""
    no_gpu: str = ""
    interrupted: str = ""
    kernel_log_readable: bool = True
    kernel_matches: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Judgement:
    """The verdict's core."""

    outcome: str
    failures: list[dict[str, str]]
    states: list[str]
    summary: str

    @property
    def exit_code(self) -> int:
        """Return the command's exit code."""
        return EXIT[self.outcome]


def judge(seen: Seen, expect: Expectation) -> Judgement:
    """Judge a run. Every violation is named; what could not be judged is unknown, never ok."""
    states = [state_of(result, expect) for result in seen.outcomes]
    failures = [
        *_run_failures(seen),
        *_check_failures(seen),
        *_case_failures(seen, states),
        *_missing(seen, states, expect),
        *_slow(seen, expect),
        *_kernel_failures(seen, expect),
    ]
    stuck = any(result.case.gating and state in outcome.STUCK for result, state in zip(seen.outcomes, states))
    gates = any(result.case.gating for result in seen.outcomes)
    proven = any(
        state in (outcome.PASS, outcome.EXPECTED_HANG, outcome.UNEXPECTED_PASS)
        and (result.case.gating or not gates)
        for result, state in zip(seen.outcomes, states)
    )
    if seen.interrupted:
        name = "unknown"
    elif seen.no_gpu:
        name = "skipped"
    elif stuck:
        name = "hang"
    elif failures:
        name = "fail"
    else:
        name = "pass" if proven else "unknown"
    if name == "unknown" and not failures:
        failures = [
            _failure(seen, "nothing-judged", "no case was judged", "choose a suite that has gating cases")
        ]
    return Judgement(name, failures, states, _summary(seen, name, failures, states))


def state_of(result: Outcome, expect: Expectation) -> str:
    """Return a case's state: its status, seen in the light of what is known of this stack."""
    if result.case.wants:
        return outcome.PASS if result.status == result.case.wants else outcome.FAIL
    if expect.known_hang(result.case) is None:
        return result.status
    if result.status in outcome.STUCK:
        return outcome.EXPECTED_HANG
    return outcome.UNEXPECTED_PASS if result.status == outcome.PASS else result.status


def fix(seen: Seen, state: str) -> str:
    """Return the cure for a case's state."""
    if state in outcome.STUCK and not seen.on_gpu:
        return "see what else keeps the CPU busy, or raise --timeout"
    return FIXES.get(state, FIXES[outcome.ERROR])


def _run_failures(seen: Seen) -> list[dict[str, str]]:
    found = []
    if seen.interrupted:
        cure = "run it again and let it end"
        found.append(_failure(seen, "interrupted", f"the run was stopped by {seen.interrupted}", cure))
    if seen.no_gpu:
        cure = "run it on a host with a card; a skipped test proves nothing"
        found.append(_failure(seen, "no-gpu", f"there is no GPU: {seen.no_gpu}", cure))
    if seen.problem:
        cure = "read what it printed in the verdict, and run the playbook again for this host"
        found.append(_failure(seen, "worker", seen.problem, cure))
    return found


def _check_failures(seen: Seen) -> list[dict[str, str]]:
    if seen.no_gpu or seen.interrupted:
        return []
    return [
        _failure(seen, "check", f"{check.name}: {check.found} found, {check.wanted} wanted", check.fix)
        for check in seen.checks
        if not check.ok
    ]


def _case_failures(seen: Seen, states: list[str]) -> list[dict[str, str]]:
    good = (outcome.PASS, outcome.EXPECTED_HANG, outcome.UNEXPECTED_PASS)
    found = []
    for result, state in zip(seen.outcomes, states):
        if state in good or not result.case.gating or result.kind == "search":
            continue
        if (seen.no_gpu or seen.problem or seen.interrupted) and state == outcome.NOT_RUN:
            continue
        if result.case.wants:
            message = f"{result.case.id} ended as {result.status} where {result.case.wants} was provoked"
        else:
            message = f"{result.case.id} ({result.case.title}): {state}" + (
                f", {result.reason}" if result.reason else ""
            )
        found.append(_failure(seen, state, message, fix(seen, state)))
    return found


def _missing(seen: Seen, states: list[str], expect: Expectation) -> list[dict[str, str]]:
    """A measurement that an expectation asks for and nobody made is a violation."""
    if seen.no_gpu or seen.interrupted or seen.problem:
        return []
    found = []
    good = (outcome.PASS, outcome.UNEXPECTED_PASS)
    for suite, sizes in expect.must_pass.items():
        if suite not in seen.suites:
            continue
        for size in sizes:
            mine = [
                state
                for result, state in zip(seen.outcomes, states)
                if result.case.suite == suite and result.case.size == size
            ]
            if not any(state != outcome.NOT_RUN for state in mine):
                cure = "run the whole suite" + (", without --case" if seen.filtered else "")
                message = f"{suite} at {size}x{size} must pass on this stack and was not measured"
                found.append(_failure(seen, "not-measured", message, cure))
            elif all(state == outcome.EXPECTED_HANG for state in mine) and not any(
                state in good for state in mine
            ):
                message = f"{suite} at {size}x{size} is both a size that must pass and one known to hang"
                found.append(_failure(seen, "contradiction", message, f"correct {expect.source}"))
    return found


def _slow(seen: Seen, expect: Expectation) -> list[dict[str, str]]:
    found = []
    for result in seen.outcomes:
        if result.status != outcome.PASS:
            continue
        for ceiling in expect.ceilings_of(result.case.id):
            for name, limit, measured in (
                ("first run", ceiling.first_s, result.first_s),
                ("steady run", ceiling.steady_s, result.steady_s),
            ):
                cure = f"see what else uses the card, or correct {expect.source}"
                if limit is not None and measured is None:
                    message = f"{result.case.id}: the {name} was not measured, and a ceiling is set for it"
                    found.append(_failure(seen, "not-measured", message, cure))
                elif limit is not None and measured is not None and measured > limit:
                    message = (
                        f"{result.case.id}: the {name} took {measured:.4g} s, {limit:g} s is the ceiling"
                    )
                    found.append(_failure(seen, "too-slow", message, cure))
    return found


def _kernel_failures(seen: Seen, expect: Expectation) -> list[dict[str, str]]:
    if seen.no_gpu:
        return []
    found = []
    if expect.kernel_log and not seen.kernel_log_readable:
        cure = "run it as root with --user, or let this user read the kernel log"
        found.append(
            _failure(seen, "kernel-log", "the kernel log cannot be read, and the stack asks for it", cure)
        )
    excused = {
        hit["line"]
        for result in seen.outcomes
        if not result.case.gating or result.case.wants
        for hit in result.kernel_log
    }
    for hit in seen.kernel_matches:
        if hit["line"] not in excused:
            message = f"the kernel logged during the run that {hit['meaning']}: {hit['line']}"
            found.append(_failure(seen, hit["code"], message, FIXES[outcome.HANG]))
    return found


def _failure(seen: Seen, code: str, message: str, fix: str) -> dict[str, str]:
    return {"host": seen.host, "code": code, "message": message, "fix": fix}


def _summary(seen: Seen, name: str, failures: list[dict[str, str]], states: list[str]) -> str:
    """Return one sentence: what is so, and the cure."""
    if name == "pass":
        words = f"{states.count(outcome.PASS)} of {len(states)} cases pass on {seen.device}"
        for state in (outcome.EXPECTED_HANG, outcome.UNEXPECTED_PASS):
            if state in states:
                words += f", {states.count(state)} {state}"
        return words
    if not failures:
        return name
    first = failures[0]
    more = f" (and {len(failures) - 1} more in the verdict)" if len(failures) > 1 else ""
    stuck = [result.case.id for result, state in zip(seen.outcomes, states) if state in outcome.STUCK]
    if name == "hang" and stuck:
        ids = ", ".join(stuck)
        others = len([failure for failure in failures if failure["code"] not in outcome.STUCK])
        tail = f" ({others} more in the verdict)" if others else ""
        cure = fix(seen, outcome.HANG if outcome.HANG in states else outcome.COMPILE_TIMEOUT)
        return f"{ids} did not come back{tail}; {cure}"
    return f"{first['message']}{more}; {first['fix']}"
