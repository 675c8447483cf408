# SPDX-License-Identifier: MIT
"""Action plugin of the module restore_point: it reads from the roles what they are about to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.rdna1.provision.plugins.plugin_utils import restore_items
from ansible_collections.rdna1.provision.plugins.plugin_utils.desired import RoleScope, UnknownSystemError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """Fill in the module's `items` and `release`. The plan must have asked the host before."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read, send, return what the module says."""
        super().run(tmp, task_vars)
        task_vars = dict(task_vars or {})
        arguments = dict(self._task.args)
        if arguments.get("state", "taken") == "taken":
            facts = task_vars.get("ansible_facts") or {}
            try:
                scopes = {role: RoleScope(role, self._templar, task_vars) for role in arguments["roles"]}
            except UnknownSystemError as error:
                raise AnsibleActionFail(f"{task_vars['inventory_hostname']} {error}.") from error
            arguments["items"] = [*restore_items.of(scopes), *self._shells(scopes)]
            arguments["release"] = " ".join(
                str(facts.get(f"distribution{part}", "")) for part in ("", "_version")
            )
        found: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return found

    def _shells(self, scopes: dict[str, RoleScope]) -> Iterator[dict[str, Any]]:
        scope = scopes.get(restore_items.SHELLS)
        if scope:
            templar = self._templar.copy_with_new_env(available_variables=scope.variables)
            if templar.template(scope.variables["rocm_environment_clean_bashrc"]):
                yield restore_items.start_files(templar.template(scope.variables["rocm_environment_users"]))
