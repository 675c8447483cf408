#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: move aside what is where a role's files shall be."""

from __future__ import annotations

DOCUMENTATION = """
module: make_way
short_description: Move aside what is where files, links or directories shall be
description:
  - A directory, a device or a symbolic link where a plain file shall be, and the like, is moved aside;
    M(ansible.builtin.template) would write into the directory. Of a plain file that this collection did not
    write a copy is kept, because it is about to be overwritten.
  - What belongs there is left alone. A link to a directory passes for a directory.
options:
  items:
    description:
      - Each a dictionary of C(kind) and C(path); more is ignored.
      - C(kind) is C(directory), C(link), C(file) (text that this collection writes) or C(data) (any file).
    type: list
    elements: dict
    required: true
  reason:
    description: Why, for the manifest.
    type: str
    required: true
  backup:
    description: Where things go. What lies on another file system is renamed beside its place instead.
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
- name: Make way for a profile
  rdna1.provision.make_way:
    items:
      - {kind: file, path: /etc/profile.d/rocm-rdna1.sh}
    reason: role rocm_environment writes it
"""

RETURN = """
moved:
  description: What was in the way, with where it is now, or in check mode what it is.
  type: dict
  returned: success
  sample: {/etc/profile.d/rocm-rdna1.sh: /var/lib/rdna1/backup/etc/profile.d/rocm-rdna1.sh.aside}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import aside


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "items": {"type": "list", "elements": "dict", "required": True},
            "reason": {"type": "str", "required": True},
            "backup": {"type": "path", "default": "/var/lib/rdna1/backup"},
        },
        supports_check_mode=True,
    )
    folder = Path(module.params["backup"])
    moved = {}
    for item in module.params["items"]:
        for obstacle in aside.find(item["kind"], Path(item["path"])):
            try:
                moved[str(obstacle.path)] = (
                    obstacle.what
                    if module.check_mode
                    else str(aside.clear(obstacle, folder, module.params["reason"]))
                )
            except OSError as error:
                module.fail_json(
                    msg="%s is %s and cannot be put aside (%s); move it away, then run this again."
                    % (obstacle.path, obstacle.what, error)
                )
    module.exit_json(
        changed=bool(moved),
        moved=moved,
        diff={
            "before": "".join("%s\n" % path for path in moved),
            "after": "".join("%s -> %s\n" % pair for pair in moved.items()),
        },
    )


if __name__ == "__main__":
    main()
