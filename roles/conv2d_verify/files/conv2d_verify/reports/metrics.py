"""Prometheus text for node_exporter's textfile collector."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any


def render(verdict: dict[str, Any]) -> str:
    """Return the verdict as metrics."""
    simulated = verdict["device"]["simulated"] or bool(verdict["runtime"].get("stand_in"))
    labels = _labels(stack=verdict["expect"]["stack"], simulated=str(simulated).lower())
    lines = [
        *_metric("rdna1_conv2d_ok", "Whether the last verdict is a pass.", [(labels, int(verdict["ok"]))]),
        *_metric("rdna1_conv2d_exit_code", "Exit code of the last run.", [(labels, verdict["exit_code"])]),
        *_metric(
            "rdna1_conv2d_timestamp_seconds", "When the last run ended.", [("", _stamp(verdict["finished"]))]
        ),
        *_metric("rdna1_conv2d_run_seconds", "How long the last run took.", [("", verdict["seconds"])]),
        *_metric(
            "rdna1_conv2d_case_ok",
            "Whether a case is in a state that is as wanted.",
            [
                (
                    _labels(case=case["id"], state=case["state"]),
                    int(case["state"] in ("pass", "expected-hang", "unexpected-pass")),
                )
                for case in verdict["cases"]
            ],
        ),
    ]
    for name, key, text in (
        ("rdna1_conv2d_first_seconds", "first_s", "First run of a case, compilation included."),
        ("rdna1_conv2d_steady_seconds", "steady_s", "Median of the later runs of a case."),
        ("rdna1_conv2d_vram_bytes", "vram_bytes", "Most device memory in use during a case."),
    ):
        values = [(_labels(case=case["id"]), case[key]) for case in verdict["cases"] if case[key] is not None]
        lines += _metric(name, text, values)
    return "\n".join(lines) + "\n"


def _metric(name: str, text: str, values: list[tuple[str, float]]) -> list[str]:
    if not values:
        return []
    return [
        f"# HELP {name} {text}",
        f"# TYPE {name} gauge",
        *(f"{name}{labels} {value!r}" for labels, value in values),
    ]


def _labels(**labels: str) -> str:
    inner = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return "{" + inner + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _stamp(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return time.time()
