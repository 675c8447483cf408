# SPDX-License-Identifier: MIT
"""What the chain would do to a host, and whether the host can take it: from what the roles' checks found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCHEMA = "rdna1.preflight/1"
KINDS = ("install", "upgrade", "downgrade", "reinstall", "remove")
ARCHIVES = "/var/cache/apt/archives"
# File systems that people ask for, whether or not anything goes there.
ALWAYS = ("/", "/opt", "/var")
# What venv_state says where no venv has to be built.
NO_BUILD = re.compile(r"current -> |an interrupted run left |\S+ is no longer needed$")
# What a message may end with after its cure.
AFTERTHOUGHT = re.compile(r"; (?:nothing was changed|\S+ is as it was)\.?$")
UNREACHABLE = "start it, or correct its address, user or key in the inventory"

Result = dict[str, Any]


def packages(transactions: Iterable[Mapping[str, Any]]) -> dict[str, list[Result]]:
    """The packages of several rehearsals, by kind; what a later one repeats of an earlier one counts once."""
    found: dict[str, Result] = {}
    for transaction in transactions:
        for kind in KINDS:
            found |= {item["name"]: {**item, "kind": kind} for item in transaction.get(kind, [])}
    return {
        kind: [
            {key: value for key, value in item.items() if key != "kind"}
            for item in sorted(found.values(), key=lambda item: str(item["name"]))
            if item["kind"] == kind
        ]
        for kind in KINDS
    }


def origins(changes: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, int]:
    """How many packages come from where, the largest share first."""
    counts: dict[str, int] = {}
    for item in (item for kind in KINDS if kind != "remove" for item in changes[kind]):
        label = " or ".join(item["origins"]) or "built on the host"
        counts[label] = counts.get(label, 0) + 1
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def download_bytes(changes: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """What apt would fetch."""
    return sum(item.get("cost", {}).get("download", 0) for items in changes.values() for item in items)


def needs(
    changes: Mapping[str, Sequence[Mapping[str, Any]]], venv: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What goes where, for the module disk_space; ``venv`` says what a look at it found and a build takes."""
    found: list[dict[str, Any]] = [{"path": path} for path in ALWAYS]
    fetched = download_bytes(changes)
    if fetched:
        found.append({"path": ARCHIVES, "bytes": fetched, "what": "archives"})
    by_path: dict[str, int] = {}
    for item in (item for items in changes.values() for item in items):
        cost = item.get("cost", {"path": "/usr", "disk": 0})
        by_path[cost["path"]] = by_path.get(cost["path"], 0) + cost["disk"]
    found += [
        {"path": path, "bytes": size, "what": "packages"} for path, size in sorted(by_path.items()) if size
    ]
    if any(not NO_BUILD.match(reason) for reason in venv.get("reasons", [])):
        found.append({"path": venv["root"], "gib": float(venv["gib"]), "what": "the venv"})
    return found


