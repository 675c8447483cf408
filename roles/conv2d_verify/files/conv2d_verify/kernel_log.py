"""The kernel's own account of a run: what it logged meanwhile, and the known signs of a hang or fault in it.

/dev/kmsg is opened at the start, while there may still be the privilege to do so, and stays open after it is
given up: from then on it yields exactly the records written since.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

KMSG = Path("/dev/kmsg")
_PATTERNS = Path(__file__).with_name("data") / "kernel_log.json"
_RECORD = 8192
_MOST_LINES = 200


class KernelLog:
    """The records since it was opened, and a look back at what the boot logged."""

    def __init__(self, path: Path = KMSG) -> None:
        self.problem = ""
        self.readable = False
        self._descriptor: int | None = None
        self.history: list[str] = []
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self.problem = f"{path} cannot be read ({error.strerror})"
            return
        self.readable = True
        # Everything since boot first; what is read from now on is new.
        self.history = self.new()

    def new(self) -> list[str]:
        """Return the lines logged since the last call."""
        lines = []
        while self._descriptor is not None:
            try:
                record = os.read(self._descriptor, _RECORD)
            except BrokenPipeError:
                # Records were overwritten before they were read; go on with the next that is left.
                continue
            except OSError:
                break
            if not record:
                break
            lines.append(text_of(record))
        return lines

    def close(self) -> None:
        """Close it."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def text_of(record: bytes) -> str:
    """Return the message of a /dev/kmsg record `priority,sequence,time,flags;message`."""
    head, _, rest = record.decode(errors="replace").partition(";")
    line = rest.split("\n", 1)[0]
    parts = head.split(",")
    stamp = f"[{int(parts[2]) / 1e6:.6f}] " if len(parts) > 2 and parts[2].isdigit() else ""
    return stamp + line


def patterns(path: Path = _PATTERNS) -> list[tuple[re.Pattern[str], str, str]]:
    """Return what to look for: pattern, code, meaning."""
    entries = json.loads(path.read_text(encoding="utf-8"))["patterns"]
    return [(re.compile(entry["pattern"]), entry["code"], entry["meaning"]) for entry in entries]


def match(lines: list[str]) -> list[dict[str, str]]:
    """Return the lines that are a known sign, each with what it means."""
    known = patterns()
    found: list[dict[str, str]] = []
    for line in lines:
        for pattern, code, meaning in known:
            if pattern.search(line):
                found.append({"line": line, "code": code, "meaning": meaning})
                break
    return found[:_MOST_LINES]


def summary(log: KernelLog, during: list[dict[str, str]], lines: int) -> dict[str, Any]:
    """Return what the verdict holds about the kernel log."""
    return {
        "readable": log.readable,
        "problem": log.problem,
        "new_lines": lines,
        "matches": during,
        "at_boot": [hit for hit in match(log.history) if hit["code"] in ("pcie-atomics", "oom")][-20:],
    }
