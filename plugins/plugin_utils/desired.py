# SPDX-License-Identifier: MIT
"""What roles want of a host, from their own defaults, variables and templates: nothing is said twice.

``__ROLE_desired`` is evaluated on the controller as it would be inside of the role. What only the host can
tell (where it gets its release from, its kernel, its cards) is filled in once it was asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import constants as C  # noqa: N812 - what everybody calls it
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template
from ansible_collections.rdna1.provision.plugins.plugin_utils import compiled, kinds, templates, yaml_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROLES = Path(__file__).parents[2] / "roles"
COMPOSITION = ROLES.parent / "playbooks/vars/composition.yml"
# What playbooks/rdna1.yml gives to the action.
ARGUMENTS = ("{{ __rdna1_host_roles }}", "{{ rdna1_full | default(false) }}")
OS_FILES = ("{distribution}_{distribution_version}", "{distribution}_{distribution_major_version}")

WORD = re.compile(r"\w+")
TEMPLATE = re.compile(r"\{[{%#]")
ALONE = re.compile(r"\{\{ (\w+) \}\}")
INCLUDED = re.compile(r"\{%-?\s*(?:include|from|import)\s*'([^']+)'")


class UnknownSystemError(Exception):
    """A role has no variables for the host's release; the message is one sentence."""


def _load() -> dict[str, dict[str, dict[str, Any]]]:
    """The variables that roles come with: role -> ``defaults``, ``main`` or a release -> variables.

    Without the places that Ansible's own loader notes of each value, which take six times as long.
    """

    def read(path: Path) -> dict[str, Any]:
        found: dict[str, Any] = _trusted(yaml_files.read(str(path)) or {})
        return found

    return {
        role.name: {
            "defaults": read(role / "defaults/main.yml"),
            **{path.stem: read(path) for path in sorted(role.glob("vars/*.yml"))},
        }
        for role in sorted(ROLES.iterdir())
    }


def _trusted(value: Any) -> Any:
    """A value whose templates may be evaluated: it is our own."""
    if isinstance(value, dict):
        return {key: _trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_trusted(inner) for inner in value]
    return trust_as_template(value) if isinstance(value, str) and TEMPLATE.search(value) else value


def _templates(value: Any) -> Iterator[str]:
    """All templates in a value, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _templates(inner)
    elif isinstance(value, str) and TEMPLATE.search(value):
        yield value


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file under a folder, but for what Python compiled."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


# Read and compiled when Ansible loads the plugin, before it forks a worker for each host.
VARIABLES = _load()
TREES = {folder: digests(folder) for folder in ROLES.glob("*/files/*") if folder.is_dir()}
yaml_files.warm()
compiled.load_jinja_plugins()
compiled.warm(
    DataLoader(),
    {
        True: [*_templates(VARIABLES), *_templates(yaml_files.read(str(COMPOSITION))), *ARGUMENTS],
        False: [path.read_text(encoding="utf-8") for path in sorted(ROLES.glob("*/templates/*.j2"))],
    },
    cache=Path(C.ANSIBLE_HOME) / "rdna1",
)


class RoleScope:
    """One role's view of a host's variables."""

    def __init__(self, role: str, templar: Any, task_vars: Mapping[str, Any]) -> None:
        self.role = role
        self.folder = ROLES / role
        self._given = (templar, task_vars)
        own = VARIABLES[role]
        private = {**own["main"], **release_variables(role, task_vars["ansible_facts"])}
        self.variables: dict[str, Any] = {
            **own["defaults"],
            **task_vars,
            **private,
            "role_path": str(self.folder),
            "role_name": role,
            "ansible_search_path": [str(self.folder)],
        }
        self._unsettled = {
            name for name in (*own["defaults"], *private) if TEMPLATE.search(str(self.variables[name]))
        }
        self._templar = compiled.share(
            templar.copy_with_new_env(
                searchpath=[str(self.folder / "templates")], available_variables=self.variables
            )
        )

    def desired(self) -> list[dict[str, Any]]:
        """Everything that the role wants; files still as their templates' names."""
        found = self._wanted(f"__{self.role}_desired")
        for stack in self._evaluate(self.variables.get(f"{self.role}_beside", [])):
            found += self._beside(stack)
        return found

    def _beside(self, stack: str) -> Iterator[dict[str, Any]]:
        """What the role wants for a stack that lies beside the host's own, as its tasks/beside.yml has it."""
        templar, task_vars = self._given
        others = {
            "rdna1_stack": stack,
            f"{self.role}_stack": stack,
            f"__{self.role}_is_beside": True,
        }
        scope = RoleScope(self.role, templar, {**task_vars, **others})
        for item in scope._wanted(f"__{self.role}_beside_desired"):
            yield {**item, "text": scope.text(item["template"])} if item["kind"] == "file" else item

    def _wanted(self, wanted: str) -> list[dict[str, Any]]:
        found = []
        for item in kinds.expand(self._evaluate(self.variables[wanted])):
            if item["kind"] == "tree":
                item["files"] = TREES[self.folder / "files" / item.pop("source")]
            found.append(item)
        return found

    def learn(self, name: str, value: Any) -> None:
        """Set a variable that only the host could tell."""
        self.variables[name] = value

    def text(self, template: str) -> str:
        """Render one of the role's templates as ansible.builtin.template would."""
        source = self._source(template)
        self._settle_mentioned(source + "".join(map(self._source, INCLUDED.findall(source))))
        return templates.rendered(self._templar, source)

    def _source(self, template: str) -> str:
        return (self.folder / "templates" / template).read_text(encoding="utf-8")

    def _settle_mentioned(self, text: str) -> None:
        """Evaluate, once, the variables that a text mentions, after those that they mention in turn.

        Ansible evaluates a variable each time that it is used: a stack's file would be read eighty times.
        What depends on something that only the host can tell stays as it is.
        """
        for name in sorted(self._unsettled.intersection(WORD.findall(text))):
            if name in self._unsettled:
                self._unsettled.discard(name)
                with contextlib.suppress(AnsibleError):
                    self.variables[name] = self._evaluate(self.variables[name])

    def _evaluate(self, value: Any) -> Any:
        """Evaluate all that is in a value as Ansible would.

        Most of it is a variable alone, for which no template need be compiled: half of what a plan costs.
        """
        if isinstance(value, dict):
            return {key: self._evaluate(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._evaluate(inner) for inner in value]
        if not isinstance(value, str) or not TEMPLATE.search(value):
            return value
        self._settle_mentioned(value)
        alone = ALONE.fullmatch(value)
        if alone and (found := self.variables.get(alone[1])) is not None and not TEMPLATE.search(str(found)):
            return found
        return self._templar.template(value)


def release_variables(role: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A role's variables for the host's release; none where the role has none for any release."""
    own = VARIABLES[role]
    if own.keys() <= {"defaults", "main"}:
        return {}
    for name in OS_FILES:
        if name.format_map(facts) in own:
            return own[name.format_map(facts)]
    judge = VARIABLES["host_check"]["main"]
    major = facts[
        "distribution_version" if facts["distribution"] == "Ubuntu" else "distribution_major_version"
    ]
    raise UnknownSystemError(
        f"runs {facts['distribution']} {major} on {facts['architecture']}; "
        f"install one of {', '.join(judge['__host_check_releases'])} "
        f"on {judge['__host_check_architecture']}, or take the host out of the inventory"
    )
