"""Telling processes apart after the one that started them is gone."""

import os
import signal
import time
from pathlib import Path

# In the environment of all that a run starts. Ansible's workers leave their parent's process group and
# session, so that nothing else still says whose they are once the driver was killed.
MARK = "RDNA1_RUN"
PATIENCE = 5.0


def started(pid: int) -> str | None:
    """Return when a process started, in the kernel's own ticks; None where it is gone. Ids are used again."""
    try:
        # The name, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def marked(run: str) -> list[int]:
    """Return the processes that a run started and that still live, this one and its ancestors left out."""
    mark = f"{MARK}={run}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (os.getpid(), os.getppid()):
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone, or somebody else's
        if mark in environment and started(int(entry.name)) is not None:
            found.append(int(entry.name))
    return found


def end_marked(run: str) -> int:
    """Kill what a run has left behind; return how many processes that were."""
    ended: set[int] = set()
    until = time.monotonic() + PATIENCE
    while (left := marked(run)) and time.monotonic() < until:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            ended.add(pid)
        time.sleep(0.05)
    return len(ended)
