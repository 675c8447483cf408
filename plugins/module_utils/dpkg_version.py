# SPDX-License-Identifier: MIT
"""Debian's order of versions (deb-version(7))."""

from __future__ import annotations

import functools
import re
from itertools import zip_longest
from typing import List, Tuple

PARTS = re.compile(r"(\D*)(\d*)")


def compare(one: str, other: str) -> int:
    """Negative where ``one`` is the older, 0 where they are equal, positive where it is the newer."""
    a, b = _split(one), _split(other)
    if a[0] != b[0]:
        return a[0] - b[0]
    return _compare_text(a[1], b[1]) or _compare_text(a[2], b[2])


key = functools.cmp_to_key(compare)


def _split(version: str) -> Tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch) if epoch.isdigit() else 0, upstream, revision


def _compare_text(one: str, other: str) -> int:
    for (letters_a, digits_a), (letters_b, digits_b) in zip_longest(
        PARTS.findall(one), PARTS.findall(other), fillvalue=("", "")
    ):
        # The end of a part sorts after a tilde and before everything else.
        a, b = _weights(letters_a), _weights(letters_b)
        for x, y in zip_longest(a, b, fillvalue=0):
            if x != y:
                return x - y
        if int(digits_a or 0) != int(digits_b or 0):
            return int(digits_a or 0) - int(digits_b or 0)
    return 0


def _weights(letters: str) -> List[int]:
    return [-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in letters]
