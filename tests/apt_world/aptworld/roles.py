"""The roles' apt tasks, played on a world.

The tasks, their order, their conditions and their arguments are read from the roles; the project's own
modules run as they are, with the host's paths looked for below the world's root. Two things differ from a
host: the key does not come over HTTPS but is the session's, and a transaction is simulated and then noted in
dpkg's status file, for there are no contents.
"""

from __future__ import annotations

import base64
import contextlib
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.rdna1.provision.plugins.modules import (
    apt_archive,
    apt_retire,
    apt_transaction,
    dpkg_hold,
    dpkg_leftovers,
    dpkg_standin,
)
from rdna1.role_variables import RoleVariables

from aptworld import modules
from aptworld.answers import Transaction
from aptworld.archives import Stanza
from aptworld.hosts import Found
from aptworld.keys import Key
from aptworld.modules import HOSTS_PATHS
from aptworld.world import AptError, World

ROOT = Path(__file__).parents[3]
OWN = "rdna1.provision."
# What the roles do beside apt. A module that is neither here nor below is one that nobody thought of.
NOT_APTS = {
    f"ansible.builtin.{name}"
    for name in ("assert", "debug", "getent", "group", "include_vars", "setup", "stat", "user")
} | {f"{OWN}check_variables"}


class RoleError(Exception):
    """A module failed; the text is its message."""


@dataclass(frozen=True)
class Step:
    """A transaction of a role: what it asked for, and what apt did."""

    role: str
    asked: Mapping[str, Any]
    removal: Transaction
    installation: Transaction

    @property
    def removes(self) -> frozenset[str]:
        """Everything that went."""
        return self.removal.removes | self.installation.removes


