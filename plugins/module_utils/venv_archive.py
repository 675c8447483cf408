# SPDX-License-Identifier: MIT
"""Unpacking a Python archive: writable by nobody but its owner, and nothing outside its folder."""

from __future__ import annotations

import posixpath
import tarfile
from pathlib import Path
from typing import Iterator

TOP = "python"


class ArchiveError(Exception):
    """One sentence that says what is wrong with the archive."""


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack an archive whose only top folder is ``python`` and return that folder."""
    # The members are made safe below; Python's own filters came with 3.12 and late 3.9 to 3.11.
    trusted = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, members=list(_safe(tar)), **trusted)  # type: ignore[arg-type]  # noqa: S202
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"the archive cannot be unpacked ({error})") from error
    if not (folder / TOP).is_dir():
        raise ArchiveError(
            f"the archive has no folder {TOP!r}; it is not laid out as python-build-standalone's are"
        )
    return folder / TOP


def _safe(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in tar:
        _stays_inside(member.name, member.name)
        if member.issym():
            _stays_inside(member.name, posixpath.join(posixpath.dirname(member.name), member.linkname))
        elif member.islnk():
            _stays_inside(member.name, member.linkname)
        elif not (member.isfile() or member.isdir()):
            raise ArchiveError(f"the archive holds {member.name}, which is neither file, folder nor link")
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode &= 0o755
        yield member


def _stays_inside(name: str, path: str) -> None:
    if posixpath.normpath(path).split("/")[0] != TOP:
        raise ArchiveError(f"the archive's {name} leads out of its folder {TOP!r}")
