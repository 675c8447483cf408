"""A run's directory, `runs/<id>/`, as data: the rollout driver writes it, resume and reports read it.

run.json holds one Run, hosts/NAME.json one Host each. A file is replaced as a whole, so that a reader sees
the old or the new one, whenever the driver dies.
"""

import json
import os
import urllib.parse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from rdna1.lab.errors import LabError

SCHEMA = "rdna1.run/1"

RunState = Literal["running", "paused", "done", "stopped", "failed", "interrupted"]
WaveState = Literal["pending", "running", "done", "stopped"]
HostState = Literal[
    "pending",
    "running",
    "ok",
    "changed",
    "needs-reboot",
    "failed",
    "unreachable",
    "verdict-fail",
    "verdict-hang",
    "verdict-unknown",
    "timed-out",
    "skipped",
    "rolled-back",
    "quarantined",
]
Action = Literal["rolled-back", "quarantined", "left"]

# What a host may be when the next wave starts. All else that is final counts against the budget.
PASSED: frozenset[HostState] = frozenset({"ok", "changed", "needs-reboot"})
UNFINISHED: frozenset[HostState] = frozenset({"pending", "running"})
FAILED: frozenset[HostState] = frozenset(get_args(HostState)) - PASSED - UNFINISHED


@dataclass(frozen=True)
class Gate:
    """Whether the wave after this one may start, and why."""

    open: bool
    reason: str
    failures: int
    budget: int


@dataclass
class Wave:
    """Hosts that go through the chain together."""

    number: int
    spec: str
    hosts: list[str]
    state: WaveState = "pending"
    started: str | None = None
    ended: str | None = None
    gate: Gate | None = None


@dataclass(frozen=True)
class Inventory:
    """Where the hosts come from; the hash covers the files' content."""

    paths: list[str]
    sha256: str


@dataclass(frozen=True)
class Options:
    """How the run was asked for. Of extra variables only the names are kept: values may be secrets."""

    waves: str
    budget: str
    on_failure: str
    reboot: str
    limit: str | None = None
    extra_vars_names: list[str] = field(default_factory=list)
    soak: int = 0
    confirm: bool = False
    timeout: int = 0
    drain: str | None = None
    undrain: str | None = None
    playbook: str = "playbooks/rdna1.yml"


@dataclass
class Run:
    """One rollout."""

    id: str
    state: RunState
    started: str
    who: str
    control_host: str
    commit: str | None
    dirty: bool
    versions: dict[str, str]
    inventory: Inventory
    options: Options
    ended: str | None = None
    waves: list[Wave] = field(default_factory=list)
    schema: str = SCHEMA


@dataclass
class Phase:
    """How long a host spent in one role of the chain."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Failure:
    """What a host failed of."""

    phase: str
    task: str
    message: str
    stderr_tail: str = ""


@dataclass
class Host:
    """What a run did to one host.

    `state` is how the host was left and `cause` how it ended before anything was done about it:
    a host whose verify hung and that was then quarantined is `quarantined` because of `verdict-hang`.
    `before`, `after` and `differences` come from the chain's plan, `prior` is the verdict that it found. A
    host that failed after a change has no `after`: nobody looked.
    """

    host: str
    groups: list[str] = field(default_factory=list)
    wave: int | None = None
    state: HostState = "pending"
    cause: HostState | None = None
    attempts: int = 0
    started: str | None = None
    ended: str | None = None
    phases: list[Phase] = field(default_factory=list)
    failure: Failure | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    differences: list[dict[str, str]] = field(default_factory=list)
    prior: dict[str, Any] | None = None
    verdict: dict[str, Any] | None = None
    # What was said of the state that a rollback brought back.
    restored: dict[str, Any] | None = None
    reboot_needed: bool = False
    # Whether this run has changed anything on it, in whichever attempt.
    touched: bool = False
    drained: bool = False
    action: Action | None = None
    # What an action that could not be taken said, and what hooks said.
    notes: list[str] = field(default_factory=list)


def now() -> str:
    """Return the time as everything in a run's directory has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class RunPaths:
    """The files of one run."""

    root: Path

    @property
    def run(self) -> Path:
        """Where the Run is."""
        return self.root / "run.json"

    @property
    def lock(self) -> Path:
        """Says which process drives the run."""
        return self.root / "lock"

    @property
    def events(self) -> Path:
        """One line of JSON for each noteworthy event: time, kind, host, phase, text."""
        return self.root / "events.jsonl"

    @property
    def verdicts(self) -> Path:
        """The verdicts as fetched, HOST.json."""
        return self.root / "verdicts"

    @property
    def restored(self) -> Path:
        """The verdicts on what rollbacks brought back, HOST.json."""
        return self.root / "restored"

    def log(self, wave: int) -> Path:
        """Ansible's own output of a wave."""
        return self.root / "logs" / f"wave-{wave}.log"

    def host(self, name: str) -> Path:
        """Where a Host is; an inventory's names may hold what no file name can."""
        return self.root / "hosts" / f"{urllib.parse.quote(name, safe='@:+,[] ')}.json"


