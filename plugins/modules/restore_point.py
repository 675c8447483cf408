#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: record what is there before it is changed."""

from __future__ import annotations

DOCUMENTATION = """
module: restore_point
short_description: Take, close or list the restore points of a host
description:
  - Records, before the chain changes anything, all that its roles are about to change, so that
    M(rdna1.provision.restore) can bring it back. What these things are, the action plugin of the same name
    reads from the roles' own desired state.
  - A point that was not closed is the point of a run that did not come to its end; the next run adds to it.
  - A state that the newest point has already is not recorded again.
  - Points are bookkeeping and no state of the host that a role answers for, so taking one is no change.
options:
  state:
    description: Whether to take a point, to close it when the run has come to its end, or to list all.
    type: str
    choices: [taken, closed, listed]
    default: taken
  point:
    description: The point to close.
    type: str
    default: ""
  roles:
    description: The roles that are about to run.
    type: list
    elements: str
    default: []
  reasons:
    description: Why they run, for whoever reads the list of points.
    type: list
    elements: str
    default: []
  keep:
    description: How many points stay, beside the first.
    type: int
    default: 5
  items:
    description: What the roles manage; the action plugin fills it in.
    type: list
    elements: dict
    default: []
  release:
    description: The release that the host runs; the action plugin fills it in.
    type: str
    default: ""
  directory:
    description: Where points are kept.
    type: path
    default: /var/lib/rdna1/points
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Record what is there
  rdna1.provision.restore_point:
    roles: [rocm, rocm_environment]
"""

RETURN = """
point:
  description: The point's id; empty in check mode where none was taken.
  type: str
  returned: success
  sample: 20261121T100502Z-1f0c3a
points:
  description: All points in a few words, the oldest first.
  type: list
  elements: dict
  returned: when listed
"""

import platform
from pathlib import Path
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_get,
    dpkg_status,
    restore_ledger,
    restore_scope,
    restore_store,
)

WORDS = ("id", "number", "time", "cause", "closed", "roles", "reasons", "release", "kernel", "venvs")


def found(parameters: Dict[str, Any]) -> Dict[str, Any]:
    """The state of everything that is about to change, and all packages."""
    packages = dpkg_status.read()
    native = dpkg_status.native(packages)
    return {
        **restore_scope.record(parameters["items"], packages),
        "roles": list(parameters["roles"]),
        "reasons": parameters["reasons"],
        "release": parameters["release"],
        "kernel": platform.release(),
        "packages": {name: package.version for name, package in native.items()},
        "held": sorted(name for name, package in native.items() if package.held),
        "automatic": apt_get.automatic(),
        "ledger": restore_ledger.size(),
    }


def words(point: Dict[str, Any]) -> Dict[str, Any]:
    """A point for the list."""
    gone = [
        "%s/%s" % (root, venv["current"])
        for root, venv in sorted(point["venvs"].items())
        if venv["current"] and not (Path(root) / venv["current"]).is_dir()
    ]
    told = {field: point[field] for field in WORDS}
    return {**told, "paths": len(point["paths"]), "packages": len(point["packages"]), "gone": gone}


def main() -> None:
    """Run the module."""
    strings = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["taken", "closed", "listed"], "default": "taken"},
            "point": {"type": "str", "default": ""},
            "roles": strings,
            "reasons": strings,
            "keep": {"type": "int", "default": 5},
            "items": {"type": "list", "elements": "dict", "default": []},
            "release": {"type": "str", "default": ""},
            "directory": {"type": "path", "default": str(restore_store.POINTS)},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    result: Dict[str, Any] = {"changed": False, "point": parameters["point"]}
    try:
        store = restore_store.Store(Path(parameters["directory"]))
        if parameters["state"] == "listed":
            result["points"] = [words(point) for point in store.points]
        elif not module.check_mode and parameters["state"] == "closed":
            store.close(parameters["point"])
            store.prune(parameters["keep"])
        elif not module.check_mode:
            result["point"] = store.take(found(parameters), restore_store.CHAIN)["id"]
    except restore_store.PointError as error:
        module.fail_json(msg="The restore points of this host cannot be used: %s." % error)
    except (OSError, ValueError) as error:
        module.fail_json(
            msg="What is there could not be recorded (%s), so nothing was changed; mend that (disk full, or "
            "not root?), then run this again." % error
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
