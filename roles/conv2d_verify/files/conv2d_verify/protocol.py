"""What the parent and the worker say to each other: one JSON object a line, over pipes of their own.

The worker's standard output is not part of it: whatever a library prints there is kept apart and cannot be
taken for an answer.

parent → worker   {"do": "case", "case": {…}} · {"do": "end"}
worker → parent   hello (the runtime it found) · fatal (why it cannot work) · begin (a case) ·
                  phase (the heartbeat of a case: what it is about to do) · result (a case's)
"""

from __future__ import annotations

import json
import os
from typing import Any

# A longer line is no message of ours: a worker gone wild must not fill the parent's memory.
LONGEST = 1 << 20

# The phases of a case. A first launch may compile; a wait is only ever for the device.
PREPARE, FIRST_LAUNCH, LAUNCH, WAIT, COMPARE = "prepare", "first-launch", "launch", "wait", "compare"


def send(descriptor: int, message: dict[str, Any]) -> None:
    """Write one message whole."""
    data = memoryview(json.dumps(message, allow_nan=False).encode() + b"\n")
    while data:
        data = data[os.write(descriptor, data) :]


class Lines:
    """Collect what arrives in pieces into messages."""

    def __init__(self) -> None:
        self._rest = b""
        self.garbage = 0

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the messages that are now whole; what is none is counted."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            self._rest = b""
            self.garbage += 1
        found = []
        for line in lines:
            message = _message(line)
            if message is None:
                self.garbage += 1
            else:
                found.append(message)
        return found


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("say"), str) else None


def command(line: bytes) -> dict[str, Any]:
    """Read one of the parent's commands."""
    value = json.loads(line)
    if not isinstance(value, dict) or value.get("do") not in ("case", "end"):
        raise ValueError("not a command of this protocol")
    return value
