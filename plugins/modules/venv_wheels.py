#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: begin to fetch a venv's wheels in the background."""

from __future__ import annotations

DOCUMENTATION = """
module: venv_wheels
short_description: Begin to fetch and install a venv's wheels in the background
description:
  - Starts C(pip download) of a hash lock and returns at once, so that the wheels come while apt is at work.
    M(rdna1.provision.venv_stack) waits for them, takes them, and removes them.
  - Where the venv is to be there is nothing yet, and C(ROOT/current) does not lead there, they are also
    installed. M(rdna1.provision.venv_stack) proves such a venv, marks it as complete and switches to it.
  - They lie in C(ROOT/tmp/wheels), and become complete there by a rename; what a run that was killed left is
    used by the next one that wants the same, and removed by any other. Removing the folder ends the fetch.
  - This saves time and decides nothing. Where it cannot be done, C(reason) says why and the module does not
    fail. It is no state that a host is in, so beginning it is no change; check mode begins nothing.
options:
  state:
    description: Whether to begin a fetch, or to end one and remove what it has.
    type: str
    choices: [begun, absent]
    default: begun
  root:
    description: Where everything lives.
    type: path
    default: /opt/rdna1
  lock:
    description: The lock's text, one C(NAME==VERSION --hash=sha256:...) for every distribution.
    type: str
    default: ""
  interpreter:
    description: The Python whose pip fetches, of the version that the venv gets.
    type: path
    default: ""
  index_url:
    description: The index to ask; empty for the host's own default.
    type: str
    default: ""
  extra_index_urls:
    description: Further indexes.
    type: list
    elements: str
    default: []
  find_links:
    description: Folders on the host, or pages, with wheels.
    type: list
    elements: str
    default: []
  trusted_hosts:
    description: Hosts that pip may ask over plain http.
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables for pip, for example a proxy.
    type: dict
    default: {}
  free_gib:
    description: Free space that a build wants, in GiB; nothing is fetched where there is less.
    type: float
    default: 10
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
"""

EXAMPLES = """
- name: Let the wheels come while apt is at work
  rdna1.provision.venv_wheels:
    lock: "{{ lookup('ansible.builtin.file', 'requirements.txt', rstrip=false) }}"
    interpreter: /opt/rdna1/python/3.10.21/bin/python3.10
"""

RETURN = """
begun:
  description: Whether the wheels are being fetched, or lie there.
  type: bool
  returned: always
reason:
  description: Why they are not.
  type: str
  returned: always
  sample: the venv is there
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    venv_build,
    venv_lock,
    venv_state,
    venv_store,
    venv_wheels,
)


def options() -> dict[str, Any]:
    """What the module takes."""
    strings = {"type": "list", "elements": "str", "default": []}
    return {
        "state": {"type": "str", "choices": ["begun", "absent"], "default": "begun"},
        "root": {"type": "path", "default": "/opt/rdna1"},
        "lock": {"type": "str", "default": ""},
        "interpreter": {"type": "path", "default": ""},
        "index_url": {"type": "str", "default": ""},
        "extra_index_urls": strings,
        "find_links": strings,
        "trusted_hosts": strings,
        "environment": {"type": "dict", "default": {}},
        "free_gib": {"type": "float", "default": 10},
    }


def begin(parameters: dict[str, Any]) -> str:
    """Begin to fetch; why not, where there is a reason."""
    identity = venv_lock.identity(parameters["lock"])
    layout = venv_state.Layout(Path(parameters["root"]), identity[:12])
    requirements = venv_lock.parse(parameters["lock"])
    wanted = venv_state.Wanted(identity, requirements, parameters["interpreter"], keep=0)
    found = venv_state.differences(layout, venv_state.observe(layout), wanted)
    if not any(difference.action == venv_state.BUILD for difference in found):
        return "the venv is there"
    if venv_store.room_gib(layout) < parameters["free_gib"]:
        return "too little space is free"
    given = {name: parameters[name] for name in venv_build.Sources._fields if name in parameters}
    environment = {name: str(value) for name, value in parameters["environment"].items()}
    with venv_store.locked(layout.root):
        venv_wheels.start(
            layout, parameters["interpreter"], parameters["lock"], venv_build.Sources(**given), environment
        )
    return ""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=options(), supports_check_mode=True)
    os.umask(0o022)
    changed, reason = False, "only looked" if module.check_mode else ""
    try:
        if module.params["state"] == "absent":
            layout = venv_state.Layout(Path(module.params["root"]), "")
            changed = os.path.lexists(layout.wheels) if module.check_mode else venv_wheels.clear(layout)
            reason = "none is wanted"
        elif not module.check_mode:
            reason = begin(module.params)
    except (venv_lock.LockError, venv_build.BuildError, venv_store.StoreError, OSError) as error:
        reason = str(error)
    module.exit_json(changed=changed, begun=not reason, reason=reason)


if __name__ == "__main__":
    main()
