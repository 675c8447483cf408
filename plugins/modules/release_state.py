#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: is dpkg whole, and is the host wholly of one release?"""

from __future__ import annotations

DOCUMENTATION = """
module: release_state
short_description: Tell an interrupted dpkg, and an upgrade to another release that is not finished
description:
  - Reads dpkg's status and apt's sources, and changes nothing.
  - In between two releases apt finds ways that nobody wants, so nothing should be installed then.
options:
  codename:
    description: The release that the host says it runs.
    type: str
    required: true
  others:
    description: Codenames of the releases that it may come from or go to.
    type: list
    elements: str
    default: []
  marks:
    description: How the versions of some packages begin in this release, by the packages' names.
    type: dict
    default: {}
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Is an upgrade under way?
  rdna1.provision.release_state:
    codename: trixie
    others: [bookworm]
    marks: {libc6: "2.41", python3: "3.13"}
  register: host_release
"""

RETURN = """
interrupted:
  description: What an interrupted dpkg left behind, in words; empty where it is whole.
  type: list
  elements: str
  returned: always
  sample: [libc6 is half-configured]
cure:
  description: The command that puts an interrupted dpkg right.
  type: str
  returned: always
strays:
  description: Those of I(marks) that are of another release, with their versions.
  type: list
  elements: str
  returned: always
  sample: [python3 3.11.2-1+b1]
sources:
  description: The release of which the host's own sources are, where it is another one.
  type: str
  returned: always
  sample: trixie
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status, release_state

ETC = Path("/etc/apt")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "codename": {"type": "str", "required": True},
            "others": {"type": "list", "elements": "str", "default": []},
            "marks": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    packages = dpkg_status.read()
    module.exit_json(
        changed=False,
        interrupted=dpkg_status.interrupted(packages),
        cure=dpkg_status.cure(packages),
        strays=release_state.strays(packages, module.params["marks"]),
        sources=release_state.sources_of(ETC, module.params["codename"], module.params["others"]),
    )


if __name__ == "__main__":
    main()
