#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: one venv per lock, proven before it is used."""

from __future__ import annotations

DOCUMENTATION = """
module: venv_stack
short_description: Build a venv from a hash lock, prove it, and switch to it
description:
  - Builds C(ROOT/venvs/HASH), where C(HASH) begins the lock's sha256, checks that its modules can be
    imported, that every version is the locked one and that C(pip check) is content, and only then lets the
    symlink C(ROOT/current) lead to it. Whatever fails, C(current) leads where it led before.
  - A venv is complete when it holds its marker, which is written last. One that is half-built, damaged
    (a file gone, of another size, mode, owner or content) or whose interpreter is gone is built anew. Files
    are compared with a list that the build wrote; the content is read of those that were touched since.
  - A venv that is as wanted is recognised without starting torch.
  - Wheels that M(rdna1.provision.venv_wheels) fetches are waited for and taken. Where that came to nothing,
    they are fetched now.
options:
  root:
    description: Where everything lives.
    type: path
    default: /opt/rdna1
  stack:
    description: The stack's name, for the marker.
    type: str
    default: ""
  lock:
    description: The lock's text, one C(NAME==VERSION --hash=sha256:...) for every distribution.
    type: str
    required: true
  interpreter:
    description: The Python to build with.
    type: path
    required: true
  interpreter_expected:
    description:
      - Whether the interpreter must already be there in check mode; false where an earlier task installs it.
    type: bool
    default: false
  python:
    description: The version that the interpreter must have, for example C(3.10).
    type: str
    required: true
  modules:
    description: What must be importable. Names that the lock does not have are passed over.
    type: list
    elements: str
    default: []
  index_url:
    description: The index to ask; empty for the host's own default.
    type: str
    default: ""
  extra_index_urls:
    description: Further indexes.
    type: list
    elements: str
    default: []
  find_links:
    description: Folders on the host, or pages, with wheels.
    type: list
    elements: str
    default: []
  trusted_hosts:
    description: Hosts that pip may ask over plain http.
    type: list
    elements: str
    default: []
  offline:
    description: Ask no index, only I(find_links).
    type: bool
    default: false
  environment:
    description: Environment variables for pip, for example a proxy.
    type: dict
    default: {}
  switch:
    description:
      - Let C(ROOT/current) lead to the venv. Otherwise it is built beside the one in use, and nothing
        else changes.
    type: bool
    default: true
  keep:
    description: How many earlier venvs of each stack stay, for going back.
    type: int
    default: 1
  free_gib:
    description: Free space that a build wants, in GiB.
    type: float
    default: 10
  deep:
    description: Read every installed file, not only those that were touched since the build.
    type: bool
    default: false
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Have PyTorch
  rdna1.provision.venv_stack:
    lock: "{{ lookup('ansible.builtin.file', 'requirements.txt', rstrip=false) }}"
    interpreter: /usr/bin/python3.10
    python: "3.10"
    modules: [torch, numpy]
"""

RETURN = """
venv:
  description: The venv's path.
  type: str
  returned: always
  sample: /opt/rdna1/venvs/0123456789ab
reasons:
  description: What differed from what is wanted, each as a sentence.
  type: list
  elements: str
  returned: always
  sample: [its interpreter /usr/bin/python3.10 is gone]
imported:
  description: The versions that the imported modules gave, where a venv was built.
  type: dict
  returned: always
  sample: {torch: 1.13.1+rocm5.2}
ahead:
  description: What came of fetching and installing the wheels ahead; empty where nobody did.
  type: str
  returned: always
  sample: all wheels were fetched ahead, in 41 s
extras:
  description:
    - Distributions that somebody added to the venv. They are left alone, and lost when it is built anew.
  type: list
  elements: str
  returned: always
log:
  description: The end of what pip said.
  type: list
  elements: str
  returned: when the build failed
"""

import os
from pathlib import Path
from typing import Any, Collection

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    progress,
    sealed_tree,
    venv_build,
    venv_lock,
    venv_run,
    venv_state,
    venv_store,
    venv_wheels,
)


