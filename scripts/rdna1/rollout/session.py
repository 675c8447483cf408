"""One rollout from the command line's side: who watches it, what it returns, what to type next."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ansible import constants

from rdna1.lab.errors import CHECK_FAILED, COULD_NOT_JUDGE, LabError
from rdna1.rollout import prepare, view
from rdna1.rollout.asked import Asked
from rdna1.rollout.driver import Driver, Plan, View
from rdna1.rollout.interrupts import Interrupts
from rdna1.rollout.prepare import Prepared
from rdna1.rollout.summary import summary
from rdna1.runs import commands
from rdna1.runs.model import FAILED

SCHEMA = "rdna1.rollout/1"


def session(asked: Asked, resume: str | None, runs_dir: Path, *, quiet: bool, json_lines: bool) -> int:
    """Prepare a run and drive it; return the exit code."""
    # Set by some container images; it makes Ansible's pipelining slower than none.
    os.environ.pop("PYTHONUNBUFFERED", None)
    if asked.confirm and not sys.stdin.isatty():
        raise LabError("--confirm", "nobody can be asked: this is no terminal", "leave it out")
    with prepare.prepared(asked, resume, runs_dir) as ready:
        return drive(ready, quiet=quiet, json_lines=json_lines)


def drive(ready: Prepared, *, quiet: bool, json_lines: bool) -> int:
    """Drive a run with somebody watching; return the exit code."""
    journal = ready.journal
    with watching(ready, quiet=quiet, json_lines=json_lines) as shown:
        for text in ready.said:
            shown.tell("note", journal.event("note", text))
        with Interrupts(lambda text: shown.tell("note", journal.event("note", text))) as interrupts:
            plan = Plan(ready.setting, ready.members, ready.budget)
            Driver(plan, journal, shown, interrupts).go()
    following = next_command(ready)
    if json_lines:
        print(json.dumps(report(ready, following), ensure_ascii=False))
    else:
        print(summary(journal.run, journal.hosts, following))
    if any(host.state in FAILED for host in journal.hosts.values()):
        return CHECK_FAILED
    return 0 if journal.run.state == "done" else COULD_NOT_JUDGE


@contextlib.contextmanager
def watching(ready: Prepared, *, quiet: bool, json_lines: bool) -> Iterator[View]:
    """Choose how the run is shown."""
    journal = ready.journal
    if json_lines:
        yield view.JsonLines()
    elif quiet:
        yield view.Quiet()
    elif view.terminal():
        with view.Screen(journal.run, journal.hosts, ready.budget, constants.DEFAULT_FORKS) as screen:
            yield screen
    else:
        yield view.Lines()


def next_command(ready: Prepared) -> str:
    """Return what to type next."""
    run, hosts = ready.journal.run, ready.journal.hosts.values()
    runs_dir = ready.journal.paths.root.parent
    if run.state != "done" or any(host.state in FAILED for host in hosts):
        return commands.resume(run, runs_dir)
    waiting = [host.host for host in hosts if host.state == "needs-reboot"]
    return commands.reboot(run, runs_dir, waiting) if waiting else commands.report(run, runs_dir)


def report(ready: Prepared, following: str) -> dict[str, object]:
    """Return the run's result for programs."""
    run, hosts = ready.journal.run, ready.journal.hosts.values()
    failures = [
        {
            "host": host.host,
            "code": host.cause,
            "message": host.failure.message if host.failure else "",
            "fix": following,
        }
        for host in hosts
        if host.state in FAILED
    ]
    ok = run.state == "done" and not failures
    return {"schema": SCHEMA, "ok": ok, "failures": failures, "run": run.id, "state": run.state}
