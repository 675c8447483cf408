# SPDX-License-Identifier: MIT
"""Which installed packages are the older release's without being meant to, from apt's package lists.

Reads some 100 MB: only for a deep look.
"""

from __future__ import annotations

import gzip
import lzma
import mmap
import re
from pathlib import Path
from typing import Any, Collection, Dict, Iterable, Set

from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status, dpkg_version

LISTS = Path("/var/lib/apt/lists")
NEXT = b"\n\nPackage: "
NAME = re.compile(rb"Package: (\S+)")
VERSION = re.compile(rb"\nVersion: (\S+)")

Versions = Dict[str, Set[str]]


def strays(
    packages: Iterable[dpkg_status.Package],
    donor: str,
    own: str,
    listed: Collection[str],
    lists: Path = LISTS,
) -> Dict[str, Dict[str, str]]:
    """By name: the version that is there, and the one that should be.

    That is each package that only the older release (``donor``, a codename) has in this version, where the
    host's own release has another; and each of those ``listed`` whose version is beyond all that the older
    release has. Somebody's hold is left alone. Without lists, or with none that can be read, nothing is
    known. What only the older release has at all may be left of a release upgrade, and in use.
    """
    installed = dpkg_status.native(
        package for package in packages if package.state == "installed" and not package.held
    )
    own_architecture = installed["dpkg"].architecture if "dpkg" in installed else "amd64"
    files = sorted(lists.glob("*_binary-%s_Packages*" % own_architecture)) if lists.is_dir() else []
    theirs = [path for path in files if _is_of(path, donor)]
    if not theirs:
        return {}
    offered = _offered(theirs, installed)
    ours = _offered([path for path in files if _is_of(path, own)], installed)
    others = _offered([path for path in files if path not in theirs], installed)
    found = {}
    for name, package in installed.items():
        has = offered.get(name, set())
        wanted = has if name in listed else ours.get(name, set())
        if name in listed:
            ends = sorted(has, key=dpkg_version.key)
            # In between is an update, of which the lists only have the last, that is still to come.
            right = not has or _between(ends[0], package.version, ends[-1])
        else:
            right = package.version not in has or package.version in others.get(name, set())
        if wanted and not right:
            found[name] = {"version": package.version, "wanted": max(wanted, key=dpkg_version.key)}
    return found


def _between(least: str, version: str, most: str) -> bool:
    return dpkg_version.compare(least, version) <= 0 <= dpkg_version.compare(most, version)


def _is_of(path: Path, codename: str) -> bool:
    """Whether a list is of this release, its updates or its security updates."""
    return re.search(r"_dists_%s(-updates|-security)?_" % re.escape(codename), path.name) is not None


def _offered(paths: Iterable[Path], names: Collection[str]) -> Versions:
    """The versions that lists have of these packages."""
    found: Versions = {}
    wanted = {name.encode() for name in names}
    for path in paths:
        data = _read(path)
        start = 0
        while start >= 0:
            end = data.find(NEXT, start)
            stanza = data[start:] if end < 0 else data[start:end]
            name, version = NAME.match(stanza), VERSION.search(stanza)
            if name and version and name[1] in wanted:
                found.setdefault(name[1].decode(), set()).add(version[1].decode())
            start = end if end < 0 else end + len(NEXT) - len(b"Package: ")
    return found


def _read(path: Path) -> Any:
    """A list's bytes; none where it is packed in a way that Python cannot unpack."""
    packed = path.name.rpartition("_Packages")[2]
    if packed == ".gz":
        return gzip.decompress(path.read_bytes())
    if packed == ".xz":
        return lzma.decompress(path.read_bytes())
    if packed or not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
