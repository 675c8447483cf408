"""A run as one document: what the driver recorded, and what follows from it. `--json` prints it."""

import json
import shlex
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from rdna1.report import timing, verdicts
from rdna1.report.fleet import Peers, compare, odd_fields
from rdna1.runs import commands, model

NO_VERDICT = "none"
# What to say of a host that said nothing itself.
WORDS = {
    "pending": "it never had its turn",
    "running": "the driver ended while it was at work",
    "unreachable": "it did not answer",
    "timed-out": "it took too long",
    "skipped": "it was left out",
}


@dataclass(frozen=True)
class Finding:
    """A host that did not pass, and what to do about it."""

    host: str
    code: str
    message: str
    fix: str


@dataclass(frozen=True)
class PhaseTime:
    """How long hosts spent in one role."""

    name: str
    hosts: int
    median: float
    longest: float
    host: str


@dataclass
class ReportedHost(model.Host):
    """A host of the run, and what follows from what is known of it."""

    # Of its card and of its torch: whether they only stand in for real ones.
    simulated: bool = False
    stand_in: bool = False
    # The verdict's outcome: this run's own, or that of an earlier one about exactly this state.
    outcome: str = NO_VERDICT
    earlier: bool = False
    seconds: float | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the next wave may count on it."""
        return self.state in model.PASSED


@dataclass
class Document(model.Run):
    """One run, whole."""

    ok: bool = False
    # The command that goes on with it.
    resume: str = ""
    failures: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    simulated: int = 0
    stand_ins: int = 0
    seconds: float | None = None
    locks: dict[str, str] = field(default_factory=dict)
    hosts: list[ReportedHost] = field(default_factory=list)
    fleet: list[Peers] = field(default_factory=list)
    families: list[timing.Family] = field(default_factory=list)
    slowest: list[timing.Slow] = field(default_factory=list)
    hangs: list[timing.Hang] = field(default_factory=list)
    phases: list[PhaseTime] = field(default_factory=list)

    def as_text(self) -> str:
        """Return the JSON document."""
        # Not asdict(): it would copy every verdict first.
        return json.dumps(self, default=vars, indent=1, ensure_ascii=False) + "\n"


def build(run: model.Run, hosts: dict[str, model.Host], runs_dir: Path = commands.HERE) -> Document:
    """Return the document of a run that is kept in `runs_dir`; a host of a wave without a file is pending."""
    everyone = dict(hosts)
    for wave in run.waves:
        for name in wave.hosts:
            everyone.setdefault(name, model.Host(host=name, wave=wave.number))
    reported = [_host(host) for host in everyone.values()]
    reported.sort(key=lambda host: (host.wave if host.wave is not None else len(run.waves) + 1, host.host))
    peers = compare({host.host: host.summary for host in reported})
    odd = odd_fields(peers)
    for host in reported:
        host.odd = sorted(odd.get(host.host, ()))
    timed = [timing.Host(host.host, _kind(host), verdicts.cases(host.verdict)) for host in reported]
    families = timing.families(timed)
    resume = commands.resume(run, runs_dir)
    return Document(
        **vars(run),
        ok=run.state == "done" and bool(reported) and all(host.passed for host in reported),
        resume=resume,
        failures=[_finding(host, run, resume) for host in reported if not host.passed],
        counts=dict(Counter(host.state for host in reported).most_common()),
        simulated=sum(host.simulated for host in reported),
        stand_ins=sum(host.stand_in for host in reported),
        seconds=seconds(run.started, run.ended),
        locks=dict(
            sorted(
                {
                    (str(host.summary.get("stack")), str(host.summary["lock"]))
                    for host in reported
                    if host.summary.get("lock")
                }
            )
        ),
        hosts=reported,
        fleet=peers,
        families=families,
        slowest=timing.slowest(timed, families),
        hangs=timing.hangs(timed),
        phases=_phases(reported),
    )


def _host(host: model.Host) -> ReportedHost:
    summary = verdicts.now(host)
    prior = host.prior or {}
    outcome, earlier = NO_VERDICT, False
    if host.verdict is not None:
        outcome = verdicts.outcome(host.verdict)
    elif prior.get("verdict"):
        # About another state it says nothing of this one.
        outcome, earlier = (str(prior["verdict"]) if prior.get("current") else "stale"), True
    return ReportedHost(
        **{**vars(host), "after": summary if host.verdict or host.action == "rolled-back" else host.after},
        simulated=bool(summary.get("simulated")) or verdicts.simulated(host.verdict),
        stand_in=verdicts.stand_in(host.verdict),
        outcome=outcome,
        earlier=earlier,
        seconds=seconds(host.started, host.ended),
        summary=summary,
    )


def _kind(host: ReportedHost) -> timing.Kind:
    return timing.Kind(str(host.summary.get("chip") or "CPU"), host.simulated, host.stand_in)


def _finding(host: ReportedHost, run: model.Run, resume: str) -> Finding:
    code = host.cause or host.state
    said = str((host.verdict or {}).get("summary") or "") if code.startswith("verdict-") else ""
    if not said and host.failure:
        said = host.failure.message.removeprefix(f"{host.host}: ")
    message = said or WORDS.get(code, f"it is {code}")
    return Finding(host.host, code, message, fix(host, run, resume))


def fix(host: ReportedHost, run: model.Run, resume: str) -> str:
    """Return the next command for a host that did not pass; what resumes the run also ends a quarantine."""
    inventories, name = commands.inventories(run), shlex.quote(host.host)
    cause = host.cause or host.state
    if cause == "verdict-hang":
        return f"ansible {name} {inventories} -b -m ansible.builtin.reboot && {resume}"
    if cause in ("verdict-fail", "verdict-unknown"):
        return f"ansible-playbook playbooks/verify.yml {inventories} --limit {name} && {resume}"
    if cause in ("unreachable", "timed-out"):
        return f"rdna1 doctor {inventories} && {resume}"
    return resume


def seconds(started: str | None, ended: str | None) -> float | None:
    """Return what lies between two times, or None where one is not known."""
    if not started or not ended:
        return None
    try:
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    except (ValueError, TypeError):
        return None


def _phases(hosts: list[ReportedHost]) -> list[PhaseTime]:
    taken: dict[str, dict[str, float]] = {}
    for host in hosts:
        for phase in host.phases:
            spent = taken.setdefault(phase.name, {})
            spent[host.host] = spent.get(host.host, 0.0) + phase.seconds
    found = []
    for name, spent in taken.items():
        slowest = max(spent, key=lambda host: spent[host])
        found.append(PhaseTime(name, len(spent), median(spent.values()), spent[slowest], slowest))
    return found
