"""What /proc tells about a process without ever waiting for it.

Only stat and wchan are read of a worker: cmdline, environ, maps and smaps take the address space's lock, and
reading them of a process stuck in D state can block the reader too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "uninterruptible sleep (D)",
    "Z": "dead, not yet reaped",
    "T": "stopped",
    "t": "traced",
    "X": "gone",
    "I": "idle",
}


@dataclass(frozen=True)
class Stat:
    """The fields of /proc/PID/stat that matter here."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    cpu_seconds: float


def stat(pid: int, proc: Path = PROC) -> Stat | None:
    """Read one process's stat; None when it is gone."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return parse_stat(text)


def parse_stat(text: str) -> Stat | None:
    """Take stat apart; the name may hold spaces and parentheses."""
    head, found, tail = text.rpartition(")")
    pid, opened, name = head.partition("(")
    fields = tail.split()
    if not found or not opened or len(fields) < 13:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return Stat(int(pid), name, fields[0], int(fields[1]), int(fields[2]), ticks / _TICKS)


def everyone(proc: Path = PROC) -> list[Stat]:
    """Return all processes that can be seen."""
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            one = stat(int(entry.name), proc)
            if one is not None:
                found.append(one)
    return found


def waits_in(pid: int, proc: Path = PROC) -> str:
    """Return the kernel function a process sleeps in, empty where the kernel does not tell."""
    try:
        name = (proc / str(pid) / "wchan").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    return "" if name == "0" else name


def describe_state(pid: int, proc: Path = PROC) -> str:
    """Say in words what a process is doing."""
    found = stat(pid, proc)
    if found is None:
        return "gone"
    words = STATES.get(found.state, found.state)
    where = waits_in(pid, proc)
    return f"{words} in {where}" if where else words
