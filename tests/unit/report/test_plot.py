"""The plots: scales, the reported figures beside the measured ones, hangs."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from rdna1.report import plot, timing
from rdna1.report.verdicts import figures

KIND = timing.Kind("gfx1010", simulated=True, stand_in=True)


def family(**changes: object) -> timing.Family:
    found = timing.Family(KIND, KIND.title, 3)
    found.steady = {32: timing.Spread(3, 0.01, 0.02, 0.2), 512: timing.Spread(3, 0.1, 0.2, 0.9)}
    found.first = {32: timing.Spread(3, 1.0, 2.0, 3.0), 512: timing.Spread(3, 1.0, 2.0, 3.0)}
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def drawn(one: timing.Family) -> ElementTree.Element:
    return ElementTree.fromstring(plot.draw(one))  # noqa: S314 - written a moment ago


def points(root: ElementTree.Element, style: str) -> list[tuple[float, float]]:
    (line,) = (one for one in root.iter("polyline") if one.get("class") == f"line {style}")
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.get("points", "").split())]


def test_the_reported_figures_are_drawn_beside_the_measured_ones() -> None:
    root = drawn(family())
    assert len(points(root, "first reported")) == len(figures().first_s)
    assert len(points(root, "steady reported")) == len(figures().steady_s)
    assert len(points(root, "steady")) == 2


def test_larger_is_further_right_and_longer_is_higher() -> None:
    (left, quick), (right, slow) = points(drawn(family()), "steady")
    assert left < right
    assert slow < quick


def test_everything_is_inside_of_the_picture() -> None:
    root = drawn(
        family(steady={8: timing.Spread(3, 1e-6, 1e-5, 1e-4), 4096: timing.Spread(3, 50.0, 300.0, 900.0)})
    )
    for style in ("steady", "first", "steady reported"):
        for x, y in points(root, style):
            assert plot.LEFT <= x <= plot.WIDTH - plot.RIGHT + 0.1
            assert plot.TOP - 0.1 <= y <= plot.HEIGHT - plot.BOTTOM + 0.1


def test_a_hang_is_marked_at_its_size_with_its_hosts() -> None:
    root = drawn(family(hangs={224: ["a", "<b>"]}))
    (mark,) = (one for one in root.iter("g") if one.get("class") == "hang")
    assert mark.findtext("title") == "224x224: 2 did not come back: a, <b>"
    assert mark.findtext("text") == "✕ 2"


def test_hangs_alone_can_be_drawn() -> None:
    root = drawn(family(first={}, steady={}, hangs={64: [f"host-{number}" for number in range(30)]}))
    assert "and 10 more" in "".join(root.itertext())


@pytest.mark.parametrize("hosts", [1, 3])
def test_the_range_is_drawn_where_there_are_several_hosts(hosts: int) -> None:
    assert len(list(drawn(family(hosts=hosts)).iter("polygon"))) == (2 if hosts > 1 else 0)


def test_names_do_not_lie_over_each_other() -> None:
    heights = sorted(float(one.get("y", "")) for one in drawn(family()).iter("text") if one.get("class") in
                     ("first", "steady", "first reported", "steady reported"))  # fmt: skip
    assert len(heights) == 4
    assert all(low + plot.LABEL_GAP <= high + 0.11 for low, high in pairwise(heights))
