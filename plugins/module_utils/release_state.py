# SPDX-License-Identifier: MIT
"""Whether an upgrade to another release is under way on a host: from dpkg's status and apt's sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, List, Mapping, Sequence

from ansible_collections.rdna1.provision.plugins.module_utils import apt_sources, dpkg_status


def strays(packages: Iterable[dpkg_status.Package], marks: Mapping[str, str]) -> List[str]:
    """Packages that are not of the host's release, with their versions.

    ``marks`` has, by name, how the versions of some packages begin in this release. One of them that is
    upgraded early and one that is upgraded late tell an upgrade that has come halfway.
    """
    there = dpkg_status.native(packages)
    return [
        "%s %s" % (name, there[name].version)
        for name, begin in sorted(marks.items())
        if name in there and not re.match(r"(?:\d+:)?%s(?!\d)" % re.escape(begin), there[name].version)
    ]


def sources_of(etc_apt: Path, codename: str, others: Sequence[str]) -> str:
    """The other release of which the host's own sources are; empty where they are of its own, or unknown."""
    entries = apt_sources.read(etc_apt)
    if apt_sources.own_archives(entries, etc_apt, codename):
        return ""
    for other in others:
        if apt_sources.own_archives(entries, etc_apt, other):
            return other
    return ""
