"""Who is to be rolled out to: the inventory as Ansible itself reads it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from rdna1.lab.errors import LabError
from rdna1.rollout.waves import CANARY

# The hosts of playbooks/rdna1.yml.
GROUPS = ("rdna1", "cpu_reference")
LOCAL = "local"
SSH_PORT = 22


@dataclass(frozen=True)
class Member:
    """One host of the inventory, and where Ansible connects to."""

    name: str
    groups: list[str]
    host: str
    port: int
    local: bool = False

    @property
    def address(self) -> str:
        """What tells it from every other host, whatever inventories call it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Fleet:
    """The hosts in the inventory's order, and a hash of what the inventory is made from."""

    members: dict[str, Member]
    sha256: str

    @property
    def canaries(self) -> set[str]:
        """The hosts that go first."""
        return {member.name for member in self.members.values() if CANARY in member.groups}


def read(loader: Any, inventories: Sequence[Path], limit: str | None) -> Fleet:
    """Read the inventories; LabError where they leave nobody."""
    for path in inventories:
        if not path.exists():
            raise LabError("--inventory", f"{path} does not exist", "give an inventory file or folder")
    try:
        manager = InventoryManager(loader=loader, sources=[str(path) for path in inventories])
        manager.subset(limit)
        variables = VariableManager(loader=loader, inventory=manager)
        # Groups that the inventory lacks left out: Ansible would warn of them.
        hosts = manager.get_hosts([name for name in GROUPS if name in manager.groups] or ["!all"])
        members = {host.name: member(loader, variables, host) for host in hosts}
    except AnsibleError as error:
        raise LabError("--inventory", f"Ansible cannot read it ({error})", "correct it") from None
    if not members:
        raise LabError(
            "--inventory",
            f"no host of {' or '.join(GROUPS)} is in {', '.join(map(str, inventories))}"
            + (f" under --limit {limit}" if limit else ""),
            "see what `ansible-inventory --graph` says",
        )
    return Fleet(members, fingerprint(inventories, members))


def member(loader: Any, variables: Any, host: Any) -> Member:
    """Return a host with what its connection variables come to."""
    known = variables.get_vars(host=host, include_hostvars=False)
    templar = Templar(loader=loader, variables=known)

    def value(name: str, default: Any) -> Any:
        return templar.template(known[name]) if name in known else default

    return Member(
        str(host.name),
        sorted(str(group.name) for group in host.get_groups() if group.name not in ("all", "ungrouped")),
        str(value("ansible_host", host.name)),
        int(value("ansible_port", SSH_PORT)),
        value("ansible_connection", "") == LOCAL,
    )


def fingerprint(inventories: Sequence[Path], members: dict[str, Member]) -> str:
    """Return a hash over the inventories' files, and over the hosts, which a script may make up."""
    total = hashlib.sha256()
    for root in inventories:
        files = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
        for path in files:
            if "__pycache__" not in path.parts:
                total.update(f"{path.relative_to(root.parent)}\0".encode() + path.read_bytes() + b"\0")
    for one in members.values():
        total.update(f"{one.name}\0{one.address}\0".encode())
    return total.hexdigest()
