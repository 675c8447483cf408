# SPDX-License-Identifier: MIT
"""Reading a file that may be anything by now: a pipe in its place would be waited for without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

# More than any verdict or record has.
LARGEST = 16 << 20


class RefusedError(ValueError):
    """What lies there is not what its user may have read. The message is a sentence without its full stop."""


def read(path: Path) -> bytes:
    """The content of a plain file, or of one that a link leads to; OSError for anything else."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        return file.read()


def read_own(path: Path, largest: int = LARGEST) -> bytes:
    """The content of a plain file that belongs to whoever its directory belongs to, and has one name.

    A user without privileges who may write to the directory could put a link there to a file that root alone
    may read. Raises RefusedError for a link, a file of another's or with a second name, and for one of more
    than `largest` bytes; OSError where nothing can be opened.
    """
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        owner = os.fstat(directory).st_uid
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        opened = os.open(path.name, flags, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RefusedError(
                f"{path} is a link, and what it leads to may be a file that its user may not read"
            ) from None
        raise
    finally:
        os.close(directory)
    with os.fdopen(opened, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise RefusedError(f"{path} is no plain file")
        if found.st_uid != owner or found.st_nlink != 1:
            raise RefusedError(
                f"{path} belongs to user {found.st_uid} and has {found.st_nlink} name(s), where only a file "
                f"of user {owner}, whose directory it is, with one name is read"
            )
        content = file.read(largest + 1)
    if len(content) > largest:
        raise RefusedError(f"{path} has more than {largest} bytes")
    return content


def read_led_to(path: Path) -> bytes:
    """As read_own, through links that root, or whoever runs this, has made. Raises OSError, RefusedError."""
    for _ in range(8):
        try:
            target = path.readlink()
        except OSError:
            break
        if path.lstat().st_uid not in (0, os.geteuid()):
            raise RefusedError(f"{path} is a link of another's")
        path = path.parent / target
    return read_own(path)
