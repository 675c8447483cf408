"""What a verdict says, read with care: it was written by another version, or on a host that lies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from rdna1.lab.paths import CHECKOUT
from rdna1.runs.model import Host

SCHEMA = "rdna1.verdict/1"
STUCK = ("hang", "compile-timeout", "expected-hang")
GOOD = ("pass", "expected-hang", "unexpected-pass")
FIGURES = CHECKOUT / "roles/conv2d_verify/files/conv2d_verify/data/seed_figures.json"


@dataclass(frozen=True)
class Figures:
    """What the original documents report, and of which shape."""

    name: str
    in_channels: int
    out_channels: int
    first_s: dict[int, float]
    steady_s: dict[int, float]


@cache
def figures() -> Figures:
    """Read them where the verifier keeps them."""
    found = json.loads(FIGURES.read_text())
    first, steady = (
        {int(size): float(seconds) for size, seconds in found[name].items()}
        for name in ("first_s", "steady_s")
    )
    return Figures(found["name"], found["in_channels"], found["out_channels"], first, steady)


@dataclass(frozen=True)
class Case:
    """One case of a verdict."""

    id: str
    size: int
    state: str
    reason: str
    first_s: float | None
    steady_s: float | None
    # Whether it is of the shape that the original documents have figures of.
    reported: bool


def cases(verdict: Mapping[str, Any] | None) -> list[Case]:
    """Return a verdict's cases; what is no case is left out."""
    found = []
    for result in _list(verdict, "cases"):
        case = result.get("case")
        if not isinstance(case, dict):
            continue
        size = case.get("size")
        if not isinstance(size, int) or size < 1:
            continue
        shape = (case.get("op"), case.get("in_channels"), case.get("out_channels"), case.get("batch"))
        found.append(
            Case(
                id=str(result.get("id", "")),
                size=size,
                state=str(result.get("state", "unknown")),
                reason=str(result.get("reason", "")),
                first_s=_seconds(result.get("first_s")),
                steady_s=_seconds(result.get("steady_s")),
                reported=shape == ("conv2d", figures().in_channels, figures().out_channels, 1),
            )
        )
    return found


def outcome(verdict: Mapping[str, Any] | None) -> str:
    """Return a verdict's outcome; what is no verdict is unknown, never a pass."""
    if not verdict or verdict.get("schema") != SCHEMA:
        return "unknown"
    said = verdict.get("outcome")
    known = ("pass", "fail", "hang", "skipped", "unknown")
    return str(said) if said in known and (said == "pass") == (verdict.get("ok") is True) else "unknown"


def stand_in(verdict: Mapping[str, Any] | None) -> bool:
    """Whether the torch of this verdict was none."""
    return bool(_part(verdict, "runtime").get("stand_in"))


def simulated(verdict: Mapping[str, Any] | None) -> bool:
    """Whether the card of this verdict was none."""
    return bool(_part(verdict, "device").get("simulated"))


def notices(verdict: Mapping[str, Any] | None) -> list[str]:
    """Return what the verdict says it is not about."""
    found = (verdict or {}).get("notices")
    return [str(notice) for notice in found] if isinstance(found, list) else []


def summary(verdict: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a verdict knows of its host, in the plan's words."""
    if not verdict or verdict.get("schema") != SCHEMA:
        return {}
    runtime, device, expect = (_part(verdict, name) for name in ("runtime", "device", "expect"))
    subject = _part(expect, "subject")
    board = device.get("runtime")
    cards = _list(device, "cards")
    name = board.get("name") if isinstance(board, dict) else None
    return {
        "kernel": _part(verdict, "kernel").get("release"),
        "python": runtime.get("python"),
        "torch": runtime.get("torch"),
        "policy": subject.get("policy"),
        "stack": expect.get("stack") or None,
        "lock": subject.get("lock"),
        "card": name or (cards[0].get("name") if cards else None) or None,
        "chip": device.get("sysfs_gfx"),
        "simulated": simulated(verdict),
    }


def now(host: Host) -> dict[str, Any]:
    """Return what a host is, as far as anybody knows: by its last plan, else by the last verdict on it."""
    if host.after:
        return {**summary(host.verdict), **host.after}
    brought_back = host.restored is not None or host.action == "rolled-back"
    judged = summary(host.restored if brought_back else host.verdict)
    return {**host.before, **{name: value for name, value in judged.items() if value is not None}}


def _part(document: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    found = (document or {}).get(name)
    return found if isinstance(found, dict) else {}


def _list(document: Mapping[str, Any] | None, name: str) -> list[dict[str, Any]]:
    found = (document or {}).get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _seconds(value: object) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
    )
