# SPDX-License-Identifier: MIT
"""What is under ``/opt/rdna1`` and how it differs from what is wanted.

Reads only: no interpreter is started and nothing is imported from a venv, so that a host
in the right state is recognised in the time that a few thousand ``stat`` calls take.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple, Sequence

from ansible_collections.rdna1.provision.plugins.module_utils.venv_lock import Requirement, canonical

MARKER = ".rdna1-complete"
NAME = re.compile(r"[0-9a-f]{12}\Z")
ASIDE = re.compile(r"[0-9a-f]{12}\.replaced\Z")
RELEASE = re.compile(r"\d+\.\d+\.\d+\Z")

BUILD, SWITCH, PRUNE = "build", "switch", "prune"


class Layout(NamedTuple):
    """Where things are: ``root`` is ``/opt/rdna1``, ``name`` the first 12 digits of the lock's hash."""

    root: Path
    name: str

    @property
    def venvs(self) -> Path:
        """All venvs, one per lock."""
        return self.root / "venvs"

    @property
    def venv(self) -> Path:
        """The venv of this lock."""
        return self.venvs / self.name

    @property
    def aside(self) -> Path:
        """Where a venv of the same lock waits while it is built anew."""
        return self.venvs / f"{self.name}.replaced"

    @property
    def current(self) -> Path:
        """The symlink to the venv in use."""
        return self.root / "current"

    @property
    def pythons(self) -> Path:
        """Standalone interpreters, one folder per release."""
        return self.root / "python"

    @property
    def tmp(self) -> Path:
        """Where downloads wait: /tmp may be a small memory file system."""
        return self.root / "tmp"


class Wanted(NamedTuple):
    """What the venv is to be."""

    identity: str
    requirements: Sequence[Requirement]
    interpreter: str
    keep: int


class Difference(NamedTuple):
    """Something to do (build, switch or prune), and why, for a person to read."""

    action: str
    reason: str


def observe(layout: Layout, deep: bool = False) -> dict[str, Any]:
    """Read everything that ``differences`` judges; ``deep`` also hashes every installed file."""
    return {
        "current": _link(layout.current),
        "venv": observe_venv(layout.venv, deep),
        "others": _others(layout),
        "leftovers": _leftovers(layout),
        "pythons": sorted(path.name for path in layout.pythons.glob("*") if RELEASE.match(path.name)),
    }


def observe_venv(venv: Path, deep: bool = False) -> dict[str, Any] | None:
    """One venv, None where there is none."""
    if not venv.is_dir() or venv.is_symlink():
        return None
    python = venv / "bin/python"
    infos = sorted(venv.glob("lib/python3*/site-packages/*.dist-info"))
    return {
        "marker": read_marker(venv),
        "interpreter": os.path.realpath(python),
        "executable": os.access(python, os.X_OK) and python.is_file(),
        "distributions": dict(map(_distribution, infos)),
        "damaged": {info.name: damage for info in infos if (damage := _damage(info, deep))},
    }


def read_marker(venv: Path) -> dict[str, Any] | None:
    """What the builder wrote last of all; None where it never came so far."""
    try:
        marker = json.loads((venv / MARKER).read_text())
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) else None


def differences(layout: Layout, observed: dict[str, Any], wanted: Wanted) -> list[Difference]:
    """What has to be done, nothing where nothing."""
    found = [Difference(BUILD, reason) for reason in _venv_reasons(layout, observed["venv"], wanted)]
    target = f"venvs/{layout.name}"
    if observed["current"] != target:
        found.append(Difference(SWITCH, f"current -> {observed['current'] or 'nothing'}, {target} wanted"))
    found += [Difference(PRUNE, f"an interrupted run left {path}") for path in observed["leftovers"]]
    found += [Difference(PRUNE, f"{path} is no longer needed") for path in prunable(layout, observed, wanted)]
    return found


