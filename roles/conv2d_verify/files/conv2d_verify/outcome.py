"""What became of a case, before anybody's expectations are laid against it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from conv2d_verify.cases import Case

PASS, FAIL, ERROR, CRASH, HANG = "pass", "fail", "error", "crash", "hang"
COMPILE_TIMEOUT, NOT_RUN, SKIPPED = "compile-timeout", "not-run", "skipped"
# Judged against an expectation, a status can become one of these as well.
EXPECTED_HANG, UNEXPECTED_PASS = "expected-hang", "unexpected-pass"

STATUSES = (
    PASS,
    FAIL,
    ERROR,
    CRASH,
    HANG,
    COMPILE_TIMEOUT,
    NOT_RUN,
    SKIPPED,
    EXPECTED_HANG,
    UNEXPECTED_PASS,
)
# After these the card, or the worker, is not to be trusted with many more cases.
STUCK = (HANG, COMPILE_TIMEOUT)


@dataclass
class Outcome:
    """A case and everything that was measured or seen of it."""

    case: Case
    status: str
    reason: str = ""
    kind: str = ""
    seconds: float | None = None
    times: list[float] = field(default_factory=list)
    backward_times: list[float] = field(default_factory=list)
    vram_bytes: int | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    evidence: dict[str, Any] | None = None
    death: str = ""
    trace: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    kernel_log: list[dict[str, str]] = field(default_factory=list)
    # How often it ran: more than once in a suite that goes on for minutes.
    rounds: int = 1

    @property
    def first_s(self) -> float | None:
        """Return the time of the first run, compilation and search included."""
        return self.times[0] if self.times else None

    @property
    def steady_s(self) -> float | None:
        """Return the median of the later runs; the first of them still warms up where there are enough."""
        later = self._steady()
        return statistics.median(later) if later else None

    @property
    def spread_s(self) -> float | None:
        """Return the distance between the quickest and the slowest of the runs behind `steady_s`."""
        later = self._steady()
        return max(later) - min(later) if later else None

    @property
    def speedup(self) -> float | None:
        """Return how much quicker the steady run is than the first."""
        first, steady = self.first_s, self.steady_s
        return first / steady if first is not None and steady else None

    def _steady(self) -> list[float]:
        return self.times[2:] if len(self.times) >= 4 else self.times[1:]

    def problems(self) -> list[str]:
        """Say in words what is wrong with the numbers."""
        return [_problem(finding) for finding in self.findings if finding.get("problem")]

    def to_json(self) -> dict[str, Any]:
        """Return it as the verdict holds it."""
        return {
            "case": self.case.to_json(),
            "id": self.case.id,
            "status": self.status,
            "reason": self.reason,
            "kind": self.kind,
            "gating": self.case.gating,
            "seconds": self.seconds,
            "first_s": self.first_s,
            "steady_s": self.steady_s,
            "spread_s": self.spread_s,
            "speedup": self.speedup,
            "times": self.times,
            "backward_times": self.backward_times,
            "vram_bytes": self.vram_bytes,
            "findings": self.findings,
            "evidence": self.evidence,
            "death": self.death,
            "trace": self.trace,
            "printed": self.printed,
            "kernel_log": self.kernel_log,
            "rounds": self.rounds,
        }


def _problem(finding: dict[str, Any]) -> str:
    what = finding["what"]
    name = finding["problem"]
    if name == "wrong" and finding.get("max_abs") is not None:
        return (
            f"{what} is wrong: off by up to {finding['max_abs']:.3g} "
            f"({finding['max_abs_allowed']:.3g} allowed), "
            f"{finding['rms_rel']:.3g} in the mean ({finding['rms_rel_allowed']:.3g} allowed)"
        )
    words = {
        "nan": "holds NaN",
        "inf": "holds infinities",
        "all-zero": "is all zero",
        "shape": "has the wrong shape",
        "missing": "is missing",
        "wrong": "is wrong",
    }
    return f"{what} {words.get(name, name)}"
