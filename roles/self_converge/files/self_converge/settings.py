"""What the role wrote for this host."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

SCHEMA = "rdna1.self_converge_settings/1"


class SettingsError(Exception):
    """They cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Settings:
    """Which commit of what, as which host; and where things lie."""

    schema: str
    host: str
    repository: str
    commit: str
    inventory: str
    playbook: str
    # A file with the key that must have signed the commit; empty where none is asked for.
    keyring: str
    timeout: int
    programs: str
    directory: str
    environment: dict[str, str]


def read(path: Path) -> Settings:
    """Read the settings."""
    try:
        found = Settings(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(f"{path} cannot be used ({error}); run the role self_converge again") from error
    if found.schema != SCHEMA:
        raise SettingsError(f"{path} is {found.schema}, not {SCHEMA}; run the role self_converge again")
    return found
