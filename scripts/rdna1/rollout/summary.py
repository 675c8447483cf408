"""The last screen of a rollout: what happened, who needs what, and the next command."""

from collections import Counter
from collections.abc import Iterable

from rdna1.rollout.gate import counted, named
from rdna1.runs.model import FAILED, Host, Run


def last_failure(hosts: Iterable[Host]) -> str:
    """Return the failure that came last, in full."""
    failed = [host for host in hosts if host.failure and host.state in FAILED]
    if not failed:
        return ""
    host = max(failed, key=lambda one: one.ended or "")
    failure = host.failure
    assert failure  # noqa: S101 - chosen by it
    said = f"\n{failure.stderr_tail}" if failure.stderr_tail else ""
    where = ": ".join(filter(None, (failure.phase, failure.task)))
    return f"{host.host} {host.cause}{f' in {where}' if where else ''}\n{failure.message}{said}"


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def needs(hosts: Iterable[Host]) -> list[tuple[str, str]]:
    """Return what hosts need of a person: the names, and what for."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        if host.state in FAILED:
            found.setdefault(f"{host.cause}: {left(host)}", []).append(host.host)
        if host.state == "pending" and host.touched:
            found.setdefault("stopped half-way through the chain: resume", []).append(host.host)
        if host.state == "needs-reboot":
            found.setdefault("passed, but only a reboot completes the change", []).append(host.host)
        if host.drained:
            found.setdefault("still drained: undrain them once they are well", []).append(host.host)
    return [(named(names), what) for what, names in found.items()]


def left(host: Host) -> str:
    """Return how a host that failed was left, and what it needs."""
    if host.state == "quarantined":
        return "quarantined, its environment is off; find the cause, then resume"
    if host.state == "rolled-back":
        return "as it was before; find the cause, then resume"
    if host.touched:
        return "left half-way; find the cause, then resume"
    return "nothing on it was changed; find the cause, then resume"


def summary(run: Run, hosts: dict[str, Host], next_command: str) -> str:
    """Return the last screen: what happened, who needs what, and the next command."""
    states = Counter(host.state for host in hosts.values())
    came_to = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    lines = [
        "",
        f"Run {run.id}: {run.state}. {counted(len(hosts), 'host')}: {came_to}.",
    ]
    lines += [
        f"  wave {wave.number} ({wave.spec}): {wave.gate.reason}"
        for wave in run.waves
        if wave.gate is not None
    ]
    if wanted := needs(hosts.values()):
        lines += ["Who needs what:", *(f"  {names}: {what}" for names, what in wanted)]
    if failed := last_failure(hosts.values()):
        lines += ["The last failure:", *(f"  {line}" for line in failed.splitlines())]
    return "\n".join([*lines, f"Next: {next_command}"])
