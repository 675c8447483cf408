# SPDX-License-Identifier: MIT
"""Making way for what is to be written: nothing of anybody's is lost by it."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterator, List

from ansible_collections.rdna1.provision.plugins.module_utils import apt_backup

# In every file that the roles write, and hardly in anybody else's.
OURS = b"rdna1"
LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Obstacle:
    """Something where a role's file, link or directory shall be."""

    path: Path
    what: str
    stays: bool  # a copy is kept, and the role overwrites it; otherwise it is moved


def find(kind: str, path: Path) -> Iterator[Obstacle]:
    """What is in the way at this place; nothing where it can simply be made, or nothing is to be there.

    The kinds are those of ``file_items``: ``file`` and ``record`` are texts that the roles write, ``data`` is
    any plain file. A tree is ours alone.
    """
    if kind in ("absent", "tree"):
        return
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if kind == "directory":
        if not path.is_dir():  # a link to a directory is somebody's way to have more room
            yield Obstacle(path, "no directory", stays=False)
    elif kind == "link":
        if not stat.S_ISLNK(mode):
            yield Obstacle(path, "no link", stays=False)
    elif not stat.S_ISREG(mode):
        yield Obstacle(path, "no plain file", stays=False)
    elif kind != "data" and not ours(path):
        yield Obstacle(path, "somebody else's file", stays=True)


def ours(path: Path) -> bool:
    """Whether a file is one that the roles wrote; what is empty is nobody's loss."""
    if path.stat().st_size > LIMIT:
        return False
    data = path.read_bytes()
    return not data.strip() or OURS in data


def clear(obstacle: Obstacle, folder: Path, reason: str) -> Path:
    """Keep a copy, or move it aside; return where it is now."""
    if obstacle.stays:
        return apt_backup.keep(obstacle.path, folder, reason)
    if obstacle.path in (folder, *folder.parents):
        # Nothing can be put into the folder before this is out of its way.
        target = _rename_beside(obstacle.path)
        _have(folder)
    else:
        _have(folder)
        target = free_name(folder / (str(obstacle.path).lstrip("/") + ".aside"))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            obstacle.path.rename(target)
        except OSError:
            # Another file system: a directory may be as large as a ROCm, and is not copied.
            target = _rename_beside(obstacle.path)
    record = {
        "path": str(obstacle.path),
        "moved_to": str(target),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "reason": reason,
    }
    with (folder / apt_backup.MANIFEST).open("a", encoding="utf-8") as manifest:
        manifest.write(json.dumps(record, sort_keys=True) + "\n")
    return target


def _have(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _rename_beside(path: Path) -> Path:
    target = free_name(path.with_name(path.name + ".before-rdna1"))
    path.rename(target)
    return target


def free_name(path: Path) -> Path:
    """The path itself, or with a number where something has it."""
    candidates: List[Path] = [path]
    while os.path.lexists(candidates[-1]):
        candidates.append(path.with_name("%s.%d" % (path.name, len(candidates))))
    return candidates[-1]
