"""Stopping a run: Ctrl-C once lets the wave finish, twice stops at once; SIGTERM and SIGHUP stop at once."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

AT_ONCE = (signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Counts what this process is sent while it is entered as a context.

    The signal itself only counts: it comes in the middle of whatever is being shown or written.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.after_wave = False
        self.now = False
        self._tell = tell
        self._untold: list[str] = []
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupts":
        for number in (signal.SIGINT, *AT_ONCE):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.stop()

    def stop(self) -> bool:
        """Tell whether to stop at once; what was not acknowledged yet is, here."""
        while self._untold:
            self._tell(self._untold.pop(0))
        return self.now

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number in AT_ONCE or self.after_wave:
            self.now = self.after_wave = True
            self._untold.append("stopping now")
        else:
            self.after_wave = True
            self._untold.append("stopping after this wave; once more to stop now")
