"""Reads pip's hash locks and swaps hashes in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rdna1.lab.errors import LabError

ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+) \\\n +--hash=sha256:(?P<sha256>[0-9a-f]{64})$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Requirement:
    """One line of a lock."""

    name: str
    version: str
    sha256: str

    @property
    def project(self) -> str:
        """The normalised name, as indexes use it."""
        return normalise(self.name)

    def __str__(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def normalise(name: str) -> str:
    """Return the name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(text: str, where: str) -> list[Requirement]:
    """Return what a lock pins; every requirement has one hash."""
    found = [Requirement(m["name"], m["version"], m["sha256"]) for m in ENTRY.finditer(text)]
    left = [line for line in ENTRY.sub("", text).splitlines() if line.strip() and not line.startswith("#")]
    if left or not found:
        raise LabError(where, f"not a lock with one hash for each requirement: {left[:1]}", "lock it again")
    return found


def with_standins(text: str, hashes: Mapping[str, str], where: str) -> str:
    """Return the lock with other hashes for some projects, and a first line that says so."""
    kept = text
    for requirement in parse(text, where):
        if requirement.project in hashes:
            kept = kept.replace(requirement.sha256, hashes[requirement.project])
    names = " and ".join(sorted(hashes))
    return (
        f"# STAND-IN LOCK of the rdna1 lab: {names} are the lab's stand-ins, and the hashes are theirs.\n"
        f"# Everything else is as in the stack's own lock.\n{kept}"
    )


def for_another(text: str, wanted: Mapping[str, str], where: str) -> str:
    """Return a lock with other versions of some projects, whose hashes are not to be had."""
    for requirement in parse(text, where):
        version = wanted.get(requirement.project, requirement.version)
        if version != requirement.version:
            pinned = f"{requirement.name}=={requirement.version} "
            text = text.replace(pinned, f"{requirement.name}=={version} ")
    return f"# Of a stack that nobody has locked: its own versions, all else as in another's lock.\n{text}"
