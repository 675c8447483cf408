"""Walk through the suites with one warm worker, and a fresh one after each that was lost."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conv2d_verify import kernel_log, outcome, watch
from conv2d_verify.evidence import Observer
from conv2d_verify.outcome import Outcome
from conv2d_verify.search import LargestSize
from conv2d_verify.supervise import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conv2d_verify.cases import Case
    from conv2d_verify.suites import Suite

# So many times over, a case of a suite that goes on for minutes keeps being remembered.
_TIMES_KEPT = 10000


class Runner:
    """Everything a run needs; `outcomes` grows as it goes."""

    def __init__(
        self,
        argv: list[str],
        device: str,
        environment: dict[str, str],
        temporary: Path,
        limits: watch.Limits,
        log: kernel_log.KernelLog,
        gpu_busy: Path | None = None,
        expects_hang: Callable[[Case], bool] = lambda _case: False,
        tell: Callable[[Outcome], None] = lambda _outcome: None,
        begin: Callable[[Case], None] = lambda _case: None,
    ) -> None:
        self._start = (argv, device, environment, temporary)
        self._run_limits = limits
        self._limits = limits
        self._log = log
        self._gpu_busy = gpu_busy
        self._expects_hang = expects_hang
        self._tell = tell
        self._begin = begin
        self._worker: Worker | None = None
        self.outcomes: list[Outcome] = []
        self.searches: dict[str, dict[str, int | None]] = {}
        self.hello: dict[str, Any] | None = None
        self.problem = ""
        self.printed: list[str] = []
        self.deaths: list[str] = []
        self.workers = 0
        self.hangs = 0
        self.kernel_lines = 0
        self.kernel_matches: list[dict[str, str]] = []
        self.libraries: list[dict[str, Any]] = []

    def ready(self) -> bool:
        """Have a worker that said hello; `problem` says why there is none."""
        if self._worker is not None:
            return True
        if self.problem:
            return False
        self.workers += 1
        try:
            worker = Worker.start(*self._start)
        except OSError as error:
            self.problem = f"no worker can be started: {error.filename or error}: {error.strerror}"
            return False
        self._worker = worker
        problem = watch.hello(worker, self._limits.start_timeout)
        if problem:
            self._lose()
            self.printed = worker.said()
            last = (
                f" (it last printed: {self.printed[-1]})" if self.printed and worker.silent_for_good() else ""
            )
            self.problem = problem + last
            return False
        self.hello = worker.hello
        return True

    def run(self, suites: list[Suite]) -> None:
        """Run all suites."""
        for suite in suites:
            self._limits = self._run_limits.tightened(suite.timeout, suite.compile_timeout)
            if suite.search == "largest-size":
                self._search(suite)
            elif suite.minutes:
                self._endure(suite)
            else:
                for case in suite.cases:
                    self._keep(self._one(case))

    def end(self) -> None:
        """Let the last worker go."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def kill(self) -> None:
        """Kill the worker at once: somebody stopped the run."""
        if self._worker is not None:
            self._lose()

    def _keep(self, result: Outcome) -> Outcome:
        self.outcomes.append(result)
        self._tell(result)
        return result

    def _search(self, suite: Suite) -> None:
        by_size = {case.size: case for case in suite.cases}
        search = LargestSize(sorted(by_size))
        while (size := search.next_size()) is not None:
            case = by_size.get(size) or suite.cases[0].at_size(size)
            result = self._keep(self._one(case))
            if result.status == outcome.NOT_RUN:
                break
            search.tried(size, result.status == outcome.PASS)
        for size in search.untried():
            why = f"above {search.bad}x{search.bad}, which does not work"
            if not any(result.case.id == by_size[size].id for result in self.outcomes):
                self._keep(Outcome(by_size[size], outcome.NOT_RUN, why, kind="search"))
        tried = {result.case.id for result in self.outcomes}
        for case in suite.cases:
            if case.id not in tried:
                self._keep(self._one(case))
        self.searches[suite.name] = {"largest_good": search.good, "smallest_bad": search.bad}

    def _endure(self, suite: Suite) -> None:
        end = time.monotonic() + suite.minutes * 60
        total: dict[str, Outcome] = {}
        while True:
            for case in suite.cases:
                known = total.get(case.id)
                if known is not None and known.status != outcome.PASS:
                    continue
                result = self._one(case)
                total[case.id] = merged(known, result)
                if result.status != outcome.PASS or known is None:
                    self._tell(total[case.id])
            if time.monotonic() >= end or all(result.status != outcome.PASS for result in total.values()):
                break
        self.outcomes += total.values()

    def _one(self, case: Case) -> Outcome:
        if self.hangs >= self._limits.max_hangs:
            return Outcome(case, outcome.NOT_RUN, f"{self.hangs} cases hung, and --max-hangs allows no more")
        if not self.ready():
            return Outcome(case, outcome.NOT_RUN, f"no worker: {self.problem}")
        worker = self._worker
        if worker is None:
            raise AssertionError("ready() without a worker")
        self._begin(case)
        observer = Observer(worker.pid, self._start[3], self._gpu_busy)
        result = watch.case(worker, case, self._limits, observer)
        if result.status in (*outcome.STUCK, outcome.CRASH):
            result.printed = worker.said()
            result.death = self._lose()
            if result.kind == "died":
                result.reason = result.death
        if result.status in outcome.STUCK and not self._expects_hang(case):
            self.hangs += 1
        self._note_kernel(result)
        return result

    def _lose(self) -> str:
        worker, self._worker = self._worker, None
        if worker is None:
            return ""
        words = worker.kill().words()
        self.deaths.append(words)
        return words

    def _note_kernel(self, result: Outcome) -> None:
        lines = self._log.new()
        self.kernel_lines += len(lines)
        result.kernel_log = kernel_log.match(lines)
        self.kernel_matches += result.kernel_log
        if result.kind == "died" and any(hit["code"] == "oom" for hit in result.kernel_log):
            result.kind, result.reason = "out-of-memory", f"{result.reason}: the host ran out of memory"


def merged(known: Outcome | None, latest: Outcome) -> Outcome:
    """Return one outcome for a case that ran again; anything but a pass stays."""
    if known is None:
        return latest
    times = (known.times + latest.times)[:_TIMES_KEPT]
    worse = latest if latest.status != outcome.PASS else known
    return replace(
        worse,
        times=times,
        rounds=known.rounds + 1,
        seconds=(known.seconds or 0.0) + (latest.seconds or 0.0),
        kernel_log=known.kernel_log + latest.kernel_log,
    )
