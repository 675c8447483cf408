#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: what earlier set-ups left in the settings of shells."""

from __future__ import annotations

DOCUMENTATION = """
module: shell_leftovers
short_description: Move away files of earlier set-ups, and tell what users' shells still set
description:
  - Files of earlier set-ups for everybody's shells go. Each is first copied to I(backup), with a manifest.
  - Lines in users' own start files that set given variables are told. They are left alone unless I(clean) is
    true, and then turned into comments, after a copy went to I(backup), and with the rights of their owner.
  - A line is not touched that does anything else too, is continued, or stands in a file with here-documents.
options:
  files:
    description: Files that go as a whole.
    type: list
    elements: path
    default: []
  replaced:
    description: A file that will be ours. It goes, too, as long as I(ours) is not there.
    type: path
  ours:
    description: A file that is there once I(replaced) is ours.
    type: path
  variables:
    description: Globs over the names of variables that users' shells should not set.
    type: list
    elements: str
    default: []
  library_paths:
    description: Globs over directories that C(LD_LIBRARY_PATH) should not name.
    type: list
    elements: str
    default: []
  start_files:
    description: The start files in users' homes.
    type: list
    elements: str
    default: [.bashrc, .profile, .bash_profile, .zshrc]
  users:
    description: Whose; without any, root's and those of everybody whose user id is a person's.
    type: list
    elements: str
    default: []
  clean:
    description: Whether users' lines are taken out.
    type: bool
    default: false
  reason:
    description: Why, for the manifest.
    type: str
    required: true
  backup:
    description: Where files are kept.
    type: path
    default: /var/lib/rdna1/backup
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Tell what users' shells set
  rdna1.provision.shell_leftovers:
    files: [/etc/profile.d/rocm-rdna1-57.sh]
    variables: [HSA_OVERRIDE_GFX_VERSION, MIOPEN_DEBUG_*]
    library_paths: [/opt/rocm*]
    reason: one environment only
"""

RETURN = """
retired:
  description: Files that went, or in check mode would.
  type: list
  elements: str
  returned: always
lines:
  description: Lines of users' start files that set such a variable.
  type: list
  elements: dict
  returned: always
  sample:
    - user: ada
      path: /home/ada/.bashrc
      number: 118
      text: export HSA_OVERRIDE_GFX_VERSION=10.3.0
      removable: true
      removed: false
unseen:
  description: What could not be looked at, each with its reason.
  type: list
  elements: str
  returned: always
"""

import os
import stat
from pathlib import Path
from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_backup,
    miopen_databases,
    shell_lines,
    start_files,
)

Diff = Dict[str, str]


class Leftovers:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.parameters: Dict[str, Any] = module.params
        self.diff: List[Diff] = []
        self.unseen: List[str] = []

    def retire(self) -> List[str]:
        """Whole files."""
        files = [Path(path) for path in self.parameters["files"]]
        if self.parameters["replaced"] and not Path(self.parameters["ours"] or "/").is_file():
            files.append(Path(self.parameters["replaced"]))
        found = [path for path in files if path.is_file()]
        for path in found:
            self._show(path, path.read_text(encoding="utf-8", errors="replace"), "")
            if not self.module.check_mode:
                self._keep(path)
                path.unlink()
        return [str(path) for path in found]

    def lines(self) -> List[Dict[str, Any]]:
        """Lines of users' start files."""
        found = start_files.find(
            self.parameters["users"],
            self.parameters["start_files"],
            self.parameters["variables"],
            self.parameters["library_paths"],
            self.unseen,
        )
        return [line for file in found for line in self._lines(file)]

    def _lines(self, file: start_files.StartFile) -> List[Dict[str, Any]]:
        gone = [line for line in file.lines if line.removable and self.parameters["clean"]]
        if gone:
            after = shell_lines.without(file.text, gone)
            self._show(file.target, file.text, after)
            if not self.module.check_mode:
                self._keep(file.target)
                with miopen_databases.acting_as(file.account):
                    _write(file.target, after)
        return [
            {
                "user": file.account.name,
                "path": str(file.path),
                **line._asdict(),
                "text": line.text.encode("utf-8", "replace").decode(),
                "removed": line in gone,
            }
            for line in file.lines
        ]

    def _keep(self, path: Path) -> None:
        apt_backup.keep(path, Path(self.parameters["backup"]), self.parameters["reason"])

    def _show(self, path: Path, before: str, after: str) -> None:
        self.diff.append(
            {"before_header": str(path), "after_header": str(path), "before": before, "after": after}
        )


def _write(path: Path, text: str) -> None:
    """Replace it in one step, with its mode."""
    partial = path.with_name(path.name + ".rdna1")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
    partial.chmod(stat.S_IMODE(path.stat().st_mode))
    partial.replace(path)


def main() -> None:
    """Run the module."""
    strings = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "path", "default": []},
            "replaced": {"type": "path"},
            "ours": {"type": "path"},
            "variables": strings,
            "library_paths": strings,
            "start_files": {**strings, "default": list(start_files.NAMES)},
            "users": strings,
            "clean": {"type": "bool", "default": False},
            "reason": {"type": "str", "required": True},
            "backup": {"type": "path", "default": "/var/lib/rdna1/backup"},
        },
        supports_check_mode=True,
    )
    leftovers = Leftovers(module)
    retired, lines = leftovers.retire(), leftovers.lines()
    module.exit_json(
        changed=bool(leftovers.diff),
        retired=retired,
        lines=lines,
        unseen=leftovers.unseen,
        diff=leftovers.diff,
    )


if __name__ == "__main__":
    main()
