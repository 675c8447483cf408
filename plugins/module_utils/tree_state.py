# SPDX-License-Identifier: MIT
"""A directory that holds exactly the given text files: what differs, and how to make it so."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from ansible_collections.rdna1.provision.plugins.module_utils import text_file


@dataclass(frozen=True)
class Difference:
    """One path that is not as wanted; a text is None where there is none that can be shown."""

    path: str
    before: str | None
    after: str | None


def differences(
    root: Path, files: dict[str, str], mode: int, directory_mode: int, compiled: bool = False
) -> list[Difference]:
    """Return what is not as wanted: missing, other, of another mode or owner, or not wanted at all.

    compiled: what Python compiled may be there.
    """
    found = []
    for folder in folders(files):
        path = root / folder
        if not _is(path, stat.S_ISDIR, directory_mode):
            found.append(Difference(f"{folder}/", None, None))
    for name, wanted in sorted(files.items()):
        path = root / name
        text = text_file.read(path)
        if text != wanted or not _is(path, stat.S_ISREG, mode):
            found.append(Difference(name, text, wanted))
    return found + [
        Difference(name, text_file.read(root / name), None) for name in strangers(root, files, compiled)
    ]


def apply(root: Path, files: dict[str, str], mode: int, directory_mode: int, compiled: bool = False) -> None:
    """Make it so. Each file appears whole or not at all; what is not wanted goes last."""
    for folder in folders(files):
        path = root / folder
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            path.unlink()
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, os.geteuid(), os.getegid())
        path.chmod(directory_mode)
    for name, wanted in sorted(files.items()):
        path = root / name
        if text_file.read(path) != wanted or not _is(path, stat.S_ISREG, mode):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            text_file.write(path, wanted, mode, (os.geteuid(), os.getegid()))
    for name in strangers(root, files, compiled):
        remove(root / name)


def remove(path: Path) -> None:
    """Remove whatever is there; of a link, the link. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def folders(files: dict[str, str]) -> list[str]:
    """Return the folders that the files need, the outermost first."""
    needed = {Path(name).parent for name in files}
    needed |= {parent for folder in needed for parent in folder.parents}
    return sorted(str(folder) for folder in needed)


def is_compiled(name: str) -> bool:
    """Whether it is a folder of what Python compiled, or in one."""
    return "__pycache__" in Path(name).parts


def strangers(root: Path, files: dict[str, str], compiled: bool = False) -> list[str]:
    """Return what is there and not wanted; a folder that is not wanted stands for all that is in it."""
    wanted = set(folders(files))
    found = []
    for folder in sorted(wanted):
        path = root / folder
        if path.is_dir() and not path.is_symlink():
            names = (str((Path(folder) / entry.name)) for entry in path.iterdir())
            found += [name for name in names if name not in files and name not in wanted]
    return sorted(name for name in found if not (compiled and is_compiled(name)))


def _is(path: Path, kind: Callable[[int], bool], mode: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    # Whoever makes the tree owns it: nobody else may write to what root, or the verifier, then runs.
    mine = (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    return mine and kind(found.st_mode) and stat.S_IMODE(found.st_mode) == mode
