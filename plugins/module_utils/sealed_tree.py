# SPDX-License-Identifier: MIT
"""A directory that is complete and shall stay as it is: a list of its files, and what differs from it.

The list is written last. A look compares what ``lstat`` tells of each file; only of those that were touched
since (another ctime, which nobody can set) is the content read. Files that the list does not have are
somebody's own.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path
from typing import Any, Collection, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import plain_file

LIST = ".rdna1-files"
FIRST_LINE = "rdna1.files/1\n"
# How much of what was touched a quick look reads: some 0.1 s.
READ_LIMIT = 32 << 20
# One who deletes a directory makes thousands of differences; a person reads the first.
SAID = 4


class Entry(NamedTuple):
    """A file, link or directory as it was when the list was written."""

    mode: int
    uid: int
    gid: int
    size: int
    ctime: int
    digest: str

    def line(self, path: str) -> str:
        """As the list has it; of a directory neither size nor time say anything."""
        return "%o %d %d %d %d %s %s\n" % (*self, path)


def write(root: Path, known: Optional[Mapping[str, str]] = None, skip: Collection[str] = ()) -> None:
    """List what is there but for ``skip``; ``known`` are digests that need not be computed."""
    files = [path for path in _walk(root) if path not in skip]
    folders = {str(folder) for path in files for folder in Path(path).parents}
    lines = [_entry(root / path, (known or {}).get(path)).line(path) for path in [*sorted(folders), *files]]
    _replace(root, FIRST_LINE + "".join(lines))


def look(root: Path, deep: bool = False, limit: Optional[int] = READ_LIMIT) -> Dict[str, Any]:
    """What differs: ``damaged`` in words (the first of ``count``), and which other files were ``touched``.

    ``limit`` is how many bytes of touched files may be read, None for all; ``deep`` reads every file.
    """
    listed = _read(root)
    if listed is None:
        return {"damaged": ["the list of its files (%s) cannot be read" % LIST], "count": 1, "touched": []}
    damaged, touched = [], []
    base = str(root) + os.sep
    for path, wanted in listed:
        place = base + path
        try:
            status = os.lstat(place)
        except OSError:
            damaged.append("%s is missing" % path)
            continue
        if said := _unlike(status, wanted):
            damaged.append("%s %s" % (path, said))
            continue
        if stat.S_ISDIR(status.st_mode):
            continue
        since = status.st_ctime_ns != wanted.ctime
        within = limit is None or status.st_size <= limit
        if deep or (since and within):
            if since and limit is not None:
                limit -= status.st_size
            if digest(Path(place)) != wanted.digest:
                damaged.append("%s has other content" % path)
                continue
        if since:
            touched.append(path)
    return {"damaged": damaged[:SAID], "count": len(damaged), "touched": touched}


def renew(root: Path) -> None:
    """Note the times anew, once a look with no limit has found every touched file to be right."""
    lines = [FIRST_LINE]
    for path, entry in _read(root) or []:
        now = (root / path).lstat().st_ctime_ns
        lines.append(entry._replace(ctime=now if entry.ctime else 0).line(path))
    _replace(root, "".join(lines))


def digest(path: Path) -> str:
    """A file's content, or where a link leads, as RECORD files have it."""
    if path.is_symlink():
        return _text(hashlib.sha256(os.fsencode(path.readlink())))
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return _text(found)


def _text(found: Any) -> str:
    return "sha256=" + base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode()


def _walk(root: Path) -> Iterator[str]:
    """Every file and link, but what Python compiles whenever it may, and our own notes."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted(links + files):
            if not name.startswith(".rdna1-") and not name.endswith(".pyc"):
                yield str(Path(folder, name).relative_to(root))


def _entry(place: Path, known: Optional[str]) -> Entry:
    status = place.lstat()
    owner = (status.st_mode, status.st_uid, status.st_gid)
    if stat.S_ISDIR(status.st_mode):
        return Entry(*owner, 0, 0, "-")
    return Entry(*owner, status.st_size, status.st_ctime_ns, known or digest(place))


def _unlike(status: os.stat_result, wanted: Entry) -> str:
    """What a status alone shows, in words; empty where nothing."""
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFMT(wanted.mode):
        return "is another kind of file"
    if status.st_mode != wanted.mode:
        return "has mode %04o, %04o wanted" % (stat.S_IMODE(status.st_mode), stat.S_IMODE(wanted.mode))
    if (status.st_uid, status.st_gid) != (wanted.uid, wanted.gid):
        return "belongs to %d:%d, %d:%d wanted" % (status.st_uid, status.st_gid, wanted.uid, wanted.gid)
    if kind != stat.S_IFDIR and status.st_size != wanted.size:
        return "has %d bytes, %d wanted" % (status.st_size, wanted.size)
    return ""


def _read(root: Path) -> Optional[List[Tuple[str, Entry]]]:
    """None where there is no list, or one that was cut short or edited."""
    try:
        first, *lines = plain_file.read(root / LIST).decode().splitlines(keepends=True)
        if first != FIRST_LINE:
            return None
        return [_parse(line) for line in lines]
    except (OSError, ValueError):
        return None


def _parse(line: str) -> Tuple[str, Entry]:
    mode, uid, gid, size, ctime, content, path = line.split(" ", 6)
    if not path.endswith("\n"):
        raise ValueError("cut short")
    return path[:-1], Entry(int(mode, 8), int(uid), int(gid), int(size), int(ctime), content)


def _replace(root: Path, text: str) -> None:
    new = root / (LIST + ".new")
    with new.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(root / LIST)
