"""Find the largest size that works: up the given steps to the first that does not, then by halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class LargestSize:
    """Decide which size to try next. `next_size` is None when the answer is known."""

    def __init__(self, steps: Sequence[int]) -> None:
        self._steps = list(steps)
        self.good: int | None = None
        self.bad: int | None = None

    def next_size(self) -> int | None:
        """Return the next size to try."""
        if self.bad is None:
            later = [step for step in self._steps if self.good is None or step > self.good]
            return later[0] if later else None
        if self.good is None:
            return None
        middle = (self.good + self.bad) // 2
        return middle if self.good < middle < self.bad else None

    def tried(self, size: int, works: bool) -> None:
        """Note what became of a size."""
        if works:
            self.good = size
        else:
            self.bad = size

    def untried(self) -> list[int]:
        """Return the steps that the answer left out."""
        return [step for step in self._steps if self.bad is not None and step > self.bad]


def find(steps: Sequence[int], works: Callable[[int], bool]) -> tuple[int | None, int | None]:
    """Run the whole search; return the largest size that works and the smallest that does not."""
    search = LargestSize(steps)
    while (size := search.next_size()) is not None:
        search.tried(size, works(size))
    return search.good, search.bad
