# SPDX-License-Identifier: MIT
"""What is under ``/opt/rdna1`` and how it differs from what is wanted.

Reads only: no interpreter is started and nothing is imported from a venv, so that a host
in the right state is recognised in the time that a few thousand ``stat`` calls take.
"""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple, Sequence

from ansible_collections.rdna1.provision.plugins.module_utils import plain_file, sealed_tree
from ansible_collections.rdna1.provision.plugins.module_utils.venv_lock import Requirement, canonical

MARKER = ".rdna1-complete"
NAME = re.compile(r"[0-9a-f]{12}\Z")
ASIDE = re.compile(r"[0-9a-f]{12}\.replaced\Z")
RELEASE = re.compile(r"\d+\.\d+\.\d+\Z")

# What has to be done; the first two are the module venv_python's, where the interpreter is a standalone one.
PYTHON, RENEW_PYTHON, BUILD, RENEW, SWITCH, PRUNE = (
    "python", "renew python", "build", "renew", "switch", "prune",
)  # fmt: skip


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

    @property
    def wheels(self) -> Path:
        """Where wheels are fetched to before the venv is built; ``venv_wheels`` says what is in it."""
        return self.tmp / "wheels"


class Wanted(NamedTuple):
    """What the venv is to be."""

    identity: str
    requirements: Sequence[Requirement]
    interpreter: str
    keep: int


class Difference(NamedTuple):
    """Something to do (build, switch, prune, …), and why, for a person to read."""

    action: str
    reason: str


def observe(layout: Layout, deep: bool = False, limit: int | None = sealed_tree.READ_LIMIT) -> dict[str, Any]:
    """Read everything that ``differences`` judges; ``deep`` and ``limit`` are those of a sealed tree."""
    pythons = sorted(path for path in layout.pythons.glob("*") if RELEASE.match(path.name))
    return {
        "current": _link(layout.current),
        "venv": observe_venv(layout.venv, deep, limit),
        "others": _others(layout),
        "leftovers": _leftovers(layout),
        "pythons": {path.name: sealed_tree.look(path, deep, limit) for path in pythons},
    }


def observe_venv(
    venv: Path, deep: bool = False, limit: int | None = sealed_tree.READ_LIMIT
) -> dict[str, Any] | None:
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
        "files": sealed_tree.look(venv, deep, limit),
    }


def read_marker(venv: Path) -> dict[str, Any] | None:
    """What the builder wrote last of all; None where it never came so far."""
    try:
        marker = json.loads(plain_file.read(venv / MARKER))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) else None


def differences(layout: Layout, observed: dict[str, Any], wanted: Wanted) -> list[Difference]:
    """What has to be done, nothing where nothing."""
    found = _python_differences(layout, observed, wanted)
    found += [Difference(BUILD, reason) for reason in _venv_reasons(layout, observed["venv"], wanted)]
    if observed["venv"] and observed["venv"]["files"]["touched"]:
        found.append(Difference(RENEW, _touched(layout.venv, observed["venv"]["files"]["touched"])))
    target = f"venvs/{layout.name}"
    if observed["current"] != target:
        found.append(Difference(SWITCH, f"current -> {observed['current'] or 'nothing'}, {target} wanted"))
    # Wheels that were fetched for the venv that is to be built are no leftover.
    fetched = (
        {str(layout.wheels.relative_to(layout.root))} if any(one.action == BUILD for one in found) else set()
    )
    left = [path for path in observed["leftovers"] if path not in fetched]
    found += [Difference(PRUNE, f"an interrupted run left {path}") for path in left]
    found += [Difference(PRUNE, f"{path} is no longer needed") for path in prunable(layout, observed, wanted)]
    return found


def prunable(layout: Layout, observed: dict[str, Any], wanted: Wanted) -> list[str]:
    """What to remove, relative to the root: venvs beyond the kept ones, and interpreters that none uses."""
    kept = _kept(observed["others"], wanted.keep)
    gone = [other["name"] for other in observed["others"] if other not in kept]
    used = [wanted.interpreter] + [str(other["marker"].get("interpreter")) for other in kept]
    unused = [
        release
        for release in observed["pythons"]
        if not any(path.startswith(f"{layout.pythons / release}/") for path in used)
    ]
    return [f"venvs/{name}" for name in gone] + [f"python/{release}" for release in unused]


def _kept(others: Sequence[dict[str, Any]], keep: int) -> list[dict[str, Any]]:
    """Those that stay: so many of each stack, the last used first."""
    stacks: dict[str, list[dict[str, Any]]] = {}
    for other in sorted(others, key=lambda other: other["last_used"], reverse=True):
        if other["marker"] is not None:
            stacks.setdefault(str(other["marker"].get("stack")), []).append(other)
    return [other for same in stacks.values() for other in same[:keep]]


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
    reasons += damage(layout.venv, venv["files"])
    return reasons


def _python_differences(layout: Layout, observed: dict[str, Any], wanted: Wanted) -> list[Difference]:
    """Of the standalone interpreter that is wanted; one that is missing leaves a venv to build."""
    found = []
    for release, files in observed["pythons"].items():
        home = layout.pythons / release
        if wanted.interpreter.startswith(f"{home}/"):
            found += [Difference(PYTHON, reason) for reason in damage(home, files)]
            if files["touched"]:
                found.append(Difference(RENEW_PYTHON, _touched(home, files["touched"])))
    return found


def damage(home: Path, files: dict[str, Any]) -> list[str]:
    """What differs from a tree's list, in words; of many only the first."""
    more = files["count"] - len(files["damaged"])
    return [f"{home}: {said}" for said in files["damaged"]] + ([f"{home}: and {more} more"] if more else [])


def _touched(home: Path, paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{home}: {paths[0]}{more} changed hands or times since it was completed, and must be read anew"


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


def recorded(venv: Path) -> dict[str, dict[str, str]]:
    """The files of each distribution, with the digests that its RECORD has for them."""
    found: dict[str, dict[str, str]] = {}
    for info in venv.glob("lib/python3*/site-packages/*.dist-info"):
        rows = csv.reader((info / "RECORD").read_text().splitlines()) if (info / "RECORD").exists() else ()
        found[_distribution(info)[0]] = {
            os.path.normpath(info.parent.relative_to(venv) / row[0]): row[1] for row in rows if len(row) == 3
        }
    return found