class Host:
    """A host on which roles are played."""

    def __init__(self, world: World, found: Found, amd: Key, **inventory: Any) -> None:
        self.world = world
        self.found = found
        self.steps: list[Step] = []
        # What the transaction module said, in the order of its tasks.
        self.answers: list[dict[str, Any]] = []
        self._amd = amd
        self._facts: dict[str, Any] = {
            **inventory,
            "ansible_check_mode": False,
            "rocm_key_fingerprint": amd.fingerprint,
        }
        self._handlers: dict[str, Callable[[str, dict[str, Any], bool], Any]] = {
            "ansible.builtin.set_fact": lambda _role, arguments, _check: self._facts.update(arguments),
            f"{OWN}apt_archive": self._archive,
            f"{OWN}apt_retire": self._retire,
            f"{OWN}apt_transaction": self._transaction,
            f"{OWN}dpkg_hold": self._hold,
            f"{OWN}dpkg_leftovers": lambda _role, arguments, _check: self._module(dpkg_leftovers, arguments),
            f"{OWN}dpkg_standin": self._standin,
            f"{OWN}files": self._files,
            f"{OWN}observe": self._observe,
            f"{OWN}signing_key": self._key,
        }

    def copy(self, root: Path, **inventory: Any) -> Host:
        """Return the same host once more, perhaps with other variables."""
        other = Host(self.world.copy(root), self.found, self._amd)
        other.steps, other.answers = list(self.steps), list(self.answers)
        other._facts = self._facts | inventory
        return other

    def play(self, role: str, tasks: str = "main", *, check: bool = False) -> None:
        """Play a role's tasks."""
        variables = RoleVariables(ROOT, role, self.found.os)
        variables.set(**self._facts | {"ansible_check_mode": check})
        self._play(role, variables, variables.path / "tasks" / f"{tasks}.yml")

    def _play(self, role: str, variables: RoleVariables, path: Path) -> None:
        for task in variables.load(path):
            name = next(key for key in task if "." in key)
            if name == "ansible.builtin.import_tasks":
                variables.set(**task.get("vars", {}))
                self._play(role, variables, path.parent / task[name])
            elif name in self._handlers:
                self._run(role, variables, task, name)
            elif name not in NOT_APTS:
                raise RoleError(f"{path} uses {name}: say in {Path(__file__).name} what that is to apt")

    def _run(self, role: str, variables: RoleVariables, task: Mapping[str, Any], name: str) -> None:
        handler = self._handlers[name]
        variables.set(**task.get("vars", {}))
        for item in variables.template(task.get("loop", [None])):
            variables.set(item=item, **self._facts)
            conditions = task.get("when", True)
            if not all(map(variables.true, conditions if isinstance(conditions, list) else [conditions])):
                continue
            arguments = variables.template(task[name])
            if name.endswith(".files"):
                arguments["items"] = [
                    {"text": variables.render(found["template"]), **found}
                    if found["kind"] == "file"
                    else found
                    for found in arguments["items"]
                ]
            result = handler(role, arguments, variables.true(task.get("check_mode", "ansible_check_mode")))
            if "register" in task:
                self._facts[task["register"]] = result
        variables.set(**self._facts)

    # --- what the modules do --------------------------------------------------------------------------

    def _files(self, _role: str, arguments: dict[str, Any], check: bool) -> None:
        for item in [] if check else arguments["items"]:
            if item["kind"] == "file":
                self.world.put(item["path"], item["text"])
            elif item["kind"] == "absent":
                (self.world.root / item["path"].lstrip("/")).unlink(missing_ok=True)

    def _archive(self, _role: str, arguments: dict[str, Any], _check: bool) -> dict[str, Any]:
        with self.world.as_written() as etc:
            ignored = [str(etc / PurePosixPath(path).relative_to("/etc/apt")) for path in arguments["ignore"]]
            return self._call(apt_archive, {**arguments, "ignore": ignored, "etc": str(etc)}, check=True)

    def _retire(self, _role: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
        places = {"etc": "/etc/apt", "backup": "/var/lib/rdna1/backup"}
        return self._module(apt_retire, places | arguments, check=check)

    def _key(self, _role: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
        target = self.world.root / arguments["dest"].lstrip("/")
        if not check:
            self._amd.export(target)
        return {"base64": base64.b64encode(self._amd.public()).decode(), "changed": True}

    def _standin(self, _role: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
        result = self._module(dpkg_standin, {"directory": "/var/lib/rdna1/standins"} | arguments, check=check)
        if not check:
            for control, path in zip(result["packages"], result["install"], strict=True):
                stanza = _stanza(control)
                self.world.local[stanza.name] = (stanza, Path(path))
        return result

    def _observe(self, role: str, _arguments: dict[str, Any], _check: bool) -> dict[str, Any]:
        raise RoleError(f"{role} looks deep, which no world can: its observer reads the host's own paths")

    def _hold(self, _role: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
        result = self._module(dpkg_hold, arguments)
        if not check:
            self.world.hold(result["held"])
        return result

    def _transaction(self, role: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
        if check:
            result = self._module(apt_transaction, arguments)
            self.answers.append(result)
            return result
        with contextlib.suppress(AptError):  # what is wrong with others' sources is a warning on a host, too
            self.world.refresh()
        result = self._module(apt_transaction, {**arguments, "overlay": {}})
        self.answers.append(result)
        self.steps.append(self._make_true(role, arguments, [item["name"] for item in result["remove"]]))
        return result

    def _make_true(self, role: str, asked: dict[str, Any], goes: list[str]) -> Step:
        """Do what the module would: first remove, then install. Apt is asked again, for its own words."""
        leaving = [name for name in asked.get("remove", []) if name in self.world.installed]
        removal = Transaction((), frozenset())
        if leaving:
            removal = self.world.simulate("remove", *leaving)
            self.world.apply(removal)
        # What goes beside it may have to be named to apt.
        away = [f"{name}-" for name in goes if name in self.world.installed]
        installation = self.world.simulate("install", *asked["install"], *away)
        self.world.apply(installation, requested=[_name(spec) for spec in asked["install"]])
        return Step(role, asked, removal, installation)

    # --- running the project's modules ----------------------------------------------------------------

    def _module(
        self, module: types.ModuleType, arguments: Mapping[str, Any], *, check: bool = True
    ) -> dict[str, Any]:
        return self._call(module, self._below(arguments), check=check)

    def _below(self, value: Any) -> Any:
        """Return arguments in which the host's paths are those below the world's root."""
        if isinstance(value, Mapping):
            return {key: self._below(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [self._below(entry) for entry in value]
        if isinstance(value, str):
            value = self.world.localised(value)
            if value.startswith(HOSTS_PATHS):
                return f"{self.world.root}{value}"
        return value

    def _call(self, module: types.ModuleType, arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
        result = modules.run(module, self.world.root, self.world.environment, arguments, check=check)
        if result.get("failed"):
            raise RoleError(result["msg"])
        return result


def _stanza(control: str) -> Stanza:
    fields: dict[str, str] = {}
    for line in control.splitlines():
        if not line.startswith(" "):
            name, _, value = line.partition(": ")
            fields[name] = value
    fields.pop("Description")
    return Stanza(fields.pop("Package"), fields.pop("Version"), fields)


def _name(spec: str) -> str:
    return PurePosixPath(spec).name.partition("_")[0] if spec.startswith("/") else spec.partition("=")[0]
