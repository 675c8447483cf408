# SPDX-License-Identifier: MIT
"""Which release a host runs, from one shell command: the facts that ansible.builtin.setup would give."""

from __future__ import annotations

import shlex

FACTS = (
    "distribution",
    "distribution_version",
    "distribution_major_version",
    "distribution_release",
    "architecture",
)

COMMAND = "cat /etc/os-release && uname -m && cat /etc/debian_version"

NAMES = {"debian": "Debian", "ubuntu": "Ubuntu"}


def facts(output: str) -> dict[str, str]:
    """Read what COMMAND printed: os-release, the machine, Debian's point release (Ubuntu's says nothing)."""
    *lines, machine, point = output.strip().splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    fields = {name: " ".join(shlex.split(value)) for name, value in fields.items()}
    version = fields.get("VERSION_ID", "")
    if fields.get("ID") == "debian" and point.replace(".", "").isdigit():
        version = point
    return {
        "distribution": NAMES.get(fields.get("ID", ""), fields.get("NAME", "")),
        "distribution_version": version,
        "distribution_major_version": version.partition(".")[0],
        "distribution_release": fields.get("VERSION_CODENAME", ""),
        "architecture": machine,
    }
