"""Where the lab keeps things: state per lab in the checkout, caches shared by checkouts outside of it."""

import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from rdna1.lab.errors import LabError

CHECKOUT = Path(__file__).resolve().parents[3]
# Also a part of container, network and file names, so it must be a valid one in all of them.
LAB_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def cache() -> Path:
    """The folder of what can be fetched or built again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rdna1"


@dataclass(frozen=True)
class LabPaths:
    """The files of one lab, all under ``.lab/NAME``."""

    name: str
    checkout: Path = CHECKOUT

    def __post_init__(self) -> None:
        if not LAB_NAME.fullmatch(self.name):
            raise LabError(
                "RDNA1_LAB",
                f"{self.name!r} cannot name a lab",
                "use a lower-case letter followed by at most 30 lower-case letters, digits and dashes",
            )

    @property
    def scope(self) -> str:
        """What tells this checkout's containers and networks from another one's on the same machine."""
        return f"{zlib.crc32(str(self.checkout).encode()):08x}"

    @property
    def root(self) -> Path:
        """Everything of this lab."""
        return self.checkout / ".lab" / self.name

    @property
    def lock(self) -> Path:
        """Held by the command that is changing this lab; outside of root, which `down` removes."""
        return self.checkout / ".lab" / f"{self.name}.lock"

    @property
    def state(self) -> Path:
        """What the lab consists of; inventories/lab/hosts.py reads it."""
        return self.root / "lab.json"

    @property
    def containers_conf(self) -> Path:
        """How podman must be called on this machine (see probe.py)."""
        return self.root / "containers.conf"

    @property
    def private_key(self) -> Path:
        """The key that the lab's hosts accept; generated for this lab alone."""
        return self.root / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' keys, written before the hosts first start."""
        return self.root / "ssh" / "known_hosts"

    def host_key(self, host: str) -> Path:
        """The public half of one host's key."""
        return self.root / "ssh" / "hosts" / f"{host}.pub"

    @property
    def mirror(self) -> Path:
        """Mounted read-only at /srv in the mirror container."""
        return self.root / "mirror"

    @property
    def www(self) -> Path:
        """What the mirror serves."""
        return self.mirror / "www"
