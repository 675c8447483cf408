# SPDX-License-Identifier: MIT
"""The ledger: one line of JSON for each apt transaction of the chain, written before it begins.

It is how a rollback and a removal know which packages the chain brought. A line about what never came
does no harm: only what is installed is ever taken away.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set

LEDGER = Path("/var/lib/rdna1/ledger.jsonl")
Entry = Dict[str, Any]


def append(asked: Iterable[str], changes: Iterable[Mapping[str, Any]], ledger: Optional[Path] = None) -> None:
    """Write down what is about to happen; it is on the disk when this returns."""
    ledger = ledger or LEDGER
    entry = {
        "schema": "rdna1.ledger/1",
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        # A .deb is asked for by its path.
        "asked": sorted({Path(name).name.partition("_")[0].partition("=")[0] for name in asked}),
        "changes": [{field: change[field] for field in ("name", "old", "new")} for change in changes],
    }
    ledger.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    # One write of one line; what a power loss cut off before is closed by the line break in front.
    torn = ledger.exists() and ledger.stat().st_size and not ledger.read_bytes().endswith(b"\n")
    line = ("\n" if torn else "") + json.dumps(entry, sort_keys=True) + "\n"
    handle = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def size(ledger: Path = LEDGER) -> int:
    """How long it is: a restore point notes it, because clocks may be set back and this only grows."""
    return ledger.stat().st_size if ledger.exists() else 0


def read(since: int = 0, ledger: Path = LEDGER) -> List[Entry]:
    """Its entries from a length on, without a line that was cut off."""
    if not ledger.exists():
        return []
    entries = []
    for line in ledger.read_bytes()[since:].splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def names(entries: Iterable[Entry]) -> Set[str]:
    """All packages that these entries changed."""
    return {change["name"].partition(":")[0] for entry in entries for change in entry["changes"]}
