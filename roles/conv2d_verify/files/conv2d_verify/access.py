"""May this process use the card at all?"""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any


def groups() -> list[str]:
    """Return the names of the groups this process is in."""
    names = []
    for number in sorted({os.getegid(), *os.getgroups()}):
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            names.append(str(number))
    return names


def user() -> str:
    """Return the name of the user this process runs as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def device(path: Path) -> dict[str, Any]:
    """Say whether the compute driver's device is there and may be opened."""
    there = path.exists()
    real = there and path.is_char_device()
    usable = there and (os.access(path, os.R_OK | os.W_OK) if real else os.access(path, os.R_OK))
    return {"path": str(path), "exists": there, "is_device": real, "usable": usable}
