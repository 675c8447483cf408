# SPDX-License-Identifier: MIT
"""Control data of stand-in packages."""

from __future__ import annotations

import hashlib
import textwrap
from dataclasses import dataclass, field
from typing import Dict, List, Mapping

from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822

# In every stand-in's version, and in no real package's.
MARK = "rdna1"
# Lower than any version that a real package can have.
LOWEST = "0~"


@dataclass(frozen=True)
class StandIn:
    """A package that stands in for one that the release no longer has."""

    name: str
    description: str
    depends: List[str] = field(default_factory=list)
    replaces: List[str] = field(default_factory=list)
    links: Dict[str, str] = field(default_factory=dict)
    above: str = LOWEST  # what the version begins with

    @property
    def fields(self) -> Dict[str, str]:
        """Its control data, but for the version."""
        return {
            "Package": self.name,
            "Architecture": "all",
            "Multi-Arch": "foreign",
            "Section": "metapackages",
            "Priority": "optional",
            "Maintainer": "rdna1.provision <root@localhost>",
            "Depends": ", ".join(self.depends),
            # All three: it takes the place of these packages.
            "Provides": ", ".join(self.replaces),
            "Conflicts": ", ".join(self.replaces),
            "Replaces": ", ".join(self.replaces),
            "Description": "stand-in for %s, which this release no longer has\n%s"
            % (self.name, textwrap.fill(" ".join(self.description.split()), width=76)),
        }

    @property
    def version(self) -> str:
        """It ends in a hash: another content is another version, the same on every host."""
        text = apt_deb822.render(self.fields) + "".join(
            "%s %s\n" % link for link in sorted(self.links.items())
        )
        return "%s%s+%s" % (self.above, MARK, hashlib.sha256(text.encode()).hexdigest()[:8])

    @property
    def control(self) -> str:
        """Its control file."""
        fields = dict(self.fields)
        return apt_deb822.render({"Package": fields.pop("Package"), "Version": self.version, **fields})

    @property
    def file_name(self) -> str:
        """What its .deb is called."""
        return "%s_%s_all.deb" % (self.name, self.version)

    def is_wanted(self, installed: Mapping[str, str]) -> bool:
        """Whether it must be installed: not over itself, and not over a real package of its name."""
        found = installed.get(self.name)
        return found is None or (is_standin(found) and found != self.version)


def is_standin(version: str) -> bool:
    """Whether a version is that of a stand-in."""
    return MARK + "+" in version
