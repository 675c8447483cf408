# SPDX-License-Identifier: MIT
"""Rendering a role's template as ansible.builtin.template would."""

from __future__ import annotations

from typing import Any

from ansible.template import trust_as_template


def rendered(templar: Any, source: str) -> str:
    """The text of a template of ours by a templar that has its variables and its search path."""
    return str(templar.template(trust_as_template(source), escape_backslashes=False))
