"""Whether a boot is one after which the host must look at itself: its OS or its kernel is another."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OS_RELEASE = Path("/etc/os-release")
# What keeps a host out of use: only the fleet takes it back.
QUARANTINE = Path("/var/lib/rdna1/quarantined.json")


def system(os_release: Path = OS_RELEASE) -> dict[str, str]:
    """Return what this host is."""
    pairs = (
        line.split("=", 1) for line in os_release.read_text(encoding="utf-8").splitlines() if "=" in line
    )
    fields = {name: " ".join(shlex.split(value)) for name, value in pairs}
    return {
        "os": f"{fields.get('ID', 'linux')} {fields.get('VERSION_ID', '')}".strip(),
        "kernel": platform.release(),
    }


def why_not(reason: str, last: Mapping[str, Any] | None, now: Mapping[str, str]) -> str:
    """Return why nothing has to be done; empty where something has."""
    if reason != "boot" or last is None or last.get("ok") is not True:
        return ""
    if any(last.get(field) != value for field, value in now.items()):
        return ""
    return f"the last run was right, and about {now['os']} with kernel {now['kernel']}, as it is now"
