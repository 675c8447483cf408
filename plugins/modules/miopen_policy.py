#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: the record of the policy in force, and no database that an earlier one left."""

from __future__ import annotations

DOCUMENTATION = """
module: miopen_policy
short_description: Record the MIOpen policy in force and remove the databases that an earlier one left
description:
  - Compares the policy with the host's record. Where they differ, the find databases that people's programs
    wrote are removed, and then the record is written. It is written last, so that a run which was
    interrupted between the two begins again.
  - Databases are removed with the rights of their owner alone, and only regular files of the owner's own
    whose names are those that MIOpen gives to find databases. Tuned parameters and compiled kernels stay.
options:
  record:
    description: The record's path.
    type: path
    default: /etc/rdna1/policy.json
  policy:
    description: What the record is to say, whatever the site finds worth comparing.
    type: dict
    required: true
  users:
    description: Whose databases; without any, those of root and of everybody whose user id is a person's.
    type: list
    elements: str
    default: []
  directories:
    description: Where databases may lie. C(~) is each user's home; in other folders, the user's own files.
    type: list
    elements: str
    default: [~/.config/miopen, /tmp]
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Let no old answers survive a change of policy
  rdna1.provision.miopen_policy:
    policy:
      policy: gemm-off
      variables: {MIOPEN_DEBUG_CONV_GEMM: "0"}
"""

RETURN = """
removed:
  description: The databases that were removed, or would be in check mode.
  type: list
  elements: str
  returned: always
  sample: [/home/ada/.config/miopen/gfx103036.HIP.2_17_0.ufdb.txt]
unseen:
  description: What could not be looked at, each with its reason.
  type: list
  elements: str
  returned: always
"""

import json
import os
import pwd
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    miopen_databases,
    plain_file,
    text_file,
)


def read(record: Path) -> Any:
    """What the record says; None where there is none, or none that can be read."""
    try:
        return json.loads(plain_file.read(record))
    except (OSError, ValueError):
        return None


def text(policy: Any) -> str:
    """A policy as its record holds it."""
    return "" if policy is None else json.dumps(policy, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "record": {"type": "path", "default": "/etc/rdna1/policy.json"},
            "policy": {"type": "dict", "required": True},
            "users": {"type": "list", "elements": "str", "default": []},
            "directories": {"type": "list", "elements": "str", "default": ["~/.config/miopen", "/tmp"]},  # noqa: S108 (MIOpen's own fallback)
        },
        supports_check_mode=True,
    )
    record, policy = Path(module.params["record"]), module.params["policy"]
    before, removed, unseen = read(record), [], []
    changed = before != policy
    if changed:
        for account in miopen_databases.accounts(pwd.getpwall(), module.params["users"]):
            found = miopen_databases.remove(account, module.params["directories"], module.check_mode)
            removed += found.files
            unseen += found.unseen
        for reason in unseen:
            module.warn(f"MIOpen databases may be left of an earlier policy: {reason}")
        if not module.check_mode:
            # Everybody may read it, whatever root's umask is.
            text_file.write(record, text(policy), 0o644, (os.geteuid(), os.getegid()))
    module.exit_json(
        changed=changed,
        removed=removed,
        unseen=unseen,
        diff={
            "before": text(before) + "".join(f"{path}\n" for path in removed),
            "after": text(policy),
            "before_header": str(record),
            "after_header": str(record),
        },
    )


if __name__ == "__main__":
    main()
