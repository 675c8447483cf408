#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: bring back what a restore point recorded."""

from __future__ import annotations

DOCUMENTATION = """
module: restore
short_description: Bring back what a restore point recorded
description:
  - The way back to a point is through all that came after it; of each thing, the state that the oldest of
    these points has comes back. What no point speaks of is left alone.
  - Three steps, between which packages are changed with M(rdna1.provision.apt_transaction). C(plan) looks and
    judges. C(sources) takes a point of its own, so that the rollback can itself be undone, and brings apt's
    configuration back. C(rest) brings back everything else.
  - Each step does what is left to do; one that was cut off goes on when it is run again.
options:
  point:
    description: Its id, or C(first), C(latest) (of the chain) or C(forward) (before the last rollback).
    type: str
    required: true
  step:
    description: Which step.
    type: str
    choices: [plan, sources, rest]
    required: true
  roles:
    description: The roles whose things come back; all where none is named.
    type: list
    elements: str
    default: []
  venvs:
    description: Whether the venv that the point used must still be there; a removal needs none.
    type: bool
    default: true
  directory:
    description: Where points are kept.
    type: path
    default: /var/lib/rdna1/points
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: See what would come back
  rdna1.provision.restore:
    point: latest
    step: plan
"""

RETURN = """
point:
  description: The point's id.
  type: str
  returned: success
paths:
  description: What this step brings back, or in check mode would.
  type: list
  elements: str
  returned: success
overlay:
  description: What apt's configuration will be, for a rehearsal with apt_transaction.
  type: dict
  returned: success
install:
  description: Packages that come back, as C(NAME=VERSION) or as the path of a stand-in's file.
  type: list
  elements: str
  returned: success
remove:
  description: Packages that go.
  type: list
  elements: str
  returned: success
stays:
  description: Packages that stay in a newer version, in words.
  type: list
  elements: str
  returned: success
commands:
  description: What is done about accounts, groups and holds.
  type: list
  elements: list
  returned: success
venvs:
  description: The virtual environments' roots and what C(current) leads to at that point.
  type: dict
  returned: success
"""

import base64
import fnmatch
import json
import os
import platform
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_backup,
    apt_get,
    aside,
    dpkg_status,
    restore_ledger,
    restore_plan,
    restore_record,
    restore_scope,
    restore_store,
)

# What has to hear of files that came or went.
READERS = (
    ("/etc/udev/rules.d/*", "/run/udev/control", ["udevadm", "control", "--reload"]),
    ("/etc/systemd/system/*", "/run/systemd/system", ["systemctl", "daemon-reload"]),
)
BACKUP = Path("/var/lib/rdna1/backup")
TEXT_LIMIT = 64 * 1024


