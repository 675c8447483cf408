"""The qualification itself: one candidate after the other, each on all hosts, while there is time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rdna1.qualify.journal import NOT_TRIED, Journal
from rdna1.qualify.plan import Try
from rdna1.rollout import ansible
from rdna1.rollout.ansible import Job, Setting
from rdna1.rollout.events import Event, Progress, Watch
from rdna1.rollout.interrupts import Interrupts
from rdna1.rollout.outcome import Ending
from rdna1.runs import model

PLAYBOOK = "playbooks/qualify.yml"
# So much of the whole time is needed for a candidate to be begun.
LEAST_SECONDS = 60


class RunAnsible(Protocol):
    """Runs one job; tests put another in the place of ansible.run."""

    def __call__(
        self, setting: Setting, job: Job, on_event: Callable[[Event], None], stop: Callable[[], bool]
    ) -> Ending:
        """Return how it ended."""
        ...


@dataclass
class Driver:
    """Takes a qualification to its end; `tell` shows, `confirm` asks whether a host is to be rebooted."""

    journal: Journal
    setting: Setting
    interrupts: Interrupts
    tell: Callable[[str], None]
    confirm: Callable[[str], bool]
    run_ansible: RunAnsible = ansible.run
    clock: Callable[[], float] = time.monotonic
    # Hosts of which nothing more can be had in this session, and why.
    out: dict[str, str] = field(default_factory=dict)

    def go(self) -> None:
        """Try what is still to be tried."""
        asked = self.journal.asked
        asked.state, asked.ended = "running", None
        self.journal.save()
        try:
            self.candidates()
            left = [host for host, one, _ in self.journal.everything() if self.journal.pending(host, one)]
            asked.state = "interrupted" if self.interrupts.after_wave else "stopped" if left else "done"
        except BaseException:
            asked.state = "failed"
            raise
        finally:
            asked.ended = model.now()
            self.journal.save()

    def candidates(self) -> None:
        """Try one candidate after the other."""
        asked = self.journal.asked
        until = self.clock() + asked.minutes * 60
        for number, one in enumerate(asked.tries, start=1):
            if self.interrupts.after_wave:
                return
            todo = [host for host in asked.hosts if self.journal.pending(host, one)]
            hosts = [host for host in todo if host not in self.out]
            for host in set(todo) - set(hosts):
                self.journal.note(host, one, f"{NOT_TRIED}{self.out[host]}")
            left = until - self.clock()
            if left < LEAST_SECONDS:
                for host in hosts:
                    self.journal.note(host, one, f"{NOT_TRIED}the {asked.minutes} minutes are over")
                continue
            if hosts:
                self.tell(f"{number} of {len(asked.tries)}: {one} on {', '.join(hosts)}")
                self.candidate(one, hosts, left)

    def candidate(self, one: Try, hosts: Sequence[str], left: float) -> None:
        """Try a candidate on hosts."""
        asked = self.journal.asked
        watch, ending = self.play(hosts, [one], left, reboot=asked.reboot == "if-needed")
        for host in hosts:
            self.judge(host, one, watch, ending)
        sick = [host for host in hosts if host in self.out and not watch.lost(host)]
        if asked.reboot == "ask" and sick and not self.interrupts.after_wave:
            self.heal(sick, left)

    def play(
        self, hosts: Sequence[str], tries: Sequence[Try], left: float, *, reboot: bool
    ) -> tuple[Watch, Ending]:
        """Run the playbook; what it prints goes into the log."""
        asked = self.journal.asked
        extra: dict[str, Any] = {
            "rdna1_qualify_candidates": [{"stack": one.stack, "policy": one.policy} for one in tries],
            "rdna1_qualify_to": str(self.journal.trials),
            "rdna1_qualify_suites": asked.suites,
            "rdna1_qualify_seconds": int(min(asked.candidate_minutes * 60, left)),
            "rdna1_qualify_reboot": reboot,
            "rdna1_qualify_allow_diagnostic": asked.allow_diagnostic,
        }
        watch = Watch({host: Progress() for host in hosts})
        with self.journal.log.open("a", buffering=1) as log:

            def on_event(event: Event) -> None:
                if said := event.get("stdout"):
                    log.write(f"{said}\n")
                watch(event)

            job = Job(hosts, playbook=PLAYBOOK, extra=extra, timeout=max(1, int(left)))
            ending = self.run_ansible(self.setting, job, on_event, lambda: self.interrupts.now)
        return watch, ending

    def judge(self, host: str, one: Try, watch: Watch, ending: Ending) -> None:
        """See what became of a candidate on a host, and whether the host can go on."""
        progress = watch.hosts[host]
        why = progress.failure.message if progress.failure else ""
        if watch.lost(host):
            self.out[host] = f"{host} cannot be reached ({why})"
        elif watch.failed(host):
            self.out[host] = why
        if self.journal.pending(host, one) and (trial := self.journal.trial(host, one)) is None:
            words = {
                "timeout": f"the {self.journal.asked.minutes} minutes were over",
                "cancelled": "it was stopped",
            }
            reason = words.get(ending) or self.out.get(host) or "Ansible never got to it"
            self.journal.note(host, one, f"{NOT_TRIED}{reason}")
        trial = self.journal.trial(host, one) or {}
        self.tell(f"{host}: {one}: {words_of(trial)}")
        if not trial.get("card_ok", True):
            self.tell(f"{host}: the card is not well: {trial['card_reason']}")
            if self.journal.asked.reboot != "if-needed":
                self.out[host] = f"{trial['card_reason']}; {host} needs a reboot"

    def heal(self, hosts: Sequence[str], left: float) -> None:
        """Offer the reboot that a host's card needs; the host goes on after it."""
        for host in hosts:
            if not self.confirm(f"{self.out[host]}. Reboot {host} now?"):
                continue
            self.tell(f"{host}: rebooting")
            watch, _ = self.play([host], [], left, reboot=True)
            if watch.stats is not None and not (watch.failed(host) or watch.lost(host)):
                del self.out[host]
                self.tell(f"{host}: the card is well again")
                continue
            progress = watch.hosts[host]
            self.out[host] = progress.failure.message if progress.failure else "it did not come back"
            self.tell(f"{host}: {self.out[host]}")


def words_of(trial: dict[str, Any]) -> str:
    """Say what became of a candidate."""
    verdict = trial.get("verdict")
    return str(verdict["summary"]) if verdict else str(trial.get("failure") or "nothing came of it")
