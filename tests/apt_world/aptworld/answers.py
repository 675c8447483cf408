"""What apt answers, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from debian.debian_support import Version

# Inst libtinfo5 [6.3-1] (6.3-2 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64]) []
INSTALL = re.compile(
    r"Inst (?P<name>\S+)(?: \[(?P<old>[^]]+)\])? \((?P<new>\S+)(?: (?P<origins>[^[(]*?))? ?\[\w+\]\)"
)
REMOVE = re.compile(r"(?:Remv|Purg) (?P<name>\S+) \[(?P<old>[^]]+)\]")
POLICY_PACKAGE = re.compile(r"^(?P<name>\S+):$", re.MULTILINE)
POLICY_VERSION = re.compile(r"^ (?:\*\*\*|   ) (?P<version>\S+) (?P<priority>-?\d+)$")
POLICY_SOURCE = re.compile(r"^ {8,}(?P<priority>-?\d+) (?P<source>.+)$")


@dataclass(frozen=True)
class Change:
    """A package that a transaction installs, and where from; ``old`` where there is one already."""

    name: str
    new: str
    origins: tuple[str, ...]
    old: str | None = None

    @property
    def downgrade(self) -> bool:
        """Whether the package goes back."""
        return self.old is not None and Version(self.new) < Version(self.old)


@dataclass(frozen=True)
class Transaction:
    """What ``apt-get -s`` would do."""

    installs: tuple[Change, ...]
    removes: frozenset[str]

    @property
    def downgrades(self) -> frozenset[str]:
        """The packages that go back to an earlier version."""
        return frozenset(change.name for change in self.installs if change.downgrade)

    @property
    def touched(self) -> frozenset[str]:
        """Every package that would not be what it was."""
        return frozenset(change.name for change in self.installs) | self.removes

    @property
    def empty(self) -> bool:
        """Whether nothing would happen."""
        return not self.touched

    def sources(self) -> dict[str, set[str]]:
        """Return what comes from where: the origin's label and release, and the packages."""
        found: dict[str, set[str]] = {}
        for change in self.installs:
            for origin in change.origins:
                found.setdefault(origin, set()).add(change.name)
        return found


def transaction(text: str) -> Transaction:
    """Read the output of ``apt-get -s``."""
    installs = tuple(
        Change(
            name=match["name"],
            new=match["new"],
            origins=tuple(sorted({origin.strip() for origin in (match["origins"] or "").split(",")})),
            old=match["old"],
        )
        for match in INSTALL.finditer(text)
    )
    lines = [line for line in text.splitlines() if line.startswith("Inst ")]
    if len(lines) != len(installs):
        raise ValueError(f"an Inst line of apt's was not understood; they were: {lines}")
    return Transaction(installs=installs, removes=frozenset(match["name"] for match in REMOVE.finditer(text)))


@dataclass(frozen=True)
class Offer:
    """A version of a package: its priority, and the places that have it."""

    version: str
    priority: int
    sources: tuple[tuple[int, str], ...]

    def comes_from(self, words: str) -> bool:
        """Whether one of its places has these words, as ``jammy/universe``."""
        return any(words in source for _, source in self.sources)


@dataclass(frozen=True)
class Policy:
    """What ``apt-cache policy`` says of a package."""

    name: str
    installed: str | None
    candidate: str | None
    offers: tuple[Offer, ...]

    @property
    def chosen(self) -> Offer | None:
        """The candidate with the places that have it."""
        return next((offer for offer in self.offers if offer.version == self.candidate), None)


def policies(text: str) -> dict[str, Policy]:
    """Read the output of ``apt-cache policy NAME ...``."""
    found = {}
    parts = POLICY_PACKAGE.split(text)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        head = {
            key.strip(): None if value.strip() == "(none)" else value.strip()
            for key, _, value in (line.partition(":") for line in body.splitlines())
            if key.strip() in {"Installed", "Candidate"}
        }
        offers: list[Offer] = []
        for line in body.splitlines():
            if match := POLICY_VERSION.match(line):
                offers.append(Offer(match["version"], int(match["priority"]), ()))
            elif (match := POLICY_SOURCE.match(line)) and offers:
                last = offers.pop()
                place = (int(match["priority"]), match["source"])
                offers.append(Offer(last.version, last.priority, (*last.sources, place)))
        found[name] = Policy(name, head["Installed"], head["Candidate"], tuple(offers))
    return found
