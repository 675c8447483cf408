"""A role's variables and templates, as Ansible has them on a host: for documentation and for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.collection_loader import AnsibleCollectionConfig


@cache
def _loader(path: Path) -> DataLoader:
    """Return what reads a role's files; it keeps what it has read."""
    loader = DataLoader()
    loader.set_basedir(str(path))
    return loader


class RoleVariables:
    """The defaults and vars of a role for one operating system, and what is set beside them."""

    def __init__(self, root: Path, role: str, system: str) -> None:
        if AnsibleCollectionConfig.collection_finder is None:  # Ansible allows this once in a process
            init_plugin_loader([str(root / "collections")])
        self.path = root / "roles" / role
        self._loader = _loader(self.path)
        self._variables: dict[str, Any] = {
            "role_path": str(self.path),
            "inventory_hostname": "host",
            "ansible_search_path": [str(self.path)],
        }
        for name in ("defaults/main.yml", "vars/main.yml", f"vars/{system}.yml"):
            if (self.path / name).exists():
                self._variables |= self.load(self.path / name) or {}

    def __getitem__(self, name: str) -> Any:
        """Return a variable's value."""
        return self.template("{{ " + name + " }}")

    def set(self, **variables: Any) -> None:
        """Set variables, as an inventory or a registering task does."""
        self._variables |= variables

    def load(self, path: Path) -> Any:
        """Return what a YAML file of the role holds, its templates not yet resolved."""
        return self._loader.load_from_file(str(path), trusted_as_template=True)

    def template(self, value: Any) -> Any:
        """Return a value with its templates resolved."""
        return self._templar.template(trust_as_template(value) if isinstance(value, str) else value)

    def true(self, condition: Any) -> bool:
        """Whether a condition, as of ``when``, is met."""
        if isinstance(condition, str) and "{{" not in condition:
            return bool(self._templar.evaluate_conditional(trust_as_template(condition)))
        return bool(self.template(condition))

    def render(self, template: str) -> str:
        """Return a template's text, as ansible.builtin.template writes it."""
        text = trust_as_template((self.path / "templates" / template).read_text())
        rendered: str = self._templar.template(text, overrides={"trim_blocks": True, "lstrip_blocks": False})
        return rendered

    @property
    def _templar(self) -> Templar:
        # Not before the finder of collections is there. Ansible compiles a template anew each time.
        from ansible_collections.rdna1.provision.plugins.plugin_utils import compiled

        return compiled.share(Templar(loader=self._loader, variables=self._variables))
