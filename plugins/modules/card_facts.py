#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: which AMD cards the kernel serves."""

from __future__ import annotations

DOCUMENTATION = """
module: card_facts
short_description: Read the AMD cards of a host from sysfs
description:
  - Reads the compute driver's topology and the PCI bus. Nothing is changed and no ROCm tool is started,
    so an override of the card's version cannot mislead it.
options:
  sysfs:
    description: Where sysfs is. Anything but C(/sys) is a simulated card, and the result says so.
    type: path
    default: /sys
  targets:
    description: The gfx names that are wanted.
    type: list
    elements: str
    required: true
  boards:
    description: Names of known boards, by PCI device id in four lower-case hexadecimal digits.
    type: dict
    required: true
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Read the cards
  rdna1.provision.card_facts:
    targets: [gfx1010]
    boards: {"731f": RX 5600 XT}
  register: host_cards
"""

RETURN = """
cards:
  description: Wanted cards that the compute driver serves.
  type: list
  elements: dict
  returned: always
  sample: [{node: 1, gfx: gfx1010, device_id: 731f, compute_units: 36, render_node: renderD128}]
others:
  description: Cards of another generation that the compute driver serves.
  type: list
  elements: dict
  returned: always
unserved:
  description: Wanted boards on the PCI bus that the compute driver did not take.
  type: list
  elements: dict
  returned: always
simulated:
  description: Whether this was read from a simulated sysfs.
  type: bool
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import card_sysfs


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "sysfs": {"type": "path", "default": "/sys"},
            "targets": {"type": "list", "elements": "str", "required": True},
            "boards": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    sysfs = Path(module.params["sysfs"])
    module.exit_json(
        changed=False,
        simulated=str(sysfs) != "/sys",
        **card_sysfs.judge(
            card_sysfs.kfd_cards(sysfs),
            card_sysfs.pci_cards(sysfs),
            module.params["targets"],
            module.params["boards"],
        ),
    )


if __name__ == "__main__":
    main()
