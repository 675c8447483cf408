"""Watch one case from its start to its end, whatever that is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conv2d_verify import outcome, protocol
from conv2d_verify.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from conv2d_verify.cases import Case
    from conv2d_verify.evidence import Evidence, Observer
    from conv2d_verify.supervise import Worker

_SAMPLE_S = 1.0


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds, and how many may hang."""

    timeout: float = 60.0
    compile_timeout: float = 300.0
    start_timeout: float = 300.0
    max_hangs: int = 2

    def tightened(self, timeout: float, compile_timeout: float) -> Limits:
        """Return the limits of a suite that sets some of its own; 0 sets none."""
        return replace(
            self,
            timeout=min(self.timeout, timeout or self.timeout),
            compile_timeout=min(self.compile_timeout, compile_timeout or self.compile_timeout),
        )


def hello(worker: Worker, limit: float, clock: Callable[[], float] = time.monotonic) -> str:
    """Wait for the worker's hello; return what is wrong, empty when it came."""
    end = clock() + limit
    while clock() < end:
        for message in worker.hear(min(_SAMPLE_S, end - clock())):
            if message["say"] == "hello":
                worker.hello = message
                return ""
            if message["say"] == "fatal":
                return f"torch cannot be used: {message.get('error', 'no reason given')}"
        if worker.silent_for_good():
            return "the worker died while it was starting"
    return f"importing torch and waking the device took more than {limit:g} s"


def case(
    worker: Worker,
    wanted: Case,
    limits: Limits,
    observer: Observer,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Give the worker a case and watch it. The worker is alive afterwards only when it answered."""
    started = clock()
    if not worker.send({"do": "case", "case": wanted.to_json()}):
        return _stopped(worker, wanted, started, clock)
    phase = protocol.PREPARE
    deadline = started + limits.timeout
    allowance = started + max(limits.compile_timeout, limits.timeout)
    extended = False
    observer.sample(started)
    next_sample = started + _SAMPLE_S
    while True:
        now = clock()
        if now >= next_sample:
            observer.sample(now)
            next_sample = now + _SAMPLE_S
        if now >= deadline:
            seen = observer.look(phase)
            if not seen.compiling or now >= allowance:
                return _late(wanted, seen, now - started, compiling=seen.compiling)
            # Still compiling: look again in a while, until the first-run allowance is spent.
            extended = True
            deadline = min(allowance, now + _SAMPLE_S)
        for message in worker.hear(min(deadline, next_sample) - now):
            if message.get("case") != wanted.id:
                continue
            if message["say"] == "result":
                return _answered(wanted, message)
            if message["say"] == "phase":
                phase = str(message.get("phase"))
                if extended:
                    # The compiler is done; what it made gets the ordinary time.
                    extended, deadline = False, clock() + limits.timeout
        if worker.wild:
            return Outcome(
                wanted,
                outcome.CRASH,
                "the worker filled its event pipe with what is no message",
                kind="protocol",
                seconds=clock() - started,
            )
        if worker.silent_for_good():
            return _stopped(worker, wanted, started, clock)


def _late(wanted: Case, seen: Evidence, seconds: float, compiling: bool) -> Outcome:
    status = outcome.COMPILE_TIMEOUT if compiling else outcome.HANG
    signs = ", ".join((*seen.compilers, *seen.compiler_folders)) or "a busy CPU beside an idle card"
    reason = (
        f"still compiling after {seconds:.1f} s ({signs})"
        if compiling
        else f"no answer after {seconds:.1f} s in phase {seen.phase}; worker state {seen.state or 'unknown'}"
        + (f" in {seen.waits_in}" if seen.waits_in else "")
    )
    return Outcome(wanted, status, reason, seconds=seconds, evidence=seen.to_json())


def _stopped(worker: Worker, wanted: Case, started: float, clock: Callable[[], float]) -> Outcome:
    return Outcome(
        wanted,
        outcome.CRASH,
        "the worker died",
        kind="died",
        seconds=clock() - started,
        printed=worker.said(),
    )


def _answered(wanted: Case, message: dict[str, Any]) -> Outcome:
    result = Outcome(
        wanted,
        str(message.get("status")),
        str(message.get("reason") or ""),
        kind=str(message.get("kind") or ""),
        seconds=message.get("seconds"),
        times=list(message.get("times") or []),
        backward_times=list(message.get("backward_times") or []),
        vram_bytes=message.get("vram_bytes"),
        findings=list(message.get("findings") or []),
        trace=list(message.get("trace") or []),
    )
    known = (outcome.PASS, outcome.FAIL, outcome.ERROR, outcome.SKIPPED)
    if result.status not in known or (result.status == outcome.PASS and not result.findings):
        # An answer that proves nothing is no pass.
        return Outcome(wanted, outcome.ERROR, "the worker's answer holds no comparison", kind="protocol")
    if result.status == outcome.FAIL:
        result.reason = "; ".join(result.problems())
    return result
