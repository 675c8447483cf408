# SPDX-License-Identifier: MIT
"""The collection's YAML data, read once: Ansible would parse a stack anew for each role of each host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

COLLECTION = Path(__file__).parents[2]
Key = tuple[str, int, int]

_read: dict[Key, Any] = {}


def read(path: str) -> Any:
    """What is in a YAML file. OSError or yaml.YAMLError where it cannot be read."""
    state = Path(path).stat()
    key = str(Path(path).resolve()), state.st_mtime_ns, state.st_size
    if key not in _read:
        _read[key] = yaml_load(Path(path).read_bytes())
    return _read[key]


def warm() -> None:
    """Read what roles ask for, before workers are forked."""
    for pattern in ("stacks/*.yml", "stacks/*/stack.yml", "roles/*/files/*.yml"):
        for path in COLLECTION.glob(pattern):
            read(str(path))
