# SPDX-License-Identifier: MIT
"""MIOpen's find databases in the homes of a host's people.

MIOpen remembers which solvers it found for a shape. What it found while some solvers were switched off
outlives the switch, so that a new policy would act on old answers. Only those answers are removed
(``gfx….ufdb.txt``): tuned parameters (``.udb``, ``.updb.txt``) and compiled kernels (``.ukdb``)
belong to a solver, whoever chose it.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import stat
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple, Sequence

PATTERN = "gfx*.ufdb.txt"
PEOPLE = range(1000, 60001)  # the user ids that Debian and Ubuntu give to people


class Account(NamedTuple):
    """Somebody who may have used the card."""

    name: str
    uid: int
    gid: int
    home: Path


class Found(NamedTuple):
    """What to remove, and what could not be looked at, with the reason."""

    files: list[str]
    unseen: list[str]


def accounts(entries: Iterable[Any], names: Sequence[str]) -> list[Account]:
    """Pick the named accounts of a password database; without names, root and everybody who is a person."""
    return [
        Account(entry.pw_name, entry.pw_uid, entry.pw_gid, Path(entry.pw_dir))
        for entry in entries
        if (entry.pw_name in names if names else entry.pw_uid == 0 or entry.pw_uid in PEOPLE)
        and Path(entry.pw_dir).is_absolute()
        and entry.pw_dir != "/"
    ]


@contextlib.contextmanager
def acting_as(account: Account) -> Iterator[None]:
    """Have the rights of the account alone: a link in its home leads nowhere that it could not go itself."""
    if os.geteuid() != 0 or account.uid == 0:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups(os.getgrouplist(account.name, account.gid))
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def find(account: Account, directories: Sequence[str]) -> Found:
    """The account's own databases in directories (``~`` is its home), never outside what they name."""
    files, unseen = [], []
    for directory in directories:
        inside = directory.startswith("~/")
        folder = account.home / directory[2:] if inside else Path(directory)
        try:
            names = os.listdir(folder)  # noqa: PTH208 (an absent folder must raise here, not later)
            if inside and not folder.resolve().is_relative_to(account.home.resolve()):
                unseen.append(f"{folder} leads out of {account.name}'s home")
                continue
            files += [
                str(folder / name)
                for name in sorted(names)
                if fnmatch.fnmatchcase(name, PATTERN) and _owned_file(folder / name, account.uid)
            ]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            unseen.append(f"{folder} cannot be read as {account.name} ({error.strerror})")
    return Found(files, unseen)


def remove(account: Account, directories: Sequence[str], dry: bool) -> Found:
    """Remove what ``find`` finds, with the rights of the account alone."""
    with acting_as(account):
        found = find(account, directories)
        if not dry:
            for file in found.files:
                Path(file).unlink(missing_ok=True)
    return found


def _owned_file(path: Path, uid: int) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_uid == uid
