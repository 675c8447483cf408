#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: a directory that holds exactly what one on the controller holds."""

from __future__ import annotations

DOCUMENTATION = """
module: tree
short_description: Have a directory of text files exactly as on the controller, in one round trip
description:
  - Compares and copies a whole directory at once; M(ansible.builtin.copy) needs several round trips a file.
  - What is in the directory on the host and not in that on the controller is removed.
  - Python's compiled files on the controller are left out.
  - All of it belongs to whoever runs the module, with become to root.
options:
  src:
    description: A directory of UTF-8 text files, found like the C(src) of M(ansible.builtin.copy).
    type: path
    required: true
  dest:
    description: The directory on the host. Its parent must exist.
    type: path
    required: true
  mode:
    description: Mode of every file.
    type: str
    default: "0644"
  directory_mode:
    description: Mode of every directory.
    type: str
    default: "0755"
  compiled:
    description: Leave what Python compiled on the host, for a package that everybody imports.
    type: bool
    default: false
  files:
    description: The files by their paths under O(dest); filled in from O(src) on the controller.
    type: dict
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Install a package of the role's files
  rdna1.provision.tree:
    src: conv2d_verify
    dest: /opt/rdna1/lib/conv2d_verify
"""

RETURN = """
differences:
  description: The paths that were not as wanted.
  type: list
  elements: str
  returned: always
  sample: [cli.py, __pycache__]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import tree_state


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "mode": {"type": "str", "default": "0644"},
            "directory_mode": {"type": "str", "default": "0755"},
            "compiled": {"type": "bool", "default": False},
            "files": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    files = module.params["files"]
    if not files:
        module.fail_json(msg=f"{module.params['src']} holds no files; name a directory of text files.")
    modes = (int(module.params["mode"], 8), int(module.params["directory_mode"], 8))
    root, compiled = Path(module.params["dest"]), module.params["compiled"]
    found = tree_state.differences(root, files, *modes, compiled)
    if found and not module.check_mode:
        try:
            tree_state.apply(root, files, *modes, compiled)
        except OSError as error:
            module.fail_json(msg=f"{root} cannot be made as wanted: {error}.")
    module.exit_json(
        changed=bool(found),
        differences=[difference.path for difference in found],
        diff=[
            {
                "before_header": f"{root}/{difference.path}",
                "after_header": f"{root}/{difference.path}",
                "before": difference.before or "",
                "after": difference.after or "",
            }
            for difference in found
        ],
    )


if __name__ == "__main__":
    main()
