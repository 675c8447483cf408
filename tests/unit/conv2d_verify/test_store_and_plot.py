"""Writing only where it is allowed, and the plot that is drawn of a verdict."""

import json
from pathlib import Path
from typing import Any

import pytest
from conv2d_verify import plot
from conv2d_verify.errors import UsageError
from conv2d_verify.store import Store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["verdict.json", "sub/verdict.json"])
def test_names_are_meant_inside(tmp_path: Path, name: str) -> None:
    assert tmp_path in Store(tmp_path).path("--json", name).parents


@pytest.mark.parametrize("name", ["../verdict.json", "/etc/verdict.json", "sub/../../x", "link/x"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/sub").mkdir()
    (tmp_path / "own/link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="outside"):
        Store(tmp_path / "own").path("--json", name)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").mkdir()
    with pytest.raises(UsageError, match="name a file"):
        Store(tmp_path).path("--json", "verdict.json")


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--directory"):
        Store(tmp_path / "file/state")


def test_a_link_planted_for_the_verdict_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    own = tmp_path / "own"
    own.mkdir()
    (own / "verdict.json").symlink_to(victim)
    store = Store(own)
    store.write(store.path("--json", "verdict.json"), "new")
    assert victim.read_text() == "precious"
    assert (own / "verdict.json").read_text() == "new"
    assert not (own / "verdict.json").is_symlink()


def verdict(times: dict[int, tuple[float | None, float | None]]) -> dict[str, Any]:
    case = {"op": "conv2d", "in_channels": 3, "out_channels": 64, "batch": 1}
    return {
        "host": "a <host>",
        "finished": "2026-11-21T03:00:00+00:00",
        "notices": ["simulated card: x"],
        "runtime": {"torch": "1.13.1"},
        "device": {"runtime": {"name": "A & B"}, "asked_for": "cuda:0"},
        "cases": [
            {"case": {**case, "size": size}, "first_s": first, "steady_s": steady}
            for size, (first, steady) in times.items()
        ],
    }


seconds = st.none() | st.floats(1e-7, 1e4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.dictionaries(st.integers(1, 4096), st.tuples(seconds, seconds), max_size=8))
def test_whatever_was_measured_can_be_drawn_inside_the_frame(
    xml: Any,
    times: dict[int, tuple[float | None, float | None]],
) -> None:
    root = xml(plot.render(verdict(times)))
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    measured = sum(value is not None for pair in times.values() for value in pair)
    assert len(circles) == measured + 12
    assert all(0 <= float(circle.get("cx", -1)) <= 820 for circle in circles)
    assert all(0 <= float(circle.get("cy", -1)) <= 470 for circle in circles)


def test_the_plot_says_what_is_not_real_and_whose_figures_the_others_are() -> None:
    text = plot.render(verdict({32: (0.1, 0.01)}))
    assert "SIMULATED CARD" in text
    assert "in the original documents" in text


def test_the_original_figures_are_those_of_the_original_table() -> None:
    lines = {line.name: line.points for line in plot.series(verdict({}))}
    assert lines["first run, reported"] == {
        32: 2.083,
        44: 1.876,
        64: 1.892,
        128: 1.934,
        224: 1.967,
        512: 2.145,
    }
    assert lines["steady, reported"] == {32: 0.028, 44: 0.031, 64: 0.035, 128: 0.042, 224: 0.068, 512: 0.187}


def test_a_file_that_is_no_verdict_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "x.json"
    source.write_text(json.dumps({}))
    assert plot.main([str(source), str(tmp_path / "x.svg")]) == 2
    assert "x.json" in capsys.readouterr().err
    assert not (tmp_path / "x.svg").exists()
