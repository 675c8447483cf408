# SPDX-License-Identifier: MIT
"""Restore points on a host: what was there before something was changed. Root's alone, whole or not there.

    /var/lib/rdna1/points/20261121T100502Z-1f0c3a/point.json    schema rdna1.point/1
                                                 /files/SHA256  contents

A point says nothing of what was not about to be changed. So the way back to one is through all that came
after it: of each thing, the state that the oldest of these points has (``merge``).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set

from ansible_collections.rdna1.provision.plugins.module_utils import restore_record

POINTS = Path("/var/lib/rdna1/points")
SCHEMA = "rdna1.point/1"
CHAIN, ROLLBACK = "chain", "rollback"
# The parts of a point that are merged, by name of what they are about.
PARTS = ("paths", "trees", "groups", "accounts", "venvs")
UNFINISHED = "rollback.json"

Point = Dict[str, Any]


class PointError(Exception):
    """One sentence that says what stands in the way and what cures it."""


def load(root: Path = POINTS) -> List[Point]:
    """All points, the oldest first. What an interrupted run left is none."""
    found = []
    for file in root.glob("*/point.json"):
        if not file.parent.name.startswith("."):
            try:
                found.append(json.loads(file.read_text()))
            except ValueError as error:
                raise PointError(
                    "%s cannot be read (%s); move its directory away, then run this again" % (file, error)
                ) from error
    return sorted(found, key=lambda point: int(point["number"]))


def choose(points: Sequence[Point], wanted: str, unfinished: Optional[Mapping[str, str]] = None) -> Point:
    """A point by its id, or by what it is: first, latest (of the chain), forward (of a rollback).

    The way forward takes a point, too; where it was cut off, forward still is where it was to lead.
    """
    if wanted == "forward" and unfinished:
        forward = [point for point in points if point["id"] == unfinished["to"]]
        if forward and forward[0]["cause"] == ROLLBACK:
            return forward[0]
    causes = {"latest": CHAIN, "forward": ROLLBACK}
    if wanted == "first":
        found = list(points[:1])
    elif wanted in causes:
        found = [point for point in points if point["cause"] == causes[wanted]][-1:]
    else:
        found = [point for point in points if point["id"] == wanted]
    if not found:
        known = ", ".join(point["id"] for point in points) or "none"
        raise PointError(
            "it has no restore point %s (it has: %s); see playbooks/rollback.yml -e rdna1_list=true"
            % (wanted, known)
        )
    return found[0]


def merge(points: Iterable[Point], roles: Sequence[str] = ()) -> Dict[str, Dict[str, Any]]:
    """What to bring back: of each thing the oldest state. Limited to roles where any are given."""
    merged: Dict[str, Dict[str, Any]] = {part: {} for part in PARTS}
    whole: Dict[str, Set[str]] = {}
    for point in points:
        for part in PARTS:
            for name, state in point[part].items():
                role = state if part == "trees" else state["role"]
                if not roles or role in roles:
                    merged[part].setdefault(name, state)
        # All of a tree was recorded: what a later point has there in addition was not there.
        for tree in point["trees"]:
            whole.setdefault(tree, set(point["paths"]))
    for tree, known in whole.items():
        for path in [path for path in merged["paths"] if path.startswith(tree + "/") and path not in known]:
            del merged["paths"][path]
    return merged


def managed(points: Iterable[Point], roles: Sequence[str] = ()) -> Dict[str, List[str]]:
    """Names and builds (globs over versions) of packages that roles want."""
    found: Dict[str, List[str]] = {"names": [], "builds": []}
    for point in points:
        for role, wanted in point["managed"].items():
            if not roles or role in roles:
                for field, values in found.items():
                    values += [value for value in wanted[field] if value not in values]
    return found


class Store:
    """Where points are kept."""

    def __init__(self, root: Path = POINTS) -> None:
        self.root = root
        self.points = load(root)

    def take(self, found: Mapping[str, Any], cause: str) -> Point:
        """Keep a state, unless the newest point has it.

        A run of the chain that did not come to its end has left its point open: the next run adds to that
        what it does not have, so that the way back leads to before the first of them.
        """
        newest = self.points[-1] if self.points else None
        if cause == CHAIN:
            self.end()  # of a rollback that was cut off: this begins from wherever it came to
        if newest and newest["cause"] == cause == CHAIN:
            if newest["closed"] is None:
                return self._extend(newest, found)
            if _covers(newest, found):
                return newest
        now = datetime.now(timezone.utc)
        point = {
            "schema": SCHEMA,
            "id": "%s-%s" % (now.strftime("%Y%m%dT%H%M%SZ"), secrets.token_hex(3)),
            "number": newest["number"] + 1 if newest else 1,
            "time": now.isoformat(timespec="seconds"),
            "cause": cause,
            "closed": None,
            **found,
        }
        self._tidy()
        partial = self.root / (".%s" % point["id"])
        partial.mkdir(mode=0o700)
        self._keep(partial, found["paths"])
        _write(partial / "point.json", point)
        partial.rename(self.root / point["id"])
        _sync(self.root)
        self.points.append(point)
        return point

    def close(self, identity: str) -> bool:
        """Note that the run which took this point came to its end."""
        point = choose(self.points, identity)
        if point["closed"]:
            return False
        point["closed"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        _write(self.folder(point) / "point.json", point)
        return True

    def prune(self, keep: int) -> List[str]:
        """Remove all but the first and the last ones; what a point knows of goes to the one before it."""
        unfinished = self.unfinished() or {}
        gone = [
            point
            for point in self.points[1 : max(1, len(self.points) - keep)]
            if point["id"] not in unfinished.values()
        ]
        for point in gone:
            older = self.points[self.points.index(point) - 1]
            self._extend(older, point, self.blobs(point))
            self.points.remove(point)
            # Without this it is no point any more. Not renamed first: overlays refuse that for lower layers.
            (self.folder(point) / "point.json").unlink()
            shutil.rmtree(self.folder(point))
        return [point["id"] for point in gone]

    def folder(self, point: Point) -> Path:
        """A point's directory."""
        return self.root / str(point["id"])

    def blobs(self, point: Point) -> Path:
        """The contents that a point has."""
        return self.folder(point) / "files"

    def blobs_of(self, digest: str) -> Path:
        """Where a content is, whichever point has it."""
        for point in self.points:
            if (self.blobs(point) / digest).exists():
                return self.blobs(point)
        raise PointError("the content %s was kept by no restore point; choose another point" % digest)

    def unfinished(self) -> Optional[Dict[str, str]]:
        """The rollback that was begun and did not come to its end: where it leads, and what it began from."""
        try:
            found: Dict[str, str] = json.loads((self.root / UNFINISHED).read_text())
        except (OSError, ValueError):
            return None
        return found

    def begin(self, to: Point, back: Point) -> None:
        """Note a rollback."""
        _write(self.root / UNFINISHED, {"to": to["id"], "from": back["id"]})

    def end(self) -> None:
        """Note that the rollback came to its end."""
        (self.root / UNFINISHED).unlink(missing_ok=True)

    def _extend(self, point: Point, more: Mapping[str, Any], blobs: Optional[Path] = None) -> Point:
        """Add to a point what it does not have; its packages stay those of its own time."""
        new = {name: state for name, state in more["paths"].items() if name not in point["paths"]}
        self._keep(self.folder(point), new, blobs)
        for part in PARTS:
            point[part] = {**more[part], **point[part]}
        for role, wanted in more["managed"].items():
            mine = point["managed"].setdefault(role, {"names": [], "builds": []})
            for field, values in mine.items():
                values += [value for value in wanted[field] if value not in values]
        point["roles"] += [role for role in more["roles"] if role not in point["roles"]]
        _write(self.folder(point) / "point.json", point)
        return point

    def _keep(self, folder: Path, paths: Mapping[str, Any], blobs: Optional[Path] = None) -> None:
        place = folder / "files"
        place.mkdir(mode=0o700, exist_ok=True)
        for name, state in paths.items():
            path = blobs / state["sha256"] if blobs and state["type"] == "file" else Path(name)
            restore_record.keep(path, state, place)

    def _tidy(self) -> None:
        """Have the directory, without what an interrupted run left in it."""
        self.root.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.root.mkdir(mode=0o700, exist_ok=True)
        self.root.chmod(0o700)
        for left in self.root.iterdir():
            if left.is_dir() and (left.name.startswith(".") or not (left / "point.json").exists()):
                shutil.rmtree(left)


def _covers(point: Point, found: Mapping[str, Any]) -> bool:
    """Whether a point has all of this state already."""
    return all(
        name in point["paths"] and restore_record.same(point["paths"][name], state)
        for name, state in found["paths"].items()
    ) and all(point[part] == found[part] for part in ("packages", "held", "groups", "accounts", "venvs"))


def _write(file: Path, content: Mapping[str, Any]) -> None:
    partial = file.with_name(file.name + ".new")
    with partial.open("w", encoding="utf-8") as stream:
        partial.chmod(0o600)
        json.dump(content, stream, indent=1, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
