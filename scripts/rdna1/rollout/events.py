"""What ansible-runner's events say of each host. No I/O: the same events always give the same answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rdna1.runs.model import Failure

PLAN = "rdna1.provision.plan"
# What playbooks/rdna1.yml notes of a host once all of the chain is behind it.
PASSED_FACT = "__rdna1_passed"
VERIFY = "conv2d_verify"
JUDGE = "Judge | Fail unless the verdict is a pass"
# Of what a failed program said, so much is kept.
TAIL_LINES = 20

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Notice:
    """Something that a person, or whoever reads the log of events, wants to know."""

    kind: str
    host: str
    phase: str
    text: str


@dataclass
class Progress:
    """What is known of one host in one run of Ansible."""

    seen: bool = False
    phase: str = ""
    task: str = ""
    # When the task began whose result is still awaited.
    waits_since: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    changed: int = 0
    failure: Failure | None = None
    unreachable: bool = False
    judged: bool = False
    passed: bool = False
    # Whether it passed because its plan is empty; it may be wanted for a reboot all the same.
    left_alone: bool = False
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass
class Watch:
    """Follows one run of Ansible."""

    hosts: dict[str, Progress]
    stats: dict[str, Any] | None = None

    def __call__(self, event: Event) -> list[Notice]:
        """Take an event in; return what is worth telling of it."""
        data = event.get("event_data") or {}
        kind = event.get("event", "")
        if kind == "playbook_on_stats":
            self.stats = dict(data)
            return []
        progress = self.hosts.get(data.get("host", ""))
        if progress is None or not kind.startswith("runner_"):
            return []
        if kind == "runner_on_start":
            return begin(progress, data, timestamp(event.get("created")))
        if kind.startswith("runner_item_"):
            return []
        return end(progress, kind, data)

    def failed(self, host: str) -> bool:
        """Tell whether Ansible counts a host as failed; a failure that a rescue caught is none."""
        if self.stats is not None:
            return bool(self.stats.get("failures", {}).get(host))
        return self.hosts[host].failure is not None

    def lost(self, host: str) -> bool:
        """Tell whether Ansible could not reach a host."""
        if self.stats is not None:
            return bool(self.stats.get("dark", {}).get(host))
        return self.hosts[host].unreachable


def begin(progress: Progress, data: Mapping[str, Any], at: float) -> list[Notice]:
    """Note that a host was given a task."""
    first, phase = not progress.seen, data.get("role") or progress.phase
    moved = bool(phase) and phase != progress.phase
    progress.seen = True
    progress.task, progress.phase, progress.waits_since = data.get("task", ""), phase, at
    if progress.left_alone and data.get("role"):
        progress.left_alone = progress.passed = False
    if first or moved:
        return [Notice("phase", data["host"], phase, f"{phase or progress.task} began")]
    return []


def end(progress: Progress, kind: str, data: Mapping[str, Any]) -> list[Notice]:
    """Note a task's result."""
    host, role = data["host"], data.get("role") or ""
    result: Mapping[str, Any] = data.get("res") or {}
    progress.seen, progress.waits_since = True, None
    if role:
        progress.phase = role
        progress.seconds[role] = progress.seconds.get(role, 0.0) + float(data.get("duration") or 0.0)
    if kind == "runner_on_unreachable":
        progress.unreachable = True
        progress.failure = failure_of(progress.phase, data, result)
        return [Notice("unreachable", host, progress.phase, progress.failure.message)]
    if kind == "runner_on_failed" and not data.get("ignore_errors"):
        # A task of the playbook itself is no part of the role that came before it.
        progress.failure = failure_of(role, data, result)
        progress.judged = role == VERIFY and data.get("task") == JUDGE
        return [Notice("failed", host, progress.phase, progress.failure.message)]
    if kind != "runner_on_ok":
        return []
    progress.changed += bool(result.get("changed"))
    if data.get("task_action") == PLAN or data.get("resolved_action") == PLAN:
        return planned(progress, host, result)
    if (result.get("ansible_facts") or {}).get(PASSED_FACT) is True:
        progress.passed = True
        return [Notice("passed", host, progress.phase, "through the chain")]
    return []


def planned(progress: Progress, host: str, result: Mapping[str, Any]) -> list[Notice]:
    """Note what the chain's plan saw. A host with nothing to run is through the chain with it."""
    plan = result.get("rdna1")
    if not isinstance(plan, dict):
        return []
    if plan.get("stage") == "after":
        progress.after = plan
        return []
    progress.before = plan
    if plan.get("converged") is True and not result.get("roles"):
        progress.left_alone = progress.passed = True
        return [Notice("passed", host, "plan", "nothing differs")]
    differences = plan.get("differences") or []
    return [Notice("plan", host, "plan", f"{len(differences)} differences")]


def failure_of(phase: str, data: Mapping[str, Any], result: Mapping[str, Any]) -> Failure:
    """Return what a host failed of; of a loop, the first item that failed."""
    for item in result.get("results") or []:
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
            result = {**result, **item}
            break
    message = result.get("msg") or result.get("censored") or "it gave no reason"
    said = result.get("stderr") or result.get("module_stderr") or ""
    return Failure(phase or data.get("play", ""), data.get("task", ""), one_line(message), tail(str(said)))


def one_line(message: Any) -> str:
    """Return a message without its line breaks; some modules give a list."""
    text = "; ".join(map(str, message)) if isinstance(message, list) else str(message)
    return " ".join(text.split())


def tail(text: str) -> str:
    """Return the end of what a program said."""
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])


def timestamp(text: str | None) -> float:
    """Return the seconds of an event's time; 0 where it has none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0
