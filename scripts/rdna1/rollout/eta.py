"""How long a run will still take, from how long its phases took so far."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from rdna1.runs.model import PASSED, UNFINISHED, Host, Wave

# The roles of the chain, in its order.
PHASES = ("host_check", "jammy_compat", "rocm", "pytorch_venv", "rocm_environment", "conv2d_verify")


def means(hosts: Iterable[Host]) -> dict[str, float]:
    """Return how long each phase took on average, on the hosts that passed it."""
    seen: dict[str, list[float]] = {}
    for host in hosts:
        if host.state in PASSED:
            for phase in host.phases:
                seen.setdefault(phase.name, []).append(phase.seconds)
    return {name: fmean(seconds) for name, seconds in seen.items()}


def left_of(host: Host, measured: Mapping[str, float]) -> float:
    """Return how long a host will still take."""
    spent = {phase.name: phase.seconds for phase in host.phases} if host.state == "running" else {}
    return sum(max(0.0, seconds - spent.get(name, 0.0)) for name, seconds in measured.items())


def estimate(waves: Sequence[Wave], hosts: Mapping[str, Host], forks: int, soak: int) -> float | None:
    """Return the seconds that are left; None before anything was measured."""
    measured = means(hosts.values())
    if not measured:
        return None
    total, ahead = 0.0, 0
    for wave in waves:
        todo = [left_of(hosts[name], measured) for name in wave.hosts if hosts[name].state in UNFINISHED]
        if todo:
            # Ansible takes so many hosts through a task at a time, and the slowest sets the pace.
            total += max(todo) * -(-len(todo) // forks)
            ahead += 1
    return total + soak * max(0, ahead - 1)
