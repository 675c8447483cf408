"""One examination of one device: run the suites, gather what really ran, judge it."""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conv2d_verify import __version__, access, card, checks, environment, kernel_log, outcome, verdict
from conv2d_verify.outcome import Outcome
from conv2d_verify.reports.table import seconds
from conv2d_verify.runner import Runner

if TYPE_CHECKING:
    from conv2d_verify.expectations import Expectation
    from conv2d_verify.reports.table import Table
    from conv2d_verify.suites import Suite
    from conv2d_verify.watch import Limits

# The worker is as deaf to PYTHON* variables as the parent was started to be.
_FLAGS = ["-s", "-B", *(["-E"] if sys.flags.ignore_environment else [])]
WORKER = (sys.executable, *_FLAGS, str(Path(__file__).with_name("start_worker.py")))


@dataclass(frozen=True)
class Place:
    """Where an examination happens."""

    host: str
    device: str
    sysfs: Path
    cards: list[card.Card]
    card: card.Card | None
    kfd: dict[str, Any]
    environment: dict[str, str]
    temporary: Path
    missing_file: str = ""
    worker: tuple[str, ...] = WORKER

    @property
    def on_gpu(self) -> bool:
        """Say whether a GPU is asked for."""
        return self.device.startswith("cuda")


class Examination:
    """The run and what is known of it so far."""

    def __init__(
        self,
        place: Place,
        chosen: list[Suite],
        expect: Expectation,
        limits: Limits,
        log: kernel_log.KernelLog,
        table: Table,
        filtered: bool = False,
    ) -> None:
        self._place = place
        self._suites = chosen
        self._expect = expect
        self._limits = limits
        self._log = log
        self._table = table
        self._filtered = filtered
        self._stopped_by = ""
        self._no_gpu = ""
        self._warm: list[dict[str, Any]] = []
        self._started = datetime.now(timezone.utc)
        self._clock = time.monotonic()
        self._environment = {**place.environment, "TMPDIR": str(place.temporary)}
        self._runner = self._new_runner(lambda result: table.end(result, verdict.state_of(result, expect)))

    def run(self, warm_cache: bool) -> None:
        """Run everything; what is known stays known when this is interrupted."""
        if not self._runner.ready():
            self._leave_out(f"no worker: {self._runner.problem}")
            return
        hello = self._runner.hello or {}
        self._no_gpu = self._why_no_gpu(hello)
        if self._no_gpu:
            self._leave_out(f"no GPU: {self._no_gpu}")
            self._runner.end()
            return
        if self._place.on_gpu and hello.get("gpu") is None:
            # sysfs shows a card: that torch does not see it is a fault, and no reason to skip.
            self._runner.end()
            self._runner.problem = self._why_unseen(hello)
            self._leave_out(f"no worker: {self._runner.problem}")
            return
        for notice in self._notices():
            self._table.note(f"NOTE: {notice}")
        if warm_cache:
            self._warm_up()
        self._table.head()
        self._runner.run(self._suites)
        self._runner.end()
        self._show_warm_up()

    def stop(self, by: str) -> None:
        """End early: kill the worker, and say so in the verdict."""
        self._stopped_by = by
        self._runner.kill()
        self._leave_out(f"stopped by {by}")

    def verdict(self) -> dict[str, Any]:
        """Return the verdict, schema rdna1.verdict/1."""
        place, runner, hello = self._place, self._runner, self._runner.hello or {}
        seen = verdict.Seen(
            host=place.host,
            suites=[suite.name for suite in self._suites],
            device=self._device_words(hello),
            on_gpu=place.on_gpu,
            outcomes=runner.outcomes,
            checks=self._checks(hello),
            filtered=self._filtered,
            problem=runner.problem,
            no_gpu=self._no_gpu,
            interrupted=self._stopped_by,
            kernel_log_readable=self._log.readable,
            kernel_matches=runner.kernel_matches,
        )
        judgement = verdict.judge(seen, self._expect)
        finished = datetime.now(timezone.utc)
        after = {result.case.id: result.first_s for result in runner.outcomes}
        return {
            "schema": verdict.SCHEMA,
            "ok": judgement.outcome == "pass",
            "outcome": judgement.outcome,
            "exit_code": judgement.exit_code,
            "summary": judgement.summary,
            "host": place.host,
            "started": self._started.isoformat(timespec="seconds"),
            "finished": finished.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - self._clock, 3),
            "notices": self._notices(),
            "verifier": {"version": __version__, "python": platform.python_version(), "user": access.user()},
            "suites": seen.suites,
            "filtered": self._filtered,
            "expect": self._expect.to_json(),
            "limits": self._limits.__dict__,
            "device": self._device(hello),
            "runtime": {key: value for key, value in hello.items() if key not in ("say", "gpu")},
            "environment": environment.report(place.environment),
            "databases": environment.databases(place.environment, os.environ.get("HOME", "")),
            "kernel": {"release": platform.release()},
            "kernel_log": kernel_log.summary(self._log, runner.kernel_matches, runner.kernel_lines),
            "workers": {"started": runner.workers, "deaths": runner.deaths, "printed": runner.printed},
            "searches": runner.searches,
            "warm_up": [{**entry, "after_s": after.get(entry["case"])} for entry in self._warm],
            "counts": {state: judgement.states.count(state) for state in sorted(set(judgement.states))},
            "checks": [check.to_json() for check in seen.checks],
            "cases": [
                {**result.to_json(), "state": state}
                for result, state in zip(runner.outcomes, judgement.states)
            ],
            "failures": judgement.failures,
        }

    def _new_runner(self, tell: Any) -> Runner:
        return Runner(
            list(self._place.worker),
            self._place.device,
            self._environment,
            self._place.temporary,
            self._limits,
            self._log,
            gpu_busy=card.gpu_busy_file(self._place.sysfs, self._place.card),
            expects_hang=lambda case: (
                case.wants in outcome.STUCK or self._expect.known_hang(case) is not None
            ),
            tell=tell,
            begin=self._table.begin,
        )

    def _warm_up(self) -> None:
        """Run every shape once in another worker: what it compiled is on disk when the real run starts."""
        chosen = [
            replace(
                suite,
                search="none",
                minutes=0,
                cases=tuple(
                    replace(case, runs=1) for case in suite.cases if case.gating and case.fault == "none"
                ),
            )
            for suite in self._suites
        ]
        self._table.note("warming the kernel cache")
        first = self._new_runner(lambda _result: None)
        first.run(chosen)
        first.end()
        self._warm = [{"case": result.case.id, "before_s": result.first_s} for result in first.outcomes]
        # The worker that said hello has compiled nothing yet: it reads the cache as any later process would.

    def _show_warm_up(self) -> None:
        after = {result.case.id: result.first_s for result in self._runner.outcomes}
        for entry in self._warm:
            first, second = seconds(entry["before_s"]), seconds(after.get(entry["case"]))
            self._table.note(
                f"first run of {entry['case']}: {first or 'none'} before, {second or 'none'} after"
            )

    def _leave_out(self, why: str) -> None:
        known = {result.case.id for result in self._runner.outcomes}
        self._runner.outcomes += [
            Outcome(case, outcome.NOT_RUN, why)
            for suite in self._suites
            for case in suite.cases
            if case.id not in known
        ]

    def _why_no_gpu(self, hello: dict[str, Any]) -> str:
        if not self._place.on_gpu or self._place.cards or hello.get("gpu_available"):
            return ""
        refused = [
            hit["line"] for hit in kernel_log.match(self._log.history) if hit["code"] == "pcie-atomics"
        ]
        hint = f"; the kernel logged: {refused[-1]}" if refused else ""
        return f"torch sees none and {self._place.sysfs} shows none{hint}"

    def _why_unseen(self, hello: dict[str, Any]) -> str:
        """Say why there is a card and torch does not see it."""
        if hello.get("gpu_available"):
            return f"torch sees {hello.get('gpu_count')} GPU(s), and {self._place.device} is none of them"
        names = ", ".join(one.gfx for one in self._place.cards)
        what = "a build without ROCm" if not hello.get("hip") else "a ROCm build"
        return (
            f"torch ({hello.get('torch')}, {what}) sees no GPU although {self._place.sysfs} shows {names}: "
            f"{access.user()} may lack the groups, or a *_VISIBLE_DEVICES variable hides the card"
        )

    def _checks(self, hello: dict[str, Any]) -> list[checks.Check]:
        found = []
        if hello:
            found += checks.versions(self._expect, hello)
            found += checks.device(self._expect, hello, [one.gfx for one in self._place.cards])
        found += checks.environment_file(self._place.missing_file)
        found += checks.environment(self._expect, self._place.environment)
        found += checks.access(self._expect, access.user(), access.groups(), self._place.kfd)
        return found

    def _notices(self) -> list[str]:
        found = []
        why = card.simulated(self._place.sysfs) if self._place.on_gpu else ""
        if why:
            found.append(f"simulated card: {why}")
        if (self._runner.hello or {}).get("stand_in"):
            found.append("stand-in torch: its numbers are real, its speed and its hangs are not a card's")
        faults = [case.id for suite in self._suites for case in suite.cases if case.fault != "none"]
        if faults:
            found.append(f"injected faults: {', '.join(faults)}")
        return found

    def _device(self, hello: dict[str, Any]) -> dict[str, Any]:
        return {
            "asked_for": self._place.device,
            "sysfs": str(self._place.sysfs),
            "simulated": bool(self._place.on_gpu and card.simulated(self._place.sysfs)),
            "cards": [one.to_json() for one in self._place.cards],
            "sysfs_gfx": self._place.card.gfx if self._place.card else None,
            "runtime_gfx": (hello.get("gpu") or {}).get("runtime_gfx"),
            "runtime": hello.get("gpu"),
            "kfd": self._place.kfd,
            "groups": access.groups(),
        }

    def _device_words(self, hello: dict[str, Any]) -> str:
        if not self._place.on_gpu:
            return "the CPU"
        name = (hello.get("gpu") or {}).get("name") or self._place.device
        return f"a simulated {name}" if card.simulated(self._place.sysfs) else str(name)
