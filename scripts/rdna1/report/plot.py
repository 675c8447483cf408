"""A family's times over size as inline SVG; its colours are the page's, so that both themes read well."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup, escape

from rdna1.report.timing import Family, Spread
from rdna1.report.verdicts import Figures, figures

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 58, 168, 40, 44
LABEL_GAP, TICK_GAP = 17, 34
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Line:
    """One line of the plot, and what its points are called."""

    name: str
    style: str
    points: dict[int, float]
    band: dict[int, Spread]


def lines(family: Family, reported: Figures) -> list[Line]:
    """Return what was measured, and what the original documents report."""
    found = [
        Line("first run", "first", {size: one.median for size, one in family.first.items()}, family.first),
        Line("steady", "steady", {size: one.median for size, one in family.steady.items()}, family.steady),
        Line("first run, reported", "first reported", reported.first_s, {}),
        Line("steady, reported", "steady reported", reported.steady_s, {}),
    ]
    return [line for line in found if line.points]


def draw(family: Family) -> Markup:
    """Return the plot."""
    drawn = lines(family, figures())
    sizes = sorted({*family.sizes, *(size for line in drawn for size in line.points)})
    values = [value for line in drawn for value in line.points.values()]
    values += [edge for line in drawn for one in line.band.values() for edge in (one.low, one.high)]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    across = math.log(sizes[-1] / sizes[0]) or 1.0

    def x(size: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(size / sizes[0]) / across

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(value) - low) / (high - low)

    parts = [
        _grid(x, y, sizes, low, high),
        *(_band(line, x, y) for line in drawn if family.hosts > 1 and len(line.band) > 1),
        *(_line(line, x, y) for line in drawn),
        *_labels(drawn, y),
        *(_hang(size, names, x) for size, names in family.hangs.items()),
    ]
    label = escape(
        f"Seconds over image size, {family.title}, {family.hosts} hosts; the table below has the figures."
    )
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("\n").join(parts)
    )


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> Markup:
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", style, anchor, text
    )


def _grid(x: Scale, y: Scale, sizes: list[int], low: int, high: int) -> Markup:
    parts = [_text(LEFT - 8, TOP - 14, "seconds", "note", "end")]
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(
            Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(
                LEFT, WIDTH - RIGHT, f"{at:.1f}"
            )
        )
        parts.append(_text(LEFT - 8, at + 4, f"{10.0**power:g}", "note", "end"))
    last = -TICK_GAP
    for size in sizes:
        at = x(size)
        parts.append(
            Markup('<line class="axis" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
                f"{at:.1f}", HEIGHT - BOTTOM, HEIGHT - BOTTOM + 4
            )
        )
        if at - last >= TICK_GAP:
            parts.append(_text(at, HEIGHT - BOTTOM + 18, str(size), "note", "middle"))
            last = int(at)
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 6, "size of the square image", "note", "middle"))
    return Markup("\n").join(parts)


def _band(line: Line, x: Scale, y: Scale) -> Markup:
    spreads = sorted(line.band.items())
    above = [f"{x(size):.1f},{y(one.high):.1f}" for size, one in spreads]
    below = [f"{x(size):.1f},{y(one.low):.1f}" for size, one in reversed(spreads)]
    return Markup('<polygon class="band {}" points="{}"/>').format(line.style, " ".join(above + below))


def _line(line: Line, x: Scale, y: Scale) -> Markup:
    points = sorted(line.points.items())
    parts = [
        Markup('<polyline class="line {}" points="{}"/>').format(
            line.style, " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in points)
        )
    ]
    for size, value in points:
        one = line.band.get(size)
        said = f"{size}x{size}, {line.name}: {value:.3g} s"
        if one and one.hosts > 1:
            said += f" (median of {one.hosts} hosts, {one.low:.3g} to {one.high:.3g} s)"
        parts.append(
            Markup('<circle class="dot {}" cx="{}" cy="{}" r="3.5"><title>{}</title></circle>').format(
                line.style, f"{x(size):.1f}", f"{y(value):.1f}", said
            )
        )
    return Markup("\n").join(parts)


def _labels(drawn: list[Line], y: Scale) -> list[Markup]:
    """Return each line's name at its end, no two of them over each other."""
    ends = sorted(((y(line.points[max(line.points)]), line) for line in drawn), key=lambda end: end[0])
    parts, floor = [], -math.inf
    for height, line in ends:
        floor = max(height, floor + LABEL_GAP)
        parts.append(_text(WIDTH - RIGHT + 12, floor + 4, line.name, line.style))
    return parts


def _hang(size: int, names: list[str], x: Scale) -> Markup:
    said = f"{size}x{size}: {len(names)} did not come back: {', '.join(names[:20])}"
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return Markup(
        '<g class="hang"><title>{0}</title><line x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>'
        '<text x="{1}" y="{4}" text-anchor="middle">✕ {5}</text></g>'
    ).format(said + more, f"{x(size):.1f}", TOP, HEIGHT - BOTTOM, TOP - 6, len(names))
