# SPDX-License-Identifier: MIT
"""Text files that roles write: read as they are, written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Optional, Tuple


def read(path: Path) -> Optional[str]:
    """A plain file's text, line ends and all; None where there is no such file, or no UTF-8 text in it."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def write(path: Path, text: str, mode: int, owner: Tuple[int, int]) -> None:
    """Put a file in its place at once, with its mode and its (user, group); a link is replaced.

    Raises OSError, and leaves what was there.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=".rdna1-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        os.chown(temporary, *owner)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
