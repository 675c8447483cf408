# SPDX-License-Identifier: MIT
"""What lies at a path, as a record to bring it back from: content, mode and owner, or its absence."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Tuple

Record = Dict[str, Any]

# When a file was last written is brought back with it, but two files of another time are the same.
IGNORED = ("mtime", "from", "role")


def see(path: Path) -> Record:
    """What lies there. A symbolic link is itself; of a directory only what it is, not what is in it."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return {"type": "absent", "from": str(missing_from(path))}
    record: Record = {"type": "special", "uid": status.st_uid, "gid": status.st_gid}
    if stat.S_ISLNK(status.st_mode):
        return {**record, "type": "link", "target": str(path.readlink())}
    record["mode"] = "%04o" % stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        record["type"] = "directory"
    elif stat.S_ISREG(status.st_mode):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        record.update(type="file", sha256=digest, mtime=status.st_mtime_ns)
    return record


def under(root: Path) -> Iterator[Tuple[str, Record]]:
    """A directory and all that is in it; the path alone where it is none."""
    yield str(root), see(root)
    if root.is_dir() and not root.is_symlink():
        for folder, folders, files in os.walk(root):
            for name in sorted(folders + files):
                yield str(Path(folder) / name), see(Path(folder) / name)


def missing_from(path: Path) -> Path:
    """The topmost directory that had to be made for this path; the path itself where there is none."""
    missing = path
    for parent in path.parents:
        if os.path.lexists(parent):
            break
        missing = parent
    return missing


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records are of the same state."""
    return _state(one) == _state(other)


def put(path: Path, record: Mapping[str, Any], blobs: Path) -> None:
    """Bring a path into its recorded state. A file appears whole or not at all; nothing is followed."""
    kind = record["type"]
    if kind == "absent":
        remove(path, Path(record["from"]))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "directory":
        if path.is_symlink() or (os.path.lexists(path) and not path.is_dir()):
            path.unlink()
        path.mkdir(exist_ok=True)
        os.chown(path, record["uid"], record["gid"])
        path.chmod(int(record["mode"], 8))
        return
    if path.is_dir() and not path.is_symlink():
        path.rmdir()  # what is in it is somebody's: then this fails, and says so
    partial = path.with_name(".%s.rdna1-restore" % path.name)
    partial.unlink(missing_ok=True)
    if kind == "link":
        partial.symlink_to(record["target"])
        os.lchown(partial, record["uid"], record["gid"])
    else:
        _write(partial, record, (blobs / record["sha256"]).read_bytes())
    partial.replace(path)


def _write(path: Path, record: Mapping[str, Any], data: bytes) -> None:
    """Make a new file; a link that somebody puts in its place meanwhile is not followed."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fchown(handle, record["uid"], record["gid"])  # before the mode: it takes set-user-ID away
        os.fchmod(handle, int(record["mode"], 8))
        os.utime(handle, ns=(record["mtime"], record["mtime"]))
        os.fsync(handle)


def remove(path: Path, top: Path) -> None:
    """Take a path away, and the directories that were made for it where nothing else is in them."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    for folder in (path, *path.parents):
        if folder != top and top not in folder.parents:
            return
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return


def keep(path: Path, record: Mapping[str, Any], blobs: Path) -> None:
    """Keep a file's content under the name of its hash; ValueError where it is not the recorded one."""
    if record["type"] != "file" or (blobs / record["sha256"]).exists():
        return
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != record["sha256"]:
        raise ValueError("%s changes while it is recorded" % path)
    partial = blobs / (record["sha256"] + ".partial")
    partial.write_bytes(data)
    partial.chmod(0o600)
    partial.rename(blobs / record["sha256"])


def _state(record: Mapping[str, Any]) -> Dict[str, Any]:
    return {field: value for field, value in record.items() if field not in IGNORED}
