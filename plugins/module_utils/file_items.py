# SPDX-License-Identifier: MIT
"""What roles have in the file system, item by item: what differs from one, and how to make it so.

The kinds are those of ``plugin_utils/kinds.py``, and each item has all its fields. What is in the way of one
was moved aside before (``aside``), so that nothing of anybody's is overwritten here.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import text_file, tree_state

Item = Dict[str, Any]


# What a diff shows of a file that only its owner may read.
SECRET = ("a content that only its owner may read\n", "another one\n")


class UnknownOwnerError(Exception):
    """A user or a group is not on the host; the message is one sentence without its full stop."""


@dataclass(frozen=True)
class Change:
    """One path that is not as wanted: what is there, and what shall be, as text."""

    path: str
    before: str
    after: str


def changes(item: Item) -> List[Change]:
    """What making it would change; nothing where all is as wanted."""
    return list(KINDS[item["kind"]][0](item))


def make(item: Item) -> None:
    """Make it so; whoever reads a file meanwhile sees the old one or the new one.

    Raises OSError, and UnknownOwnerError where the host has no such account.
    """
    KINDS[item["kind"]][1](item)


# --- directories, and files that something else writes --------------------------------------------


def _directory(item: Item) -> Iterator[Change]:
    path = Path(item["path"])
    if not path.is_dir():
        yield Change(str(path), "", "a directory\n")
    elif not path.is_symlink():  # what a link leads to is somebody's own
        yield from _access(item)


def _make_directory(item: Item) -> None:
    path = Path(item["path"])
    if not path.is_symlink():
        path.mkdir(parents=True, exist_ok=True)
        _set_access(item)


def _data(item: Item) -> Iterator[Change]:
    if os.path.lexists(item["path"]):
        yield from _access(item)


def _access(item: Item) -> Iterator[Change]:
    found = Path(item["path"]).lstat()
    owner = (found.st_uid, found.st_gid)
    if stat.S_IMODE(found.st_mode) != _mode(item) or owner != _ids(item):
        before = "mode %04o, owner %s, group %s\n" % (stat.S_IMODE(found.st_mode), *owner)
        yield Change(item["path"], before, "mode %(mode)s, owner %(owner)s, group %(group)s\n" % item)


def _set_access(item: Item) -> None:
    os.chown(item["path"], *_known(item))
    Path(item["path"]).chmod(_mode(item))


def _mode(item: Item) -> int:
    return int(item["mode"], 8)


def _ids(item: Item) -> Optional[Tuple[int, int]]:
    """User's and group's number; None where one of them is not there (yet)."""
    try:
        return pwd.getpwnam(item["owner"]).pw_uid, grp.getgrnam(item["group"]).gr_gid
    except KeyError:
        return None


def _known(item: Item) -> Tuple[int, int]:
    found = _ids(item)
    if found is None:
        raise UnknownOwnerError("there is no user %(owner)s or no group %(group)s" % item)
    return found


# --- text files -----------------------------------------------------------------------------------


def _file(item: Item) -> Iterator[Change]:
    text = text_file.read(Path(item["path"]))
    if text != item["text"]:
        for_all = _mode(item) & 0o077
        yield Change(item["path"], text or "", item["text"]) if for_all else Change(item["path"], *SECRET)
    else:
        yield from _access(item)


def _make_file(item: Item) -> None:
    text_file.write(Path(item["path"]), item["text"], _mode(item), _known(item))


# --- links ----------------------------------------------------------------------------------------


def _link(item: Item) -> Iterator[Change]:
    """Where it leads to; or, as others may be on the way (update-alternatives), where it ends."""
    path = Path(item["path"])
    found = str(path.readlink()) if path.is_symlink() else ""
    right = os.path.realpath(path) == item["leads_to"] if "leads_to" in item else found == item["target"]
    if not (found and right):
        yield Change(str(path), found and "a link to %s\n" % found, "a link to %s\n" % _end(item))


def _make_link(item: Item) -> None:
    path = Path(item["path"])
    folder = Path(tempfile.mkdtemp(prefix=".rdna1-", dir=path.parent))
    try:
        (folder / "link").symlink_to(_end(item))
        (folder / "link").replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _end(item: Item) -> str:
    return str(item["target"] if "target" in item else item["leads_to"])


# --- nothing --------------------------------------------------------------------------------------


def _absent(item: Item) -> Iterator[Change]:
    if os.path.lexists(item["path"]):
        # What it holds is nobody's to see: it may be a secret, or in a folder where a user puts links.
        yield Change(item["path"], "something\n", "")


def _remove(item: Item) -> None:
    tree_state.remove(Path(item["path"]))


# --- trees ----------------------------------------------------------------------------------------


def _tree(item: Item) -> Iterator[Change]:
    for found in tree_state.differences(*_tree_arguments(item)):
        path = os.path.normpath("%s/%s" % (item["path"], found.path))
        yield Change(path, found.before or "", found.after or "")


def _make_tree(item: Item) -> None:
    tree_state.apply(*_tree_arguments(item))


def _tree_arguments(item: Item) -> Tuple[Path, Dict[str, str], int, int, bool]:
    return Path(item["path"]), item["files"], _mode(item), int(item["directory_mode"], 8), item["compiled"]


Look = Callable[[Item], Iterator[Change]]
KINDS: Dict[str, Tuple[Look, Callable[[Item], None]]] = {
    "absent": (_absent, _remove),
    "data": (_data, _set_access),
    "directory": (_directory, _make_directory),
    "file": (_file, _make_file),
    "link": (_link, _make_link),
    "record": (lambda _item: iter(()), lambda _item: None),  # whose module judges it
    "tree": (_tree, _make_tree),
}
