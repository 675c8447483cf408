# SPDX-License-Identifier: MIT
"""The stanza format of dpkg's status and of apt's sources, preferences and package lists (deb822(5))."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Mapping

BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)*\n")

FALSE = ("no", "false", "without", "off", "disable", "0")  # apt's own words, StringToBool


def split_stanzas(text: str) -> List[str]:
    """The text of each stanza, comments included; text that holds comments only is not a stanza."""
    return [block for block in BLANK.split("\n" + text.strip("\n") + "\n") if _fields(block)]


def parse(stanza: str) -> Dict[str, str]:
    """A stanza's fields, by their names in lower case. Continued lines lose their indent."""
    return {name.lower(): value for name, value in _fields(stanza)}


def parse_all(text: str) -> Iterator[Dict[str, str]]:
    """The fields of each stanza."""
    return map(parse, split_stanzas(text))


def render(fields: Mapping[str, str]) -> str:
    """A stanza of these fields; those without a value are left out."""
    return "".join("%s: %s\n" % (name, fold(value)) for name, value in fields.items() if value)


def fold(value: str) -> str:
    """A value as it stands in a stanza: continued lines indented, empty ones marked by a dot."""
    first, *rest = value.split("\n")
    return "\n".join([first, *(" " + (line or ".") for line in rest)])


def _fields(stanza: str) -> List[List[str]]:
    fields: List[List[str]] = []
    for line in stanza.split("\n"):
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in " \t":
            if fields:
                text = line.strip()
                fields[-1][1] += "\n" + ("" if text == "." else text)
        elif ":" in line:
            name, _, value = line.partition(":")
            fields.append([name.strip(), value.strip()])
    return fields
