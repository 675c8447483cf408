"""Callback plugin: how long each task took until the next one began, as JSON in the file RDNA1_TASK_TIMES."""

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: aggregate
short_description: Write down how long each task took
description: For bench/converged, which asks for it.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible ships no types
    """Note each start; at the end, write the differences."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[dict[str, Any]] = []
        self._note("(before the first task)", "")

    def _note(self, name: str, action: str) -> None:
        self._tasks.append({"name": name, "action": action, "start": time.perf_counter()})

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Note a task."""
        del is_conditional
        self._note(task.get_name(), task.action)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Note a handler."""
        self._note(task.get_name(), task.action)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write it all down."""
        del stats
        ends = [task["start"] for task in self._tasks[1:]] + [time.perf_counter()]
        times = [
            {"name": task["name"], "action": task["action"], "seconds": round(end - task["start"], 4)}
            for task, end in zip(self._tasks, ends, strict=True)
        ]
        Path(os.environ["RDNA1_TASK_TIMES"]).write_text(json.dumps(times))
