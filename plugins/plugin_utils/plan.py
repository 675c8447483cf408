# SPDX-License-Identifier: MIT
"""The plan: what differs between a host as it was seen and as it shall be. A pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.rdna1.provision.plugins.plugin_utils import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCHEMA = "rdna1.plan/1"
JUDGE = "host_check"
VERIFIER = "conv2d_verify"
STACK = "pytorch_venv"
# Owns what no role writes but the playbook itself.
CHAIN = "chain"
MANIFEST = "/var/lib/rdna1/manifest.json"


def differences(
    desired: Iterable[tuple[str, Mapping[str, Any]]], answers: Iterable[Any]
) -> list[dict[str, str]]:
    """All that differs. ``desired`` pairs each item with its role; ``answers`` come in the same order."""
    return [
        {"role": role, **difference._asdict()}
        for (role, item), answer in zip(desired, answers, strict=True)
        for difference in kinds.KINDS[item["kind"]].judge(item, answer)
    ]


def roles_to_run(
    found: Iterable[Mapping[str, str]], roles: Sequence[str], *, full: bool = False
) -> list[str]:
    """The roles that have something to do, in their order; whatever is changed is verified afterwards."""
    differing = {difference["role"] for difference in found}
    if full:
        return list(roles)
    if differing - {JUDGE, CHAIN}:
        differing.add(VERIFIER)
    return [role for role in roles if role in differing]


def document(
    host: str,
    stage: str,
    found: Sequence[Mapping[str, str]],
    summary: Mapping[str, Any],
    verdict: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The plan as reports and the rollout read it."""
    return {
        "schema": SCHEMA,
        "host": host,
        "stage": stage,
        "converged": not found,
        "differences": list(found),
        "summary": dict(summary),
        "verdict": verdict,
    }


def summary(
    facts: Mapping[str, Any], desired: Iterable[tuple[str, Mapping[str, Any]]], answers: Iterable[Any]
) -> dict[str, Any]:
    """What the host is, in a few words; None for what it does not have."""
    seen = {
        item["kind"]: (item, answer)
        for (role, item), answer in zip(desired, answers, strict=True)
        if item["kind"] != "venv" or role == STACK  # another role's venv is not what the host computes with
    }
    system = seen["system"][1]
    found: dict[str, Any] = {
        "os": f"{facts['distribution']} {facts['distribution_version']}",
        "kernel": system["kernel"],
        "reboot_needed": system["reboot_needed"],
        **dict.fromkeys(("rocm", "python", "torch", "policy", "stack", "lock", "card", "chip")),
        "simulated": False,
    }
    if "card" in seen:
        card = seen["card"][1]
        found["simulated"] = card["simulated"]
        if card["cards"]:
            found |= {"card": card["cards"][0]["board"], "chip": card["cards"][0]["gfx"]}
    if "build" in seen:
        found["rocm"] = seen["build"][1]["release"]
    if "venv" in seen:
        venv = seen["venv"][1]["venv"] or {}
        marker = venv.get("marker") or {}
        found |= {
            "python": marker.get("python"),
            "torch": venv.get("distributions", {}).get("torch"),
            "stack": marker.get("stack"),
            "lock": (marker.get("lock") or "")[:12] or None,
        }
    if "record" in seen and isinstance(seen["record"][1], dict):
        found["policy"] = seen["record"][1].get("policy")
    return found


def manifest(host: str, roles: Sequence[str], summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the chain notes on a host when it came to its end."""
    # Whether a reboot is due changes without any run.
    state = {name: value for name, value in summary.items() if name != "reboot_needed"}
    return {"schema": "rdna1.manifest/1", "host": host, "roles": list(roles), "state": state}


def chain_items(noted: Mapping[str, Any], *, state: bool = True) -> list[tuple[str, dict[str, Any]]]:
    """What the chain itself wants of a host; ``state``: whether what it noted of the state counts."""
    content = {field: value for field, value in noted.items() if state or field != "state"}
    return [
        (CHAIN, {"kind": "manifest", "path": MANIFEST, "content": content}),
        (CHAIN, {"kind": "data", "path": MANIFEST, "mode": "0644"}),
    ]


def verdict(item: Mapping[str, Any], seen: Any) -> dict[str, Any] | None:
    """The host's last verdict in a few words, and whether it is about exactly this state."""
    if not isinstance(seen, dict):
        return None
    return {
        "verdict": seen.get("outcome", "unknown"),
        "current": all(found == right for _, found, right in kinds.verdict_subject(item, seen)),
        "finished": seen.get("finished"),
        "sentence": seen.get("summary"),
    }
