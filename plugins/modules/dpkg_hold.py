#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: hold every installed package of a build."""

from __future__ import annotations

DOCUMENTATION = """
module: dpkg_hold
short_description: Hold all installed packages of a build
description:
  - Packages that came as dependencies are held, too. Those of other versions are left as they are.
options:
  version:
    description: A glob over the versions.
    type: str
    required: true
  lock_timeout:
    description: How many seconds to wait for another dpkg.
    type: int
    default: 300
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Hold ROCm 5.2.0
  rdna1.provision.dpkg_hold:
    version: "*.50200-65"
"""

RETURN = """
held:
  description: All packages of the build, which are now on hold.
  type: list
  elements: str
  returned: success
"""

import fnmatch
import time
from typing import List

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status

PAUSE = 5


def hold(module: AnsibleModule, names: List[str]) -> None:
    """Tell dpkg, and wait for one that is at work."""
    waited = 0
    while True:
        status, _, stderr = module.run_command(
            ["dpkg", "--set-selections"],
            data="".join("%s hold\n" % name for name in names),
            environ_update={"LC_ALL": "C.UTF-8"},
        )
        if not status:
            return
        if "is locked by another process" not in stderr or waited >= module.params["lock_timeout"]:
            reason = " ".join(stderr.replace("dpkg: error:", "").split())
            module.fail_json(msg="dpkg cannot hold packages: %s; mend that, then run this again." % reason)
        waited += PAUSE
        time.sleep(PAUSE)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "lock_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    build = [
        package
        for package in dpkg_status.read()
        if fnmatch.fnmatchcase(package.version, module.params["version"])
    ]
    loose = sorted(package.name for package in build if not package.held)
    if loose and not module.check_mode:
        hold(module, loose)
    module.exit_json(
        changed=bool(loose),
        held=sorted(package.name for package in build),
        diff={"before": "", "after": "".join("%s hold\n" % name for name in loose)},
    )


if __name__ == "__main__":
    main()
