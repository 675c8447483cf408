# SPDX-License-Identifier: MIT
"""What a restore point has to cover: the question of each thing that roles manage, with the role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.rdna1.provision.plugins.plugin_utils import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.rdna1.provision.plugins.plugin_utils.desired import RoleScope

SHELLS = "rocm_environment"


def of(scopes: Mapping[str, RoleScope]) -> Iterator[dict[str, Any]]:
    """The items of several roles, for the module restore_point."""
    for role, scope in scopes.items():
        for item in scope.desired():
            asked = {**kinds.KINDS[item["kind"]].ask(item), "role": role}
            if item["kind"] == "account":
                asked["made"] = "home" in item  # only of such an account the role knows enough to make it
            yield asked


def start_files(users: list[str]) -> dict[str, Any]:
    """The item of what users' shells read, of which the role takes lines where that is asked for."""
    return {"kind": "start_files", "role": SHELLS, "users": users}
