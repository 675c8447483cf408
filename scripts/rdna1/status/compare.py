"""What differs between two hosts: what they are, what their plans want, and how their cases went."""

from dataclasses import asdict, dataclass
from typing import Any

from rdna1.report import verdicts
from rdna1.report.fleet import FIELDS, NONE
from rdna1.report.verdicts import Case
from rdna1.status.known import Known

SCHEMA = "rdna1.diff/1"
# Two cards of the same kind differ by less than this.
SLOWER = 1.25


@dataclass(frozen=True)
class Difference:
    """One thing in which two hosts differ."""

    kind: str
    what: str
    left: str
    right: str


def compare(left: Known, right: Known) -> list[Difference]:
    """Return everything in which two hosts differ."""
    return [*_summaries(left, right), *_plans(left, right), *_cases(left, right)]


def as_json(left: Known, right: Known, found: list[Difference]) -> dict[str, Any]:
    """Return what `rdna1 diff --json` prints."""
    failures = [
        {
            "host": right.host,
            "code": f"differs-{one.kind}",
            "message": f"{one.what}: {left.host} has {one.left}, {right.host} has {one.right}",
            "fix": f"ansible-playbook playbooks/rdna1.yml --check --diff --limit {left.host},{right.host}",
        }
        for one in found
    ]
    return {
        "schema": SCHEMA,
        "ok": not found,
        "failures": failures,
        "hosts": [left.host, right.host],
        "differences": [asdict(one) for one in found],
    }


def _summaries(left: Known, right: Known) -> list[Difference]:
    pairs = [
        (name, left.summary.get(key), right.summary.get(key))
        for key, name in {"stack": "stack", **FIELDS}.items()
    ]
    pairs += [
        ("verdict", _verdict(left), _verdict(right)),
        ("simulated card", left.simulated, right.simulated),
        ("stand-in torch", left.stand_in, right.stand_in),
    ]
    return [
        Difference("summary", name, _said(one), _said(other))
        for name, one, other in pairs
        if _said(one) != _said(other)
    ]


def _verdict(known: Known) -> str:
    return f"{known.outcome}, stale: {known.stale}" if known.stale else known.outcome


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NONE if value is None or value == "" else str(value)


def _plans(left: Known, right: Known) -> list[Difference]:
    mine, theirs = (
        {(one["role"], one["item"]): one["reason"] for one in known.differences} for known in (left, right)
    )
    return [
        Difference("plan", f"{role} {item}", mine.get((role, item), NONE), theirs.get((role, item), NONE))
        for role, item in dict.fromkeys([*mine, *theirs])
        if mine.get((role, item)) != theirs.get((role, item))
    ]


def _cases(left: Known, right: Known) -> list[Difference]:
    mine, theirs = ({case.id: case for case in verdicts.cases(known.verdict)} for known in (left, right))
    found = []
    for name in dict.fromkeys([*mine, *theirs]):
        one, other = mine.get(name), theirs.get(name)
        if one is None or other is None or one.state != other.state:
            states = [case.state if case else "not run" for case in (one, other)]
            found.append(Difference("case", name, *states))
        elif apart(one, other):
            found.append(
                Difference("time", f"{name}, steady", f"{one.steady_s:.3g} s", f"{other.steady_s:.3g} s")
            )
    return found


def apart(one: Case, other: Case) -> bool:
    """Whether two hosts' steady times of a case are too far from each other for the same card."""
    if not one.steady_s or not other.steady_s:
        return False
    return max(one.steady_s, other.steady_s) / min(one.steady_s, other.steady_s) >= SLOWER
