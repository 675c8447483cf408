#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: a role's files, directories and links, in one round trip."""

from __future__ import annotations

DOCUMENTATION = """
module: files
short_description: Have a role's files, directories, links and trees as it names them, in one round trip
description:
  - Takes the items of a role's desired state that lie in the file system, and makes them so in their order;
    M(ansible.builtin.template), M(ansible.builtin.copy) and M(ansible.builtin.file) need one to three round
    trips for each.
  - What is in the way is moved aside before. That is a directory, a device or a symbolic link where a plain
    file shall be, and the like. Of a plain file that this collection did not write a copy is kept. A link to
    a directory passes for a directory.
  - A file appears whole or not at all. In a tree, what is not on the controller is removed.
  - Texts are sent as arguments; the module logs nothing of its arguments on the host.
options:
  items:
    description:
      - Lists in it are taken for their items, and an item whose C(when) is false for none.
      - Each is a dictionary of C(path) and C(kind), and of what that kind needs. But for links and absent
        ones there are C(mode) (C("0644"), or of directories C("0755")), C(owner) and C(group) (C(root)).
      - C(kind=directory) and C(kind=data), a plain file that something else writes, need nothing more.
      - C(kind=record) is one that something else writes and judges.
      - C(kind=file) needs C(template), one of the role's, or C(text).
      - C(kind=files) has C(paths) instead of C(path), and all of them the same C(template).
      - C(kind=link) needs C(target), or C(leads_to) where it may lead on through other links.
      - C(kind=tree) needs C(source), a directory of UTF-8 text files of the role's; C(directory_mode) is
        C("0755"). With C(compiled), what Python compiled on the host stays. All of it belongs to whoever runs
        the module.
      - C(kind=absent) needs nothing more.
    type: list
    elements: raw
    required: true
  reason:
    description: Why something is moved aside, for the manifest in O(backup). By default it names the role.
    type: str
  backup:
    description: Where things go. What lies on another file system is renamed beside its place instead.
    type: path
    default: /var/lib/rdna1/backup
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Have the profile, and a folder beside it
  rdna1.provision.files:
    items:
      - {kind: directory, path: /etc/rdna1}
      - {kind: file, path: /etc/profile.d/rocm-rdna1.sh, template: profile.sh.j2}
"""

RETURN = """
moved:
  description: What was in the way, with where it is now, or in check mode what it is.
  type: dict
  returned: success
  sample: {/etc/profile.d/rocm-rdna1.sh: /var/lib/rdna1/backup/etc/profile.d/rocm-rdna1.sh.aside}
paths:
  description: What was not as wanted.
  type: list
  elements: str
  returned: success
  sample: [/etc/rdna1, /etc/profile.d/rocm-rdna1.sh]
"""

from pathlib import Path
from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import aside, file_items


def way_made(module: AnsibleModule, item: Dict[str, Any]) -> Dict[str, str]:
    """Move aside what is in an item's way; what that was, and where it is now."""
    moved = {}
    for obstacle in aside.find(item["kind"], Path(item["path"])):
        try:
            moved[str(obstacle.path)] = (
                obstacle.what
                if module.check_mode
                else str(aside.clear(obstacle, Path(module.params["backup"]), module.params["reason"]))
            )
        except OSError as error:
            module.fail_json(
                msg="%s is %s and cannot be put aside (%s); move it away, then run this again."
                % (obstacle.path, obstacle.what, error)
            )
    return moved


def made(module: AnsibleModule, item: Dict[str, Any]) -> List[file_items.Change]:
    """Make one item so; what was changed by that."""
    try:
        found = file_items.changes(item)
        if found and not module.check_mode:
            file_items.make(item)
    except file_items.UnknownOwnerError as error:
        module.fail_json(msg="%s cannot be made as wanted: %s; create it first." % (item["path"], error))
    except OSError as error:
        module.fail_json(
            msg="%s cannot be made as wanted (%s); mend that, then run this again." % (item["path"], error)
        )
    return found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "items": {"type": "list", "elements": "dict", "required": True},
            "reason": {"type": "str", "required": True},
            "backup": {"type": "path", "default": "/var/lib/rdna1/backup"},
        },
        supports_check_mode=True,
        # It would log its arguments, and some of the files are for root's eyes alone.
        no_log=True,
    )
    moved: Dict[str, str] = {}
    changes: List[file_items.Change] = []
    for item in module.params["items"]:
        moved.update(way_made(module, item))
        changes += made(module, item)
    module.exit_json(
        changed=bool(moved or changes),
        moved=moved,
        paths=[change.path for change in changes],
        diff=[
            {
                "before": "".join("%s\n" % path for path in moved),
                "after": "".join("%s -> %s\n" % pair for pair in moved.items()),
            },
            *(
                {
                    "before_header": change.path,
                    "after_header": change.path,
                    "before": change.before,
                    "after": change.after,
                }
                for change in changes
            ),
        ],
    )


if __name__ == "__main__":
    main()
