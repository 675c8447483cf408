#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: where a host gets its distribution from."""

from __future__ import annotations

DOCUMENTATION = """
module: apt_archive
short_description: Find the distribution's own archive in apt's sources
description:
  - Reads C(/etc/apt) and changes nothing. Knows both formats of sources, several addresses, mirror lists
    and an archive of its own for security updates; passes over third parties, switched off entries and CDs.
options:
  codename:
    description: The release that the host runs.
    type: str
    required: true
  ignore:
    description: Source files to pass over.
    type: list
    elements: path
    default: []
  etc:
    description: apt's configuration.
    type: path
    default: /etc/apt
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Find the archive
  rdna1.provision.apt_archive:
    codename: noble
  register: host_archive
"""

RETURN = """
archives:
  description:
    - The archive, and the one for security updates where that is apart; nothing where nothing is sure.
    - Pockets are what follows the codename in a suite's name; C(signed_by) is empty where the distribution's
      keyring is meant.
  type: list
  elements: dict
  returned: always
  sample:
    - uris: [http://archive.ubuntu.com/ubuntu/]
      pockets: ["", -updates]
      signed_by: ""
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822, apt_sources


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "codename": {"type": "str", "required": True},
            "ignore": {"type": "list", "elements": "path", "default": []},
            "etc": {"type": "path", "default": "/etc/apt"},
        },
        supports_check_mode=True,
    )
    etc = Path(module.params["etc"])
    entries = apt_sources.read(etc, ignore=[Path(path) for path in module.params["ignore"]])
    archives = apt_sources.own_archives(entries, etc, module.params["codename"])
    module.exit_json(
        changed=False,
        archives=[
            {
                "uris": list(archive.uris),
                "pockets": list(archive.pockets),
                "signed_by": apt_deb822.fold(archive.signed_by),
            }
            for archive in archives
        ],
    )


if __name__ == "__main__":
    main()
