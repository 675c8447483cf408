"""conv2d-verify: from the command line to the exit code."""

from __future__ import annotations

import fnmatch
import io
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conv2d_verify import access, card, environment, expectations, lock, options, privileges, scratch, suites
from conv2d_verify.errors import UsageError
from conv2d_verify.examination import Examination, Place
from conv2d_verify.kernel_log import KernelLog
from conv2d_verify.reports import files
from conv2d_verify.reports.table import Table
from conv2d_verify.store import Store
from conv2d_verify.watch import Limits

if TYPE_CHECKING:
    import argparse

USAGE = 2


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    wanted = options.parser().parse_args(arguments)
    try:
        return _list(wanted) if wanted.list else _verify(wanted)
    except UsageError as error:
        print(f"conv2d-verify: {error}", file=sys.stderr)
    except OSError as error:
        print(f"conv2d-verify: {error.filename or 'this host'}: {error.strerror}.", file=sys.stderr)
    return USAGE


def selected(wanted: argparse.Namespace) -> list[suites.Suite]:
    """Return the suites asked for, less the cases that --case leaves out."""
    chosen = suites.load(wanted.suite or ["smoke"])
    if wanted.minutes is not None:
        chosen = [replace(suite, minutes=wanted.minutes) if suite.minutes else suite for suite in chosen]
    if not wanted.case:
        return chosen
    kept = []
    for suite in chosen:
        cases = tuple(
            case
            for case in suite.cases
            if any(fnmatch.fnmatchcase(case.id, pattern) for pattern in wanted.case)
        )
        if cases:
            kept.append(replace(suite, cases=cases))
    if not kept:
        known = ", ".join(case.id for suite in chosen for case in suite.cases)
        raise UsageError(f"--case {' '.join(wanted.case)}: there is no such case; known: {known}.")
    return kept


def _list(wanted: argparse.Namespace) -> int:
    for suite in suites.load(wanted.suite or suites.names()):
        print(f"{suite.name}: {suite.about}")
        for case in suite.cases:
            print(f"  {case.id:28} {case.title}")
    return 0


def _verify(wanted: argparse.Namespace) -> int:
    chosen = selected(wanted)
    nothing = wanted.expect in ("", "none")
    expect = expectations.Expectation() if nothing else expectations.load(Path(wanted.expect))
    extra, missing = _environment(wanted.environment_file)
    # Opened while this may still be root: reading it needs more privilege than computing does.
    log = KernelLog()
    privileges.drop(wanted.user, wanted.allow_root)
    store = Store(wanted.directory or _own_directory())
    reports = files.plan(store, wanted)
    found = card.cards(wanted.sysfs)
    index = int(wanted.device.partition(":")[2] or 0) if wanted.device.startswith("cuda") else None
    mine = found[index] if index is not None and index < len(found) else None
    table = Table(sum(len(suite.cases) for suite in chosen), stream=io.StringIO() if wanted.quiet else None)
    locked = lock.target(wanted.sysfs, mine, wanted.device)
    held = None
    if locked is not None:
        held = lock.take(
            locked, wanted.wait, lambda: table.note("another verifier uses this card; waiting for it")
        )
    temporary = scratch.make(store.directory)
    place = Place(
        host=wanted.host_name or socket.gethostname(),
        device=wanted.device,
        sysfs=wanted.sysfs,
        cards=found,
        card=mine,
        kfd=access.device(wanted.kfd),
        environment={**os.environ, **extra},
        temporary=temporary,
        missing_file=missing,
    )
    limits = Limits(wanted.timeout, wanted.compile_timeout, wanted.start_timeout, wanted.max_hangs)
    examination = Examination(place, chosen, expect, limits, log, table, filtered=bool(wanted.case))
    try:
        with _Stoppable():
            examination.run(warm_cache=wanted.warm_cache)
    except _StoppedError as error:
        examination.stop(str(error))
    finally:
        scratch.remove(temporary)
        log.close()
        if held is not None:
            os.close(held)
    verdict = examination.verdict()
    table.note(f"{verdict['outcome']}: {verdict['summary']}")
    reports.write(verdict)
    return int(verdict["exit_code"])


def _environment(name: str) -> tuple[dict[str, str], str]:
    """Return the variables of the file; one that is not there is for the verdict to report."""
    if not name:
        return {}, ""
    path = Path(name)
    return ({}, name) if not path.exists() else (environment.read_file(path), "")


def _own_directory() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state) / "rdna1"


class _StoppedError(Exception):
    """Somebody wants this to end."""


class _Stoppable:
    """Turn the signals that ask for an end into an exception, once."""

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    @staticmethod
    def _stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise _StoppedError(signal.Signals(number).name)
