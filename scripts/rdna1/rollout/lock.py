"""One driver per runs directory and per host, by files that say who holds them.

A lock whose owner has died is recognised by the owner's process id and start time, and taken over.
"""

import contextlib
import fcntl
import json
import os
import socket
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rdna1.lab.errors import LabError
from rdna1.rollout import processes
from rdna1.runs import model


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock; `private` is its folder of files that must not outlive it."""

    pid: int
    started: str
    control_host: str
    since: str
    run: str
    private: str = ""

    def lives(self) -> bool:
        """Tell whether the owner still runs; of another machine's that cannot be known, so it does."""
        if self.control_host != socket.gethostname():
            return True
        return processes.started(self.pid) == self.started

    def __str__(self) -> str:
        return f"run {self.run} (process {self.pid} on {self.control_host}, since {self.since})"


def me(run: str, private: str = "") -> Owner:
    """Return this process as an owner."""
    started = processes.started(os.getpid()) or ""
    return Owner(os.getpid(), started, socket.gethostname(), model.now(), run, private)


def shared() -> Path:
    """Where the locks of hosts are, for all runs directories of this user."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local/state") / "rdna1/locks"


def host_lock(address: str) -> Path:
    """Return the lock of a host by the address that Ansible connects to: its name may differ by inventory."""
    return shared() / f"{urllib.parse.quote(address, safe='@:+,[]')}.lock"


def owner_of(path: Path) -> Owner | None:
    """Return who a lock names; None where there is none, or one that was never finished writing."""
    try:
        return Owner(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Let one process at a time look at locks and change them."""
    shared().mkdir(parents=True, exist_ok=True)
    with (shared() / ".guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def take(path: Path, owner: Owner, what: str) -> Owner | None:
    """Take a lock; return its dead owner where it was left behind."""
    with guarded():
        held = owner_of(path)
        if held is not None and held.lives():
            cure = "wait for that one, or stop it"
            if held.control_host != owner.control_host:
                cure += f"; if that machine is gone, remove {path}"
            raise LabError(what, f"{held} has it", cure)
        model.write(path, asdict(owner))
        return held


def give_back(path: Path, owner: Owner) -> None:
    """Remove a lock that is still the owner's."""
    with guarded():
        if owner_of(path) == owner:
            path.unlink()


@contextlib.contextmanager
def held(paths: Iterable[tuple[Path, str]], owner: Owner) -> Iterator[list[Owner]]:
    """Hold several locks, each with what it is about, or none; yields the dead owners of any."""
    taken: list[Path] = []
    dead: set[Owner] = set()
    try:
        for path, what in paths:
            left_by = take(path, owner, what)
            taken.append(path)
            if left_by:
                dead.add(left_by)
        yield sorted(dead, key=lambda one: one.since)
    finally:
        for path in reversed(taken):
            give_back(path, owner)
