"""The inventory: does it parse, and does every host get what its owner means?"""

import difflib
import json
import re
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from rdna1.doctor.findings import Finding, Report
from rdna1.lab.errors import LabError

# Options of ssh with which a stranger's key is taken.
UNCHECKED = re.compile(r"StrictHostKeyChecking[= \"']+(no|off|accept-new)", re.IGNORECASE)
# The one host of inventories/lab where no lab is up.
NO_LAB = "no-lab-is-up"
OWN_KNOWN_HOSTS = re.compile(r"""UserKnownHostsFile=["']*([^"'\s]+)""")
# These mean something to the playbooks, or to a reader of the example, beside the groups that get roles.
KNOWN_GROUPS = ("canary", "navi10", "navi12", "navi14")


@dataclass(frozen=True)
class Inventory:
    """The hosts that a run would touch, and what is known of them before anyone has called them."""

    paths: tuple[str, ...]
    # Group -> its hosts, those of its children included.
    groups: dict[str, list[str]]
    hostvars: dict[str, dict[str, Any]]
    # The groups that get roles, and so the hosts of a run.
    composed: tuple[str, ...]

    @property
    def hosts(self) -> list[str]:
        """Every host that a run would touch."""
        return list(dict.fromkeys(host for group in self.composed for host in self.groups.get(group, [])))

    def login(self, host: str) -> str:
        """Return how a person logs in to a host, as arguments of ssh."""
        variables = self.hostvars.get(host, {})
        user = variables.get("ansible_user")
        address = variables.get("ansible_host", host)
        port = variables.get("ansible_port")
        key = variables.get("ansible_ssh_private_key_file")
        common = variables.get("ansible_ssh_common_args")
        words = [
            *([str(common)] if common else []),
            *(["-p", str(port)] if port else []),
            *(["-i", str(key)] if key else []),
            f"{user}@{address}" if user else str(address),
        ]
        return " ".join(words)

    def forget(self, host: str) -> str:
        """Return what removes a host's key from known_hosts, as arguments of ssh-keygen."""
        variables = self.hostvars.get(host, {})
        address, port = variables.get("ansible_host", host), str(variables.get("ansible_port", 22))
        own = OWN_KNOWN_HOSTS.search(str(variables.get("ansible_ssh_common_args", "")))
        name = str(address) if port == "22" else f"[{address}]:{port}"
        return " ".join(["-R", shlex.quote(name), *(["-f", shlex.quote(own[1])] if own else [])])


def composed_groups(checkout: Path) -> tuple[str, ...]:
    """Return the groups that get roles."""
    text = (checkout / "playbooks/vars/composition.yml").read_text()
    return tuple(yaml.safe_load(text)["__rdna1_composition"])


def read(checkout: Path, paths: Sequence[str]) -> Inventory:
    """Have Ansible read the inventory; stop with its words where it cannot."""
    where = ", ".join(paths)
    for path in paths:
        if not Path(path).exists():
            raise LabError(where, f"there is no inventory {path}", "name an existing one with -i")
    with tempfile.TemporaryDirectory(prefix="rdna1-") as private:
        said, error = ansible_runner.get_inventory(
            action="list",
            inventories=[str(Path(path).resolve()) for path in paths],
            private_data_dir=private,
            project_dir=str(checkout),
            quiet=True,
            suppress_env_files=True,
            # Otherwise a file that cannot be parsed is a warning, and its hosts are gone without a word.
            envvars={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True"},
        )
    try:
        found = json.loads(said)
    except ValueError:
        raise LabError(
            where,
            f"it cannot be read ({_words(error or said)})",
            f"see `ansible-inventory -i {paths[0]} --list`",
        ) from None
    inventory = of(found, tuple(paths), composed_groups(checkout))
    if NO_LAB in inventory.hosts:
        raise LabError(where, "no lab is up", "run `rdna1 lab up`, or name your own inventory with -i")
    return inventory


def of(listed: dict[str, Any], paths: tuple[str, ...], composed: tuple[str, ...]) -> Inventory:
    """Return what `ansible-inventory --list` says, with the hosts of a group's children in the group."""

    def members(group: str) -> list[str]:
        own = listed.get(group, {})
        inherited = [host for child in own.get("children", []) for host in members(child)]
        return list(dict.fromkeys([*own.get("hosts", []), *inherited]))

    groups = {name: members(name) for name in listed if name != "_meta"}
    return Inventory(paths, groups, listed.get("_meta", {}).get("hostvars", {}), composed)


def judge(inventory: Inventory) -> Report:
    """Judge groups and how hosts are reached; nobody is called."""
    report = Report(hosts=inventory.hosts)
    edit = f"ansible-inventory -i {inventory.paths[0]} --graph"
    if not inventory.hosts:
        names = " or ".join(inventory.composed)
        message = f"{', '.join(inventory.paths)} has no host in {names}, so a run would touch nothing"
        report.failures.append(Finding("", "no-hosts", message, f"{edit}   # then put the hosts into rdna1"))
    for host in inventory.hosts:
        mine = [group for group in inventory.composed if host in inventory.groups.get(group, [])]
        if len(mine) > 1:
            message = f"{host} is in {' and '.join(mine)}, which get different roles"
            report.failures.append(Finding(host, "groups", message, f"{edit}   # then take it out of one"))
        options = " ".join(
            str(value)
            for name, value in inventory.hostvars.get(host, {}).items()
            if name.startswith("ansible_ssh")
        )
        if UNCHECKED.search(options):
            message = f"{host}: its ssh options switch the check of its host key off"
            fix = f"grep -rn StrictHostKeyChecking {' '.join(inventory.paths)}   # and remove it"
            report.failures.append(Finding(host, "host-key-checking", message, fix))
    _canaries(report, inventory, edit)
    known = (*inventory.composed, *KNOWN_GROUPS)
    for group in inventory.groups:
        close = difflib.get_close_matches(group.lower(), known, n=1, cutoff=0.7)
        if group not in known and close:
            message = f"the group {group} means nothing to the playbooks; {close[0]} does"
            report.warnings.append(
                Finding("", "group-name", message, f"grep -rn {group} {inventory.paths[0]}")
            )
    if inventory.hosts and not report.failures:
        count = {group: len(inventory.groups.get(group, [])) for group in inventory.composed}
        report.healthy.append(
            f"{', '.join(inventory.paths)}: "
            + ", ".join(f"{number} in {name}" for name, number in count.items())
        )
    return report


def _canaries(report: Report, inventory: Inventory, edit: str) -> None:
    canaries = inventory.groups.get("canary", [])
    for host in canaries:
        if host not in inventory.hosts:
            names = " nor ".join(inventory.composed)
            message = f"{host} is a canary and neither in {names}, so it gets no roles"
            report.failures.append(Finding(host, "canary", message, f"{edit}   # then put it into rdna1"))
    if not canaries and len(inventory.hosts) > 1:
        message = "there is no host in the group canary, so nobody goes first"
        report.warnings.append(Finding("", "no-canary", message, f"{edit}   # then make one host a canary"))


def _words(text: str) -> str:
    """Return the line that says what is wrong: Ansible's own error, or the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line.upper()]
    chosen = (errors or lines or ["it said nothing"])[0 if errors else -1]
    return re.sub(r"^\[?ERROR\]?[!:]*\s*", "", chosen).rstrip(".")