def failures(host: str, failed: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each failure of a role's check."""
    return [
        failure(host, _code(item), message)
        for item in failed
        for message in _messages(item.get("result", {}))
    ]


def failure(host: str, code: str, message: str) -> dict[str, str]:
    """A failure, its message without the host's name; the cure is what follows the last semicolon."""
    text = re.sub(rf"^{re.escape(host)}(?: \([^)]*\))?:? ", "", " ".join(message.split()))
    text, after = AFTERTHOUGHT.sub("", text), AFTERTHOUGHT.search(text)
    what, _, fix = text.rpartition("; ")
    if not what:
        what, _, fix = text.partition(". ") if after else (text, "", "")
        fix = fix[:1].lower() + fix[1:]
    return {"host": host, "code": code, "message": what.rstrip("."), "fix": fix.rstrip(".")}


def too_full(host: str, filesystems: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """A failure for each file system that cannot hold what is to come."""
    return [
        {
            "host": host,
            "code": "disk",
            "message": f"{gigabytes(entry['free_bytes'])} are free on {entry['mount']}, "
            f"{gigabytes(entry['need_bytes'])} are needed there ("
            + ", ".join(f"{gigabytes(need['bytes'])} for {need['what']}" for need in entry["needs"])
            + ")",
            "fix": f"make room on {entry['mount']}",
        }
        for entry in filesystems
        if entry["need_bytes"] > entry["free_bytes"]
    ]


def unreachable(host: str, reason: str) -> dict[str, str]:
    """The failure of a host that nobody can ask."""
    said = " ".join(reason.split()).removeprefix("Task failed: ") or "no answer"
    return {
        "host": host,
        "code": "unreachable",
        "message": f"it cannot be reached: {said.rstrip('.')}",
        "fix": UNREACHABLE,
    }


def summary(found: Mapping[str, Any]) -> Result:
    """Everything of one host but its file systems; ``found`` is what the playbook registered."""
    transactions = found["transactions"]
    changes = packages(transactions)
    shells = found.get("shells") or {}
    leftovers = found.get("leftovers") or {}
    # What keeps apt from reading anything, two roles would retire.
    by_path = {
        item["path"]: item["entries"] for result in found["retired"] for item in result.get("retired", [])
    }
    retired = [{"path": path, "entries": entries} for path, entries in by_path.items()]
    retired += [{"path": path, "entries": ["the whole file"]} for path in shells.get("retired", [])]
    card = found.get("card") or {}
    mirrors = {item["uri"]: item for result in transactions for item in result.get("mirrors", [])}
    return {
        "roles": list(found["roles"]),
        "system": found.get("system", ""),
        "card": ", ".join(item["board"] for item in card.get("cards", [])) or None,
        "simulated": bool(card.get("simulated")),
        "packages": changes,
        "packages_in_words": in_words(changes),
        "origins": origins(changes),
        "download_bytes": download_bytes(changes),
        "held": sorted({name for result in transactions for name in result.get("held", [])}),
        "retired": retired,
        "leftovers": {
            "packages": leftovers.get("remove", []),
            "kept": leftovers.get("kept", {}),
            "noted": leftovers.get("noted", []),
            "shell_lines": shells.get("lines", []),
            "unseen": shells.get("unseen", []),
        },
        "venv": (found.get("venv") or {}).get("reasons", []),
        "mirrors": list(mirrors.values()),
        "not_judged": not_judged(found["roles"], found["failed"]),
    }


def not_judged(roles: Sequence[str], failed: Iterable[Mapping[str, Any]]) -> list[str]:
    """Roles whose checks were left out, since an earlier failure would only have come back in other words."""
    causes = {(item["role"], item["entry"]) for item in failed}
    if ("host_check", "system") in causes:
        return list(roles)
    return [role for role in roles if role == "rocm" and ("jammy_compat", "check") in causes]


def in_words(changes: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """How many packages do what, in a few words."""
    words = {"install": "new", "upgrade": "newer", "downgrade": "older", "reinstall": "again", "remove": "go"}
    return ", ".join(f"{len(changes[kind])} {words[kind]}" for kind in KINDS if changes[kind]) or "none"


def gigabytes(count: int) -> str:
    """A size as people read it."""
    return f"{count / 1e9:.1f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.1f} MB"


def _code(item: Mapping[str, Any]) -> str:
    told = item.get("result", {}).get("code")
    step = str(item.get("task", "")).rpartition(" : ")[2]
    return f"{item['role']}.{told or re.sub(r'[^a-z0-9]+', '-', step.partition(' | ')[0].lower()).strip('-')}"


def _messages(result: Mapping[str, Any]) -> list[str]:
    """What a failed task says; a loop says one for each item that failed."""
    items = [item for item in result.get("results", []) if item.get("failed")]
    return [str(item.get("msg", "")) for item in items] or [str(result.get("msg", "it failed"))]
