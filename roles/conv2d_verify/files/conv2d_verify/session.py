"""One case at work: the heartbeat, the clock and the device (worker side)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from conv2d_verify import protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Session:
    """What an operation needs while it runs a case."""

    def __init__(self, torch: Any, device: str, case_id: str, say: Callable[[dict[str, Any]], None]) -> None:
        self.torch = torch
        self.device = device
        self.on_gpu = device.startswith("cuda")
        self.times: list[float] = []
        self.backward_times: list[float] = []
        self._case_id = case_id
        self._say = say

    def phase(self, name: str) -> None:
        """Tell the parent what comes next: the case's heartbeat."""
        self._say({"say": "phase", "case": self._case_id, "phase": name})

    def timed(self, work: Callable[[], Any], first: bool) -> tuple[Any, float]:
        """Launch work, wait for the device, return the result and the seconds both took."""
        self.phase(protocol.FIRST_LAUNCH if first else protocol.LAUNCH)
        start = time.perf_counter()
        result = work()
        self.phase(protocol.WAIT)
        self.synchronize()
        return result, time.perf_counter() - start

    def synchronize(self) -> None:
        """Wait until the device has done everything asked of it."""
        if self.on_gpu:
            self.torch.cuda.synchronize()

    def forget_peak(self) -> None:
        """Start measuring the device memory of a case."""
        reset = getattr(self.torch.cuda, "reset_peak_memory_stats", None)
        if self.on_gpu and reset is not None:
            reset()

    def peak(self) -> int | None:
        """Return the most device memory in use since, in bytes; None where it cannot be told."""
        peak = getattr(self.torch.cuda, "max_memory_allocated", None)
        return int(peak()) if self.on_gpu and peak is not None else None
