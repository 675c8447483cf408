"""Hosts that begin as copies of one that is there: its disk, under their own name, port and host keys.

A large provisioned fleet in seconds, where provisioning every host would take an hour. The machine id
stays the original's.
"""

from collections.abc import Collection, Mapping
from functools import partial

from rdna1.lab import images, parallel
from rdna1.lab.containers import Fleet
from rdna1.lab.state import HostState, LabState

COMMIT_TIMEOUT = 600.0


def originals(hosts: Mapping[str, HostState], existing: Collection[str]) -> dict[str, str]:
    """Return, for each host that is new, one of its kind that is there; those without one are left out."""
    kinds = {_kind(hosts[name]): name for name in reversed(list(hosts)) if name in existing}
    return {
        name: kinds[_kind(host)]
        for name, host in hosts.items()
        if name not in existing and _kind(host) in kinds
    }


def commit(fleet: Fleet, lab: LabState, existing: Collection[str]) -> dict[str, str]:
    """Make an image of each original; return the image that each new host with one begins from."""
    of = originals(lab.hosts, existing)
    image = {original: f"{images.REPOSITORY}/copy:{fleet.container(original)}" for original in of.values()}
    _, failures = parallel.each(
        {original: partial(_commit, fleet, original, image[original]) for original in image}
    )
    for error in failures.values():
        raise error
    return {name: image[original] for name, original in of.items()}


def _commit(fleet: Fleet, original: str, image: str) -> None:
    fleet.podman(
        "commit",
        "--quiet",
        "--change",
        f"LABEL {images.COPY}=1",
        fleet.container(original),
        image,
        host=original,
        timeout=COMMIT_TIMEOUT,
    )


def _kind(host: HostState) -> tuple[str, str | None]:
    return host.base, host.card
