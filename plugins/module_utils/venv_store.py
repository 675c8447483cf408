# SPDX-License-Identifier: MIT
"""Moving venvs in and out of use, so that ``current`` never leads to one that is half-built.

A venv cannot be moved: its scripts carry its path. So it is built where it will stay, and its marker
is written last. One of the same lock that must be built anew (its interpreter went with an OS upgrade)
is set aside first and ``current`` with it; it comes back if the new one fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Iterator

from ansible_collections.rdna1.provision.plugins.module_utils import progress
from ansible_collections.rdna1.provision.plugins.module_utils.venv_state import (
    ASIDE,
    MARKER,
    Layout,
    read_marker,
)


class StoreError(Exception):
    """One sentence that says what stands in the way and what cures it."""


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep a second run on this host out; one that was killed keeps nobody out."""
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (root / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"another run is at work under {root}; wait until it has ended, then run again"
            ) from error
        yield


@contextlib.contextmanager
def scratch(layout: Layout) -> Iterator[Path]:
    """Give a private folder on the venvs' own disk, gone afterwards."""
    layout.tmp.mkdir(mode=0o755, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=layout.tmp))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            layout.tmp.rmdir()


def recover(layout: Layout) -> None:
    """Tidy what an interrupted run left: every venv is then complete where it stands, or gone."""
    for aside in [path for path in layout.venvs.glob("*") if ASIDE.match(path.name)]:
        put_back(layout._replace(name=aside.name.partition(".")[0]))
    for left in set(layout.tmp.glob("*")) - {layout.wheels}:
        shutil.rmtree(left, ignore_errors=True)


def set_aside(layout: Layout) -> None:
    """Clear the place of the venv to build; what is current stays so under another name until then."""
    is_current = points_to(layout, layout.venv)
    if not layout.venv.is_dir():
        _remove(layout.venv)
        if is_current:  # it leads nowhere, and must not lead into what is about to be built
            layout.current.unlink()
    elif is_current or read_marker(layout.venv) is not None:
        layout.venv.rename(layout.aside)
        if is_current:
            switch(layout, layout.aside)
    else:
        _remove(layout.venv)


def put_back(layout: Layout) -> None:
    """Undo ``set_aside``, or finish it where the new venv is complete."""
    if read_marker(layout.venv) is not None:
        if points_to(layout, layout.aside):
            switch(layout, layout.venv)
        _remove(layout.aside)
        return
    _remove(layout.venv)
    if layout.aside.is_dir():
        was_current = points_to(layout, layout.aside) or points_to(layout, layout.venv)
        layout.aside.rename(layout.venv)
        if was_current:
            switch(layout, layout.venv)


def complete(layout: Layout, marker: dict[str, Any]) -> None:
    """Write the marker, the last act of a build."""
    file = layout.venv / f"{MARKER}.new"
    with file.open("w") as stream:
        json.dump(marker, stream, indent=2, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    file.replace(layout.venv / MARKER)


def switch(layout: Layout, venv: Path) -> None:
    """Let ``current`` lead to a venv: at no moment does it lead nowhere."""
    link = layout.root / ".current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(venv.relative_to(layout.root))
    try:
        link.replace(layout.current)
    except OSError as error:
        link.unlink()
        raise StoreError(
            f"{layout.current} is not the role's symlink ({error.strerror}); move it away and run again"
        ) from error
    with contextlib.suppress(OSError):
        os.utime(venv / MARKER)  # the order of last use is the order in which old venvs go


def points_to(layout: Layout, venv: Path) -> bool:
    """Whether ``current`` leads to this venv."""
    return layout.current.is_symlink() and str(layout.current.readlink()) == str(
        venv.relative_to(layout.root)
    )


def room_gib(layout: Layout) -> float:
    """Free space for a venv, in GiB; what was fetched and installed ahead has some of it already."""
    has = progress.size(layout.wheels)
    if has and read_marker(layout.venv) is None:
        has += progress.size(layout.venv)
    return free_gib(layout.venvs) + has / (1 << 30)


def free_gib(path: Path) -> float:
    """Free space where a path is or will be, in GiB."""
    there = next(place for place in (path, *path.parents) if place.exists())
    found = os.statvfs(there)
    return found.f_bavail * found.f_frsize / (1 << 30)


def remove(layout: Layout, path: str) -> None:
    """Remove one of the layout's own folders, given relative to its root."""
    _remove(layout.root / path)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        # Without its marker first: what a killed removal leaves must not pass for complete.
        (path / MARKER).unlink(missing_ok=True)
        shutil.rmtree(path)
