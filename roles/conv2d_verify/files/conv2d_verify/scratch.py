"""The worker's own temporary directory: what a compiler leaves there is seen, and goes with it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

_NAME = re.compile(r"tmp-(\d+)-")


def make(directory: Path) -> Path:
    """Make one, and remove those of verifiers that were killed."""
    for entry in directory.glob("tmp-*"):
        found = _NAME.match(entry.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            remove(entry)
    return Path(tempfile.mkdtemp(prefix=f"tmp-{os.getpid()}-", dir=directory))


def remove(path: Path) -> None:
    """Remove one with all that is in it; what cannot be removed is nothing to fail for."""
    shutil.rmtree(path, ignore_errors=True)