def write(path: Path, document: dict[str, Any], *, durable: bool = True) -> None:
    """Replace a file as a whole; durable: also a power cut leaves the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w") as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
        file.write("\n")
        if durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


def save_run(paths: RunPaths, run: Run) -> None:
    """Write run.json."""
    write(paths.run, asdict(run))


def save_host(paths: RunPaths, host: Host, *, durable: bool = True) -> None:
    """Write a host's file."""
    write(paths.host(host.host), asdict(host), durable=durable)


def run_from(document: dict[str, Any]) -> Run:
    """Return the Run that a document describes; ValueError, TypeError or KeyError where it describes none."""
    if document["schema"] != SCHEMA:
        raise ValueError(f"the schema is {document['schema']}, not {SCHEMA}")
    waves = [
        Wave(**{**wave, "gate": Gate(**wave["gate"]) if wave["gate"] else None}) for wave in document["waves"]
    ]
    inventory, options = Inventory(**document["inventory"]), Options(**document["options"])
    return Run(**{**document, "waves": waves, "inventory": inventory, "options": options})


def host_from(document: dict[str, Any]) -> Host:
    """Return the Host that a document describes; raises as run_from does."""
    if document["state"] not in get_args(HostState):
        raise ValueError(f"no host can be {document['state']}")
    failure = Failure(**document["failure"]) if document["failure"] else None
    return Host(
        **{**document, "phases": [Phase(**phase) for phase in document["phases"]], "failure": failure}
    )


def read(path: Path) -> dict[str, Any]:
    """Return a JSON object; OSError or ValueError where there is none."""
    document = json.loads(path.read_text())
    if not isinstance(document, dict):
        raise TypeError("it is no JSON object")
    return document


def load_run(paths: RunPaths) -> Run:
    """Read run.json."""
    try:
        return run_from(read(paths.run))
    except FileNotFoundError:
        raise LabError(str(paths.root), "there is no run", "see what `ls runs/` has") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(paths.run, error) from None


def load_host(path: Path) -> Host:
    """Read a host's file."""
    try:
        return host_from(read(path))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(path, error) from None


def load_hosts(paths: RunPaths) -> dict[str, Host]:
    """Read all hosts of a run, by name."""
    found = (load_host(path) for path in sorted((paths.root / "hosts").glob("*.json")))
    return {host.host: host for host in found}


def runs(directory: Path) -> Iterator[RunPaths]:
    """Return the runs in a directory, the newest first: their ids begin with the time."""
    for path in sorted(directory.glob("*/run.json"), reverse=True):
        yield RunPaths(path.parent)


def damaged(path: Path, error: Exception) -> LabError:
    """Return what to say of a file that cannot be read."""
    return LabError(
        str(path),
        f"it is damaged or of another version of this project ({error})",
        "move its run's directory away, and start a new run",
    )
