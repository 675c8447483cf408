# SPDX-License-Identifier: MIT
"""Building a venv from a lock, and proving it, before anything points to it."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence

from ansible_collections.rdna1.provision.plugins.module_utils.venv_lock import Requirement
from ansible_collections.rdna1.provision.plugins.module_utils.venv_run import Outcome, run

# Nothing is compiled, resolved or taken from a cache. (pip holds a whole response in memory to cache it,
# and a wheel of more than a gigabyte is one response.)
INSTALL = [
    *("-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"),
    *("--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--requirement"),
]
DOWNLOAD = ["-I", *(word.replace("install", "download") for word in INSTALL)]

FULL = "No space left on device"
NO_ROOM = "no space (or no inode) was left while the %s; make room and run again"
TAMPERED = re.compile(
    r"^\s*(?P<name>\S+==\S+) from (?P<source>[^\s#]+).*?\n(?:.*\n)*?"
    r"\s*Expected sha256 (?P<wanted>[0-9a-f]{64})\n"
    r"(?:\s*Expected\s+or [0-9a-f]{64}\n)*"
    r"\s*Got\s+(?P<found>[0-9a-f]{64})",
    re.MULTILINE,
)
NO_WAY = re.compile(
    r"(?:Failed to establish a new connection|Name or service not known|Temporary failure in name resolution"
    r"|Read timed out|Connection refused|Connection reset|CERTIFICATE_VERIFY_FAILED|IncompleteRead)[^\n']*"
)
INSECURE = re.compile(r"repository located at (\S+) is not a trusted or secure host")
ABSENT = re.compile(r"No matching distribution found for (\S+)")

CHECK = """
import importlib, importlib.metadata, json, sys
modules, names = json.loads(sys.argv[1])
print(json.dumps({
    "modules": {name: str(getattr(importlib.import_module(name), "__version__", "")) for name in modules},
    "distributions": {name: importlib.metadata.version(name) for name in names},
}))
"""


class BuildError(Exception):
    """One sentence that says what failed and what cures it, and what the tool itself said."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class Sources(NamedTuple):
    """Where wheels may come from; their hashes say which are taken."""

    index_url: str = ""
    extra_index_urls: Sequence[str] = ()
    find_links: Sequence[str] = ()
    trusted_hosts: Sequence[str] = ()
    offline: bool = False

    def lines(self) -> list[str]:
        """Say it as the head of a requirements file: on a command line, ``ps`` would show a password."""
        for place in (self.index_url, *self.extra_index_urls, *self.find_links, *self.trusted_hosts):
            if not re.fullmatch(r"[!-~]*", place):
                raise BuildError(
                    f"{place!r} is no address, folder or host: it has a space or control character"
                )
        return [
            *(["--no-index"] if self.offline else []),
            *([f"--index-url {self.index_url}"] if self.index_url and not self.offline else []),
            *([] if self.offline else [f"--extra-index-url {url}" for url in self.extra_index_urls]),
            *(f"--find-links {place}" for place in self.find_links),
            *(f"--trusted-host {host}" for host in self.trusted_hosts),
        ]


def requirements(lock: str, sources: Sources) -> str:
    """Write the requirements file: where wheels may come from, and which."""
    return "\n".join([*sources.lines(), lock])


def making(venv: Path, interpreter: str) -> list[list[str]]:
    """Return the commands that make a venv with nothing but pip in it.

    pip is put there second, as venv itself would not say why that failed.
    """
    return [
        [interpreter, "-I", "-m", "venv", "--without-pip", str(venv)],
        [str(venv / "bin/python"), "-I", "-m", "ensurepip", "--default-pip"],
    ]


def installing(venv: Path, file: Path) -> list[str]:
    """Return the command that puts the wheels of a requirements file into a venv."""
    return [str(venv / "bin/python"), *INSTALL, str(file)]


def surroundings(environment: Mapping[str, str], tmp: Path) -> dict[str, str]:
    """Return what is set for pip, beside what the caller asks for."""
    # PIP_USER: a host's pip.conf may ask for installs under a home.
    return {"PIP_USER": "0", **environment, "TMPDIR": str(tmp)}


def make(venv: Path, interpreter: str) -> None:
    """Make a venv with nothing but pip in it."""
    for command in making(venv, interpreter):
        made = run(command, timeout=300)
        if made.code:
            said = f"{interpreter} could not make a venv: {_last_line(made.output)}"
            raise BuildError(NO_ROOM % "venv was made" if FULL in made.output else said, made.output)


def install(
    venv: Path, interpreter: str, lock: str, sources: Sources, tmp: Path, environment: Mapping[str, str]
) -> None:
    """Make the venv and put the locked wheels into it."""
    make(venv, interpreter)
    file = tmp / "requirements.txt"
    file.write_text(requirements(lock, sources))
    done = run(installing(venv, file), surroundings(environment, tmp), timeout=4 * 60 * 60)
    if done.code:
        raise BuildError(explain(done), done.output)


def check(venv: Path, requirements: Sequence[Requirement], modules: Sequence[str]) -> dict[str, str]:
    """Import the modules, compare every version with the lock, and ask pip; return the modules' versions."""
    names = [requirement.name for requirement in requirements]
    imported = run([venv / "bin/python", "-I", "-c", CHECK, json.dumps([modules, names])], timeout=600)
    if imported.code:
        raise BuildError(
            f"what was installed cannot be imported: {_last_line(imported.output)}; "
            "the lock does not fit this host or this Python",
            imported.output,
        )
    found: dict[str, Any] = json.loads(imported.output.strip().splitlines()[-1])
    for requirement in requirements:
        version = found["distributions"][requirement.name]
        if version != requirement.version:
            raise BuildError(f"{requirement.name} {version} was installed, {requirement.version} is locked")
        module = found["modules"].get(requirement.name, "")
        # A wheel's local version (+rocm5.2, +cu117) is not always its module's.
        if module and module.partition("+")[0] != requirement.version.partition("+")[0]:
            raise BuildError(f"{requirement.name} calls itself {module}, {requirement.version} is locked")
    content = run([venv / "bin/python", "-I", "-m", "pip", "check"], timeout=300)
    if content.code:
        raise BuildError(
            f"the lock does not hold together: {_last_line(content.output)}; add what is missing to it",
            content.output,
        )
    return dict(found["modules"])


def wheels_missing(output: str) -> bool:
    """Whether pip stopped because a wheel is not there, or not the locked one."""
    return bool(TAMPERED.search(output) or ABSENT.search(output))


def explain(failed: Outcome) -> str:
    """Pip's failure as one sentence with its cure."""
    output = failed.output
    if failed.code < 0:
        return f"pip was ended by {signal.Signals(-failed.code).name}; run again"
    if found := TAMPERED.search(output):
        return (
            f"{found['name']} from {found['source']} has sha256 {found['found']}, the lock wants "
            f"{found['wanted']}: the file was changed or cut short on its way; fetch it anew from its origin"
        )
    if FULL in output:
        return NO_ROOM % "wheels were installed"
    if found := INSECURE.search(output):
        return (
            f"pip does not ask {found[1]} over plain http; serve it over https, "
            "or name it in pytorch_venv_trusted_hosts (the hashes still protect the wheels)"
        )
    if found := NO_WAY.search(output):
        return f"an index cannot be read ({found[0][:160].strip()}); mend the way to it, or name a mirror"
    if found := ABSENT.search(output):
        return (
            f"no index has {found[1]} for this Python and machine; "
            "name the index that has it in pytorch_venv_index_urls"
        )
    return f"pip failed: {_last_line(output)}"


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return ([*lines, *errors] or ["no output"])[-1]