def prunable(layout: Layout, observed: dict[str, Any], wanted: Wanted) -> list[str]:
    """What to remove, relative to the root: venvs beyond the kept ones, and interpreters that none uses."""
    complete = [other for other in observed["others"] if other["marker"] is not None]
    kept = sorted(complete, key=lambda other: other["last_used"], reverse=True)[: wanted.keep]
    gone = [other["name"] for other in observed["others"] if other not in kept]
    used = [wanted.interpreter] + [str(other["marker"].get("interpreter")) for other in kept]
    unused = [
        release
        for release in observed["pythons"]
        if not any(path.startswith(f"{layout.pythons / release}/") for path in used)
    ]
    return [f"venvs/{name}" for name in gone] + [f"python/{release}" for release in unused]


def extras(observed: dict[str, Any], wanted: Wanted) -> list[str]:
    """What somebody added to the venv: told, never a difference, lost when the venv is rebuilt."""
    locked = {requirement.name for requirement in wanted.requirements} | {"pip", "setuptools"}
    return sorted(set((observed["venv"] or {}).get("distributions", {})) - locked)


def _venv_reasons(layout: Layout, venv: dict[str, Any] | None, wanted: Wanted) -> list[str]:
    if venv is None:
        return [f"there is no venv {layout.venv}"]
    if venv["marker"] is None:
        return [f"{layout.venv} was left half-built"]
    reasons = []
    if not venv["executable"]:
        reasons.append(f"its interpreter {venv['interpreter']} is gone")
    if venv["marker"].get("lock") != wanted.identity:
        reasons.append(f"it was built from lock {venv['marker'].get('lock')}, {wanted.identity} wanted")
    if venv["marker"].get("interpreter") != wanted.interpreter:
        reasons.append(f"built with {venv['marker'].get('interpreter')}, {wanted.interpreter} wanted")
    for requirement in wanted.requirements:
        version = venv["distributions"].get(requirement.name)
        if version != requirement.version:
            reasons.append(f"{requirement.name} {version or 'missing'}, {requirement.version} wanted")
    for info, files in sorted(venv["damaged"].items()):
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        reasons.append(f"{info.removesuffix('.dist-info')} is damaged: {files[0]}{more}")
    return reasons


def _others(layout: Layout) -> list[dict[str, Any]]:
    return [
        {"name": path.name, "marker": read_marker(path), "last_used": _last_used(path)}
        for path in sorted(layout.venvs.glob("*"))
        if NAME.match(path.name) and path != layout.venv
    ]


def _leftovers(layout: Layout) -> list[str]:
    aside = [path for path in layout.venvs.glob("*") if ASIDE.match(path.name)]
    return sorted(str(path.relative_to(layout.root)) for path in [*aside, *layout.tmp.glob("*")])


def _last_used(venv: Path) -> float:
    """When ``current`` last came to point here: the switch touches the marker."""
    try:
        return (venv / MARKER).stat().st_mtime
    except OSError:
        return 0.0


def _link(path: Path) -> str | None:
    if path.is_symlink():
        return str(path.readlink())
    return "something that is no symlink" if path.exists() else None


def _distribution(info: Path) -> tuple[str, str]:
    name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
    return canonical(name), version


def _damage(info: Path, deep: bool) -> list[str]:
    """Which of a distribution's files are not as its RECORD says: gone, of another size, of another hash."""
    try:
        rows = list(csv.reader((info / "RECORD").read_text().splitlines()))
    except OSError:
        return ["RECORD"]
    damaged = []
    for path, digest, size in (row for row in rows if len(row) == 3):
        if path.endswith(".pyc"):  # Python writes those anew whenever it may
            continue
        try:
            found = (info.parent / path).stat().st_size
        except OSError:
            damaged.append(path)
            continue
        if (size and found != int(size)) or (deep and digest and _sha256(info.parent / path) != digest):
            damaged.append(path)
    return damaged


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
