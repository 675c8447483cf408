# SPDX-License-Identifier: MIT
"""What apt would do: reading the output of ``apt-get --simulate``, and judging it."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import asdict, dataclass
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, Match, Optional, Sequence, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822, dpkg_status, dpkg_version

# Inst rocminfo [5.7.1-3] (1.0.0.50200-65 repo.radeon.com:ubuntu [amd64])
INSTALL = re.compile(
    r"^Inst (?P<name>\S+)(?: \[(?P<old>[^]]+)\])? "
    r"\((?P<new>\S+)(?P<origins>[^[)]*)(?:\[(?P<architecture>[^]]+)\])?\)"
)
REMOVE = re.compile(r"^(?:Remv|Purg) (?P<name>\S+)(?: \[(?P<old>[^]]+)\])?")
DISK = re.compile(r"^After this operation, ([\d.,]+) ([kMGT]?)B (of additional|disk space)", re.MULTILINE)
NEED = re.compile(r"^Need to get ([\d.,]+) ([kMGT]?)B", re.MULTILINE)
DOWNLOAD = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) ", re.MULTILINE)

# apt warns of a bad signature, and its error then says no more than that the repository is not signed.
ERROR = re.compile(r"(?:E: |W: (?=GPG error|OpenPGP signature))(.+)")

# Reasons of failures that are a server's answer.
ANSWERED = re.compile(r"^40[34]\b|Release file")

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class Change:
    """What happens to one package. ``origins`` are the labels of the archives that have the new version."""

    name: str
    old: str
    new: str
    origins: Tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """One of install, reinstall, upgrade, downgrade and remove."""
        if not self.new:
            return "remove"
        if not self.old:
            return "install"
        order = dpkg_version.compare(self.new, self.old)
        return "upgrade" if order > 0 else "downgrade" if order else "reinstall"

    def __str__(self) -> str:
        """The package and its versions."""
        return "%s (%s)" % (self.name, " to ".join(filter(None, (self.old, self.new))))


@dataclass(frozen=True)
class Cost:
    """What a change takes: bytes to download, and bytes more (or less, negative) below a directory."""

    download: int = 0
    disk: int = 0
    path: str = "/usr"


@dataclass(frozen=True)
class Requirement:
    """Packages that come from the archive of this label must have a version that the glob covers."""

    label: str
    version: str


def parse(output: str) -> List[Change]:
    """The changes of a simulation, in apt's order."""
    changes = []
    for line in output.splitlines():
        matched = INSTALL.match(line)
        if matched:
            changes.append(
                Change(matched["name"], matched["old"] or "", matched["new"], _labels(matched["origins"]))
            )
        else:
            matched = REMOVE.match(line)
            if matched:
                changes.append(Change(matched["name"], matched["old"] or "", ""))
    return changes


def objections(
    changes: Iterable[Change],
    allow_remove: Collection[str] = (),
    allow_downgrade: Collection[str] = (),
    require: Sequence[Requirement] = (),
) -> List[str]:
    """Why a transaction must not run; empty where nothing speaks against it."""
    changes = list(changes)
    removed = _outside(changes, "remove", allow_remove)
    downgraded = _outside(changes, "downgrade", allow_downgrade)
    foreign = [
        "%s from %s where %s is wanted" % (change, rule.label, rule.version)
        for rule in require
        for change in changes
        if rule.label in change.origins and not fnmatch.fnmatchcase(change.new, rule.version)
    ]
    found = []
    if removed:
        found.append("remove %s" % ", ".join(removed))
    if downgraded:
        found.append("downgrade %s" % ", ".join(downgraded))
    if foreign:
        found.append("install %s" % ", ".join(foreign))
    return found


def summary(changes: Iterable[Change], sizes: Mapping[str, int]) -> str:
    """One line for people: ``57 install (54 repo.radeon.com, 3 Debian), 2 remove; 1.2 GB to download``."""
    changes = list(changes)
    parts = []
    for kind in ("install", "upgrade", "downgrade", "reinstall", "remove"):
        chosen = [change for change in changes if change.kind == kind]
        origins = count_origins(chosen)
        if chosen:
            where = ", ".join("%d %s" % (number, label) for label, number in origins.items())
            parts.append("%d %s%s" % (len(chosen), kind, " (%s)" % where if where else ""))
    line = ", ".join(parts) or "nothing"
    if sizes.get("download"):
        line += "; %s to download" % megabytes(sizes["download"])
    if sizes.get("disk"):
        line += "; %s %s on disk" % (megabytes(abs(sizes["disk"])), "more" if sizes["disk"] > 0 else "less")
    return line


