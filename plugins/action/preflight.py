# SPDX-License-Identifier: MIT
"""Action: sum up what the roles' checks found on a host: what the chain would do, and whether it can.

The only thing that it asks of the host is how full its file systems are; a host that cannot be reached is
asked nothing, and its summary says so.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.rdna1.provision.plugins.plugin_utils import preflight


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """See the module's docstring."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the host's part of the report as ``rdna1``."""
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        lists = {"type": "list", "elements": "dict", "default": []}
        _, found = self.validate_argument_spec(
            argument_spec={
                "reached": {"type": "dict", "required": True},
                "roles": {"type": "list", "elements": "str", "required": True},
                "system": {"type": "str", "default": ""},
                "failed": lists,
                "card": {"type": "dict", "default": {}},
                "transactions": lists,
                "retired": lists,
                "leftovers": {"type": "dict", "default": {}},
                "shells": {"type": "dict", "default": {}},
                "venv": {"type": "dict", "default": {}},
            }
        )
        host = str(task_vars["inventory_hostname"])
        report = preflight.summary(found)
        failures = preflight.failures(host, found["failed"])
        filesystems: list[dict[str, Any]] = []
        if found["reached"].get("unreachable"):
            failures = [preflight.unreachable(host, str(found["reached"].get("msg", "")))]
            report["not_judged"] = report["roles"]
        else:
            try:
                filesystems = self._filesystems(preflight.needs(report["packages"], found["venv"]), task_vars)
            except AnsibleConnectionFailure as error:
                failures = [preflight.unreachable(host, str(error))]
        failures += preflight.too_full(host, filesystems)
        report |= {"filesystems": filesystems, "failures": failures, "ok": not failures}
        return {**result, "changed": False, "rdna1": report}

    def _filesystems(self, needs: list[dict[str, Any]], task_vars: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self._execute_module(
            module_name="rdna1.provision.disk_space", module_args={"needs": needs}, task_vars=task_vars
        )
        return list(answer.get("filesystems", []))
