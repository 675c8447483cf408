"""Wanted against found: versions, device, environment, access. All checks are made; none hides another."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conv2d_verify.expectations import Expectation


@dataclass(frozen=True)
class Check:
    """One thing that is as wanted, or not."""

    name: str
    wanted: str
    found: str
    ok: bool
    fix: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


REINSTALL = "run the playbook again for this host: its role pytorch_venv builds the venv anew"


def versions(expect: Expectation, hello: dict[str, Any]) -> list[Check]:
    """Compare the versions that a worker really has."""
    checks = []
    for name, wanted in expect.versions.items():
        found = hello.get(name)
        right = isinstance(found, str) and starts_as(found, wanted)
        checks.append(Check(f"{name} version", wanted, str(found or "none"), right, REINSTALL))
    if expect.numpy_below:
        found = hello.get("numpy")
        right = isinstance(found, str) and _parts(found) < _parts(expect.numpy_below)
        checks.append(
            Check("numpy version", f"below {expect.numpy_below}", str(found or "none"), right, REINSTALL)
        )
    return checks


def device(expect: Expectation, hello: dict[str, Any], sysfs_gfx: list[str]) -> list[Check]:
    """Compare the card: what the kernel says it is, and what the runtime takes it for."""
    checks = []
    gpu = hello.get("gpu") or {}
    if expect.gfx:
        right = any(gfx in expect.gfx for gfx in sysfs_gfx)
        fix = "take the host out of this group, or look in dmesg why the compute driver refuses the card"
        checks.append(
            Check("card in sysfs", " or ".join(expect.gfx), ", ".join(sysfs_gfx) or "none", right, fix)
        )
    if expect.capability:
        wanted = ".".join(map(str, expect.capability))
        found = ".".join(map(str, gpu.get("capability") or [])) or "none"
        fix = "set HSA_OVERRIDE_GFX_VERSION as the stack says (role rocm_environment)"
        checks.append(Check("capability at runtime", wanted, found, found == wanted, fix))
    return checks


def environment_file(missing: str) -> list[Check]:
    """Report the file of variables that should be there and is not."""
    fix = "run the playbook again for this host: its role rocm_environment writes it"
    return [Check(missing, "there", "missing", ok=False, fix=fix)] if missing else []


def environment(expect: Expectation, found: dict[str, str]) -> list[Check]:
    """Compare the variables the worker was given."""
    checks = []
    fix = "run the playbook again for this host: its role rocm_environment writes the environment"
    for name, wanted in expect.environment.items():
        value = found.get(name)
        shown = "not set" if value is None else value
        checks.append(Check(name, "not set" if wanted is None else wanted, shown, value == wanted, fix))
    return checks


def access(expect: Expectation, user: str, groups: list[str], kfd: dict[str, Any]) -> list[Check]:
    """Compare what this user may do."""
    checks = []
    for group in expect.groups:
        fix = f"usermod -aG {group} {user}, then log in again"
        checks.append(Check(f"group {group}", f"{user} is in it", ", ".join(groups), group in groups, fix))
    if expect.kfd:
        state = "usable" if kfd["usable"] else "not allowed" if kfd["exists"] else "missing"
        fix = (
            "load amdgpu and look in dmesg for kfd"
            if not kfd["exists"]
            else "check the udev rule and the groups"
        )
        checks.append(Check(str(kfd["path"]), "usable", state, state == "usable", fix))
    return checks


def starts_as(found: str, wanted: str) -> bool:
    """Say whether a version is the wanted one or of its line.

    With fewer parts wanted, 3.10 takes 3.10.21; as for pip, 1.13.1 takes 1.13.1+cu117, but
    1.13.1+rocm5.2 only itself.
    """
    return found == wanted or (found.startswith(wanted) and found[len(wanted)] in ".-+" and "+" not in wanted)


def _parts(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.split("+")[0])]
