"""What was given on the command line."""

from dataclasses import dataclass, field
from pathlib import Path

WAVES = "1,10%,50%,100%"
BUDGET = "0"
ON_FAILURE = "rollback"
REBOOT = "never"
PLAYBOOK = "playbooks/rdna1.yml"


@dataclass(frozen=True)
class Asked:
    """What was given on the command line; None where nothing was."""

    inventories: list[Path] = field(default_factory=list)
    limit: str | None = None
    waves: str | None = None
    soak: int | None = None
    confirm: bool | None = None
    budget: str | None = None
    timeout: int | None = None
    on_failure: str | None = None
    reboot: str | None = None
    drain: str | None = None
    undrain: str | None = None
    playbook: Path | None = None
    extra_vars: list[str] = field(default_factory=list)
    vault_password_files: list[Path] = field(default_factory=list)
