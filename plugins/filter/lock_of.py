# SPDX-License-Identifier: MIT
"""Filter: a part of a lock."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError
from packaging.markers import Marker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DOCUMENTATION = """
name: lock_of
short_description: The pins of some distributions, from a lock of many
description:
  - Takes the text of a requirements file with hashes, as C(uv pip compile --universal) writes it, and leaves
    the lines of the named distributions that apply to one Python on Linux, without their conditions.
positional: _input, names, python
options:
  _input:
    description: The lock's text.
    type: str
    required: true
  names:
    description: The distributions.
    type: list
    elements: str
    required: true
  python:
    description: The Python that they are for.
    type: str
    required: true
author: The rdna1.provision authors
"""

EXAMPLES = """
- ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', lock) | rdna1.provision.lock_of(['jinja2'], '3.12') }}"
"""

RETURN = """
_value:
  description: The lock of these alone.
  type: str
"""

ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\\n]+?))? \\\n"
    r"(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)


def lock_of(text: str, names: Sequence[str], python: str) -> str:
    """Leave the named pins."""
    where = {
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    found = {
        entry["name"]: f"{entry['name']}=={entry['version']} \\\n{entry['hashes']}"
        for entry in ENTRY.finditer(text)
        if entry["name"] in names and (not entry["marker"] or Marker(entry["marker"]).evaluate(where))
    }
    missing = [name for name in names if name not in found]
    if missing:
        raise AnsibleFilterError(f"the lock has no {', '.join(missing)} for Python {python}; make it again")
    return "".join(found[name] for name in sorted(found))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filter."""
        return {"lock_of": lock_of}
