"""Run one command and write what it took: `measure.py OUT.json LOG COMMAND...`.

The time is that of the command. The processor seconds are those of the command and of everything it started,
also of what outlives it, such as ssh's shared connections: those are adopted, ended and counted, so that the
next measurement starts without a connection. A process of its own, because it ends whatever it adopts.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
# What was told to end may take so long before it is killed, in seconds.
GRACE = 2.0


def adopt_orphans() -> None:
    """Have what outlives its parent become a child of this process, and end with whoever asked for it."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for option, value in ((PR_SET_CHILD_SUBREAPER, 1), (PR_SET_PDEATHSIG, signal.SIGTERM)):
        if prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option})")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def children() -> list[int]:
    """Return this process's children."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def end_children() -> int:
    """End and reap all that is left, and what that leaves behind; return how many there were."""
    ended: set[int] = set()
    deadline = time.monotonic() + GRACE
    while left := children():
        late = time.monotonic() > deadline
        for pid in left:
            if late or pid not in ended:
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                ended.add(pid)
        while left and os.waitpid(-1, os.WNOHANG)[0]:
            left = children()
        time.sleep(0.01)
    return len(ended)


def measure(command: list[str], log: Path) -> dict[str, float | int]:
    """Run the command to its end and return what it took."""
    adopt_orphans()
    try:
        with log.open("wb") as stream:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
            rc = process.wait()
            wall = time.perf_counter() - start
    finally:
        left = end_children()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "rc": rc,
        "wall": round(wall, 3),
        "user": round(used.ru_utime, 3),
        "system": round(used.ru_stime, 3),
        "peak_mib": used.ru_maxrss // 1024,
        "outlived": left,
    }


if __name__ == "__main__":
    out, log_file, *what = sys.argv[1:]
    Path(out).write_text(json.dumps(measure(what, Path(log_file))) + "\n")
