"""The containers and the network of one lab, as podman shows them."""

import ipaddress
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rdna1.lab.errors import LabError
from rdna1.lab.paths import LabPaths
from rdna1.lab.podman import Podman
from rdna1.lab.ports import LOOPBACK


@dataclass(frozen=True)
class Container:
    """One container of a lab."""

    host: str
    state: str
    image: str
    port: int | None


@dataclass(frozen=True)
class Wanted:
    """A container as it shall be created."""

    host: str
    image: str
    seed: bytes
    options: Sequence[str]
    command: Sequence[str] = ()
    # What tells two generations of this container apart, where that is more than its image.
    version: str = ""


@dataclass(frozen=True)
class Fleet:
    """All containers of a lab. Names and labels carry checkout and lab, so that labs do not meet."""

    podman: Podman
    paths: LabPaths

    @property
    def network(self) -> str:
        """The network's name."""
        return f"rdna1-{self.paths.scope}-{self.paths.name}"

    def container(self, host: str) -> str:
        """Return the name of a host's container."""
        return f"{self.network}-{host}"

    def labels(self, host: str, image: str) -> list[str]:
        """Return the flags that mark a container: whose it is, which one, and from what it was made."""
        return [*self.owner(), "--label", f"rdna1.host={host}", "--label", f"rdna1.image={image}"]

    def owner(self) -> list[str]:
        """Return the flags that mark what belongs to this lab of this checkout."""
        return [part for label in self._owner_labels() for part in ("--label", label)]

    def _owner_labels(self) -> list[str]:
        return [f"rdna1.lab={self.paths.name}", f"rdna1.checkout={self.paths.checkout}"]

    def all(self) -> dict[str, Container]:
        """Return what exists, by host."""
        mine = [part for label in self._owner_labels() for part in ("--filter", f"label={label}")]
        listing = json.loads(self.podman("ps", "--all", *mine, "--format", "json") or "[]")
        found = {}
        for row in listing:
            labels = row["Labels"]
            ports = row.get("Ports") or []
            container = Container(
                host=labels["rdna1.host"],
                state=row["State"].lower(),
                image=labels["rdna1.image"],
                port=(ports[0].get("host_port") or ports[0].get("hostPort")) if ports else None,
            )
            found[container.host] = container
        return found

    def running_everywhere(self) -> int:
        """Return how many containers of this and of all other labs run on this machine."""
        return len(self.podman("ps", "--filter", "label=rdna1.lab", "--quiet").split())

    def ensure_network(self) -> ipaddress.IPv4Network:
        """Create the lab's network where it is missing; return its addresses."""
        if self.podman.ask("network", "exists", self.network).rc != 0:
            # Without podman's own DNS: hosts use this machine's resolver and know the mirror from /etc/hosts.
            self.podman("network", "create", "--disable-dns", *self.owner(), self.network)
        described = json.loads(self.podman("network", "inspect", self.network))
        for subnet in _values(described, "subnet"):
            network = ipaddress.ip_network(subnet)
            if isinstance(network, ipaddress.IPv4Network):
                return network
        raise LabError(
            f"lab {self.paths.name}", "its network has no IPv4 subnet", "run `rdna1 lab down` and start again"
        )

    def create(self, wanted: Wanted) -> None:
        """Create and start a container; what is in the seed lies in it before its first process runs."""
        name = self.container(wanted.host)
        self.podman(
            "create", "--name", name, "--hostname", wanted.host, "--network", self.network,
            *self.labels(wanted.host, wanted.version or wanted.image),
            # Whoever removes a lab host does not wait for it to shut down.
            "--stop-timeout", "0",
            *wanted.options, wanted.image, *wanted.command,
            host=wanted.host,
        )  # fmt: skip
        self.podman("cp", "--archive=false", "-", f"{name}:/", stdin=wanted.seed, host=wanted.host)
        self.start(wanted.host)

    def start(self, host: str) -> None:
        """Start a container, with everything that is in it."""
        renew = f"run `rdna1 lab reset {host} --name {self.paths.name}`"
        self.podman("start", self.container(host), host=host, cure=renew)

    def remove(self, hosts: Sequence[str]) -> None:
        """Remove containers."""
        if hosts:
            self.podman("rm", "--force", *[self.container(host) for host in hosts])

    def remove_network(self) -> None:
        """Remove the network, where it is there."""
        if self.podman.ask("network", "exists", self.network).rc == 0:
            self.podman("network", "rm", "--force", self.network)


def host_options(port: int, mirror: str, mirror_address: str) -> list[str]:
    """Return how a host's container is created: systemd, SSH on loopback, the mirror by name."""
    return [
        "--systemd=always",
        "--publish",
        f"{LOOPBACK}:{port}:22",
        "--add-host",
        f"{mirror}:{mirror_address}",
    ]


def _values(tree: Any, key: str) -> Iterator[str]:
    """All values of a key, at any depth: netavark and CNI describe a network in different shapes."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key and isinstance(value, str):
                yield value
            else:
                yield from _values(value, key)
    elif isinstance(tree, list):
        for item in tree:
            yield from _values(item, key)
