"""What came of a run: a JSON file for programs, metrics for node_exporter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = "rdna1.self_converge/1"
METRICS = """\
# HELP rdna1_self_converge_ok Whether the last run found the host as wanted, or made it so.
# TYPE rdna1_self_converge_ok gauge
rdna1_self_converge_ok {ok}
# HELP rdna1_self_converge_changed How many tasks of the last run changed something; -1 where it was cut off.
# TYPE rdna1_self_converge_changed gauge
rdna1_self_converge_changed {changed}
# HELP rdna1_self_converge_finished_timestamp_seconds When the last run ended.
# TYPE rdna1_self_converge_finished_timestamp_seconds gauge
rdna1_self_converge_finished_timestamp_seconds {finished}
# HELP rdna1_self_converge_info The commit that the host runs by itself.
# TYPE rdna1_self_converge_info gauge
rdna1_self_converge_info{{commit="{commit}"}} 1
"""


def last(directory: Path) -> dict[str, Any] | None:
    """Return the last run's result; None where there is none that can be read."""
    try:
        found = json.loads((directory / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else None


def write(directory: Path, result: Mapping[str, Any], finished: float) -> None:
    """Write both files; readers see the old or the new, and nothing in between."""
    _replace(directory / "result.json", json.dumps({"schema": SCHEMA, **result}, indent=2) + "\n")
    changed = -1 if result["changed"] is None else result["changed"]
    _replace(
        directory / "metrics.prom",
        METRICS.format(
            ok=int(result["ok"]), changed=changed, finished=int(finished), commit=result["commit"]
        ),
    )


def _replace(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)
    new.replace(path)
