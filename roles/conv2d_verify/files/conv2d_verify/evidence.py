"""Is a case that makes no progress still compiling, or does it hang?

A wait for the device is never a compilation: the kernel was launched. A first launch may be one, and MIOpen
may take minutes. Signs of a compiler: a process of the worker's group that is not the worker (clang, lld),
comgr's or MIOpen's own folder in the temporary directory, which is the worker's alone, or a busy CPU while
the card idles. A busy CPU alone is no sign, since HIP waits by spinning.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from conv2d_verify import procfs, protocol

if TYPE_CHECKING:
    from pathlib import Path

_IDLE_PERCENT = 5
_BUSY_SHARE = 0.5


@dataclass(frozen=True)
class Evidence:
    """What could be seen of a worker at one moment."""

    phase: str
    state: str
    waits_in: str
    compilers: tuple[str, ...]
    compiler_folders: tuple[str, ...]
    cpu_share: float | None
    gpu_busy_percent: int | None

    @property
    def compiling(self) -> bool:
        """Say whether a kernel is being compiled."""
        if self.phase != protocol.FIRST_LAUNCH:
            return False
        idle = self.gpu_busy_percent is not None and self.gpu_busy_percent <= _IDLE_PERCENT
        busy = self.cpu_share is not None and self.cpu_share >= _BUSY_SHARE
        return bool(self.compilers or self.compiler_folders or (idle and busy))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "compiling": self.compiling}


class Observer:
    """Watch one worker from outside."""

    def __init__(self, pid: int, temporary: Path, gpu_busy: Path | None) -> None:
        self._pid = pid
        self._temporary = temporary
        self._gpu_busy = gpu_busy
        self._sample: tuple[float, float] | None = None
        self._share: float | None = None

    def sample(self, now: float) -> None:
        """Note the CPU time used; call it every second or so."""
        found = procfs.stat(self._pid)
        if found is None:
            return
        if self._sample is not None and now > self._sample[0]:
            self._share = (found.cpu_seconds - self._sample[1]) / (now - self._sample[0])
        self._sample = (now, found.cpu_seconds)

    def look(self, phase: str) -> Evidence:
        """Return what can be seen now."""
        others = [one.name for one in procfs.everyone() if one.group == self._pid and one.pid != self._pid]
        folders = [
            entry.name for entry in self._folders() if entry.name.startswith(("comgr", "miopen", "hip"))
        ]
        own = procfs.stat(self._pid)
        return Evidence(
            phase=phase,
            state=own.state if own else "",
            waits_in=procfs.waits_in(self._pid),
            compilers=tuple(sorted(others)),
            compiler_folders=tuple(sorted(folders)),
            cpu_share=None if self._share is None else round(self._share, 2),
            gpu_busy_percent=self._busy(),
        )

    def _folders(self) -> list[Path]:
        try:
            return list(self._temporary.iterdir())
        except OSError:
            return []

    def _busy(self) -> int | None:
        if self._gpu_busy is None:
            return None
        try:
            return int(self._gpu_busy.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
