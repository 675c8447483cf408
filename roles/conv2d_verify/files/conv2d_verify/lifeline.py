"""A worker never outlives its parent, however the parent ends (worker side).

The parent holds the only write end of a pipe and never writes. When it is gone, the kernel itself closes that
end and sends SIGKILL to the worker's whole process group: no thread of the worker has to be able to run, and
compilers it started go too. PR_SET_PDEATHSIG does the same for the worker alone, where the first is refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal

_F_SETSIG = 10
_PR_SET_PDEATHSIG = 1


def tie(descriptor: int, parent: int) -> None:
    """Tie this process group to the pipe's other end."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(descriptor, _F_SETSIG, int(signal.SIGKILL))
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    if os.getppid() != parent:
        # The parent went before the ties held.
        os._exit(1)
