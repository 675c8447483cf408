# SPDX-License-Identifier: MIT
"""One run at a time changes a host: a file that says whose run it is.

It lies in /run, so a reboot takes it away: what a run was doing then is over. In /run only root writes, so
nobody else can take or break it. Each change of it is made under flock; between changes nobody holds the
flock, because no process of a run stays on the host.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional

LOCK = Path("/run/rdna1.lock")
SCHEMA = "rdna1.lock/1"
# No run takes that long. One that lasts longer was cut off, and nobody told.
STALE_AFTER = 12 * 3600.0

Holder = Dict[str, Any]
Owner = Mapping[str, Any]


class HeldError(Exception):
    """Another run has the host."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(in_words(holder))
        self.holder = holder


def in_words(holder: Mapping[str, Any]) -> str:
    """Whose run it is, for whoever has to wait for it."""
    return "%s of %s (process %s) changes it since %s" % (
        holder.get("purpose"),
        holder.get("who"),
        holder.get("process"),
        holder.get("since"),
    )


def take(owner: Owner, over: str = "", lock: Path = LOCK) -> Optional[Holder]:
    """Have the host for a run; HeldError where another run has it.

    ``over`` is the run that is known to be dead. Returns whose lock was taken over; None where nobody's was.
    """
    with _opened(lock) as file:
        holder = _read(file)
        if holder and holder["run"] not in (owner["run"], over) and not _old(holder):
            raise HeldError(holder)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        _write(file, {"schema": SCHEMA, **owner, "since": since, "up": _up()})
        return holder if holder and holder["run"] != owner["run"] else None


def release(owner: Owner, lock: Path = LOCK) -> bool:
    """Let others have the host; False where it was not this run's."""
    if not lock.exists():
        return False
    with _opened(lock) as file:
        holder = _read(file)
        if not holder or holder["run"] != owner["run"]:
            return False
        lock.unlink()
        return True


@contextlib.contextmanager
def _opened(lock: Path) -> Iterator[int]:
    """The file, and nobody else changes it meanwhile."""
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever released it took it away: then this is a file that nobody else sees.
            if _same(file, lock):
                yield file
                return
        finally:
            os.close(file)


def _same(file: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), lock.lstat())
    except FileNotFoundError:
        return False


def _read(file: int) -> Optional[Holder]:
    """Who holds it; nobody where it was cut off while it was written, for then that run never began."""
    try:
        holder = json.loads(os.pread(file, 1 << 16, 0))
    except ValueError:
        return None
    return holder if isinstance(holder, dict) and holder.get("schema") == SCHEMA else None


def _write(file: int, holder: Holder) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, (json.dumps(holder, sort_keys=True) + "\n").encode(), 0)


def _up() -> float:
    """Seconds since the host was started; no clock that is set changes them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _old(holder: Holder) -> bool:
    return _up() - float(holder["up"]) > STALE_AFTER
