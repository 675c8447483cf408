# SPDX-License-Identifier: MIT
"""Which run of Ansible this is, as a host can keep it, and whether the run that a host kept still lives.

A run has a name among the abstract sockets of its machine. The workers that Ansible forks have it, too, and
outlive a run that was killed until the module that they started on a host has ended: then the name is free.
"""

from __future__ import annotations

import errno
import functools
import getpass
import hashlib
import os
import platform
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PROC = Path("/proc")
SOCKETS: list[socket.socket] = []  # open for as long as the run and its workers live


def machine(proc: Path = PROC) -> str:
    """Where a name means something: this boot of this machine, and its network namespace; empty off Linux."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        space = (proc / "self/ns/net").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {space} {platform.node()}".encode()).hexdigest()[:16]


@functools.cache
def this_run() -> dict[str, Any]:
    """Describe the run that this process is, and take its name."""
    run = secrets.token_hex(6)
    where = machine()
    if where:
        SOCKETS.append(_name(run))
    return {
        "run": run,
        "who": f"{getpass.getuser()}@{platform.node()}",
        "process": os.getpid(),
        "machine": where,
    }


def is_dead(holder: Mapping[str, Any]) -> bool:
    """Whether the run that holds a lock is one of this machine and has ended. Of others nothing is known."""
    if not holder.get("machine") or holder["machine"] != machine():
        return False
    try:
        _name(str(holder["run"])).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True


def _name(run: str) -> socket.socket:
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        taken.bind(f"\0rdna1-run-{run}")
    except OSError:
        taken.close()
        raise
    return taken
