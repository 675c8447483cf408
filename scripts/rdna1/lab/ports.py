"""Free TCP ports on loopback, the same ones for the same lab where possible."""

import socket
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping

from rdna1.lab.errors import LabError

LOOPBACK = "127.0.0.1"
# Below the range that Linux takes the ports of outgoing connections from.
FIRST, LAST = 20000, 31999


def is_free(port: int) -> bool:
    """Whether nothing on this machine listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def allocate(
    lab: str, count: int, taken: Collection[int] = (), free: Callable[[int], bool] = is_free
) -> list[int]:
    """Return free ports that are not in `taken`; where the search starts follows from the lab's name."""
    size = LAST - FIRST + 1
    start = zlib.crc32(lab.encode()) % size
    found: list[int] = []
    for step in range(size):
        if len(found) == count:
            break
        port = FIRST + (start + step) % size
        if port not in taken and free(port):
            found.append(port)
    if len(found) < count:
        raise LabError(
            "this machine", f"it has no {count} free ports from {FIRST} to {LAST}", "stop what holds them"
        )
    return found


def assign(
    lab: str,
    names: Iterable[str],
    held: Mapping[str, int],
    recorded: Mapping[str, int],
    free: Callable[[int], bool] = is_free,
) -> dict[str, int]:
    """Return a port for each name: the one that its container holds, or it once had, or a new one.

    A recorded port may have been taken by another program while its container was gone.
    """
    names = list(names)
    given = {name: held[name] for name in names if name in held}
    for name in names:
        port = recorded.get(name)
        if name not in given and port is not None and port not in given.values() and free(port):
            given[name] = port
    missing = [name for name in names if name not in given]
    fresh = allocate(lab, len(missing), set(given.values()), free)
    return given | dict(zip(missing, fresh, strict=True))