def options() -> dict[str, Any]:
    """What the module takes."""
    strings = {"type": "list", "elements": "str", "default": []}
    return {
        "root": {"type": "path", "default": "/opt/rdna1"},
        "stack": {"type": "str", "default": ""},
        "lock": {"type": "str", "required": True},
        "interpreter": {"type": "path", "required": True},
        "interpreter_expected": {"type": "bool", "default": False},
        "python": {"type": "str", "required": True},
        "modules": strings,
        "index_url": {"type": "str", "default": ""},
        "extra_index_urls": strings,
        "find_links": strings,
        "trusted_hosts": strings,
        "offline": {"type": "bool", "default": False},
        "environment": {"type": "dict", "default": {}},
        "switch": {"type": "bool", "default": True},
        "keep": {"type": "int", "default": 1},
        "free_gib": {"type": "float", "default": 10},
        "deep": {"type": "bool", "default": False},
    }


class Stack:
    """One run of the module: look, say what differs, and unless only asked, do it."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self.requirements = venv_lock.parse(parameters["lock"])
        identity = venv_lock.identity(parameters["lock"])
        self.layout = venv_state.Layout(Path(parameters["root"]), identity[:12])
        self.wanted = venv_state.Wanted(
            identity, self.requirements, parameters["interpreter"], parameters["keep"]
        )
        self.sources = venv_build.Sources(*(parameters[name] for name in venv_build.Sources._fields))
        self.environment = {name: str(value) for name, value in parameters["environment"].items()}
        self.ahead = venv_wheels.Ahead()
        self.imported: dict[str, str] = {}
        self.current: str | None = None

    def look(self) -> tuple[dict[str, Any], list[venv_state.Difference]]:
        """Observe, and compare with what is wanted."""
        observed = venv_state.observe(self.layout, self.parameters["deep"], limit=None)
        self.current = observed["current"]
        found = venv_state.differences(self.layout, observed, self.wanted)
        if not _any(found, venv_state.BUILD):
            python = self.layout.venv / "bin/python"
            broken = venv_run.judge(python, venv_run.probe(python), self.parameters["python"])
            found += [venv_state.Difference(venv_state.BUILD, broken)] if broken else []
        if not self.parameters["switch"]:
            found = [one for one in found if one.action not in (venv_state.SWITCH, venv_state.PRUNE)]
        return observed, found

    def judge(self, *, rehearsal: bool = False) -> None:
        """Refuse a build that cannot end well, before anything is touched.

        In a rehearsal the interpreter is left to the task that installs it: Ubuntu's python3.10 may be
        there without its python3.10-venv.
        """
        self.sources.lines()
        interpreter = Path(self.wanted.interpreter)
        if self.parameters["interpreter_expected"] or (interpreter.exists() and not rehearsal):
            refused = venv_run.judge(interpreter, venv_run.probe(interpreter), self.parameters["python"])
            if refused:
                raise venv_build.BuildError(refused)
        free = venv_store.room_gib(self.layout)
        if free < self.parameters["free_gib"]:
            raise venv_build.BuildError(
                f"{free:.1f} GiB are free under {self.layout.root}, the wheels want "
                f"{self.parameters['free_gib']:g} GiB; make room there"
            )

    def apply(self) -> None:
        """Bring everything into the wanted state."""
        with venv_store.locked(self.layout.root):
            venv_store.recover(self.layout)
            _, found = self.look()
            if _any(found, venv_state.BUILD):
                self.judge()
                self.build()
            elif _any(found, venv_state.RENEW):  # all of it was read, and is right
                sealed_tree.renew(self.layout.venv)
            if not self.parameters["switch"]:
                venv_store.put_back(self.layout)  # what was set aside for it goes
                return
            venv_wheels.clear(self.layout)
            if not venv_store.points_to(self.layout, self.layout.venv):
                venv_store.switch(self.layout, self.layout.venv)
            observed = venv_state.observe(self.layout)
            for path in [
                *observed["leftovers"],
                *venv_state.prunable(self.layout, observed, self.wanted),
            ]:
                venv_store.remove(self.layout, path)

    def build(self) -> None:
        """Build the venv and prove it; put back what was there if that fails."""
        layout, parameters = self.layout, self.parameters
        layout.venvs.mkdir(mode=0o755, exist_ok=True)
        try:
            filling = [layout.wheels, layout.venv]
            with venv_store.scratch(layout) as tmp, progress.of_growth("venv", "wheels", [tmp, *filling]):
                self.ahead = venv_wheels.take(
                    layout, parameters["interpreter"], parameters["lock"], self.sources
                )
                if not self.ahead.installed:
                    venv_store.set_aside(layout)
                    self.install(tmp)
            locked = {requirement.name for requirement in self.requirements}
            modules = [name for name in parameters["modules"] if venv_lock.canonical(name) in locked]
            self.imported = venv_build.check(layout.venv, self.requirements, modules)
            self.seal(locked)
            venv_store.complete(layout, self.marker())
        except BaseException:
            venv_store.put_back(layout)
            raise
        finally:
            if self.ahead.said:
                venv_wheels.clear(layout)

    def install(self, tmp: Path) -> None:
        """Install the wheels, from what was fetched ahead if that is all of them."""
        arguments = (self.layout.venv, self.wanted.interpreter, self.parameters["lock"])
        if self.ahead.folder:
            fetched = venv_build.Sources(find_links=[str(self.ahead.folder)], offline=True)
            try:
                return venv_build.install(*arguments, fetched, tmp, self.environment)
            except venv_build.BuildError as error:
                if not venv_build.wheels_missing(error.log):
                    raise
                self.ahead = venv_wheels.Ahead(None, f"what was fetched ahead is of no use: {error}")
        return venv_build.install(*arguments, self.sources, tmp, self.environment)

    def seal(self, locked: Collection[str]) -> None:
        """List the venv's files, but for pip's and what else may change itself."""
        recorded = venv_state.recorded(self.layout.venv)
        others = {path for name, files in recorded.items() if name not in locked for path in files}
        known = {path: digest for files in recorded.values() for path, digest in files.items()}
        sealed_tree.write(self.layout.venv, known, others)

    def marker(self) -> dict[str, Any]:
        """What a complete venv says of itself; no date, so that equal venvs have equal markers."""
        return {
            "schema": "rdna1.venv/1",
            "stack": self.parameters["stack"],
            "lock": self.wanted.identity,
            "interpreter": self.wanted.interpreter,
            "python": venv_run.probe(self.wanted.interpreter)["version"],
        }

    def shown(self, observed: dict[str, Any] | None) -> str:
        """Show a state as text, for a diff; None is the wanted one."""
        if observed is None:
            current = f"venvs/{self.layout.name}" if self.parameters["switch"] else self.current
            interpreter: str | None = self.wanted.interpreter
            versions = {requirement.name: requirement.version for requirement in self.requirements}
        else:
            venv = observed["venv"] or {"marker": None, "distributions": {}}
            current, versions = observed["current"], venv["distributions"]
            interpreter = (venv["marker"] or {}).get("interpreter")
        names = {requirement.name for requirement in self.requirements}
        lines = [f"current -> {current}", f"interpreter {interpreter}"]
        lines += [f"{name} {version}" for name, version in sorted(versions.items()) if name in names]
        return "\n".join(lines) + "\n"


def _any(found: list[venv_state.Difference], action: str) -> bool:
    return any(difference.action == action for difference in found)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=options(), supports_check_mode=True)
    os.umask(0o022)
    try:
        stack = Stack(module.params)
        observed, found = stack.look()
        if _any(found, venv_state.BUILD):
            stack.judge(rehearsal=module.check_mode)
        if found and not module.check_mode:
            stack.apply()
    except venv_lock.LockError as error:
        module.fail_json(msg=f"The lock cannot be used: {error}; nothing was changed.")
    except (venv_build.BuildError, venv_store.StoreError, OSError) as error:
        mend = "; mend that and run again" if isinstance(error, OSError) else ""
        module.fail_json(
            msg=f"The venv was not built: {error}{mend}; {module.params['root']}/current is as it was.",
            log=getattr(error, "log", "").splitlines()[-40:],
        )
    if stack.ahead.said and not stack.ahead.folder:
        module.warn(f"{stack.ahead.said}; they were fetched while the venv was built")
    module.exit_json(
        changed=bool(found),
        venv=str(stack.layout.venv),
        reasons=[difference.reason for difference in found],
        imported=stack.imported,
        ahead=stack.ahead.said,
        extras=venv_state.extras(observed, stack.wanted),
        diff={
            "before": stack.shown(observed) + "".join(f"# {difference.reason}\n" for difference in found),
            "after": stack.shown(None if found else observed),
            "before_header": str(stack.layout.current),
            "after_header": str(stack.layout.current),
        },
    )


if __name__ == "__main__":
    main()
