#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: is there room for what is to come?"""

from __future__ import annotations

DOCUMENTATION = """
module: disk_space
short_description: Add up what directories are to take, by file system
description:
  - Directories may lie on one file system or on several, so needs are added up where they meet. Nothing is
    changed, and a directory need not be there yet.
options:
  needs:
    description: What is to come; a file system that is merely of interest needs 0 bytes.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where.
        type: path
        required: true
      bytes:
        description: How much; negative where something goes.
        type: int
        default: 0
      gib:
        description: How much more, in GiB.
        type: float
        default: 0
      what:
        description: What it is, in words; the path where nothing is said.
        type: str
        default: ""
  unless:
    description: Where this path is, whatever it is, nothing is to come any more, and nothing is measured.
    type: path
    default: ""
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Is there room for a venv?
  rdna1.provision.disk_space:
    needs:
      - {path: /opt/rdna1, bytes: 8000000000, what: the venv}
  register: host_room
"""

RETURN = """
filesystems:
  description: Each file system that a need is on; none where what I(unless) names is there.
  type: list
  elements: dict
  returned: always
  sample:
    - mount: /
      free_bytes: 6442450944
      need_bytes: 8000000000
      needs: [{path: /opt/rdna1, bytes: 8000000000, what: the venv}]
"""

import os
from pathlib import Path
from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

GIB = 1 << 30


def place(path: Path) -> Path:
    """The nearest directory to a path that is there."""
    path = Path(os.path.realpath(path))
    return next(parent for parent in (path, *path.parents) if parent.exists())


def mount(path: Path) -> Path:
    """Where the file system of a path begins."""
    return next(parent for parent in (path, *path.parents) if os.path.ismount(parent) or parent == Path("/"))


def add_up(needs: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Each file system with what it is to take. One that is mounted at several places is one."""
    found: Dict[int, Dict[str, Any]] = {}
    for need in needs:
        where = place(Path(need["path"]))
        size = need["bytes"] + int(need["gib"] * GIB)
        status = os.statvfs(where)
        entry = found.setdefault(
            where.stat().st_dev,
            {
                "mount": str(mount(where)),
                "free_bytes": status.f_bavail * status.f_frsize,
                "need_bytes": 0,
                "needs": [],
            },
        )
        entry["need_bytes"] += size
        if size:
            entry["needs"].append({"path": need["path"], "bytes": size, "what": need["what"] or need["path"]})
    return sorted(found.values(), key=lambda entry: str(entry["mount"]))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "needs": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "bytes": {"type": "int", "default": 0},
                    "gib": {"type": "float", "default": 0},
                    "what": {"type": "str", "default": ""},
                },
            },
            "unless": {"type": "path", "default": ""},
        },
        supports_check_mode=True,
    )
    # A path below a file is as little there as one below nothing.
    there = os.path.lexists(module.params["unless"])
    module.exit_json(changed=False, filesystems=[] if there else add_up(module.params["needs"]))


if __name__ == "__main__":
    main()
