# SPDX-License-Identifier: MIT
"""A lock: the text of a requirements file that pins every distribution and names its wheels' hashes."""

from __future__ import annotations

import hashlib
import re
from typing import Iterator, NamedTuple

PINNED = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9.+!_-]+)\Z")
HASH = re.compile(r"--hash=sha256:(?P<hex>[0-9a-f]{64})\Z")


class LockError(ValueError):
    """The text is not a lock; the message is one sentence that names the line."""


class Requirement(NamedTuple):
    """One pinned distribution, its name in canonical form, and the hashes of its wheels."""

    name: str
    version: str
    hashes: tuple[str, ...]


def identity(text: str) -> str:
    """Name a lock by its content: what ``sha256sum`` says of the file."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(name: str) -> str:
    """Give the name by which indexes and pip compare distributions."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(text: str) -> list[Requirement]:
    """Read a lock; anything that pip could resolve differently tomorrow is refused."""
    requirements: dict[str, Requirement] = {}
    for number, line in _logical_lines(text):
        requirement = _requirement(number, line)
        if requirement.name in requirements:
            raise LockError(f"line {number}: {requirement.name} is pinned twice; leave one of the lines")
        requirements[requirement.name] = requirement
    if not requirements:
        raise LockError("line 1: nothing is pinned; give a file with NAME==VERSION --hash=sha256:... lines")
    return list(requirements.values())


def _requirement(number: int, line: str) -> Requirement:
    pinned, *options = line.split()
    match = PINNED.match(pinned)
    if match is None:
        raise LockError(
            f"line {number}: {pinned!r} is not NAME==VERSION; "
            "lock it for one Python on x86_64 Linux, without options, markers, extras or addresses"
        )
    hashes = [HASH.match(option) for option in options]
    if not hashes or None in hashes:
        raise LockError(
            f"line {number}: {match['name']} needs --hash=sha256:... and nothing else after its version; "
            "make the lock again with hashes"
        )
    return Requirement(
        canonical(match["name"]), match["version"], tuple(found["hex"] for found in hashes if found)
    )


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join continued lines and drop comments, as pip does; number each by where it begins."""
    begin = 0
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        begin = begin if parts else number
        bare = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        parts.append(bare[:-1] if bare.endswith("\\") else bare)
        if not bare.endswith("\\"):
            joined = " ".join(parts).strip()
            if joined:
                yield begin, joined
            parts = []
    if any(part.strip() for part in parts):
        raise LockError(f"line {begin}: the last line is continued; end it")
