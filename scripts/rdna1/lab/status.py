"""Whether every host of a lab is what it should be."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rdna1.lab import parallel, ports, probe, ssh
from rdna1.lab.containers import Fleet
from rdna1.lab.state import MIRROR, LabState

SCHEMA = "rdna1.lab/1"
NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Failure:
    """One thing that is wrong, and what to do about it."""

    host: str
    code: str
    message: str
    fix: str


@dataclass(frozen=True)
class HostReport:
    """What was found of one host."""

    host: str
    base: str
    card: str | None
    simulated: bool
    port: int
    container: str
    systemd: str
    ssh: bool


@dataclass(frozen=True)
class Report:
    """What was found of a lab."""

    name: str
    failures: list[Failure]
    hosts: list[HostReport]
    mirror: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return what `rdna1 lab status --json` prints."""
        return {"schema": SCHEMA, "ok": not self.failures, **asdict(self)}


def look(fleet: Fleet, lab: LabState, name: str, container: str) -> HostReport:
    """Log in to a host and ask systemd."""
    host = lab.hosts[name]
    reached, systemd = False, NOT_ASKED
    if container == "running" and ssh.answers(host.port):
        said = ssh.log_in(
            fleet.podman.run, fleet.paths, lab.user, host.port, "systemctl", "is-system-running"
        )
        reached, systemd = said.rc != ssh.NOT_CONNECTED, said.out.strip() or NOT_ASKED
    return HostReport(
        host=name,
        base=host.base,
        card=host.card_name,
        simulated=host.card is not None,
        port=host.port,
        container=container,
        systemd=systemd,
        ssh=reached,
    )


def judge(lab: str, found: HostReport) -> Failure | None:
    """Return what is wrong with a host, if anything is."""
    renew = f"rdna1 lab reset {found.host} --name {lab}"
    if found.container != "running":
        return not_running(lab, found.host, found.container)
    if not found.ssh:
        return Failure(found.host, "no-ssh", "its user cannot log in", renew)
    if found.systemd not in probe.BOOTED:
        return Failure(found.host, "not-booted", f"systemd is {found.systemd}", renew)
    return None


def not_running(lab: str, container: str, state: str) -> Failure:
    """Return the failure of a container that is not running."""
    return Failure(container, "not-running", f"its container is {state}", f"rdna1 lab up --name {lab}")


def report(fleet: Fleet, lab: LabState) -> Report:
    """Return how a lab is."""
    existing = fleet.all()
    states = {name: existing[name].state if name in existing else "missing" for name in [MIRROR, *lab.hosts]}
    found, errors = parallel.each({name: partial(look, fleet, lab, name, states[name]) for name in lab.hosts})
    failures = [failure for host in found.values() if (failure := judge(lab.name, host))]
    failures += [Failure(name, "not-judged", error.what, error.cure) for name, error in errors.items()]
    if states[MIRROR] != "running":
        failures.append(not_running(lab.name, MIRROR, states[MIRROR]))
    mirror = {
        "url": lab.mirror.url,
        "url_here": f"http://{ports.LOOPBACK}:{lab.mirror.port}",
        "container": states[MIRROR],
        "filled": bool(lab.mirror.facts),
    }
    return Report(lab.name, failures, list(found.values()), mirror)
