"""Finds a CPython 3.10 that really runs on the control machine."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

CURE = (
    "install one (pyenv install 3.10, uv python install 3.10, or the distribution's python3.10 "
    "and python3.10-venv), then run the command again"
)
PROBE = """
import json, os, sys, sysconfig
name = sysconfig.get_config_var("INSTSONAME") or ""
# An interpreter that was moved after it was built still names its first place.
places = (sysconfig.get_config_var("LIBDIR") or "", os.path.join(sys.base_prefix, "lib"))
paths = [os.path.join(place, name) for place in places]
found = [path for path in paths if ".so" in name and os.path.isfile(path)]
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": ".".join(map(str, sys.version_info[:3])),
    "binary": os.path.realpath(sys.executable),
    "stdlib": sysconfig.get_path("stdlib"),
    "include": sysconfig.get_path("include"),
    "library": found[0] if found else None,
    "prefixes": [sys.base_prefix, sys.base_exec_prefix],
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A CPython 3.10: its files."""

    version: str
    binary: Path
    stdlib: Path
    include: Path
    library: Path | None
    prefixes: frozenset[str]


def candidates() -> Iterator[Path]:
    """Yield where a CPython 3.10 may be: a shim of pyenv on PATH may well be there and yet not run."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    versions = list(pyenv.glob("versions/3.10.*/bin/python3.10"))
    versions.sort(key=lambda path: [int(number) for number in re.findall(r"\d+", path.parts[-3])])
    yield from reversed(versions)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield Path(folder, "python3.10")


def probe(binary: Path) -> Interpreter | None:
    """Ask an interpreter what it is; None when it does not run, or is no CPython 3.10."""
    try:
        done = subprocess.run(
            [binary, "-I", "-c", PROBE], capture_output=True, text=True, timeout=30, check=False
        )
        said = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if said["implementation"] != "cpython" or not said["version"].startswith("3.10."):
        return None
    return Interpreter(
        version=said["version"],
        binary=Path(said["binary"]),
        stdlib=Path(said["stdlib"]),
        include=Path(said["include"]),
        library=Path(said["library"]) if said["library"] else None,
        prefixes=frozenset(said["prefixes"]),
    )


def usable() -> Iterator[Interpreter]:
    """Yield every CPython 3.10 that runs here, then one that uv can get."""
    for path in candidates():
        if path.exists() and (found := probe(path)):
            yield found
    if managed := from_uv():
        yield managed


def from_uv() -> Interpreter | None:
    """Let uv get one, where the network allows that."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        return None
    log.info("asking uv for a Python 3.10")
    subprocess.run([uv, "python", "install", "--quiet", "3.10"], capture_output=True, check=False)
    done = subprocess.run(
        [uv, "python", "find", "--managed-python", "3.10"], capture_output=True, text=True, check=False
    )
    return probe(Path(done.stdout.strip())) if done.returncode == 0 else None
