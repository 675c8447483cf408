# SPDX-License-Identifier: MIT
"""Action plugin of the module tree: it reads the directory on the controller and sends it along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase


def read(root: Path) -> dict[str, str]:
    """Return the directory's text files by their paths in it, without what Python compiled."""
    files = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            try:
                files[str(path.relative_to(root))] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                raise AnsibleActionFail(f"{path} is not UTF-8 text, and tree only copies text.") from None
    return files


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """Fill in the module's `files` from its `src`."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read, send, return what the module found."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if "src" in arguments:
            try:
                root = Path(self._find_needle("files", arguments["src"]))
            except AnsibleError as error:
                raise AnsibleActionFail(
                    f"{arguments['src']} is no directory on the controller: {error}"
                ) from error
            arguments["files"] = read(root)
        found: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return found
