# SPDX-License-Identifier: MIT
"""What roles want of a host, from their own defaults, variables and templates: nothing is said twice.

``__ROLE_desired`` is evaluated on the controller as it would be inside of the role. What only the host can
tell (where it gets its release from, its kernel, its cards) is filled in once it was asked.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.template import trust_as_template
from ansible_collections.rdna1.provision.plugins.plugin_utils import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OS_FILES = ("{distribution}_{distribution_version}.yml", "{distribution}_{distribution_major_version}.yml")


class UnknownSystemError(Exception):
    """A role has no variables for the host's release; the message is one sentence."""


class RoleScope:
    """One role's view of a host's variables."""

    def __init__(
        self, role: str, roles: Path, loader: Any, templar: Any, task_vars: Mapping[str, Any]
    ) -> None:
        self.role = role
        self.folder = roles / role
        self._loader = loader
        facts = task_vars["ansible_facts"]
        self.variables: dict[str, Any] = {
            **dict(self._load(self.folder / "defaults/main.yml")),
            **task_vars,
            **dict(self._load(self.folder / "vars/main.yml")),
            **dict(self._load(self._os_file(facts))),
            "role_path": str(self.folder),
            "role_name": role,
            "ansible_search_path": [str(self.folder)],
        }
        self._templar = templar.copy_with_new_env(
            searchpath=[str(self.folder / "templates")], available_variables=self.variables
        )

    def desired(self) -> list[dict[str, Any]]:
        """Everything that the role wants; files still as their templates' names."""
        found = []
        for item in kinds.expand(self._templar.template(self.variables[f"__{self.role}_desired"])):
            if item["kind"] == "tree":
                item["files"] = digests(self.folder / "files" / item.pop("source"))
            found.append(item)
        return found

    def learn(self, name: str, value: Any) -> None:
        """Set a variable that only the host could tell."""
        self.variables[name] = value

    def text(self, template: str) -> str:
        """Render one of the role's templates as M(ansible.builtin.template) would."""
        source = (self.folder / "templates" / template).read_text(encoding="utf-8")
        return str(self._templar.template(trust_as_template(source), escape_backslashes=False))

    def _load(self, path: Path | None) -> Iterator[tuple[str, Any]]:
        if path is not None and path.is_file():
            yield from (self._loader.load_from_file(str(path), trusted_as_template=True) or {}).items()

    def _os_file(self, facts: Mapping[str, Any]) -> Path | None:
        """The file for the host's release; None where the role has none for any release."""
        folder = self.folder / "vars"
        if not any(path.name != "main.yml" for path in folder.glob("*.yml")):
            return None
        for name in OS_FILES:
            path = folder / name.format_map(facts)
            if path.is_file():
                return path
        raise UnknownSystemError(
            f"it runs {facts['distribution']} {facts['distribution_version']}, "
            f"which the role {self.role} does not know; "
            "install Ubuntu 24.04 or 22.04 or Debian 13 or 12, or take the host out of the inventory"
        )


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file under a folder, but for what Python compiled."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
