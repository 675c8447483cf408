# SPDX-License-Identifier: MIT
"""apt's pins (apt_preferences(5)), as far as other people's must be recognised."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822

# Files that apt reads from preferences.d; it skips the others.
NAME = re.compile(r"[A-Za-z0-9_-]+(\.pref)?|[A-Za-z0-9_.-]+\.pref")


@dataclass(frozen=True)
class Rule:
    """General pins (``Package: *``) that are not wanted: a glob over what they name, and from which priority.

    ``fields`` are apt's letters (n the codename, a the suite, o the origin), or ``origin`` for a host's name.
    """

    fields: Tuple[str, ...]
    value: str
    priority: int

    def covers(self, stanza: Dict[str, str]) -> bool:
        """Whether a stanza is such a pin."""
        if stanza.get("package") != "*" or priority(stanza) < self.priority:
            return False
        return any(
            fnmatch.fnmatchcase(value, self.value)
            for field, value in pinned(stanza.get("pin", ""))
            if field in self.fields
        )


@dataclass(frozen=True)
class NamedRule:
    """Pins by name that are not wanted: they name any of our packages and do not raise what shall be."""

    packages: Tuple[str, ...]
    wanted: str  # a glob over codename, suite, origin or host

    def covers(self, stanza: Dict[str, str]) -> bool:
        """Whether a stanza is such a pin."""
        names = [name for name in stanza.get("package", "").split() if name != "*"]
        if not any(fnmatch.fnmatchcase(package, name) for name in names for package in self.packages):
            return False
        ours = any(fnmatch.fnmatchcase(value, self.wanted) for _, value in pinned(stanza.get("pin", "")))
        return not (ours and priority(stanza) > 0)


AnyRule = Union[Rule, NamedRule]


def preference_files(etc_apt: Path) -> List[Path]:
    """The files that apt reads, in its order."""
    parts = etc_apt / "preferences.d"
    found = sorted(path for path in parts.glob("*") if NAME.fullmatch(path.name)) if parts.is_dir() else []
    return [path for path in (etc_apt / "preferences", *found) if path.is_file()]


def pinned(pin: str) -> List[Tuple[str, str]]:
    """What a pin names: ``release o=Debian,n=trixie`` -> [("o", "Debian"), ("n", "trixie")]."""
    kind, _, rest = pin.partition(" ")
    if kind == "origin":
        return [("origin", rest.strip().strip('"'))]
    if kind == "release":
        parts = [part.strip().partition("=") for part in rest.split(",")]
        return [(name, value.strip('"')) for name, equals, value in parts if equals]
    return []


def priority(stanza: Dict[str, str]) -> int:
    """A stanza's priority; 0, which matters to nobody, where it has none that is a number."""
    try:
        return int(stanza.get("pin-priority", "0"))
    except ValueError:
        return 0


def retire(text: str, rules: Sequence[AnyRule]) -> Tuple[Optional[str], List[str]]:
    """A preference file without unwanted pins: its new text, or None if none is left; and the pins."""
    stanzas = apt_deb822.split_stanzas(text)
    gone = [stanza for stanza in stanzas if any(rule.covers(apt_deb822.parse(stanza)) for rule in rules)]
    if not gone:
        return text, []
    kept = [stanza.strip("\n") for stanza in stanzas if stanza not in gone]
    return ("\n\n".join(kept) + "\n" if kept else None), [_words(stanza) for stanza in gone]


def _words(stanza: str) -> str:
    fields = apt_deb822.parse(stanza)
    names = fields.get("package", "*")
    pin = "%s %s" % (fields.get("pin", ""), fields.get("pin-priority", ""))
    return pin if names == "*" else "%s: %s" % (names, pin)
