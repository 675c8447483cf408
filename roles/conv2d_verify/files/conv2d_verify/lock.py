"""One verifier at a time on a card.

The lock is taken on the card's own file in sysfs: every user may read that, nothing is written, and nothing
is left behind by a verifier that was killed. Where there is none, it is a file in the directory for locks.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from conv2d_verify.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conv2d_verify.card import Card


def target(sysfs: Path, card: Card | None, device: str) -> Path | None:
    """Return the file to lock; None for a CPU, which anybody may share."""
    if not device.startswith("cuda"):
        return None
    if card is not None:
        path = sysfs / f"class/kfd/kfd/topology/nodes/{card.node}/properties"
        if path.is_file():
            return path
    places = [
        place for place in (Path("/run/lock"), Path(tempfile.gettempdir())) if os.access(place, os.W_OK)
    ]
    return (places or [Path(tempfile.gettempdir())])[
        0
    ] / f"rdna1-conv2d-verify-{device.replace(':', '-')}.lock"


def take(
    path: Path, wait_s: float, waiting: Callable[[], None], clock: Callable[[], float] = time.monotonic
) -> int:
    """Take the lock within `wait_s` seconds; it is held until the descriptor returned is closed."""
    descriptor = _open(path)
    end = clock() + wait_s
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                os.close(descriptor)
                raise UsageError(
                    f"{path}: cannot be locked ({error.strerror}); name another --sysfs."
                ) from error
        else:
            return descriptor
        if clock() >= end:
            os.close(descriptor)
            raise UsageError(
                f"another conv2d-verify uses this card (it holds {path}); wait for it, or raise --wait."
            )
        if not told:
            told = True
            waiting()
        time.sleep(min(0.2, max(0.0, end - clock())))


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened for the lock ({error.strerror}).") from error
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise UsageError(f"{path}: cannot be made for the lock ({error.strerror}).") from error
