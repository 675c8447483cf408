# SPDX-License-Identifier: MIT
"""Filter: a difference of a plan as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DOCUMENTATION = """
name: in_words
short_description: A difference of a plan as one line
description: What differs, and why, in one line for a person.
positional: _input
options:
  _input:
    description: One of the C(differences) that M(rdna1.provision.plan) returns.
    type: dict
    required: true
author: The rdna1.provision authors
"""

EXAMPLES = """
- name: Say what differs
  ansible.builtin.debug:
    msg: "{{ plan.rdna1.differences | map('rdna1.provision.in_words') }}"
"""

RETURN = """
_value:
  description: "The line, for example: rocm: package rocm-core: it is missing, 5.2.0.50200-65 wanted."
  type: str
"""


def in_words(difference: Mapping[str, str]) -> str:
    """Name role, item and reason."""
    return f"{difference['role']}: {difference['item']}: {difference['reason']}"


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter by its name."""
        return {"in_words": in_words}
