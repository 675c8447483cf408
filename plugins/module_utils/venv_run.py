# SPDX-License-Identifier: MIT
"""Running interpreters and pip: never in the environment of whoever called, never without an end."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence

# Anything of the caller's that would make Python or pip work elsewhere than where they are told to.
FOREIGN = ("PYTHON", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE", "VIRTUAL_ENV")

PROBE = """
import importlib.util, json, platform, sys
missing = [name for name in ("ensurepip", "ssl", "venv") if importlib.util.find_spec(name) is None]
print(json.dumps({"version": platform.python_version(), "missing": missing}))
"""


class Outcome(NamedTuple):
    """How a command ended, and its two outputs as one text."""

    code: int
    output: str


def surroundings(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment of whoever called, without what would lead astray, and what is to be added."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**base, "LC_ALL": "C.UTF-8", **(environment or {})}


def run(
    argv: Sequence[str | Path], environment: Mapping[str, str] | None = None, timeout: int = 60
) -> Outcome:
    """Run a command to its end or to the end of its time; a command that cannot be run has code 127."""
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            env=surroundings(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return Outcome(124, f"{(error.stdout or b'').decode(errors='replace')}\nno end after {timeout} s")
    except OSError as error:
        return Outcome(127, str(error))
    return Outcome(done.returncode, done.stdout.decode(errors="replace"))


def probe(interpreter: str | Path) -> dict[str, Any]:
    """Start an interpreter and ask it what it is: ``version`` and ``missing``, or ``error``."""
    code, output = run([interpreter, "-I", "-c", PROBE], timeout=30)
    try:
        answer = json.loads(output.strip().splitlines()[-1]) if code == 0 else None
    except (IndexError, ValueError):
        answer = None
    if not isinstance(answer, dict):
        return {"error": (output.strip().splitlines() or [f"exit code {code}"])[-1]}
    return answer


def judge(interpreter: str | Path, found: Mapping[str, Any], python: str) -> str | None:
    """Say in one sentence why a probed interpreter will not do, None where it will."""
    if "error" in found:
        return f"{interpreter} does not run: {found['error']}"
    if found["version"] != python and not found["version"].startswith(python + "."):
        return f"{interpreter} is Python {found['version']}, {python} is wanted"
    if found["missing"]:
        return f"{interpreter} lacks {', '.join(found['missing'])}: install its venv package"
    return None
