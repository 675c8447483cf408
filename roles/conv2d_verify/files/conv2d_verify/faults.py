"""Faults that self-test cases ask for, to prove on this very host that they are noticed (worker side)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conv2d_verify import protocol

if TYPE_CHECKING:
    from conv2d_verify.cases import Case
    from conv2d_verify.session import Session

# Nothing injected outlives this, should the verifier itself be at fault.
LONGEST_S = 60
_CYCLES_A_SECOND = 2_000_000_000
_FLOOD = b"a library that will not stop talking\n" * 1000


def before_launch(session: Session, case: Case) -> None:
    """Do what the case's fault demands before its first launch."""
    action = _BEFORE.get(case.fault)
    if action is not None:
        action(session)


def spoil(case: Case, output: Any) -> Any:
    """Return the output as a card that computes wrong numbers would."""
    if case.fault == "wrong":
        return output * 1.001
    if case.fault == "nan":
        return output * float("nan")
    if case.fault == "zero":
        return output * 0.0
    return output


def _spin(session: Session) -> None:
    """Keep the device queue busy, so that what follows waits; on a CPU, sleep."""
    if session.on_gpu and hasattr(session.torch.cuda, "_sleep"):
        session.torch.cuda._sleep(_CYCLES_A_SECOND * LONGEST_S)
    else:
        _sleep(session)


def _sleep(session: Session) -> None:
    session.phase(protocol.WAIT)
    time.sleep(LONGEST_S)


def _slow_compile(session: Session) -> None:
    """Look like comgr at work: a folder of its own in the temporary directory while it compiles."""
    session.phase(protocol.FIRST_LAUNCH)
    folder = Path(tempfile.mkdtemp(prefix="comgr-"))
    time.sleep(LONGEST_S)
    folder.rmdir()


def _raise(_session: Session) -> None:
    raise RuntimeError("injected: HIP error: invalid device function")


def _exit(_session: Session) -> None:
    os._exit(7)


def _segfault(_session: Session) -> None:
    ctypes.string_at(0)


def _memory(session: Session) -> None:
    if session.on_gpu and hasattr(session.torch, "empty"):
        session.torch.empty(1 << 50, device=session.device)
    raise MemoryError("injected: out of memory")


def _flood(_session: Session) -> None:
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        os.write(sys.stdout.fileno(), _FLOOD)


def _ignore_term(session: Session) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _sleep(session)


_BEFORE = {
    "spin": _spin,
    "sleep": _sleep,
    "slow-compile": _slow_compile,
    "raise": _raise,
    "exit": _exit,
    "segfault": _segfault,
    "memory": _memory,
    "flood": _flood,
    "ignore-term": _ignore_term,
}
