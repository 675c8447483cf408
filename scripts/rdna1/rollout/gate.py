"""Whether the next wave may start. Nothing that is not known to have passed gets a host through."""

from collections.abc import Mapping, Sequence

from rdna1.runs.model import FAILED, PASSED, UNFINISHED, Gate, Host, Wave

# A sentence names so many hosts, and counts the rest.
NAMED = 5


def decide(wave: Wave, hosts: Mapping[str, Host], budget: int) -> Gate:
    """Judge a wave that has ended: every host of it accounted for, no more failures than the budget.

    The failures of all waves so far count together. After a resume, later waves may hold failures of
    before; they are tried again first.
    """
    failed = {
        name: host for name, host in hosts.items() if host.state in FAILED and (host.wave or 0) <= wave.number
    }
    lost = [name for name in wave.hosts if name not in hosts or hosts[name].state in UNFINISHED]
    passed = sum(name in hosts and hosts[name].state in PASSED for name in wave.hosts)
    said = [f"{passed} of {len(wave.hosts)} passed"]
    if mine := [name for name in wave.hosts if name in failed]:
        said.append(named([f"{name} {described(failed[name])}" for name in mine]))
    if lost:
        said.append(f"not accounted for: {named(lost)}")
    opens = not lost and len(failed) <= budget
    said.append(
        f"{counted(len(failed), 'failure')} in all,"
        f" {'within' if len(failed) <= budget else 'over'} the budget of {budget}"
    )
    return Gate(opens, "; ".join(said), len(failed), budget)


def described(host: Host) -> str:
    """Return what became of a host: why, and what was done about it."""
    cause = host.cause or host.state
    return cause if cause == host.state else f"{cause} ({host.state})"


def counted(number: int, what: str) -> str:
    """Return a number of things."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def named(names: Sequence[str]) -> str:
    """Return names as a sentence takes them."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
