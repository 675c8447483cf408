"""What the doctor finds: what was looked at and is well, and what is wrong and how to cure it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rdna1.lab.errors import CHECK_FAILED

SCHEMA = "rdna1.doctor/1"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and the command that cures it."""

    host: str
    code: str
    message: str
    fix: str


@dataclass
class Report:
    """Everything that was looked at; a warning fails nothing."""

    healthy: list[str] = field(default_factory=list)
    failures: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take over what another part found."""
        self.healthy += other.healthy
        self.failures += other.failures
        self.warnings += other.warnings
        self.hosts += other.hosts

    @property
    def exit_code(self) -> int:
        """0 where a run may start, 1 where something must be cured first."""
        return CHECK_FAILED if self.failures else 0

    def as_json(self) -> dict[str, Any]:
        """Return what `rdna1 doctor --json` prints."""
        return {"schema": SCHEMA, "ok": not self.failures, **asdict(self)}
