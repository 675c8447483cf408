# SPDX-License-Identifier: MIT
"""Keeping what is about to be replaced or removed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

MANIFEST = "manifest.jsonl"


def keep(path: Path, folder: Path, reason: str) -> Path:
    """Copy a file to ``folder`` and say so in its manifest: one line of JSON a file. Returns the copy.

    The copy's name tells its content, so that the same file is kept once, however often it comes back.
    """
    status = path.stat()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    copy = folder / ("%s.%s" % (str(path).lstrip("/"), digest[:12]))
    if copy.exists():
        return copy
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # a source may hold a password
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_name(copy.name + ".partial")
    shutil.copy2(path, partial)
    os.chown(partial, status.st_uid, status.st_gid)
    record = {
        "path": str(path),
        "copy": str(copy.relative_to(folder)),
        "sha256": digest,
        "mode": "%04o" % (status.st_mode & 0o7777),
        "owner": status.st_uid,
        "group": status.st_gid,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "reason": reason,
    }
    with (folder / MANIFEST).open("a", encoding="utf-8") as manifest:
        manifest.write(json.dumps(record, sort_keys=True) + "\n")
    partial.rename(copy)
    return copy
