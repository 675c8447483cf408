# SPDX-License-Identifier: MIT
"""Lines of a shell's start files that set given variables, and taking them out without breaking the rest."""

from __future__ import annotations

import fnmatch
import re
from typing import Iterable, List, NamedTuple, Sequence, Tuple

# The word before assignments that hand them on to programs.
EXPORT = r"(?:(?:export|(?:declare|typeset)\s+-[A-Za-z]*x[A-Za-z]*)\s+)?"
VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\;&|<>()#])*"""
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(%s)" % VALUE)
# A line that does nothing but assign, and perhaps says why.
ONLY_ASSIGNS = re.compile(r"\s*%s(?:[A-Za-z_]\w*=%s(?:\s+|;\s*|$))+(?:#.*)?" % (EXPORT, VALUE))
SETS = re.compile(r"\s*(?:[^#\s]\S*\s+)*?%s[A-Za-z_]\w*=" % EXPORT)
HERE_DOCUMENT = re.compile(r"<<-?\s*[\"'\\]?\w")

# A command that does nothing: a shell wants at least one between then and fi.
NOTHING = ": # taken out by rdna1.provision: "


class Line(NamedTuple):
    """A line that sets one of the variables; whether it can be taken out without harm to anything else."""

    number: int
    text: str
    removable: bool


def find(text: str, variables: Sequence[str], paths: Sequence[str] = ()) -> List[Line]:
    """Lines that set a variable (globs over names), or LD_LIBRARY_PATH to one of these paths (globs)."""
    found = []
    lines = text.splitlines()
    documents = bool(HERE_DOCUMENT.search(text))
    for number, line in enumerate(lines, 1):
        assigned = _assigned(line)
        judged = [_covers(name, value, variables, paths) for name, value in assigned]
        if any(judged):
            continued = line.endswith("\\") or (number > 1 and lines[number - 2].endswith("\\"))
            alone = all(judged) and ONLY_ASSIGNS.fullmatch(line) is not None
            other = any(_other_paths(name, value, paths) for name, value in assigned)
            found.append(Line(number, line.strip(), alone and not (continued or documents or other)))
    return found


def without(text: str, lines: Iterable[Line]) -> str:
    """The text with these lines turned into commands that do nothing, so that they can still be read."""
    gone = {line.number for line in lines}
    return "".join(
        re.sub(r"^(\s*)", lambda indent: indent[1] + NOTHING, line, count=1) if number in gone else line
        for number, line in enumerate(text.splitlines(keepends=True), 1)
    )


def _assigned(line: str) -> List[Tuple[str, str]]:
    """Names and values that a line assigns; of a line that also does other things, those before a comment."""
    if line.lstrip().startswith(("#", NOTHING.rstrip())) or not SETS.match(line):
        return []
    return [(name, value) for name, value in ASSIGNMENT.findall(re.sub(r"(?:^|\s)#.*", "", line))]


def _covers(name: str, value: str, variables: Sequence[str], paths: Sequence[str]) -> bool:
    if name == "LD_LIBRARY_PATH":
        return any(_matches(part, paths) for part in _directories(value))
    return _matches(name, variables)


def _other_paths(name: str, value: str, paths: Sequence[str]) -> bool:
    """Whether LD_LIBRARY_PATH has more in it that somebody may need."""
    return name == "LD_LIBRARY_PATH" and not all(_matches(part, paths) for part in _directories(value))


def _directories(value: str) -> List[str]:
    """What LD_LIBRARY_PATH is set to, without what it was before."""
    text = re.sub(r"\$\{[^}]*\}|\$\w+", ":", value.strip("\"'"))
    return [part for part in text.split(":") if part]


def _matches(text: str, globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, glob) for glob in globs)
