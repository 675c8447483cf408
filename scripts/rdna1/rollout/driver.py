"""The rollout itself: wave after wave, each through the chain, its failures dealt with, its gate judged."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rdna1.lab.paths import CHECKOUT
from rdna1.rollout import ansible, gate, hooks, outcome, remedy
from rdna1.rollout.ansible import Job, Setting
from rdna1.rollout.events import Event, Notice, Progress, Watch, one_line
from rdna1.rollout.fleet import Member
from rdna1.rollout.gate import counted
from rdna1.rollout.interrupts import Interrupts
from rdna1.rollout.journal import Journal
from rdna1.rollout.outcome import Ending, Outcome
from rdna1.runs import model
from rdna1.runs.model import FAILED, PASSED, UNFINISHED, Failure, Host, HostState, Phase, Wave

ROLLBACK = "playbooks/rollback.yml"
QUARANTINE = "playbooks/quarantine.yml"
# What Ansible printed last, kept for a host of which no event says what went wrong.
LAST_LINES = 10


class View(Protocol):
    """Shows a person what happens."""

    def tell(self, kind: str, text: str, host: str = "", phase: str = "") -> None:
        """Show one event."""
        ...

    def confirm(self, question: str) -> bool:
        """Ask whether to go on."""
        ...


class RunAnsible(Protocol):
    """Runs one job; tests put another in the place of ansible.run."""

    def __call__(
        self, setting: Setting, job: Job, on_event: Callable[[Event], None], stop: Callable[[], bool]
    ) -> Ending:
        """Return how it ended."""
        ...


class StoppedError(Exception):
    """The run ends here, as somebody wished."""


@dataclass(frozen=True)
class Plan:
    """What the driver needs beside the journal. `members` are the hosts that the inventory still has."""

    setting: Setting
    members: Mapping[str, Member]
    budget: int


class Driver:
    """Takes a run's waves to their end."""

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        view: View,
        interrupts: Interrupts,
        run_ansible: RunAnsible = ansible.run,
    ) -> None:
        self.plan, self.journal, self.view, self.interrupts = plan, journal, view, interrupts
        self.run, self.hosts, self.options = journal.run, journal.hosts, journal.run.options
        self._ansible = run_ansible
        self._printed: list[str] = []
        # What a hook is told of a host, beside what the inventory says.
        self._facts: dict[str, dict[str, Any]] = {}
        # Whose last attempt nobody saw the end of.
        self._cut_off: set[str] = set()

    # --- the run ---------------------------------------------------------------------------------

    def go(self) -> None:
        """Drive the run until it is done, a gate stays closed or somebody stops it."""
        try:
            self.waves()
        except StoppedError as stop:
            self.run.state = "paused" if str(stop) == "paused" else "interrupted"
        except BaseException:
            self.run.state = "failed"
            raise
        finally:
            self.run.ended = model.now()
            self.journal.save()
            self.tell("run", f"run {self.run.id} is {self.run.state}")

    def waves(self) -> None:
        """Drive all waves that are not over."""
        started = False
        for wave in self.run.waves:
            todo = [name for name in wave.hosts if self.hosts[name].state not in PASSED]
            if todo:
                if started:
                    self.between(wave)
                started = True
                self.wave(wave, todo)
            else:
                # Killed between a wave's last host and its end.
                self.undrain(wave)
            wave.gate = gate.decide(wave, self.hosts, self.plan.budget)
            wave.state = "done" if wave.gate.open else "stopped"
            wave.ended = wave.ended or model.now()
            self.journal.save()
            self.tell("gate", f"wave {wave.number}: {wave.gate.reason}")
            if not wave.gate.open:
                self.run.state = "stopped"
                return
            if self.interrupts.after_wave and wave is not self.run.waves[-1]:
                raise StoppedError
        self.run.state = "done"

    def between(self, wave: Wave) -> None:
        """Let a wave soak, and ask whether the next may start."""
        if self.options.soak:
            self.tell("soak", f"waiting {self.options.soak} s before wave {wave.number}")
            until = time.monotonic() + self.options.soak
            while (left := until - time.monotonic()) > 0:
                self.interrupts.stop()
                if self.interrupts.after_wave:
                    raise StoppedError
                time.sleep(min(left, 0.2))
        if self.options.confirm:
            self.run.state = "paused"
            self.journal.save()
            if not self.view.confirm(f"Wave {wave.number} ({', '.join(wave.hosts)}) is next. Go on?"):
                raise StoppedError("paused")
            if self.interrupts.after_wave:
                raise StoppedError
            self.run.state = "running"
            self.journal.save()

    def wave(self, wave: Wave, todo: Sequence[str]) -> None:
        """Take hosts through the chain, then see to those that failed."""
        wave.state, wave.started, wave.ended, wave.gate = "running", model.now(), None, None
        self.run.state = "running"
        self.journal.save()
        self.tell(
            "wave", f"wave {wave.number} of {len(self.run.waves)} ({wave.spec}): {counted(len(todo), 'host')}"
        )
        for name in todo:
            if self.hosts[name].state in UNFINISHED and self.hosts[name].attempts:
                self._cut_off.add(name)
            anew(self.hosts[name])
            self.journal.save_host(name)
        waiting = self.drain([name for name in todo if self.known(name)])
        while waiting:
            waiting = self.attempt(wave, waiting)
        self.mend(wave, [name for name in todo if self.hosts[name].state in FAILED])
        self.undrain(wave)
        wave.ended = model.now()

    def known(self, name: str) -> bool:
        """Tell whether the inventory still has a host; one that it lost is skipped and counted."""
        if name in self.plan.members:
            return True
        self.fail(name, "skipped", Failure("", "", "the inventory no longer has it"))
        return False

    # --- the chain -------------------------------------------------------------------------------

    def attempt(self, wave: Wave, names: Sequence[str]) -> list[str]:
        """Take hosts through the chain once; return those that others held up and that go again."""
        watch = Watch({name: Progress() for name in names})
        for name in names:
            host = self.hosts[name]
            host.attempts += 1
            host.state, host.started, host.ended, host.phases = "running", model.now(), None, []
            self.journal.fetched(name).unlink(missing_ok=True)
            self.journal.save_host(name)
        extra: dict[str, Any] = {"conv2d_verify_fetch_to": str(self.journal.paths.verdicts)}
        if self.options.reboot != "never":
            extra["rdna1_reboot"] = self.options.reboot
        job = Job(names, playbook=self.options.playbook, extra=extra, timeout=self.options.timeout)
        ending = self.ansible(wave, job, watch, self.follow)
        outcomes = {name: outcome.judge(name, watch, ending, self.verdict(name)) for name in names}
        held_up = [name for name, one in outcomes.items() if one.state == "pending"]
        if ending != "cancelled" and len(held_up) == len(names):
            # Nobody got anywhere, so that trying again would not end.
            state: HostState = "timed-out" if ending == "timeout" else "failed"
            lost = Failure("", "", "Ansible ended before it was through", "\n".join(self._printed))
            outcomes, held_up = dict.fromkeys(names, Outcome(state, lost)), []
        for name, one in outcomes.items():
            self.settle(name, one, watch.hosts[name])
        if ending == "cancelled":
            raise StoppedError
        if held_up:
            self.tell("retry", f"again without those that failed: {gate.named(held_up)}")
        return held_up

    def ansible(
        self, wave: Wave, job: Job, watch: Watch, follow: Callable[[Watch, Notice], None] | None = None
    ) -> Ending:
        """Run a job, keep what it prints, and follow its events."""
        self._printed = []

        def on_event(event: Event) -> None:
            if said := event.get("stdout"):
                self.journal.log(wave.number, said)
                self._printed = [*self._printed, self.journal.scrubber.text(said)][-LAST_LINES:]
            for notice in watch(event):
                if follow:
                    follow(watch, notice)

        return self._ansible(self.plan.setting, job, on_event, self.interrupts.stop)

    def follow(self, watch: Watch, notice: Notice) -> None:
        """Keep and show what has just happened to a host."""
        host, progress = self.hosts[notice.host], watch.hosts[notice.host]
        if notice.kind == "passed":
            # At once, so that a driver killed in the next moment does not repeat it.
            self.settle(
                host.host,
                outcome.judge(host.host, watch, "complete", self.verdict(host.host)),
                progress,
            )
            return
        if host.state in PASSED and not progress.passed:
            # Its plan is empty, and still it goes through the chain: for a reboot.
            host.state, host.ended = "running", None
        note(host, progress, cut_off=host.host in self._cut_off)
        self.journal.save_host(host.host, durable=notice.kind != "phase")
        if notice.kind in ("phase", "plan"):
            # A failure is told once it is known that no rescue caught it.
            self.tell(notice.kind, notice.text, notice.host, notice.phase)

    def settle(self, name: str, result: Outcome, progress: Progress) -> None:
        """Keep what became of a host in an attempt."""
        host = self.hosts[name]
        note(host, progress, cut_off=name in self._cut_off)
        failure = self.journal.failure(result.failure)
        if host.state == result.state and host.failure == failure:
            self.journal.save_host(name)
            return
        host.state, host.failure = result.state, failure
        host.cause = result.state if result.state in FAILED else None
        host.verdict = self.verdict(name)
        host.reboot_needed = outcome.reboot_needed(progress)
        host.ended = None if result.state == "pending" else model.now()
        self.journal.save_host(name)
        where = f": {failure.message}" if failure else ""
        if failure and failure.task:
            where = f" in {failure.task}{where}"
        self.tell(result.state, f"{result.state}{where}", name, failure.phase if failure else "")

    def verdict(self, name: str) -> dict[str, Any] | None:
        """Return the verdict of this attempt, where it came to one."""
        return self.journal.verdict(self.journal.fetched(name))

    def fail(self, name: str, state: HostState, failure: Failure) -> None:
        """Keep that a host failed of something other than the chain."""
        self.settle(name, Outcome(state, failure), Progress())

    # --- what failed -----------------------------------------------------------------------------

    def mend(self, wave: Wave, names: Sequence[str]) -> None:
        """Roll failed hosts back, or keep jobs away from them; where neither can be done, say so."""
        chosen = {name: self.remedy(name) for name in names}
        undo = [name for name, what in chosen.items() if what == "rollback"]
        bad = [name for name, what in chosen.items() if what == "quarantine"]
        for name in undo:
            self.journal.restored(name).unlink(missing_ok=True)
        back = {"rdna1_point": "latest", "conv2d_verify_fetch_to": str(self.journal.paths.restored)}
        bad += self.remedied(wave, undo, ROLLBACK, back, "rolled-back")
        for name in undo:
            self.brought_back(name)
        reasons = {name: reason(self.hosts[name]) for name in bad}
        extra = {"rdna1_quarantine_reasons": reasons, "rdna1_quarantine_run": self.run.id}
        kept = self.remedied(wave, bad, QUARANTINE, extra, "quarantined")
        for name in [*kept, *(name for name, what in chosen.items() if what == "leave")]:
            self.hosts[name].action = "left"
            self.journal.save_host(name)

    def brought_back(self, name: str) -> None:
        """Note what was said of a host after its rollback, if it got so far."""
        host = self.hosts[name]
        host.restored = self.journal.verdict(self.journal.restored(name))
        if host.restored or host.action == "rolled-back":
            said = (host.restored or {}).get("summary") or "nothing there could verify it"
            host.notes.append(f"what was brought back: {said}")
            self.journal.save_host(name)

    def remedy(self, name: str) -> remedy.Remedy:
        """Return what is to be done about a host."""
        host = self.hosts[name]
        policy: Any = self.options.on_failure
        return remedy.choose(host, policy, changed=host.touched)

    def remedied(
        self, wave: Wave, names: list[str], playbook: str, extra: dict[str, Any], becomes: model.Action
    ) -> list[str]:
        """Run a playbook that mends failed hosts; return those that it did not mend."""
        if not names:
            return []
        if not (CHECKOUT / playbook).exists():
            for name in names:
                self.hosts[name].notes.append(f"there is no {playbook}")
            return names
        watch = Watch({name: Progress() for name in names})
        job = Job(names, playbook=playbook, extra=extra, timeout=self.options.timeout)
        ending = self.ansible(wave, job, watch)
        failed = []
        for name in names:
            host, progress = self.hosts[name], watch.hosts[name]
            if (
                ending == "complete"
                and watch.stats
                and progress.seen
                and not (watch.failed(name) or watch.lost(name))
            ):
                host.state = "rolled-back" if becomes == "rolled-back" else "quarantined"
                host.action = becomes
                self.tell(host.state, f"{host.state} because of {host.cause}", name)
            else:
                failed.append(name)
                why = self.journal.failure(progress.failure)
                host.notes.append(f"{playbook}: {why.message if why else f'it did not get to it ({ending})'}")
                self.tell("note", host.notes[-1], name)
            self.journal.save_host(name)
        if ending == "cancelled":
            raise StoppedError
        return failed

    # --- hooks -----------------------------------------------------------------------------------

    def drain(self, names: list[str]) -> list[str]:
        """Have the site take hosts out of use; return those that may go through the chain."""
        if not self.options.drain or not names:
            return names
        names = self.gather(names)
        said = self.hook(self.options.drain, names)
        for name, wrong in said.items():
            if wrong:
                self.fail(name, "skipped", Failure("drain", self.options.drain, wrong))
            else:
                self.hosts[name].drained = True
                self.journal.save_host(name)
                self.tell("drained", "drained", name)
        if self.interrupts.now:
            raise StoppedError
        return [name for name, wrong in said.items() if not wrong]

    def undrain(self, wave: Wave) -> None:
        """Have the site take hosts that passed into use again. The others stay out of it."""
        back = [name for name in wave.hosts if self.hosts[name].drained and self.hosts[name].state in PASSED]
        if not self.options.undrain or not back:
            return
        for name, wrong in self.hook(self.options.undrain, back).items():
            if wrong:
                self.fail(name, "failed", Failure("undrain", self.options.undrain, wrong))
            else:
                self.hosts[name].drained = False
                self.journal.save_host(name)
                self.tell("undrained", "undrained", name)
        if self.interrupts.now:
            raise StoppedError

    def hook(self, command: str, names: Sequence[str]) -> dict[str, str | None]:
        """Run a hook for hosts; return what went wrong, or None, of each for which it came to its end."""
        told = {name: self.told(name) for name in names}
        said = hooks.run_all(command, told, self.run.id, self.interrupts.stop)
        return {name: wrong for name, wrong in said.items() if wrong != hooks.STOPPED}

    def gather(self, names: list[str]) -> list[str]:
        """Ask hosts for the facts that hooks are told; return those that answered."""
        watch = Watch({name: Progress() for name in names})
        gathered: dict[str, Any] = {}

        def keep(event: Event) -> None:
            data = event.get("event_data") or {}
            if event.get("event") == "runner_on_ok":
                gathered[data["host"]] = (data.get("res") or {}).get("ansible_facts") or {}
            watch(event)

        job = Job(names, module="ansible.builtin.setup", module_args="gather_subset=min", timeout=60)
        ending = self._ansible(self.plan.setting, job, keep, self.interrupts.stop)
        if ending == "cancelled":
            raise StoppedError
        for name in names:
            if name in gathered:
                self._facts[name] = hooks.facts(gathered[name])
                continue
            progress = watch.hosts[name]
            why = progress.failure or Failure("drain", "", "it told no facts")
            self.fail(name, "unreachable" if progress.unreachable else "failed", why)
        return [name for name in names if name in gathered]

    def told(self, name: str) -> dict[str, str]:
        """Return what a hook is told of a host."""
        host, member = self.hosts[name], self.plan.members.get(name)
        return hooks.variables(
            {
                **self._facts.get(name, {}),
                **host.before,
                **host.after,
                "host": name,
                "address": member.host if member else None,
                "port": member.port if member else None,
                "groups": host.groups,
                "run_id": self.run.id,
                "wave": host.wave,
                "state": host.state,
            }
        )

    def tell(self, kind: str, text: str, host: str = "", phase: str = "") -> None:
        """Keep an event and show it."""
        self.view.tell(kind, self.journal.event(kind, text, host, phase), host, phase)


