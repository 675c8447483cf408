# SPDX-License-Identifier: MIT
"""The observer as one script for a host's Python.

A module costs the controller the search for its imports, once a host, and the host the unpacking and the
compiling of Ansible's own half. Where the connection can pipe, the same code goes there without both.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rdna1.provision.plugins.plugin_utils.piped_observer import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

UTILS = Path(__file__).parents[1] / "module_utils"
PACKAGE = "ansible_collections.rdna1.provision.plugins.module_utils"
OBSERVER = "observation"
# Parsing them as Python does takes a tenth of a second in every run.
IMPORTS = re.compile(rf"^\s*from {re.escape(PACKAGE)}(?:\.(\w+))? import (\([^)]*\)|.*)$", re.MULTILINE)
WORD = re.compile(r"\w+")


def _sources(name: str, found: dict[str, str] | None = None) -> dict[str, str]:
    """The texts of a module and of all that it imports of ours, by their full names."""
    found = {} if found is None else found
    text = found[f"{PACKAGE}.{name}"] = (UTILS / f"{name}.py").read_text(encoding="utf-8")
    for inner, names in IMPORTS.findall(text):
        for needed in [inner] if inner else WORD.findall(names):
            if f"{PACKAGE}.{needed}" not in found:
                _sources(needed, found)
    return found


def _packed(value: Any, level: int) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode(), level)).decode()


# Made when Ansible loads the plugin, before it forks a worker for each host.
SOURCES = _sources(OBSERVER)
PACKED = _packed(SOURCES, 9)
PROGRAM = Path(__file__).with_name("piped_observer.py").read_text(encoding="utf-8")


def script(questions: Sequence[dict[str, Any]]) -> bytes:
    """What to give to a Python on its standard input."""
    arguments = f"{PACKAGE}.{OBSERVER}", PACKED, _packed(list(questions), 1)
    return f"{PROGRAM}\n\nrun{arguments!r}\n".encode()


def answers(output: str) -> Any:
    """What it printed, whatever else a login prints; None where it printed no answers."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    return json.loads(lines[-1].removeprefix(MARK)) if lines else None
