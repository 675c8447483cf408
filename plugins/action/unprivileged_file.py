# SPDX-License-Identifier: MIT
"""Action plugin of the module unprivileged_file: it writes what was read to the controller."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


def write(path: Path, content: str) -> None:
    """Put a file in its place at once, with the directories that lead there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """Read on the host, write on the controller."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result; the text goes to `dest` instead, where there is one."""
        super().run(tmp, task_vars)
        found: dict[str, Any] = self._execute_module(task_vars=task_vars)
        dest = self._task.args.get("dest")
        if found.get("failed") or not dest:
            return found
        try:
            write(Path(self._loader.path_dwim(dest)), found.pop("content"))
        except OSError as error:
            raise AnsibleActionFail(
                f"{dest} cannot be written on the controller: {error.strerror}; "
                "make room or give another path."
            ) from error
        return found
