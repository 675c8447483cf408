#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: packages that another build of the same software left."""

from __future__ import annotations

DOCUMENTATION = """
module: dpkg_leftovers
short_description: Find installed packages that are in the way of one vendor's build
description:
  - Reads dpkg's status and changes nothing.
options:
  build:
    description: A glob over the versions of the wanted build.
    type: str
    required: true
  vendor_names:
    description: Globs over the names of this vendor's packages.
    type: list
    elements: str
    required: true
  vendor_versions:
    description: Regular expressions over their versions; a package is the vendor's if both its name and its
      version say so.
    type: list
    elements: str
    required: true
  names:
    description: Globs over the names under which others package the same software.
    type: list
    elements: str
    default: []
  noted:
    description: Packages that stay, but that people should know of.
    type: list
    elements: str
    default: []
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Find what is left of other ROCm releases
  rdna1.provision.dpkg_leftovers:
    build: "*.50200-65"
    vendor_names: [roc*, hip*]
    vendor_versions: ['\\.50\\d0\\d-\\d+$']
    names: [libamdhip64-*]
"""

RETURN = """
remove:
  description: Packages that must go.
  type: list
  elements: str
  returned: always
kept:
  description: >-
    Others' packages that something outside of I(names) needs, with what needs them. They stay: they are in
    the way of nothing, but programs may find their libraries first.
  type: dict
  returned: always
  sample: {libhsa-runtime64-1: [libucx0]}
noted:
  description: Those of I(noted) that are installed.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status


def main() -> None:
    """Run the module."""
    strings = {"type": "list", "elements": "str"}
    module = AnsibleModule(
        argument_spec={
            "build": {"type": "str", "required": True},
            "vendor_names": {**strings, "required": True},
            "vendor_versions": {**strings, "required": True},
            "names": {**strings, "default": []},
            "noted": {**strings, "default": []},
        },
        supports_check_mode=True,
    )
    packages = dpkg_status.read()
    gone, kept = dpkg_status.leftovers(
        packages,
        dpkg_status.Vendor(module.params["vendor_names"], module.params["vendor_versions"]),
        module.params["build"],
        module.params["names"],
    )
    module.exit_json(
        changed=False,
        remove=[package.name for package in gone],
        kept=kept,
        noted=sorted({package.name for package in packages}.intersection(module.params["noted"])),
    )


if __name__ == "__main__":
    main()
