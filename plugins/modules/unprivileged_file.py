#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: read what somebody without privileges wrote, and nothing that they may not read."""

from __future__ import annotations

DOCUMENTATION = """
module: unprivileged_file
short_description: Read a text file out of a directory that a user without privileges may write to
description:
  - M(ansible.builtin.fetch) and M(ansible.builtin.slurp) read with the rights of who runs them and go where
    a link leads, so that a user who puts a link in the place of their file has another file read.
  - This reads a plain file with one name that belongs to the owner of the directory that it lies in, of a
    limited size, and fails for anything else. Nothing is changed on the host.
options:
  src:
    description: The file on the host.
    type: path
    required: true
  max_bytes:
    description: More than this is not read.
    type: int
    default: 16777216
  dest:
    description: Where the controller puts it, directories included; empty to only return it.
    type: path
    default: ""
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Fetch the verdict
  rdna1.provision.unprivileged_file:
    src: /var/lib/rdna1/conv2d_verify/verdict.json
    dest: "{{ playbook_dir }}/verdicts/{{ inventory_hostname }}.json"
"""

RETURN = """
content:
  description: What is in the file.
  type: str
  returned: where O(dest) is empty
  sample: "{}"
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import plain_file


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "max_bytes": {"type": "int", "default": plain_file.LARGEST},
            "dest": {"type": "path", "default": ""},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["src"])
    try:
        content = plain_file.read_own(path, module.params["max_bytes"]).decode("utf-8")
    except UnicodeDecodeError:
        module.fail_json(msg=f"{path} is no UTF-8 text; remove it, then run this again.")
    except plain_file.RefusedError as error:
        module.fail_json(msg=f"{error}; remove it, then run this again.")
    except OSError as error:
        module.fail_json(
            msg=f"{path} cannot be read: {error.strerror}; have the file written anew, then run this again."
        )
    module.exit_json(changed=False, content=content)


if __name__ == "__main__":
    main()
