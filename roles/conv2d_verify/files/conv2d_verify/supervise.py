"""Hold a worker on a leash: start it, hear it, kill it, and never wait for it without a limit."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conv2d_verify import procfs, protocol

if TYPE_CHECKING:
    from pathlib import Path

# A killed process that is not gone after this is stuck in the kernel; it is left there and reported.
REAP_S = 5.0
_CHUNK = 1 << 16
_TAIL = 1 << 14
# One flooding pipe must not keep the parent from the clock and from the other pipe.
_CHUNKS_A_TURN = 16
_GARBAGE = 1000


@dataclass
class Death:
    """How a worker ended."""

    pid: int
    state_before: str = ""
    exit_code: int | None = None
    signal_name: str = ""
    reaped: bool = True
    state_after: str = ""
    seconds: float = 0.0

    def words(self) -> str:
        """Say it in words."""
        if not self.reaped:
            return f"worker {self.pid} cannot be killed: {self.state_after or 'no state known'} after SIGKILL"
        if self.signal_name:
            return f"worker {self.pid} died of {self.signal_name}"
        return f"worker {self.pid} ended with code {self.exit_code}"


@dataclass
class Worker:
    """A running worker process and its pipes."""

    process: subprocess.Popen[bytes]
    commands: int
    events: int
    output: int
    lifeline: int
    started: float = field(default_factory=time.monotonic)
    hello: dict[str, Any] | None = None
    output_bytes: int = 0
    wild: bool = False
    _tail: bytes = b""
    _lines: protocol.Lines = field(default_factory=protocol.Lines)
    _selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    _closed: set[int] = field(default_factory=set)

    @classmethod
    def start(cls, argv: list[str], device: str, environment: dict[str, str], folder: Path) -> Worker:
        """Start a worker in a session, and so a process group, of its own."""
        commands_out, commands_in = os.pipe()
        events_out, events_in = os.pipe()
        line_out, line_in = os.pipe()
        output_out, output_in = os.pipe()
        theirs = (commands_out, events_in, line_out)
        try:
            process = subprocess.Popen(
                [*argv, *map(str, theirs), str(os.getpid()), device],
                stdin=subprocess.DEVNULL,
                stdout=output_in,
                stderr=output_in,
                pass_fds=theirs,
                start_new_session=True,
                env=environment,
                cwd=folder,
            )
        except OSError:
            for descriptor in (commands_in, events_out, line_in, output_out):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (*theirs, output_in):
                os.close(descriptor)
        worker = cls(process, commands_in, events_out, output_out, line_in)
        for descriptor in (events_out, output_out):
            os.set_blocking(descriptor, False)
            worker._selector.register(descriptor, selectors.EVENT_READ)
        os.set_blocking(commands_in, False)
        return worker

    @property
    def pid(self) -> int:
        """Return its process id, which is its process group's too."""
        return self.process.pid

    def send(self, message: dict[str, Any]) -> bool:
        """Send a command; False when the worker is no longer there to take it."""
        try:
            protocol.send(self.commands, message)
        except OSError:
            return False
        return True

    def hear(self, seconds: float) -> list[dict[str, Any]]:
        """Wait for at most `seconds`; return the messages that came."""
        messages: list[dict[str, Any]] = []
        for key, _ in self._selector.select(max(0.0, seconds)):
            for _ in range(_CHUNKS_A_TURN):
                data = self._read(key.fd)
                if not data:
                    break
                if key.fd == self.events:
                    messages += self._lines.feed(data)
                else:
                    self.output_bytes += len(data)
                    self._tail = (self._tail + data)[-_TAIL:]
        self.wild = self.wild or self._lines.garbage > _GARBAGE
        return messages

    def silent_for_good(self) -> bool:
        """Say whether its event pipe is closed: nothing will come any more."""
        return self.events in self._closed

    def said(self) -> list[str]:
        """Return the last lines it printed outside the protocol."""
        return self._tail.decode(errors="replace").splitlines()[-20:]

    def end(self) -> Death:
        """Let it go the ordinary way, for a moment; then kill it."""
        self.send({"do": "end"})
        limit = time.monotonic() + 1.0
        while time.monotonic() < limit and not self.silent_for_good():
            self.hear(limit - time.monotonic())
        return self.kill()

    def kill(self) -> Death:
        """Kill its whole process group at once and wait for it, but never without a limit."""
        death = Death(self.pid, state_before=procfs.describe_state(self.pid))
        start = time.monotonic()
        # Not reaped yet, so that the number still belongs to it.
        self._signal_group()
        while self.process.poll() is None and time.monotonic() < start + REAP_S:
            self.hear(0.01) if not self._all_closed() else time.sleep(0.01)
        death.seconds = time.monotonic() - start
        self._close()
        code = self.process.returncode
        if code is None:
            death.reaped, death.state_after = False, procfs.describe_state(self.pid)
        elif code < 0:
            death.signal_name = _signal_name(-code)
        else:
            death.exit_code = code
        return death

    def _signal_group(self) -> None:
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _read(self, descriptor: int) -> bytes:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return b""
        if not data and descriptor not in self._closed:
            self._closed.add(descriptor)
            self._selector.unregister(descriptor)
        return data

    def _all_closed(self) -> bool:
        return len(self._closed) == 2

    def _close(self) -> None:
        self._selector.close()
        for descriptor in (self.commands, self.events, self.output, self.lifeline):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
