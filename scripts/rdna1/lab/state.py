"""What a lab consists of, as kept in .lab/NAME/lab.json; inventories/lab/hosts.py reads the same file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rdna1.lab.errors import LabError
from rdna1.lab.paths import LabPaths

SCHEMA = "rdna1.lab-state/1"
# The name of the one container that is no host.
MIRROR = "mirror"


@dataclass(frozen=True)
class HostState:
    """One host: what it is and where it is reached."""

    port: int
    base: str
    image: str
    card: str | None
    card_name: str | None
    groups: tuple[str, ...]


@dataclass
class MirrorState:
    """The mirror: where this machine reaches it, and what it serves (empty until its content is built)."""

    port: int
    address: str
    url: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class LabState:
    """One lab."""

    name: str
    user: str
    mirror: MirrorState
    hosts: dict[str, HostState] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    # Whether the mirror's stand-ins take about as much room as what they stand in for.
    full_size: bool = False

    def ports(self) -> dict[str, int]:
        """Return all ports that the lab was given."""
        return {MIRROR: self.mirror.port, **{name: host.port for name, host in self.hosts.items()}}


def write_atomically(path: Path, text: str) -> None:
    """Replace a file so that a reader sees the old or the new text, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)


def save(paths: LabPaths, state: LabState) -> None:
    """Write the state."""
    write_atomically(paths.state, json.dumps({"schema": SCHEMA, **asdict(state)}, indent=2) + "\n")


def load(paths: LabPaths) -> LabState | None:
    """Read the state; None where there is no such lab."""
    try:
        text = paths.state.read_text()
    except FileNotFoundError:
        return None
    try:
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        raw["mirror"] = MirrorState(**raw["mirror"])
        raw["hosts"] = {
            name: HostState(**{**host, "groups": tuple(host["groups"])})
            for name, host in raw["hosts"].items()
        }
        raw["bases"] = tuple(raw["bases"])
        return LabState(**raw)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LabError(
            str(paths.state),
            "it is damaged or of another version of this project",
            f"run `rdna1 lab down --name {paths.name}` and then `rdna1 lab up --name {paths.name}`",
        ) from None


def need(paths: LabPaths) -> LabState:
    """Read the state of a lab that must exist."""
    state = load(paths)
    if state is None:
        raise LabError(f"lab {paths.name}", "it is not up", f"run `rdna1 lab up --name {paths.name}`")
    return state
