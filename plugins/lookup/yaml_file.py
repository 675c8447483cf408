# SPDX-License-Identifier: MIT
"""Lookup: the content of a YAML file on the controller, parsed once a run."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.rdna1.provision.plugins.plugin_utils import yaml_files

DOCUMENTATION = r"""
name: yaml_file
short_description: What is in a YAML file on the controller
version_added: 0.1.0
author: The rdna1.provision authors
description:
  - Returns the content of YAML files as data.
  - The same as C(lookup('ansible.builtin.file', path) | from_yaml), but a file is parsed once a run, and not
    once at each mention on each host.
options:
  _terms:
    description: Paths of YAML files.
    required: true
    type: list
    elements: path
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ lookup('rdna1.provision.yaml_file', 'stacks/rocm52/stack.yml').python }}"
"""

RETURN = r"""
_raw:
  description: The content of each file.
  type: list
  elements: raw
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible ships no types
    """See DOCUMENTATION."""

    def run(self, terms: list[str], **_options: Any) -> list[Any]:
        """Read the files; fail with one sentence where one cannot be read."""
        found = []
        for path in terms:
            try:
                found.append(copy.deepcopy(yaml_files.read(str(path))))
            except (OSError, yaml.YAMLError) as error:
                said = " ".join(str(error).split())
                raise AnsibleLookupError(
                    f"{path}: it cannot be read as YAML ({said}); correct it, or name another file."
                ) from None
        return found
