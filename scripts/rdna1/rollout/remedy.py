"""What is done about a host that failed: it is no worse off than before, or no job lands on it."""

from typing import Literal

from rdna1.runs.model import Host, HostState

Remedy = Literal["rollback", "quarantine", "leave"]
# These were judged on their card, or lost while being changed.
VERDICTS: frozenset[HostState] = frozenset({"verdict-fail", "verdict-hang", "verdict-unknown"})


def choose(host: Host, policy: Remedy, *, changed: bool) -> Remedy:
    """Return what to do about a host that failed.

    A host that nothing was done to stays as it is, unless its card was judged and is no pass. A rollback
    needs a change to undo and an earlier state that had passed.
    """
    if policy == "leave" or host.state == "skipped":
        return "leave"
    if not changed:
        return "quarantine" if host.state in VERDICTS else "leave"
    had_passed = bool(host.prior) and (host.prior or {}).get("verdict") == "pass"
    return "rollback" if policy == "rollback" and had_passed else "quarantine"
