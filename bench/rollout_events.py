"""Memory and time that the driver needs for the events of many simulated hosts."""

import contextlib
import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rdna1.rollout.ansible import Job, Setting
from rdna1.rollout.driver import Driver, Plan
from rdna1.rollout.eta import PHASES
from rdna1.rollout.fleet import Member
from rdna1.rollout.interrupts import Interrupts
from rdna1.rollout.journal import Journal
from rdna1.rollout.outcome import Ending
from rdna1.rollout.secrets import Scrubber
from rdna1.rollout.view import Lines
from rdna1.rollout.waves import plan
from rdna1.runs import model
from rdna1.runs.model import Host, Inventory, Options, Run, RunPaths

# About what a first converge of the chain gives, per host.
TASKS_PER_ROLE = 20
SUMMARY = {"os": "Debian 13", "kernel": "6.1.0", "torch": "1.13.1+rocm5.2", "reboot_needed": False}


def events(host: str, verdicts: Path) -> Any:
    """Return a host's events in a first converge that passes."""
    found = {"stage": "before", "converged": False, "differences": [], "summary": SUMMARY}
    result = {"rdna1": found, "roles": list(PHASES)}
    yield "runner_on_ok", {"host": host, "task_action": "rdna1.provision.plan", "res": result}
    for role in PHASES:
        for task in range(TASKS_PER_ROLE):
            data = {"host": host, "role": role, "task": f"Task {task}", "duration": 0.2}
            yield "runner_on_start", data
            yield "runner_on_ok", {**data, "res": {"changed": True, "stdout": "x" * 500}}
    model.write(verdicts / f"{host}.json", {"ok": True, "outcome": "pass", "cases": [{"size": 224}] * 10})
    yield "runner_on_ok", {"host": host, "res": {"ansible_facts": {"__rdna1_passed": True}}}


def main() -> None:
    """Print a row for docs/benchmarks.md."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    names, count = [f"h{number:03}" for number in range(size)], 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with tempfile.TemporaryDirectory() as folder:
        paths = RunPaths(Path(folder) / "run")
        waves = plan("1,10%,50%,100%", names)
        hosts = {name: Host(name, ["rdna1"], wave.number) for wave in waves for name in wave.hosts}
        options = Options("1,10%,50%,100%", "0", "rollback", "never")
        inventory = Inventory([], "")
        run = Run("run", "running", model.now(), "", "", None, False, {}, inventory, options, waves=waves)

        def play(_setting: Setting, job: Job, on_event: Callable[[Any], None], _stop: Any) -> Ending:
            nonlocal count
            for name in job.hosts:
                for kind, data in events(name, paths.verdicts):
                    count += 1
                    at, said = "2026-01-31T12:00:00", f"ok: [{name}]"
                    on_event({"event": kind, "created": at, "event_data": data, "stdout": said})
            on_event({"event": "playbook_on_stats", "event_data": {"failures": {}, "dark": {}}})
            return "complete"

        journal = Journal(paths, run, hosts, Scrubber(["a secret"]))
        members = {name: Member(name, [], name, 22) for name in names}
        setting = Setting("run", [], Path(folder))
        driver = Driver(Plan(setting, members, 0), journal, Lines(), Interrupts(print), play)
        began = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()):
            driver.go()
        seconds = time.monotonic() - began
        assert run.state == "done"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    row = f"| driver alone, {size} hosts, {count} events | {seconds:.1f} s |"
    print(f"{row} {peak} MB, {before} MB of it before the run |")


if __name__ == "__main__":
    main()
