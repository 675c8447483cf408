#!/usr/bin/env python3
"""The hosts of the lab that RDNA1_LAB names (default: lab), as `rdna1 lab up` recorded them.

Ansible calls it with --list. Where no lab is up, the inventory has one host on which every play fails with a
sentence that says so: a script that merely failed would leave Ansible no hosts, which it takes for success.
Standard library only.
"""

import json
import os
import pathlib
import shlex
import sys
from typing import Any

HERE = pathlib.Path(__file__).resolve()
SCHEMA = "rdna1.lab-state/1"
Inventory = dict[str, Any]


def no_lab(what: str) -> Inventory:
    """Return an inventory on which every play fails, with one sentence."""
    print(f"inventories/lab: {what}", file=sys.stderr)
    stand_in = {"hosts": ["no-lab-is-up"]}
    message = json.dumps(what)
    return {
        "_meta": {"hostvars": {"no-lab-is-up": {"ansible_host": f"{{{{ undef(hint={message}) }}}}"}}},
        **dict.fromkeys(("lab", "rdna1", "canary", "cpu_reference"), stand_in),
    }


def inventory(root: pathlib.Path, state: dict[str, Any]) -> Inventory:
    """Return a lab's state in the form that Ansible reads."""
    ssh_options = {
        "UserKnownHostsFile": f'"{root / "ssh" / "known_hosts"}"',
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        # OpenSSH before 9.9 computes its default for a third of a second; none of this leaves the machine.
        "KexAlgorithms": "curve25519-sha256",
        # A host that was made anew leaves a dead connection behind; this ends it soon.
        "ServerAliveInterval": "5",
    }
    connection = {
        "ansible_host": "127.0.0.1",
        "ansible_user": state["user"],
        "ansible_ssh_private_key_file": str(root / "ssh" / "id_ed25519"),
        "ansible_ssh_common_args": " ".join(
            f"-o {shlex.quote(f'{name}={value}')}" for name, value in ssh_options.items()
        ),
    }
    # Every group that playbooks name exists, also where this lab has no host for it.
    groups: dict[str, dict[str, list[str]]] = {
        name: {"hosts": []} for name in ("navi10", "navi12", "navi14", "canary", "cpu_reference")
    }
    hostvars = {}
    for name, host in state["hosts"].items():
        for group in host["groups"]:
            groups.setdefault(group, {"hosts": []})["hosts"].append(name)
        hostvars[name] = {
            "ansible_port": host["port"],
            "lab_base": host["base"],
            "lab_card": host["card_name"],
        }
    facts = state["mirror"]["facts"]
    variables = {
        **connection,
        "lab_mirror": state["mirror"]["url"],
        **{f"lab_{name}": facts[name] for name in ("key_fingerprint", "requirements") if name in facts},
    }
    if "standalone_url_path" in facts:
        variables["lab_standalone_url"] = (
            state["mirror"]["url"] + "/" + facts["standalone_url_path"].lstrip("/")
        )
        variables["lab_standalone_sha256"] = facts["standalone_sha256"]
    return {
        "_meta": {"hostvars": hostvars},
        "lab": {"hosts": list(state["hosts"]), "vars": variables},
        "rdna1": {"children": ["navi10", "navi12", "navi14"]},
        **groups,
    }


def read(name: str, root: pathlib.Path) -> Inventory:
    """Return the inventory of a lab, or the one that says what is wrong."""
    try:
        state = json.loads((root / "lab.json").read_text())
        if state["schema"] == SCHEMA:
            return inventory(root, state)
    except FileNotFoundError:
        return no_lab(
            f"no lab called {name} is up; run `make lab`, or `rdna1 lab up --name {name}` for its hosts alone"
        )
    except (ValueError, KeyError, TypeError):
        pass  # said below
    return no_lab(
        f"{root / 'lab.json'} is damaged or of another version of this project; "
        f"run `rdna1 lab down --name {name}` and then `rdna1 lab up --name {name}`"
    )


def main() -> None:
    """Print the inventory."""
    if sys.argv[1:2] == ["--host"]:
        print("{}")
        return
    name = os.environ.get("RDNA1_LAB") or "lab"
    root = HERE.parents[2] / ".lab" / name
    print(json.dumps(read(name, root), indent=2))


if __name__ == "__main__":
    main()
