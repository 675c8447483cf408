"""What a person sees."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rdna1.rollout import eta, view
from rdna1.rollout.summary import duration, last_failure, needs, summary
from rdna1.runs.model import Failure, Host, Phase, Wave
from rich.console import Console

if TYPE_CHECKING:
    from tests.unit.rollout.conftest import Make


def test_the_last_screen_says_what_happened_who_needs_what_and_what_next(make: Make) -> None:
    rollout = make([["a", "b"], ["c"]], {"a": "unreachable"}, on_failure="leave")
    rollout.driver.go()
    rollout.journal.hosts["b"].drained = True
    said = summary(rollout.journal.run, rollout.journal.hosts, "rdna1 rollout --resume X")
    assert "stopped. 3 hosts: 1 changed, 1 pending, 1 unreachable." in said
    assert "wave 1 (1): 1 of 2 passed; a unreachable; 1 failure in all, over the budget of 0" in said
    assert "a: unreachable: nothing on it was changed; find the cause, then resume" in said
    assert "b: still drained: undrain them once they are well" in said
    assert said.endswith("Next: rdna1 rollout --resume X")


def test_a_host_that_was_stopped_half_way_is_named() -> None:
    stopped = Host("a", state="pending", touched=True)
    assert needs([stopped, Host("b")]) == [("a", "stopped half-way through the chain: resume")]


def test_the_last_failure_is_shown_in_full() -> None:
    failure = Failure("rocm", "Packages | Install", "apt failed", "E: no space\nE: left")
    older = Host("a", state="failed", cause="failed", failure=failure, ended="2026-01-31T12:00:00.000Z")
    newer = Host("b", state="failed", cause="failed", failure=failure, ended="2026-01-31T12:00:01.000Z")
    passed = Host("c", state="ok", ended="2026-01-31T12:00:02.000Z")
    assert last_failure([newer, older, passed]) == (
        "b failed in rocm: Packages | Install\napt failed\nE: no space\nE: left"
    )


@pytest.mark.parametrize("height", [24, 50])
def test_the_table_fits_the_terminal_and_shows_what_matters(make: Make, height: int) -> None:
    names = [f"h{number:03}" for number in range(500)]
    rollout = make([names], budget=9)
    hosts = rollout.journal.hosts
    hosts["h499"].state, hosts["h499"].phases = "running", [Phase("host_check", 2.0), Phase("rocm", 31.4)]
    hosts["h498"].state = hosts["h498"].cause = "verdict-hang"
    hosts["h498"].failure = Failure("conv2d_verify", "", "size 224 hangs")
    screen = view.Screen(rollout.journal.run, hosts, 9, 20)
    screen._console = Console(width=100, height=height)
    console = Console(width=100, height=height)
    with console.capture() as captured:
        console.print(screen.draw())
    lines = captured.get().splitlines()
    assert len(lines) < height
    assert lines[0].startswith("run 20260131-120000-1a2b  wave 1 of 1 (1)  0 passed, 1 failed, 499 to go")
    assert "budget left 8 of 9" in lines[0]
    assert lines[2].split() == ["h499", "running", "2", "s", "31", "s", "…"]
    assert lines[3].split() == ["h498", "verdict-hang"]
    assert "size 224 hangs" in lines[-1]


def test_lines_leave_phases_out(capsys: pytest.CaptureFixture[str]) -> None:
    lines = view.Lines()
    lines.tell("phase", "rocm began", "a", "rocm")
    lines.tell("failed", "failed: it broke", "a", "rocm")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.endswith("a: failed: it broke (in rocm)\n")


def test_quiet_shows_gates(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = view.Quiet()
    quiet.tell("changed", "changed", "a")
    quiet.tell("gate", "wave 1: all passed")
    assert capsys.readouterr().out == "rollout: wave 1: all passed\n"


@pytest.mark.parametrize(("typed", "answer"), [("y\n", True), ("n\n", False), ("", False)])
def test_a_question_is_asked_beside_what_programs_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str, *, answer: bool
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert view.JsonLines().confirm("Go on?") is answer
    said = capsys.readouterr()
    assert said.out == ""
    assert "Go on?" in said.err


def measured(name: str, state: str, *seconds: float) -> Host:
    phases = [Phase(phase, each) for phase, each in zip(("rocm", "conv2d_verify"), seconds, strict=False)]
    return Host(name, state=state, phases=phases)  # type: ignore[arg-type]


def test_what_is_left_is_estimated_from_what_was_measured() -> None:
    hosts = {
        host.host: host
        for host in (
            measured("a", "ok", 100.0, 20.0),
            measured("b", "changed", 140.0, 40.0),
            measured("c", "running", 90.0),
            measured("d", "pending"),
            measured("e", "pending"),
        )
    }
    waves = [Wave(1, "", ["a", "b"]), Wave(2, "", ["c"]), Wave(3, "", ["d", "e"])]
    # c: 120-90 + 30; then d and e together, or after each other; and a soak between the two waves.
    assert eta.estimate(waves, hosts, forks=20, soak=10) == 60.0 + 150.0 + 10
    assert eta.estimate(waves, hosts, forks=1, soak=10) == 60.0 + 300.0 + 10


def test_nothing_measured_no_estimate() -> None:
    assert eta.estimate([Wave(1, "", ["a"])], {"a": Host("a")}, 20, 0) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(8.4, "8 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (7320, "2 h 2 min")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
