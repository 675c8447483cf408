"""rdna1-self-converge: look at this host, and put it right where it is not."""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from self_converge import due, pull, report
from self_converge.settings import Settings, SettingsError, read

OK, FAILED, UNKNOWN = 0, 1, 2


def stamp(seconds: float) -> str:
    """Return a time as reports have it."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def converge(settings: Settings, reason: str, quarantine: Path, os_release: Path) -> int:
    """Run the chain where that is due; write down and say what came of it."""
    directory = Path(settings.directory)
    now = due.system(os_release)
    why_not = due.why_not(reason, report.last(directory), now)
    if why_not:
        print(f"nothing is due: {why_not}")
        return OK
    began = time.time()
    if quarantine.exists():
        done = pull.Outcome(
            UNKNOWN, f"[ERROR]: it is under quarantine ({quarantine}), which only the fleet lifts"
        )
    else:
        done = pull.run(settings)
    ended = time.time()
    sys.stdout.write(done.output)
    result = {
        "ok": done.code == 0,
        "reason": reason,
        "commit": settings.commit,
        "verified": bool(settings.keyring),
        **now,
        "started": stamp(began),
        "finished": stamp(ended),
        "exit_code": done.code,
        "changed": done.changed,
        "sentence": done.sentence,
    }
    report.write(directory, result, ended)
    print(f"{settings.host}: {done.sentence}")
    return OK if done.code == 0 else UNKNOWN if quarantine.exists() else FAILED


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="rdna1-self-converge", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--reason", choices=["boot", "schedule", "asked"], default="asked",
                        help="boot: only where OS or kernel are not those of the last good run")  # fmt: skip
    parser.add_argument("--last", action="store_true", help="print the last run's result and do nothing")
    parser.add_argument("--quarantine", type=Path, default=due.QUARANTINE, help=argparse.SUPPRESS)
    parser.add_argument("--os-release", type=Path, default=due.OS_RELEASE, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    try:
        settings = read(asked.settings)
    except SettingsError as error:
        print(f"rdna1-self-converge: {error}", file=sys.stderr)
        return UNKNOWN
    if asked.last:
        print(json.dumps(report.last(Path(settings.directory)), indent=2))
        return OK
    with (Path(settings.directory) / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("rdna1-self-converge: another run is under way; this one leaves it alone")
            return OK
        return converge(settings, asked.reason, asked.quarantine, asked.os_release)


if __name__ == "__main__":
    sys.exit(main())
