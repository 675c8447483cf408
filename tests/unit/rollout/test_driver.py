"""The driver against an Ansible that is not there: waves, gates, what is done about failures, resuming."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from rdna1.rollout import driver as module
from rdna1.runs import model

if TYPE_CHECKING:
    from pathlib import Path

    from rdna1.rollout.ansible import Job

    from tests.unit.rollout.conftest import Make, Rollout

THREE = [["a"], ["b", "c"], ["d"]]


@pytest.fixture(autouse=True)
def _every_playbook_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (module.ROLLBACK, module.QUARANTINE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)


def on_disk(rollout: Rollout, name: str) -> model.Host:
    return model.load_host(rollout.journal.paths.host(name))


def test_waves_follow_each_other(make: Make) -> None:
    rollout = make(THREE)
    rollout.driver.go()
    assert rollout.chain() == THREE
    assert set(rollout.states().values()) == {"changed"}
    run = model.load_run(rollout.journal.paths)
    assert run.state == "done"
    assert [wave.gate and wave.gate.open for wave in run.waves] == [True, True, True]
    assert on_disk(rollout, "b").attempts == 1


@pytest.mark.parametrize("does", ["failed", "unreachable", "silent", "hang", "no verdict", "busy"])
@pytest.mark.parametrize(("budget", "goes_on"), [(0, False), (1, True)])
def test_whatever_is_no_pass_is_a_failure(make: Make, does: str, budget: int, *, goes_on: bool) -> None:
    rollout = make(THREE, {"a": does}, budget)
    rollout.ansible.ending = "timeout" if does == "busy" else "complete"
    if does == "busy":
        rollout.ansible.during = lambda _job: setattr(rollout.ansible, "ending", "complete")
    rollout.driver.go()
    assert (rollout.states()["d"] != "pending") is goes_on
    assert rollout.journal.run.state == ("done" if goes_on else "stopped")
    gate = rollout.journal.run.waves[0].gate
    assert gate
    assert gate.failures == 1


def test_failures_of_all_waves_count_together(make: Make) -> None:
    rollout = make(THREE, {"a": "failed", "c": "unreachable"}, 1)
    rollout.driver.go()
    assert rollout.chain() == [["a"], ["b", "c"]]
    assert rollout.states()["d"] == "pending"


def test_who_was_held_up_by_others_goes_again_without_them(make: Make) -> None:
    rollout = make([["a", "b"]], {"a": "failed", "b": "held up"}, 1)
    rollout.ansible.during = lambda _job: rollout.ansible.does.update(b="ok")
    rollout.driver.go()
    assert rollout.chain() == [["a", "b"], ["b"]]
    assert rollout.states()["b"] == "changed"
    assert on_disk(rollout, "b").attempts == 2


def test_who_is_held_up_by_nobody_has_failed(make: Make) -> None:
    rollout = make([["a", "b"]], {"a": "held up", "b": "held up"}, 0, on_failure="leave")
    rollout.driver.go()
    assert rollout.chain() == [["a", "b"]]
    assert rollout.states() == {"a": "failed", "b": "failed"}


def test_a_host_that_had_passed_is_rolled_back(make: Make) -> None:
    rollout = make([["a"]], {"a": "had passed, hang"})
    rollout.driver.go()
    host = on_disk(rollout, "a")
    assert (host.state, host.cause, host.action) == ("rolled-back", "verdict-hang", "rolled-back")
    job = rollout.ansible.jobs[-1]
    assert (job.playbook, job.extra["rdna1_point"]) == (module.ROLLBACK, "latest")
    assert host.verdict
    assert host.restored
    assert (host.verdict["outcome"], host.restored["outcome"]) == ("hang", "pass")
    assert host.notes == ["what was brought back: 2 of 2 pass"]
    assert host.after == {}


def test_what_failed_after_a_change_is_not_said_to_be_as_it_was(make: Make) -> None:
    rollout = make([["a", "b", "c"]], {"a": "failed", "b": "unchanged", "c": "ok"}, 1, on_failure="leave")
    rollout.driver.go()
    assert [on_disk(rollout, name).after for name in "abc"] == [{}, {"torch": "1"}, {}]


@pytest.mark.parametrize("options", [{}, {"on_failure": "quarantine"}])
def test_a_host_that_had_not_passed_is_quarantined(make: Make, options: dict[str, Any]) -> None:
    rollout = make([["a"]], {"a": "had passed, hang" if options else "hang"}, **options)
    rollout.driver.go()
    host = on_disk(rollout, "a")
    assert (host.state, host.cause, host.action) == ("quarantined", "verdict-hang", "quarantined")
    extra = rollout.ansible.jobs[-1].extra
    assert extra["rdna1_quarantine_run"] == rollout.journal.run.id
    assert extra["rdna1_quarantine_reasons"] == {"a": "verdict-hang: it broke"}


def test_a_rollback_that_is_not_there_or_fails_becomes_a_quarantine(make: Make, tmp_path: Path) -> None:
    (tmp_path / module.ROLLBACK).unlink()
    rollout = make([["a"]], {"a": "had passed, hang"})
    rollout.driver.go()
    host = on_disk(rollout, "a")
    assert (host.state, host.notes) == ("quarantined", [f"there is no {module.ROLLBACK}"])


def test_what_cannot_be_mended_is_said_to_be_left(make: Make) -> None:
    rollout = make([["a"]], {"a": "cannot be mended"})
    rollout.driver.go()
    host = on_disk(rollout, "a")
    assert (host.state, host.action) == ("failed", "left")
    assert host.notes == [f"{module.QUARANTINE}: it broke"]


def test_a_host_that_nothing_was_done_to_is_left_alone(make: Make) -> None:
    rollout = make([["a"]], {"a": "silent"})
    rollout.driver.go()
    assert on_disk(rollout, "a").action == "left"
    assert rollout.chain() == [["a"]]
    assert len(rollout.ansible.jobs) == 1


def test_one_interrupt_finishes_the_wave(make: Make) -> None:
    rollout = make(THREE)
    rollout.ansible.during = lambda _job: setattr(rollout.interrupts, "after_wave", True)
    rollout.driver.go()
    assert rollout.chain() == [["a"]]
    assert rollout.states()["a"] == "changed"
    assert rollout.journal.run.state == "interrupted"


def test_two_interrupts_stop_at_once_and_keep_who_had_passed(make: Make) -> None:
    rollout = make(THREE, {"c": "held up"})

    def stop(job: Job) -> None:
        rollout.interrupts.now = "b" in job.hosts

    rollout.ansible.during = stop
    rollout.driver.go()
    assert rollout.states() == {"a": "changed", "b": "changed", "c": "pending", "d": "pending"}
    assert rollout.journal.run.state == "interrupted"


def test_a_resumed_run_repeats_nobody_that_passed(make: Make) -> None:
    rollout = make(THREE, {"c": "failed"})
    rollout.driver.go()
    assert rollout.journal.run.state == "stopped"
    again = make(THREE)
    again.driver.hosts.update(model.load_hosts(rollout.journal.paths))
    again.driver.go()
    assert again.chain() == [["c"], ["d"]]
    assert again.journal.run.state == "done"
    assert on_disk(again, "c").attempts == 2
    assert on_disk(again, "c").failure is None


@pytest.mark.parametrize(
    ("state", "gone", "touched"),
    [("running", [{"item": "gone"}], True), ("running", [], False), ("failed", [{"item": "gone"}], False)],
)
def test_what_a_driver_that_died_did_not_see_changed_the_next_plan_tells(
    make: Make, state: model.HostState, gone: list[dict[str, str]], *, touched: bool
) -> None:
    """A host that had failed may have been mended by a person since."""
    rollout = make([["a"]], {"a": "unchanged"})
    host = rollout.journal.hosts["a"]
    host.state, host.attempts = state, 1
    host.differences = [{"role": "rocm", "item": "a", "reason": "b"}, *gone]
    rollout.driver.go()
    assert on_disk(rollout, "a").touched is touched


def test_a_pass_is_written_down_before_the_wave_ends(make: Make) -> None:
    rollout = make([["a", "b"]])
    seen = []
    rollout.ansible.during = lambda _job: seen.append(on_disk(rollout, "a").state)
    rollout.driver.go()
    assert seen == ["changed"]


def test_a_host_without_differences_has_not_passed_before_its_reboot(make: Make) -> None:
    rollout = make([["a"]], {"a": "reboots"})
    seen = []
    rollout.ansible.between = lambda: seen.append(on_disk(rollout, "a").state)
    rollout.driver.go()
    assert seen == ["running", "changed"]


def test_a_driver_that_breaks_leaves_a_run_that_says_so(make: Make) -> None:
    rollout = make(THREE)

    def breaks(_job: Job) -> None:
        raise OSError("no space left on device")

    rollout.ansible.during = breaks
    with pytest.raises(OSError, match="no space"):
        rollout.driver.go()
    assert model.load_run(rollout.journal.paths).state == "failed"


@pytest.mark.parametrize(("answer", "state"), [(True, "done"), (False, "paused")])
def test_a_pause_for_confirmation(make: Make, state: str, *, answer: bool) -> None:
    rollout = make([["a"], ["b"]], confirm=True)
    rollout.view.answer = answer
    rollout.driver.go()
    assert rollout.journal.run.state == state
    assert [kind for kind, _, _ in rollout.view.told].count("question") == 1
    assert (rollout.states()["b"] == "changed") is answer


def test_a_failing_drain_skips_and_counts(make: Make) -> None:
    rollout = make([["a", "b"]], drain='test "$RDNA1_HOST" = b && test "$RDNA1_KERNEL" = 6.1.0')
    rollout.driver.go()
    assert rollout.states() == {"a": "skipped", "b": "changed"}
    assert rollout.chain() == [["b"]]
    assert rollout.journal.run.state == "stopped"
    assert on_disk(rollout, "b").drained


def test_only_who_passed_is_undrained(make: Make, tmp_path: Path) -> None:
    undrain = f'echo "$RDNA1_HOST $RDNA1_STATE" >> {tmp_path}/undrained'
    rollout = make([["a", "b"]], {"a": "hang"}, 1, drain="true", undrain=undrain)
    rollout.driver.go()
    assert (tmp_path / "undrained").read_text() == "b changed\n"
    assert on_disk(rollout, "a").drained
    assert not on_disk(rollout, "b").drained


def test_a_failing_undrain_is_a_failure(make: Make) -> None:
    rollout = make([["a"]], drain="true", undrain="echo the scheduler is down; exit 3")
    rollout.driver.go()
    failure = on_disk(rollout, "a").failure
    assert failure
    assert (failure.phase, failure.message) == ("undrain", "it ended with 3: the scheduler is down")
    assert rollout.journal.run.state == "stopped"


@pytest.mark.parametrize("hook", ["drain", "undrain"])
def test_two_interrupts_end_a_hook_that_hangs(make: Make, hook: str) -> None:
    hooks = {"drain": "true", "undrain": "true", hook: "sleep 600"}
    rollout = make([["a"], ["b"]], **hooks)
    stop = threading.Timer(1.0, lambda: setattr(rollout.interrupts, "now", True))
    began = time.monotonic()
    stop.start()
    rollout.driver.go()
    assert time.monotonic() - began < 60
    assert rollout.journal.run.state == "interrupted"
    host = on_disk(rollout, "a")
    assert (host.state, host.drained) == (("pending", False) if hook == "drain" else ("changed", True))


def test_who_passed_but_was_never_undrained_is_undrained_when_resumed(make: Make) -> None:
    rollout = make([["a"]], drain="true", undrain="true")
    host = rollout.journal.hosts["a"]
    host.state, host.drained = "changed", True
    rollout.driver.go()
    assert rollout.chain() == []
    assert not on_disk(rollout, "a").drained


def test_a_host_that_the_inventory_lost_is_skipped_and_counted(make: Make) -> None:
    rollout = make([["a", "b"]])
    del rollout.driver.plan.members["a"]  # type: ignore[attr-defined]
    rollout.driver.go()
    assert rollout.states() == {"a": "skipped", "b": "changed"}
    assert rollout.journal.run.state == "stopped"


def test_no_secret_gets_into_the_runs_directory(make: Make) -> None:
    rollout = make([["a", "swordfish-host"]], {"a": "failed"})
    rollout.journal.scrubber = type(rollout.journal.scrubber)(["it broke", "differs: swordfish"])
    rollout.driver.go()
    kept = "".join(path.read_text() for path in rollout.journal.paths.root.rglob("*") if path.is_file())
    assert "it broke" not in kept
    assert "********" in kept


def test_events_are_lines_of_json(make: Make) -> None:
    rollout = make(THREE)
    rollout.driver.go()
    lines = [json.loads(line) for line in rollout.journal.paths.events.read_text().splitlines()]
    assert all(line.keys() == {"time", "kind", "host", "phase", "text"} for line in lines)
    assert [line["kind"] for line in lines].count("gate") == 3
    assert lines[-1]["text"].endswith("is done")