class Restore:
    """One step of the way back to a point."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.roles: List[str] = module.params["roles"]
        self.store = restore_store.Store(Path(module.params["directory"]))
        self.point = restore_store.choose(self.store.points, module.params["point"], self.store.unfinished())
        since = self.store.points[self.store.points.index(self.point) :]
        self.was = restore_store.merge(since, self.roles)
        self.managed = restore_store.managed(since, self.roles)
        roles = {role for point in since for role in point["managed"]}
        self.wanted = {role: restore_store.managed(since, [role]) for role in sorted(roles)}
        self.dpkg = dpkg_status.native(dpkg_status.read())
        self.versions = {name: package.version for name, package in self.dpkg.items()}

    def run(self) -> Dict[str, Any]:
        """Look, judge, and outside of check mode do the step."""
        changed = self.paths()
        step = self.module.params["step"]
        chosen = {
            "plan": changed,
            "sources": [item for item in changed if restore_plan.in_apt(item[0])],
            "rest": [item for item in changed if not restore_plan.in_apt(item[0])],
        }[step]
        packages = self.packages()
        self.judge_venvs()
        commands = self.commands(packages)
        diff = [self.diff(path, state) for path, state in chosen]
        act = step != "plan" and not self.module.check_mode
        # Where nothing is to come back, nothing is recorded: that would be the point that forward leads to.
        something = bool(changed or packages.install or packages.remove or commands or self.links())
        if act and step == "sources" and something:
            self.begin()
        links = self.links() if step == "rest" else []
        if act:
            for path, state in chosen:
                self.put(Path(path), state)
        if act and step == "rest":
            for command in commands:
                self.command(command)
            for root, target in links:
                _lead(Path(root) / "current", target)
            for pattern, sign, command in READERS:
                if Path(sign).exists() and any(fnmatch.fnmatchcase(path, pattern) for path, _ in chosen):
                    self.command(command)
            self.store.end()
        done = bool(chosen or links or (commands and step == "rest"))
        return {
            "changed": done and step != "plan",
            "point": self.point["id"],
            "paths": [path for path, _ in chosen],
            "overlay": self.overlay(changed),
            **packages._asdict(),
            "install": [self.source(spec) for spec in packages.install],
            "commands": commands,
            "venvs": {root: venv["current"] for root, venv in self.was["venvs"].items()},
            "diff": diff + [_diff(" ".join(command), "", "") for command in commands if step == "rest"],
        }

    def paths(self) -> List[Tuple[str, Mapping[str, Any]]]:
        """What differs in the file system."""
        now = {path: restore_record.see(Path(path)) for path in self.was["paths"]}
        for tree in self.was["trees"]:
            now.update(restore_record.under(Path(tree)))
        changed = restore_plan.paths(self.was["paths"], now, self.was["trees"])
        homes = self.homes()
        return restore_plan.can_go(changed, lambda path: [] if path in homes else _inside(path))

    def homes(self) -> List[str]:
        """Directories of accounts that go: what is in them has a user number that another may get."""
        going = [
            restore_scope.account(name)
            for name, state in self.was["accounts"].items()
            if state["uid"] is None and state["made"]
        ]
        return [account["home"] for account in going if account["uid"] is not None]

    def touched(self) -> List[str]:
        """The packages that the chain changed since then: as the ledger says, and as roles want by name."""
        entries = [
            entry
            for entry in restore_ledger.read(self.point["ledger"], self.store.root.parent / "ledger.jsonl")
            if not self.roles or self._of_roles(entry["asked"])
        ]
        built = [
            name
            for name, version in self.versions.items()
            if any(fnmatch.fnmatchcase(version, build) for build in self.managed["builds"])
        ]
        return sorted({*restore_ledger.names(entries), *self.managed["names"], *built})

    def _of_roles(self, asked: List[str]) -> bool:
        """Whether a transaction was that of one of the roles: by what it asked for by name."""
        return any(set(asked) & set(self.wanted[role]["names"]) for role in self.roles if role in self.wanted)

    def packages(self) -> restore_plan.PackagePlan:
        """What apt is to do."""
        was = self.point["packages"]
        return restore_plan.packages(was, self.versions, self.touched(), **self.managed)

    def source(self, spec: str) -> str:
        """What apt is to install: a stand-in is in no source, but its file is kept."""
        name, _, version = spec.partition("=")
        file = self.store.root.parent / "standins" / ("%s_%s_all.deb" % (name, version))
        return str(file) if file.exists() else spec

    def judge_venvs(self) -> None:
        """A virtual environment that is gone cannot be brought back."""
        for root, venv in self.was["venvs"].items() if self.module.params["venvs"] else ():
            place = Path(root) / (venv["current"] or "")
            if not (place / "bin/python").exists() and venv["current"]:
                raise restore_store.PointError(
                    "%s, which current led to at %s, is gone; choose a later point, or name the other roles "
                    "in rdna1_rollback_roles and run rdna1.yml with that stack" % (place, self.point["id"])
                )

    def links(self) -> List[Tuple[str, Any]]:
        """Where current must lead elsewhere."""
        found = []
        for root, venv in sorted(self.was["venvs"].items()):
            current = Path(root) / "current"
            if (str(current.readlink()) if current.is_symlink() else None) != venv["current"]:
                found.append((root, venv["current"]))
        return found

    def commands(self, packages: restore_plan.PackagePlan) -> List[List[str]]:
        """Accounts, groups, holds and marks."""
        own = {state["group"] for state in self.was["accounts"].values() if state["uid"] is not None}
        groups = {name: {"gid": restore_scope.gid(name)} for name in {*self.was["groups"], *own}}
        accounts = {name: restore_scope.account(name) for name in self.was["accounts"]}
        found = restore_plan.accounts(self.was["groups"], self.was["accounts"], groups, accounts)
        # Of packages as they are once apt has done its part.
        after = {name: version for name, version in self.versions.items() if name not in packages.remove}
        after.update(dict(spec.split("=", 1) for spec in packages.install))
        touched = [name for name in self.touched() if name in self.point["packages"]]
        held = [name for name, package in self.dpkg.items() if package.held]
        for name, word in restore_plan.selections(self.point["held"], held, after, touched).items():
            found.append(["apt-mark", "hold" if word == "hold" else "unhold", name])
        automatic = set(apt_get.automatic())
        for name in sorted(set(touched) & set(after)):
            if (name in self.point["automatic"]) != (name in automatic):
                found.append(["apt-mark", "auto" if name in self.point["automatic"] else "manual", name])
        return found

    def begin(self) -> None:
        """Record what is there now, unless this is the rest of a rollback that was cut off."""
        unfinished = self.store.unfinished()
        if unfinished and unfinished["to"] == self.point["id"]:
            return
        paths = {}
        for path, state in self.was["paths"].items():
            paths[path] = {"role": state.get("role", ""), **restore_record.see(Path(path))}
        for tree, role in self.was["trees"].items():
            for path, state in restore_record.under(Path(tree)):
                paths[path] = {"role": role, **state}
        links = {root: Path(root) / "current" for root in self.was["venvs"]}
        found = {
            "paths": paths,
            "trees": self.was["trees"],
            "managed": {role: self.wanted[role] for role in self.roles or self.wanted if role in self.wanted},
            "groups": {
                name: {"role": state["role"], "gid": restore_scope.gid(name)}
                for name, state in self.was["groups"].items()
            },
            "accounts": {
                name: {"role": state["role"], "made": state["made"], **restore_scope.account(name)}
                for name, state in self.was["accounts"].items()
            },
            "venvs": {
                root: {
                    "role": self.was["venvs"][root]["role"],
                    "current": str(link.readlink()) if link.is_symlink() else None,
                }
                for root, link in links.items()
            },
            "roles": self.roles or sorted(self.wanted),
            "reasons": ["before the rollback to %s" % self.point["id"]],
            "release": self.store.points[-1]["release"],
            "kernel": platform.release(),
            "packages": self.versions,
            "held": sorted(name for name, package in self.dpkg.items() if package.held),
            "automatic": apt_get.automatic(),
            "ledger": restore_ledger.size(self.store.root.parent / "ledger.jsonl"),
        }
        self.store.begin(self.point, self.store.take(found, restore_store.ROLLBACK))

    def put(self, path: Path, state: Mapping[str, Any]) -> None:
        """Bring one path back."""
        if state["type"] in ("directory", "special") and not path.is_dir():
            moved = _moved(path, self.store.root.parent / "backup")
            if moved:
                if os.path.lexists(path):
                    path.unlink()
                moved.rename(path)
                return
        if state["type"] == "special":
            raise restore_store.PointError("%s was neither file, link nor directory; make it by hand" % path)
        blobs = self.store.blobs_of(state["sha256"]) if state["type"] == "file" else self.store.root
        if state["type"] == "absent" and str(path) in self.homes() and path.is_dir():
            reason = "the rollback to %s took its account away" % self.point["id"]
            aside.clear(aside.Obstacle(path, "", stays=False), self.store.root.parent / "backup", reason)
        elif state["type"] == "absent" and str(path) in self.was["trees"] and path.is_dir():
            # What is in it was recorded as this role's alone, and went before.
            restore_record.remove(path, Path(state["from"]))
        else:
            restore_record.put(path, state, blobs)

    def command(self, command: List[str]) -> None:
        """Run one; what fails is told, and the rest is done when the rollback is run again."""
        status, stdout, stderr = self.module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"})
        if status:
            raise restore_store.PointError(
                "%s failed: %s; mend that, then run this again: it goes on from there"
                % (" ".join(command), " ".join((stderr or stdout).split()))
            )

    def overlay(self, changed: List[Tuple[str, Mapping[str, Any]]]) -> Dict[str, Any]:
        """apt's configuration as it will be."""
        mine = [item for item in changed if restore_plan.in_apt(item[0])]
        return {
            "files": [
                {
                    "path": path,
                    "base64": base64.b64encode(
                        (self.store.blobs_of(state["sha256"]) / state["sha256"]).read_bytes()
                    ).decode(),
                }
                for path, state in mine
                if state["type"] == "file"
            ],
            "absent": [path for path, state in mine if state["type"] == "absent"],
        }

    def diff(self, path: str, state: Mapping[str, Any]) -> Dict[str, str]:
        """Before and after of one path."""
        after = ""
        if state["type"] == "file":
            after = _text(self.store.blobs_of(state["sha256"]) / state["sha256"])
        elif state["type"] == "link":
            after = "-> %s\n" % state["target"]
        elif state["type"] != "absent":
            after = "%s %s\n" % (state["type"], state.get("mode", ""))
        return _diff(path, _text(Path(path)), after)


