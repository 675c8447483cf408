# SPDX-License-Identifier: MIT
"""Action plugin of the module host_lock: it knows which run this is, and which runs of its machine live."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.rdna1.provision.plugins.plugin_utils import run_owner

# Ansible loads the plugin before it forks a worker for each host: the process is that of the whole run.
OWNER = run_owner.this_run()


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """Fill in the module's `owner`; ask a second time where the lock's run is dead."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take or release; name the host where another run has it."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        found = self._ask(task_vars, {})
        holder = found.get("holder")
        if found.get("failed") and holder and run_owner.is_dead(holder):
            found = self._ask(task_vars, {"over": holder["run"]})
        if found.get("failed") and found.get("holder"):
            found["msg"] = f"{task_vars['inventory_hostname']}: {found['msg']}"
        return found

    def _ask(self, task_vars: dict[str, Any], more: dict[str, str]) -> dict[str, Any]:
        arguments = {**self._task.args, "owner": OWNER, **more}
        found: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return found
