"""Draw a verdict: time over size, beside the figures of the original documents. SVG, standard library only.

Meant for the controller: `python -m conv2d_verify.plot VERDICT.json PLOT.svg`.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_FIGURES = Path(__file__).with_name("data") / "seed_figures.json"
_WIDTH, _HEIGHT = 820, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 190, 64, 60
# Told apart by lightness as well as by hue, and the reported ones by their dashes.
_FIRST, _STEADY = "#b3541e", "#1f5a8a"


@dataclass(frozen=True)
class Series:
    """One line of the plot: seconds by size."""

    name: str
    colour: str
    dashed: bool
    points: dict[int, float]


def series(verdict: dict[str, Any]) -> list[Series]:
    """Return what the verdict measured of the documents' shape, and what they report."""
    figures = json.loads(_FIGURES.read_text(encoding="utf-8"))
    shape = (figures["in_channels"], figures["out_channels"])
    first: dict[int, float] = {}
    steady: dict[int, float] = {}
    for result in verdict["cases"]:
        case = result["case"]
        if (
            case["op"] == "conv2d"
            and (case["in_channels"], case["out_channels"]) == shape
            and case["batch"] == 1
        ):
            if result["first_s"] is not None:
                first.setdefault(case["size"], result["first_s"])
            if result["steady_s"] is not None:
                # The suites agree on what is steady; the first run is only the first once.
                steady[case["size"]] = result["steady_s"]
    found = [
        Series("first run", _FIRST, False, first),
        Series("steady", _STEADY, False, steady),
        Series("first run, reported", _FIRST, True, _numbers(figures["first_s"])),
        Series("steady, reported", _STEADY, True, _numbers(figures["steady_s"])),
    ]
    return [one for one in found if one.points]


def render(verdict: dict[str, Any]) -> str:
    """Return the plot as SVG."""
    lines = series(verdict)
    sizes = sorted({size for line in lines for size in line.points})
    values = [value for line in lines for value in line.points.values() if value > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def x(size: int) -> float:
        span = math.log(sizes[-1] / sizes[0]) or 1.0
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * math.log(size / sizes[0]) / span

    def y(value: float) -> float:
        share = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    parts = [*_frame(verdict), *_grid(x, y, sizes, low, high)]
    ends = _spread([(y(line.points[max(line.points)]), line) for line in lines])
    for line, label_y in ends:
        points = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in sorted(line.points.items()))
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>'
        )
        inside = "#fff" if line.dashed else line.colour
        parts += [
            f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3" stroke="{line.colour}" fill="{inside}">'
            f"<title>{size}x{size}: {value:.4g} s</title></circle>"
            for size, value in sorted(line.points.items())
        ]
        parts.append(_text(_WIDTH - _RIGHT + 12, label_y + 4, line.name, fill=line.colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(_title(verdict))}" font-family="sans-serif" font-size="12">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _frame(verdict: dict[str, Any]) -> list[str]:
    notes = [notice.split(":")[0].upper() for notice in verdict["notices"]]
    runtime = verdict["runtime"].get("torch", "no torch")
    above = "; ".join([f"torch {runtime}, {verdict['finished'][:10]}", *notes])
    reported = json.loads(_FIGURES.read_text(encoding="utf-8"))["name"]
    below = f"size of the square image; Conv2d 3→64, 3x3, batch 1, forward. Reported: {reported}."
    return [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 24, _title(verdict), size=15, weight="bold"),
        _text(_LEFT, 44, above, fill="#555"),
        _text(_LEFT, _HEIGHT - 14, below, fill="#555"),
        _text(14, _TOP - 8, "seconds", fill="#555"),
    ]


def _grid(x: Any, y: Any, sizes: list[int], low: int, high: int) -> list[str]:
    parts = []
    right = _WIDTH - _RIGHT
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, at + 4, f"{10.0**power:g}", anchor="end", fill="#555"))
    last = -100.0
    for size in sizes:
        at = x(size)
        ends = f'y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM + 4}"'
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" {ends} stroke="#888"/>')
        if at - last >= 28:
            parts.append(_text(at, _HEIGHT - _BOTTOM + 18, str(size), anchor="middle", fill="#555"))
            last = at
    return parts


def _spread(ends: list[tuple[float, Series]]) -> list[tuple[Series, float]]:
    """Return each line with the height of its label, no two of them over each other."""
    placed: list[tuple[Series, float]] = []
    for height, line in sorted(ends, key=lambda end: end[0]):
        floor = placed[-1][1] + 16 if placed else height
        placed.append((line, max(height, floor)))
    return placed


def _title(verdict: dict[str, Any]) -> str:
    device = (verdict["device"]["runtime"] or {}).get("name") or verdict["device"]["asked_for"]
    return f"{verdict['host']}: {device}"


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    fill: str = "#222",
    size: int = 12,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}"'
        f' font-weight="{weight}">{escape(text)}</text>'
    )


def _numbers(figures: dict[str, float]) -> dict[int, float]:
    return {int(size): seconds for size, seconds in figures.items()}


def main(arguments: list[str]) -> int:
    """Draw the verdict of the first file into the second."""
    if len(arguments) != 2:
        print("usage: python -m conv2d_verify.plot VERDICT.json PLOT.svg", file=sys.stderr)
        return 2
    source, target = map(Path, arguments)
    try:
        target.write_text(render(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
    except (OSError, ValueError, KeyError) as error:
        print(f"conv2d_verify.plot: {source} cannot be drawn into {target}: {error!r}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
