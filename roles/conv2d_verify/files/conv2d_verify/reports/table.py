"""The live table: one line a case, as it ends; colour only on a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from conv2d_verify import outcome

if TYPE_CHECKING:
    from conv2d_verify.cases import Case
    from conv2d_verify.outcome import Outcome

_COLOURS = {
    outcome.PASS: "32",
    outcome.EXPECTED_HANG: "33",
    outcome.UNEXPECTED_PASS: "36",
    outcome.SKIPPED: "33",
    outcome.NOT_RUN: "33",
}
_WIDTHS = (24, 20, 15)


class Table:
    """Writes lines as cases end, and on a terminal the one that is running."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._colour = self._live and "NO_COLOR" not in os.environ
        self._total = total
        self._done = 0

    def note(self, text: str) -> None:
        """Write a line of its own."""
        self._write(text + "\n")

    def head(self) -> None:
        """Write the columns' names."""
        self.note(_row("case", "shape", "state", "first", "steady", "speed-up", "worst error"))

    def begin(self, case: Case) -> None:
        """Show what is running, where a line can be taken back."""
        if self._live:
            self._write(
                f"\r\033[K[{self._done + 1}/{max(self._total, self._done + 1)}] {case.id} {case.title} …"
            )

    def end(self, result: Outcome, state: str) -> None:
        """Write a case's line."""
        self._done += 1
        speedup = f"{result.speedup:.0f}x" if result.speedup else ""
        row = _row(
            result.case.id,
            result.case.title,
            state,
            seconds(result.first_s),
            seconds(result.steady_s),
            speedup,
            _worst(result),
        )
        if self._colour:
            place = _WIDTHS[0] + _WIDTHS[1] + 4
            code = _COLOURS.get(state, "31")
            end = place + _WIDTHS[2]
            row = f"{row[:place]}\033[{code}m{row[place:end]}\033[0m{row[end:]}"
        self._write(("\r\033[K" if self._live else "") + row.rstrip() + "\n")
        if result.reason and state != outcome.PASS:
            self._write(f"    {result.reason}\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, UnicodeEncodeError, ValueError):
            # Nobody reads any more, or cannot show x: the verdict is in the files.
            pass


def seconds(value: float | None) -> str:
    """Return a time as a person reads it."""
    if value is None:
        return ""
    return f"{value:.3f} s" if value >= 0.1 else f"{value * 1000:.2f} ms"


def _row(*cells: str) -> str:
    widths = (*_WIDTHS, 10, 10, 9, 24)
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths))


def _worst(result: Outcome) -> str:
    """Return the error that came nearest to its bound."""
    ratios: list[tuple[float, dict[str, Any]]] = [
        (finding["max_abs"] / finding["max_abs_allowed"], finding)
        for finding in result.findings
        if finding.get("max_abs") is not None and finding.get("max_abs_allowed")
    ]
    if not ratios:
        return ""
    ratio, finding = max(ratios, key=lambda pair: pair[0])
    return f"{finding['max_abs']:.2g} ({ratio:.1%} of bound)"
