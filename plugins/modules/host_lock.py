#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: let one run at a time change a host."""

from __future__ import annotations

DOCUMENTATION = """
module: host_lock
short_description: Let one run at a time change a host
description:
  - Notes on the host which run is changing it, so that another run, of whichever controller, leaves it alone.
  - What the run is, the action plugin of the same name fills in. It also sees whether a run of the same
    controller that holds the lock still lives; the lock of one that does not is taken over.
  - The lock goes when it is released, when the host reboots, and when it is older than 12 hours.
  - It is no state of the host that a role answers for, so taking it is no change; check mode takes none.
options:
  state:
    description: Whether to take the lock or to release it. What is not this run's is not released.
    type: str
    choices: [taken, released]
    default: taken
  purpose:
    description: What the run is, for whoever has to wait for it.
    type: str
    default: a run
  over:
    description: The run that is known to be dead, and whose lock is taken over.
    type: str
    default: ""
  owner:
    description: The run; the action plugin fills it in.
    type: dict
    default: {}
  path:
    description: The lock.
    type: path
    default: /run/rdna1.lock
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Keep others away meanwhile
  rdna1.provision.host_lock:
    purpose: rollback.yml
"""

RETURN = """
taken_over:
  description: Whose lock it was before, in words; empty where nobody's was.
  type: str
  returned: success
holder:
  description: Which run has the host.
  type: dict
  returned: when another run has it
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import host_lock


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["taken", "released"], "default": "taken"},
            "purpose": {"type": "str", "default": "a run"},
            "over": {"type": "str", "default": ""},
            "owner": {"type": "dict", "default": {}},
            "path": {"type": "path", "default": str(host_lock.LOCK)},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    owner = {**module.params["owner"], "purpose": module.params["purpose"]}
    if module.check_mode:
        module.exit_json(changed=False, taken_over="")
    try:
        if module.params["state"] == "released":
            host_lock.release(owner, path)
            module.exit_json(changed=False, taken_over="")
        before = host_lock.take(owner, module.params["over"], path)
    except host_lock.HeldError as error:
        module.fail_json(
            msg="%s; wait until that has ended, then run this again; if it is known to be dead, add "
            "-e rdna1_take_over=%s." % (error, error.holder["run"]),
            holder=error.holder,
        )
    except OSError as error:
        module.fail_json(
            msg="The lock %s cannot be used (%s), so nothing was changed; mend that (no root, or /run is "
            "full?), then run this again." % (path, error.strerror)
        )
    module.exit_json(changed=False, taken_over=host_lock.in_words(before) if before else "")


if __name__ == "__main__":
    main()