def _inside(path: str) -> List[str]:
    """What a directory holds; nothing where it is none."""
    place = Path(path)
    return [str(entry) for entry in place.iterdir()] if place.is_dir() and not place.is_symlink() else []


def _lead(current: Path, target: Any) -> None:
    """Let a link lead elsewhere; at no moment does it lead nowhere."""
    if target is None:
        current.unlink(missing_ok=True)
        return
    partial = current.with_name(".current.restore")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(current)


def _moved(path: Path, backup: Path) -> Any:
    """Where a directory was moved to that was in the way of a role's file; None where nowhere."""
    manifest = backup / apt_backup.MANIFEST
    lines = manifest.read_text().splitlines() if manifest.exists() else []
    for line in reversed(lines):
        entry = json.loads(line)
        if entry["path"] == str(path) and "moved_to" in entry and os.path.lexists(entry["moved_to"]):
            return Path(entry["moved_to"])
    return None


def _text(path: Path) -> str:
    if path.is_symlink():
        return "-> %s\n" % path.readlink()
    if path.is_dir():
        return "directory %04o\n" % (path.stat().st_mode & 0o7777)
    if not path.is_file():
        return ""
    data = path.read_bytes()
    return data.decode("utf-8", "replace") if len(data) <= TEXT_LIMIT else "%d bytes\n" % len(data)


def _diff(what: str, before: str, after: str) -> Dict[str, str]:
    return {"before_header": what, "after_header": what, "before": before, "after": after}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "point": {"type": "str", "required": True},
            "step": {"type": "str", "choices": ["plan", "sources", "rest"], "required": True},
            "roles": {"type": "list", "elements": "str", "default": []},
            "venvs": {"type": "bool", "default": True},
            "directory": {"type": "path", "default": str(restore_store.POINTS)},
        },
        supports_check_mode=True,
    )
    try:
        result = Restore(module).run()
    except (restore_store.PointError, OSError, ValueError) as error:
        cure = "" if isinstance(error, restore_store.PointError) else "; mend that, then run this again"
        module.fail_json(msg="It cannot be rolled back: %s%s." % (error, cure))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
