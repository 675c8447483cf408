"""Runs the programs that the mirror is built with."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rdna1.lab.errors import LabError, last_words


def run(
    command: Sequence[str | Path],
    *,
    cure: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    text: str | None = None,
) -> str:
    """Return what the command says; a failure is one sentence that ends with the cure."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            cwd=cwd,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise LabError("the mirror", f"{name} is not on this machine", cure) from None
    if done.returncode:
        raise LabError("the mirror", f"{name} failed: {last_words(done.stderr or done.stdout)}", cure)
    return done.stdout
