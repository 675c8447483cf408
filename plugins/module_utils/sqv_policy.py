# SPDX-License-Identifier: MIT
"""Until when a host's apt accepts SHA-1 in a key's signature on itself.

Debian 13's apt verifies with sqv, and takes its policy from the first of these files that is there. Tried
with apt 3.0.4 and such a key: a later day or "always" lets it pass; without the line, sqv's own day counts.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

SQV = Path("/usr/bin/sqv")
POLICIES = (
    Path("/etc/crypto-policies/back-ends/apt-sequoia.config"),
    Path("/var/lib/crypto-config/profiles/current/apt-sequoia.config"),
    Path("/etc/crypto-policies/back-ends/sequoia.config"),
    Path("/var/lib/crypto-config/profiles/current/sequoia.config"),
    Path("/usr/share/apt/default-sequoia.config"),
)
LINE = re.compile(
    r"^\s*sha1\.second_preimage_resistance\s*=\s*(?:(\d{4}-\d\d-\d\d)|\"(always|never)\")", re.MULTILINE
)
BY_ITSELF = "2023-02-01"


def refuses_sha1(now: datetime) -> bool:
    """Whether this host's apt will not take a key whose self-signature uses SHA-1."""
    if not SQV.exists():
        return False
    text = next((path.read_text(errors="replace") for path in POLICIES if path.is_file()), "")
    found = LINE.search(text)
    day, word = found.groups() if found else (BY_ITSELF, None)
    if word:
        return bool(word == "never")
    return now >= datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc)
