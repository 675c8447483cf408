"""A fleet that is not there: Ansible's events come from a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rdna1.rollout.ansible import Job, Setting
from rdna1.rollout.driver import Driver, Plan
from rdna1.rollout.events import Event
from rdna1.rollout.fleet import Member
from rdna1.rollout.interrupts import Interrupts
from rdna1.rollout.journal import Journal
from rdna1.rollout.outcome import Ending
from rdna1.rollout.secrets import Scrubber
from rdna1.runs import model
from rdna1.runs.model import Host, Inventory, Options, Run, RunPaths, Wave


class Tell:
    """Events as ansible-runner gives them."""

    @staticmethod
    def event(kind: str, host: str, task: str = "a task", **data: Any) -> Event:
        """Return an event as ansible-runner gives it."""
        return {
            "event": kind,
            "created": "2026-01-31T12:00:00+00:00",
            "event_data": {"host": host, "task": task, "task_action": "ansible.builtin.command", **data},
        }

    @staticmethod
    def start(host: str, task: str = "a task", **data: Any) -> Event:
        return Tell.event("runner_on_start", host, task, **data)

    @staticmethod
    def ok(
        host: str, task: str = "a task", *, role: str = "rocm", changed: bool = False, **res: Any
    ) -> Event:
        return Tell.event(
            "runner_on_ok", host, task, role=role, duration=1.5, res={"changed": changed, **res}
        )

    @staticmethod
    def failed(host: str, task: str = "a task", *, role: str = "rocm", **res: Any) -> Event:
        return Tell.event("runner_on_failed", host, task, role=role, res={"msg": "it broke", **res})

    @staticmethod
    def unreachable(host: str) -> Event:
        return Tell.event(
            "runner_on_unreachable", host, "a task", role="rocm", res={"msg": "no route to host"}
        )

    @staticmethod
    def mark(host: str) -> Event:
        return Tell.ok(host, "Note that it passed", role="", ansible_facts={"__rdna1_passed": True})

    @staticmethod
    def plan(host: str, stage: str = "before", *, roles: list[str] | None = None, **more: Any) -> Event:
        document = {
            "stage": stage,
            "converged": False,
            "differences": [],
            "summary": {},
            "verdict": None,
            **more,
        }
        res = {"changed": False, "rdna1": document, "roles": ["rocm"] if roles is None else roles}
        return Tell.event(
            "runner_on_ok",
            host,
            "Observe and plan",
            task_action="rdna1.provision.plan",
            duration=0.1,
            res=res,
        )

    @staticmethod
    def verdict(outcome: str = "pass") -> dict[str, Any]:
        return {"schema": "rdna1.verdict/1", "ok": outcome == "pass", "outcome": outcome}

    @staticmethod
    def judged(host: str) -> Event:
        return Tell.failed(host, "Judge | Fail unless the verdict is a pass", role="conv2d_verify")


@dataclass
class FakeAnsible:
    """Plays what each host does, and keeps the jobs that it was given."""

    verdicts: Path
    does: dict[str, str] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    ending: Ending = "complete"
    during: Callable[[Job], None] = print
    between: Callable[[], None] = print

    def __call__(
        self, setting: Setting, job: Job, on_event: Callable[[Event], None], stop: Callable[[], bool]
    ) -> Ending:
        assert setting.run
        self.jobs.append(job)
        stats: dict[str, dict[str, int]] = {"failures": {}, "dark": {}, "ok": {}}
        for host in job.hosts:
            for one in self.events(job, host, self.does.get(host, "ok"), stats):
                on_event(one)
        self.during(job)
        if stop():
            return "cancelled"
        if self.ending == "complete":
            on_event({"event": "playbook_on_stats", "event_data": stats})
        return self.ending

    def events(self, job: Job, host: str, does: str, stats: Mapping[str, dict[str, int]]) -> Iterable[Event]:
        if job.module:
            facts = {"ansible_kernel": "6.1.0", "ansible_distribution": "Debian"}
            yield Tell.ok(host, role="", ansible_facts=facts)
            return
        if job.playbook != "playbooks/rdna1.yml":
            if does == "cannot be mended":
                stats["failures"][host] = 1
                yield Tell.failed(host)
            else:
                if to := job.extra.get("conv2d_verify_fetch_to"):
                    model.write(Path(to) / f"{host}.json", {**Tell.verdict(), "summary": "2 of 2 pass"})
                yield Tell.ok(host, changed=True)
            return
        if does == "silent":
            return
        had = {"verdict": "pass", "current": False} if does.startswith("had passed") else None
        yield Tell.start(host, "Observe and plan")
        if does == "reboots":
            yield Tell.plan(host, verdict={"verdict": "pass", "current": True}, converged=True, roles=[])
            yield Tell.start(host, role="host_check")
            self.between()
            yield Tell.ok(host, "Restart the host", changed=True)
            model.write(self.verdicts / f"{host}.json", Tell.verdict())
            yield Tell.mark(host)
            self.between()
            return
        found = [{"role": "rocm", "item": "a", "reason": "b"}]
        yield Tell.plan(host, verdict=had, differences=found, summary={"torch": "1"})
        if does == "unreachable":
            stats["dark"][host] = 1
            yield Tell.unreachable(host)
            return
        yield Tell.ok(host, changed=does != "unchanged")
        if does == "held up":
            return
        if does == "busy":
            yield Tell.start(host, "Take a while")
            return
        if does in ("failed", "cannot be mended"):
            stats["failures"][host] = 1
            yield Tell.failed(host)
            return
        outcome = {"hang": "hang", "had passed, hang": "hang"}.get(does, "pass")
        if does != "no verdict":
            model.write(self.verdicts / f"{host}.json", Tell.verdict(outcome))
        if outcome != "pass":
            stats["failures"][host] = 1
            yield Tell.judged(host)
            return
        yield Tell.mark(host)


@dataclass
class Seen:
    """A view that remembers."""

    told: list[tuple[str, str, str]] = field(default_factory=list)
    answer: bool = True

    def tell(self, kind: str, text: str, host: str = "", phase: str = "") -> None:  # noqa: ARG002
        self.told.append((kind, host, text))

    def confirm(self, question: str) -> bool:
        self.told.append(("question", "", question))
        return self.answer


@dataclass
class Rollout:
    """A run with everything around it."""

    driver: Driver
    ansible: FakeAnsible
    journal: Journal
    view: Seen
    interrupts: Interrupts

    def states(self) -> dict[str, str]:
        return {name: host.state for name, host in self.journal.hosts.items()}

    def chain(self) -> list[list[str]]:
        return [list(job.hosts) for job in self.ansible.jobs if job.playbook == "playbooks/rdna1.yml"]


Make = Callable[..., Rollout]


@pytest.fixture
def tell() -> type[Tell]:
    """Return what makes events."""
    return Tell


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return what makes a run of waves of hosts."""

    def made(
        waves: list[list[str]], does: dict[str, str] | None = None, budget: int = 0, **options: Any
    ) -> Rollout:
        names = [name for wave in waves for name in wave]
        run = Run(
            id="20260131-120000-1a2b",
            state="running",
            started=model.now(),
            who="somebody",
            control_host="here",
            commit=None,
            dirty=False,
            versions={},
            inventory=Inventory(["hosts.yml"], ""),
            options=Options(**{**Options("", str(budget), "rollback", "never").__dict__, **options}),
            waves=[Wave(number, f"{number}", wave) for number, wave in enumerate(waves, 1)],
        )
        paths = RunPaths(tmp_path / "runs" / run.id)
        hosts = {name: Host(name, ["rdna1"], number) for number, wave in enumerate(waves, 1) for name in wave}
        journal = Journal(paths, run, hosts, Scrubber(["swordfish"]))
        setting = Setting(run.id, [Path("hosts.yml")], tmp_path / "private")
        members = {name: Member(name, ["rdna1"], name, 22) for name in names}
        fake, view = FakeAnsible(paths.verdicts, does or {}), Seen()
        interrupts = Interrupts(lambda _text: None)
        driver = Driver(Plan(setting, members, budget), journal, view, interrupts, fake)
        return Rollout(driver, fake, journal, view, interrupts)

    return made