def count_origins(changes: Iterable[Change]) -> Dict[str, int]:
    """How many packages come from where, the largest share first."""
    counts: Dict[str, int] = {}
    for change in changes:
        if change.new:
            label = " or ".join(change.origins)
            counts[label or "local"] = counts.get(label or "local", 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def downloads(output: str) -> Iterator[Tuple[str, str, int]]:
    """What ``apt-get --print-uris`` says is to be fetched: the package, its address, its bytes."""
    for found in DOWNLOAD.finditer(output):
        if not found["uri"].startswith(("file:", "copy:")):
            yield found["file"].partition("_")[0], found["uri"], int(found["size"])


def sizes(output: str) -> Dict[str, int]:
    """What ``apt-get --print-uris`` says: bytes to download, and bytes more (about) or less on the disk.

    So does ``apt-get install``, which rounds what it is about to download.
    """
    disk, need = DISK.search(output), NEED.search(output)
    more = -1 if disk and disk[3] == "disk space" else 1
    download = sum(size for _, _, size in downloads(output))
    return {"download": download or _bytes(need), "disk": more * _bytes(disk)}


def _bytes(matched: Optional[Match[str]]) -> int:
    return int(float(matched[1].replace(",", "")) * UNITS[matched[2]]) if matched else 0


def installed_sizes(records: str) -> Dict[str, int]:
    """Bytes that packages take once they are installed, by name: from control data, as apt-cache shows it."""
    found: Dict[str, int] = {}
    for fields in apt_deb822.parse_all(records):
        found.setdefault(fields["package"], dpkg_status.installed_size(fields))
    return found


def unreachable(
    failed: Iterable[Tuple[str, str]], needed: Iterable[Tuple[str, str, int]]
) -> List[Dict[str, Any]]:
    """Each index that could not be fetched (address, reason), with how many packages are needed from there.

    A server that answers that it has no such index may well have the packages: an older list names them.
    """
    needed = list(needed)
    found = []
    for uri, reason in failed:
        archive = uri.partition("/dists/")[0].rstrip("/") + "/"
        packages = 0 if ANSWERED.search(reason) else sum(where.startswith(archive) for _, where, _ in needed)
        found.append({"uri": uri, "reason": reason, "packages": packages})
    return found


def as_lists(
    changes: Iterable[Change], costs: Optional[Mapping[str, Cost]] = None
) -> Dict[str, List[Dict[str, Any]]]:
    """The changes by kind, as data, with what they cost where that is known."""
    lists: Dict[str, List[Dict[str, Any]]] = {
        kind: [] for kind in ("install", "upgrade", "downgrade", "reinstall", "remove")
    }
    for change in changes:
        cost = (costs or {}).get(change.name)
        lists[change.kind].append(
            {**asdict(change), "origins": list(change.origins), **({"cost": asdict(cost)} if cost else {})}
        )
    return lists


def explain(stdout: str, stderr: str) -> str:
    """Why apt refused, in one line."""
    unmet = []
    _, heading, rest = stdout.partition("unmet dependencies:")
    if heading:
        for line in rest.splitlines()[1:]:
            if not line.startswith(" "):
                break
            unmet.append(" ".join(line.split()))
    errors = []
    for line in (stdout + "\n" + stderr).splitlines():
        if line.startswith("E: The following information from --solver"):
            break  # the same again, in more words
        matched = ERROR.match(line)
        if matched:
            errors.append(matched[1].rstrip(". "))
    return " ".join(unmet) or "; ".join(dict.fromkeys(errors)) or "apt-get says nothing"


def megabytes(count: int) -> str:
    """A size as people read it."""
    return "%.1f GB" % (count / 1e9) if count >= 1e9 else "%.1f MB" % (count / 1e6)


def _outside(changes: Iterable[Change], kind: str, allowed: Collection[str]) -> List[str]:
    return [
        str(change)
        for change in changes
        if change.kind == kind and not dpkg_status.matches(change.name.partition(":")[0], allowed)
    ]


def _labels(text: str) -> Tuple[str, ...]:
    """`` Debian:13.1/stable, Debian-Security:13/stable-security `` -> the labels."""
    found = (part.strip().partition(":")[0] for part in text.split(","))
    # A .deb file, and a repository that is only an index, have no label.
    return tuple(dict.fromkeys(label for label in found if label not in ("", "localhost", "local-deb")))
