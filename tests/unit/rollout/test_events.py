"""What events come to: nothing but a known pass is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rdna1.rollout import outcome
from rdna1.rollout.events import Progress, Watch

if TYPE_CHECKING:
    from rdna1.rollout.events import Event
    from rdna1.rollout.outcome import Ending, Outcome

    from tests.unit.rollout.conftest import Tell

STATS: Event = {"event": "playbook_on_stats", "event_data": {"failures": {}, "dark": {}}}


def after(
    events: list[Event], document: dict[str, Any] | None = None, ending: Ending = "complete"
) -> Outcome:
    watch = Watch({"a": Progress()})
    for event in events:
        watch(event)
    return outcome.judge("a", watch, ending, document)


def counted(failures: int = 0, dark: int = 0) -> Event:
    return {"event": "playbook_on_stats", "event_data": {"failures": {"a": failures}, "dark": {"a": dark}}}


def test_a_pass_needs_the_mark_and_a_verdict(tell: type[Tell]) -> None:
    good = [tell.start("a"), tell.ok("a"), tell.mark("a")]
    assert after([*good, STATS], tell.verdict()).state == "ok"
    assert after([*good, STATS]).state == "verdict-unknown"
    assert after([tell.start("a"), tell.ok("a"), STATS], tell.verdict()).state == "pending"


@pytest.mark.parametrize("outcome_", ["fail", "hang", "unknown", "skipped"])
def test_a_mark_beside_a_verdict_that_is_no_pass_is_none(tell: type[Tell], outcome_: str) -> None:
    assert after([tell.mark("a"), STATS], tell.verdict(outcome_)).state == "verdict-unknown"


def test_changes_are_told_from_none(tell: type[Tell]) -> None:
    assert after([tell.ok("a", changed=True), tell.mark("a"), STATS], tell.verdict()).state == "changed"


@pytest.mark.parametrize(
    ("document", "state"),
    [("fail", "verdict-fail"), ("hang", "verdict-hang"), ("unknown", "verdict-unknown"),
     ("skipped", "verdict-unknown"), (None, "verdict-unknown")],
)  # fmt: skip
def test_the_judge_fails_with_the_verdicts_outcome(
    tell: type[Tell], document: str | None, state: str
) -> None:
    fetched = tell.verdict(document) if document else None
    assert after([tell.judged("a"), counted(failures=1)], fetched).state == state


def test_a_failure_on_the_way_there_is_no_verdict(tell: type[Tell]) -> None:
    found = after(
        [tell.failed("a", "Install it", role="conv2d_verify", stderr="1\n2"), counted(failures=1)],
        tell.verdict("hang"),
    )
    assert found.state == "failed"
    assert found.failure
    assert (found.failure.phase, found.failure.task) == ("conv2d_verify", "Install it")
    assert (found.failure.message, found.failure.stderr_tail) == ("it broke", "1\n2")


def test_a_failure_outside_of_roles_is_not_the_last_roles(tell: type[Tell]) -> None:
    found = after([tell.ok("a"), tell.failed("a", role="", play="Then the others"), counted(failures=1)])
    assert found.failure
    assert found.failure.phase != "rocm"


def test_a_failure_that_was_rescued_is_none(tell: type[Tell]) -> None:
    events = [tell.failed("a"), tell.ok("a"), tell.mark("a"), counted()]
    assert after(events, tell.verdict()).state == "ok"


def test_a_failure_that_is_ignored_is_none(tell: type[Tell]) -> None:
    ignored = tell.event("runner_on_failed", "a", ignore_errors=True, res={"msg": "never mind"})
    assert after([ignored, tell.mark("a")], tell.verdict()).state == "ok"


def test_a_handler_that_fails_after_the_mark_counts(tell: type[Tell]) -> None:
    events = [tell.mark("a"), tell.failed("a", "Reload", role="rocm"), counted(failures=1)]
    assert after(events, tell.verdict()).state == "failed"


def test_unreachable_counts_from_the_start_and_from_the_middle(tell: type[Tell]) -> None:
    assert after([tell.unreachable("a"), counted(dark=1)]).state == "unreachable"
    found = after([tell.ok("a"), tell.unreachable("a"), counted(dark=1)], tell.verdict())
    assert found.state == "unreachable"
    assert found.failure
    assert found.failure.message == "no route to host"


def test_a_host_without_any_event_has_failed() -> None:
    assert after([STATS]).state == "failed"


def test_only_who_was_busy_is_timed_out(tell: type[Tell]) -> None:
    assert after([tell.start("a", "Wait")], ending="timeout").state == "timed-out"
    assert after([tell.start("a"), tell.ok("a")], ending="timeout").state == "pending"


def test_a_run_that_was_cancelled_leaves_hosts_to_be_attempted(tell: type[Tell]) -> None:
    assert after([tell.start("a"), tell.ok("a")], ending="cancelled").state == "pending"
    assert after([], ending="cancelled").state == "pending"


CURRENT = {"verdict": "pass", "current": True}


@pytest.mark.parametrize(
    ("found", "roles", "state"),
    [
        ({"converged": True, "verdict": CURRENT}, [], "ok"),
        ({"converged": True, "verdict": CURRENT, "summary": {"reboot_needed": True}}, [], "needs-reboot"),
        ({"converged": True, "verdict": {"verdict": "pass", "current": False}}, [], "verdict-unknown"),
        ({"converged": True, "verdict": {"verdict": "skip", "current": True}}, [], "verdict-unknown"),
        ({"converged": True, "verdict": None}, [], "verdict-unknown"),
        ({"converged": True, "verdict": CURRENT}, ["rocm"], "pending"),
        ({"converged": False, "verdict": CURRENT}, [], "pending"),
    ],
)
def test_a_converged_host_passes_by_its_current_verdict(
    tell: type[Tell], found: dict[str, Any], roles: list[str], state: str
) -> None:
    assert after([tell.plan("a", roles=roles, **found), STATS]).state == state


def test_the_last_plan_says_whether_a_reboot_is_needed(tell: type[Tell]) -> None:
    events = [
        tell.plan("a", summary={"reboot_needed": False}),
        tell.plan("a", "after", summary={"reboot_needed": True}),
        tell.mark("a"),
        STATS,
    ]
    assert after(events, tell.verdict()).state == "needs-reboot"


def test_phases_add_up_by_role(tell: type[Tell]) -> None:
    watch = Watch({"a": Progress()})
    for one in (tell.ok("a"), tell.ok("a"), tell.ok("a", role="pytorch_venv"), tell.ok("a", role="")):
        watch(one)
    assert watch.hosts["a"].seconds == {"rocm": 3.0, "pytorch_venv": 1.5}


def test_hosts_of_no_concern_and_odd_events_are_left_out(tell: type[Tell]) -> None:
    watch = Watch({"a": Progress()})
    odd: list[Event] = [tell.ok("b"), {"event": "verbose"}, {}, {"event": "runner_on_ok", "event_data": {}}]
    assert [watch(one) for one in odd] == [[], [], [], []]
    assert watch.hosts == {"a": Progress()}


def test_a_loops_failure_is_its_first_item_that_failed(tell: type[Tell]) -> None:
    items = [{"failed": False}, {"failed": True, "msg": "no space left", "stderr": "dpkg: no space"}]
    found = after([tell.failed("a", msg="One or more items failed", results=items), counted(failures=1)])
    assert found.failure
    assert (found.failure.message, found.failure.stderr_tail) == ("no space left", "dpkg: no space")
