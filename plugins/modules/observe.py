#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: look at a host."""

from __future__ import annotations

DOCUMENTATION = """
module: observe
short_description: Answer questions about a host in one round trip
description:
  - Reads files, dpkg's status, sysfs and the account databases. It changes nothing, and starts no program,
    least of all the Python of a venv.
  - Normally called by the action M(rdna1.provision.plan), which asks what the desired state wants to know.
options:
  questions:
    description: >-
      Each a dictionary of C(kind) and that kind's arguments; C(module_utils/observation.py) has the kinds.
    type: list
    elements: dict
    required: true
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Look at a file and at some packages
  rdna1.provision.observe:
    questions:
      - {kind: path, path: /etc/profile.d/rocm-rdna1.sh}
      - {kind: packages, names: [rocm-core]}
"""

RETURN = """
answers:
  description: One for each question, in their order.
  type: list
  elements: raw
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import observation


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"questions": {"type": "list", "elements": "dict", "required": True}},
        supports_check_mode=True,
    )
    found = observation.answer_all(module.params["questions"])
    if found.pop("failed", False):
        module.fail_json(**found)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
