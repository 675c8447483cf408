#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: take contradicting sources and pins out of apt's configuration."""

from __future__ import annotations

DOCUMENTATION = """
module: apt_retire
short_description: Take out apt sources and pins that contradict ours
description:
  - Takes single entries out of source files, and single pins out of preference files, written by hand, by
    an installer or by older instructions. A file of which nothing is left is removed. Every file is first
    copied to I(backup), with a manifest.
options:
  files:
    description: Files that go as a whole.
    type: list
    elements: path
    default: []
  source_uris:
    description: Globs over addresses; enabled entries with such an address go.
    type: list
    elements: str
    default: []
  source_suites:
    description: Globs over suites, to which this is limited.
    type: list
    elements: str
    default: ["*"]
  own_archive_of:
    description: A release's codename. The addresses that the host gets it from count as O(source_uris), too.
    type: str
    default: ""
  contradicting_uris:
    description:
      - Globs over addresses. Enabled entries with such an address go where they name different keys for the
        same suite, because apt then reads no source at all.
    type: list
    elements: str
    default: []
  pins:
    description: General pins (C(Package) is C(*)) that go.
    type: list
    elements: dict
    default: []
    suboptions:
      fields:
        description: apt's letters of what the pin may name (C(n) codename, C(a) suite, C(o) origin), or
          C(origin) for a host.
        type: list
        elements: str
        required: true
      value:
        description: A glob over what it names.
        type: str
        required: true
      priority:
        description: From which priority on.
        type: int
        default: -32768
  named_pins:
    description: Pins by name that go, because a pin by name counts before ours of everything.
    type: dict
    default: {}
    suboptions:
      packages:
        description: Names of packages. A pin goes that names any of them, itself or by a glob,
        type: list
        elements: str
        default: []
      wanted:
        description: unless it raises what this glob (over codename, suite, origin or host) covers.
        type: str
        default: ""
  keys:
    description:
      - Fingerprints. C(trusted.gpg) and files in C(trusted.gpg.d) that hold only such keys go; apt would
        trust them for every source.
    type: list
    elements: str
    default: []
  keep:
    description: Files that stay as they are.
    type: list
    elements: path
    default: []
  reason:
    description: Why, for the manifest.
    type: str
    required: true
  backup:
    description: Where the files are kept.
    type: path
    default: /var/lib/rdna1/backup
  etc:
    description: apt's configuration.
    type: path
    default: /etc/apt
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Take out AMD's repositories of other releases
  rdna1.provision.apt_retire:
    source_uris: ["*://repo.radeon.com/*"]
    keep: [/etc/apt/sources.list.d/rdna1-rocm.sources]
    reason: one ROCm release only
"""

RETURN = """
retired:
  description: What went, or in check mode would.
  type: list
  elements: dict
  returned: always
  sample: [{path: /etc/apt/sources.list.d/rocm.list, entries: ["https://repo.radeon.com/rocm/apt/5.7 jammy"]}]
files:
  description: Files that stay with less in them.
  type: list
  elements: dict
  returned: always
  sample: [{path: /etc/apt/sources.list, content: "deb http://archive.ubuntu.com/ubuntu noble main"}]
absent:
  description: Files that are gone.
  type: list
  elements: str
  returned: always
"""

from pathlib import Path
from typing import Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import apt_backup, apt_retirement


def apply(module: AnsibleModule, path: Path, after: Optional[str]) -> None:
    """Keep a copy, then rewrite or remove the file."""
    apt_backup.keep(path, Path(module.params["backup"]), module.params["reason"])
    if after is None:
        path.unlink()
        return
    partial = Path(module.tmpdir) / path.name
    partial.write_text(after, encoding="utf-8", errors="surrogateescape")
    module.atomic_move(str(partial), str(path))  # keeps the owner and mode of the file that is there


def main() -> None:
    """Run the module."""
    paths = {"type": "list", "elements": "path", "default": []}
    module = AnsibleModule(
        argument_spec={
            "files": paths,
            "source_uris": {"type": "list", "elements": "str", "default": []},
            "source_suites": {"type": "list", "elements": "str", "default": ["*"]},
            "contradicting_uris": {"type": "list", "elements": "str", "default": []},
            "pins": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "fields": {"type": "list", "elements": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "priority": {"type": "int", "default": -32768},
                },
            },
            "own_archive_of": {"type": "str", "default": ""},
            "named_pins": {
                "type": "dict",
                "default": {},
                "options": {
                    "packages": {"type": "list", "elements": "str", "default": []},
                    "wanted": {"type": "str", "default": ""},
                },
            },
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "keep": paths,
            "reason": {"type": "str", "required": True},
            "backup": {"type": "path", "default": "/var/lib/rdna1/backup"},
            "etc": {"type": "path", "default": "/etc/apt"},
        },
        supports_check_mode=True,
    )
    retired = list(apt_retirement.plan(module.params))
    if not module.check_mode:
        for path, _, after, _ in retired:
            apply(module, path, after)
    module.exit_json(
        changed=bool(retired),
        retired=[{"path": str(path), "entries": entries} for path, _, _, entries in retired],
        files=[{"path": str(path), "content": after} for path, _, after, _ in retired if after is not None],
        absent=[str(path) for path, _, after, _ in retired if after is None],
        diff=[
            {
                "before_header": str(path),
                "after_header": str(path),
                "before": before,
                "after": after or "",
            }
            for path, before, after, _ in retired
        ],
    )


if __name__ == "__main__":
    main()
