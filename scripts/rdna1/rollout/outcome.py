"""What became of a host in one run of Ansible. Only what is known to have passed has passed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rdna1.rollout.events import VERIFY, Progress, Watch
from rdna1.runs.model import Failure, HostState

# How Ansible itself ended: by itself, after too long, or because somebody stopped it.
Ending = Literal["complete", "timeout", "cancelled"]
VERDICTS: dict[str, HostState] = {"fail": "verdict-fail", "hang": "verdict-hang"}


@dataclass(frozen=True)
class Outcome:
    """A host's state, and why it is not a pass."""

    state: HostState
    failure: Failure | None = None


def judge(host: str, watch: Watch, ending: Ending, verdict: Mapping[str, Any] | None) -> Outcome:
    """Return what became of a host; `pending` where others held it up and it can go again.

    verdict: the document that was fetched in this run, if any was.
    """
    progress = watch.hosts[host]
    if watch.lost(host):
        return Outcome("unreachable", progress.failure or nothing(progress, "it could not be reached"))
    if watch.failed(host):
        failure = progress.failure or nothing(progress, "Ansible gave no reason")
        return Outcome(failed_state(progress, verdict), failure)
    if progress.passed:
        return passed(progress, verdict)
    if ending == "timeout" and progress.waits_since is not None:
        return Outcome("timed-out", nothing(progress, "it was still busy when the wave's time was over"))
    if not progress.seen and ending == "complete":
        return Outcome("failed", nothing(progress, "Ansible never got to it: no event names it"))
    return Outcome("pending")


def failed_state(progress: Progress, verdict: Mapping[str, Any] | None) -> HostState:
    """Return how a host failed: by its card's verdict, or on the way there."""
    if not progress.judged:
        return "failed"
    return VERDICTS.get((verdict or {}).get("outcome", ""), "verdict-unknown")


def passed(progress: Progress, verdict: Mapping[str, Any] | None) -> Outcome:
    """Return a pass, if a verdict proves it: one of this run, or one that the plan found current."""
    if not proven(progress, verdict):
        return Outcome(
            "verdict-unknown",
            Failure(
                VERIFY,
                "",
                "the chain ended without a passing verdict",
            ),
        )
    if reboot_needed(progress):
        return Outcome("needs-reboot")
    return Outcome("changed" if progress.changed else "ok")


def proven(progress: Progress, verdict: Mapping[str, Any] | None) -> bool:
    """Tell whether a verdict says that this state passes."""
    if verdict is not None:
        return verdict.get("ok") is True and verdict.get("outcome") == "pass"
    found = (progress.after or progress.before or {}).get("verdict") or {}
    return found.get("verdict") == "pass" and found.get("current") is True


def reboot_needed(progress: Progress) -> bool:
    """Tell whether the last plan says that only a reboot completes the change."""
    plan = progress.after or progress.before or {}
    return bool((plan.get("summary") or {}).get("reboot_needed"))


def nothing(progress: Progress, message: str) -> Failure:
    """Return the failure of a host of which no event gave a reason."""
    return Failure(progress.phase, progress.task, message)
