"""The control machine: its Python, its locked packages, its programs, its space, how it treats host keys."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

from ansible.config.manager import ConfigManager
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rdna1.doctor.findings import Finding, Report

PROGRAMS = ("ssh", "ssh-keygen", "ansible-playbook", "git")
# What a run of some hundred hosts writes here: logs, verdicts, reports.
FREE_BYTES = 1 << 30
SETUP = "make setup"
# `name==1.2 ; markers \`: a line of the lock.
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


def look(checkout: Path, environment: Mapping[str, str] = os.environ) -> Report:
    """Look at this machine."""
    report = Report()
    for check in (_python, _packages, _programs, _space):
        _note(report, check(checkout))
    _keys(report, checkout, environment)
    if environment.get("PYTHONUNBUFFERED"):
        message = "PYTHONUNBUFFERED is set, which makes Ansible's pipelining slower than none"
        report.warnings.append(Finding("", "unbuffered", message, "unset PYTHONUNBUFFERED"))
    return report


def _note(report: Report, found: str | list[Finding]) -> None:
    if isinstance(found, str):
        report.healthy.append(found)
    else:
        report.failures += found


def _python(checkout: Path) -> str | list[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    wanted = re.search(r'^requires-python = "(.+)"', (checkout / "pyproject.toml").read_text(), re.MULTILINE)
    if wanted and running not in SpecifierSet(wanted[1]):
        return [Finding("", "python", f"this is Python {running}; {wanted[1]} is wanted", SETUP)]
    return f"Python {running}"


def locked(text: str) -> dict[str, set[str]]:
    """Return the versions that a lock allows, by package; a package may have one for each Python."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if pin := PINNED.match(line):
            found.setdefault(canonicalize_name(pin[1]), set()).add(pin[2])
    return found


def installed(name: str) -> str | None:
    """Return a package's version, or None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _packages(checkout: Path, version: Callable[[str], str | None] = installed) -> str | list[Finding]:
    lock = locked((checkout / "requirements.txt").read_text())
    found = []
    # What every run is made with; the rest of the lock is for tests.
    for name in ("ansible-core", "ansible-runner"):
        allowed, here = lock.get(name, set()), version(name)
        if here not in allowed:
            wanted = " or ".join(sorted(allowed)) or "a locked version"
            message = f"{name} is {here or 'not installed'}; requirements.txt locks {wanted}"
            found.append(Finding("", "package", message, SETUP))
    return found or f"ansible-core {version('ansible-core')}, as requirements.txt locks it"


def _programs(checkout: Path) -> str | list[Finding]:
    # The project's own programs need not be on the caller's PATH: `.venv/bin/rdna1` finds its neighbours.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    return [
        Finding("", "program", f"{name} is not installed", f"cd {checkout} && {SETUP}") for name in missing
    ] or f"{', '.join(PROGRAMS)} are there"


def _space(checkout: Path) -> str | list[Finding]:
    free = shutil.disk_usage(checkout).free
    if free < FREE_BYTES:
        message = f"{free / 2**30:.1f} GiB are free under {checkout}; logs and reports want 1 GiB"
        return [Finding("", "space", message, f"du -xh --max-depth=2 {checkout} | sort -h")]
    return f"{free / 2**30:.0f} GiB free for logs and reports"


def _keys(report: Report, checkout: Path, environment: Mapping[str, str]) -> None:
    name = "ANSIBLE_HOST_KEY_CHECKING"
    if environment.get(name, "").lower() in ("0", "false", "no", "off"):
        message = f"{name} switches the check of host keys off: anybody could answer in a host's name"
        report.failures.append(Finding("", "host-key-checking", message, f"unset {name}"))
        return
    file = checkout / "ansible.cfg"
    if not ConfigManager(str(file)).get_config_value("HOST_KEY_CHECKING"):
        message = f"{file} switches the check of host keys off: anybody could answer in a host's name"
        fix = f"sed -i /host_key_checking/d {file}"
        report.failures.append(Finding("", "host-key-checking", message, fix))
        return
    report.healthy.append("host keys are checked")
