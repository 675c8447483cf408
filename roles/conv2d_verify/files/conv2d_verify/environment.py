"""The variables a worker runs with: read from the host's file, and which of them have any effect."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from conv2d_verify.errors import UsageError

_DATA = Path(__file__).with_name("data") / "variables.json"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_file(path: Path) -> dict[str, str]:
    """Read KEY=VALUE lines as systemd's EnvironmentFile= does: comments, quotes, no expansion."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--environment-file {path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--environment-file {path}: is not UTF-8 text.") from error
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        name, sign, value = line.partition("=")
        if not sign or not _NAME.fullmatch(name.strip()):
            raise UsageError(f"{path}: line {number} is {line!r}; allowed: NAME=VALUE.")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def report(environment: dict[str, str]) -> list[dict[str, Any]]:
    """Return the variables that concern the GPU's software, and whether each has any effect."""
    data = json.loads(_DATA.read_text(encoding="utf-8"))
    prefixes = tuple(data["prefixes"])
    found = []
    for name in sorted(environment):
        if not name.startswith(prefixes):
            continue
        known = data["variables"].get(name, {})
        found.append(
            {
                "name": name,
                "value": environment[name],
                "effect": _effect(known.get("effect", ""), environment[name]),
                "why": known.get("why", ""),
            }
        )
    return found


def _effect(kind: str, value: str) -> str:
    if kind == "unless-1":
        return "none" if value.strip().lower() in ("1", "on", "yes", "true", "enable", "enabled") else "yes"
    return {"always": "yes", "never": "none", "build-time": "none"}.get(kind, "unknown")


def databases(environment: dict[str, str], home: str) -> list[dict[str, Any]]:
    """Return where MIOpen keeps its find results and compiled kernels, and how much is there."""
    places = {
        "user database": environment.get("MIOPEN_USER_DB_PATH") or f"{home}/.config/miopen",
        "kernel cache": environment.get("MIOPEN_CUSTOM_CACHE_DIR") or f"{home}/.cache/miopen",
    }
    return [{"what": what, "path": path, **_size(Path(path).expanduser())} for what, path in places.items()]


def _size(path: Path) -> dict[str, Any]:
    files = 0
    total = 0
    try:
        for entry in path.rglob("*"):
            if entry.is_file():
                files += 1
                total += entry.stat().st_size
    except OSError:
        return {"files": None, "bytes": None}
    return {"files": files, "bytes": total}
