# SPDX-License-Identifier: MIT
"""An action whose module takes long: what it is at, every half minute, instead of a silent hour.

The module notes how far it has come (``module_utils/progress.py``); while it runs, a second session on the
same connection reads that. What cannot be read is not shown, and never a reason to fail.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

SECONDS = 30.0
LOOK = "cat /run/rdna1/progress/* 2>/dev/null || true"
# Those of which is known that they may be asked twice at a time.
TRANSPORTS = ("ssh", "local")


class WatchedModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """Runs the module of the action's name, and shows meanwhile how far it is."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module as if there were no action."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        asynchronous = bool(self._task.async_val)
        every = float(self._templar.template(task_vars.get("rdna1_progress_seconds", SECONDS)))
        with contextlib.ExitStack() as stack:
            if every > 0 and not asynchronous and self._connection.transport in TRANSPORTS:
                stack.enter_context(self._shown(task_vars["inventory_hostname"], every))
            found: dict[str, Any] = self._execute_module(task_vars=task_vars, wrap_async=asynchronous)
        return {**result, **found}

    @contextlib.contextmanager
    def _shown(self, host: str, every: float) -> Any:
        ended = threading.Event()
        watcher = threading.Thread(
            target=contextvars.copy_context().run, args=(self._watch, host, every, ended), daemon=True
        )
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def _watch(self, host: str, every: float, ended: threading.Event) -> None:
        began = time.monotonic()
        while not ended.wait(every):
            with contextlib.suppress(AnsibleError, OSError):
                said = self._low_level_execute_command(LOOK, sudoable=False)["stdout"].strip()
                if not ended.is_set():
                    Display().display(line(host, self._task.get_name(), time.monotonic() - began, said))


def line(host: str, task: str, seconds: float, said: str) -> str:
    """One line: which host, at what, for how long, how far."""
    minutes, rest = divmod(int(seconds), 60)
    far = ", ".join(said.splitlines()) or "at work"
    return f"[{host}] {task}: {far}, for {minutes}:{rest:02} min"