def anew(host: Host) -> None:
    """Forget what an earlier attempt came to; what the host was before this run stays known."""
    host.state = "pending"
    host.cause = host.action = host.failure = host.verdict = host.restored = host.ended = None
    host.after, host.reboot_needed, host.notes = {}, False, []


def note(host: Host, progress: Progress, *, cut_off: bool = False) -> None:
    """Take over what an attempt has shown so far, and what its plan shows of one before that was cut off."""
    host.phases = [Phase(name, round(seconds, 3)) for name, seconds in progress.seconds.items()]
    host.touched = host.touched or progress.changed > 0
    plan = progress.before
    if plan:
        if cut_off and host.differences and host.differences != (plan.get("differences") or []):
            host.touched = True
        # A second attempt sees what the first one left; what the run found is what counts.
        host.before = host.before or plan.get("summary") or {}
        host.differences = host.differences or plan.get("differences") or []
        host.prior = host.prior or plan.get("verdict")
    # What it was before it was changed, it is no more.
    last = progress.after or (None if progress.changed else plan) or {}
    host.after = last.get("summary") or {}


def reason(host: Host) -> str:
    """Return why a host is kept from jobs, in one sentence."""
    return one_line(f"{host.cause}: {host.failure.message}" if host.failure else str(host.cause))
