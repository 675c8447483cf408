# SPDX-License-Identifier: MIT
"""What roles are about to change on a host, from the same data that the host is observed with.

Each item is the question of one managed thing (``plugin_utils/kinds.py``) with its role. The answer here is
not how it is, but which paths, packages, groups and accounts it is about.
"""

from __future__ import annotations

import grp
import pwd
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence

from ansible_collections.rdna1.provision.plugins.module_utils import (
    apt_retirement,
    dpkg_status,
    miopen_databases,
    restore_record,
    restore_store,
)

Item = Mapping[str, Any]
START_FILES = (".bashrc", ".profile", ".bash_profile", ".zshrc")


def record(items: Sequence[Item], packages: List[dpkg_status.Package]) -> Dict[str, Any]:
    """The state of everything that these items are about."""
    point: Dict[str, Any] = {part: {} for part in (*restore_store.PARTS, "managed")}
    for item in items:
        role, kind = item["role"], item["kind"]
        if kind in PATHS:
            for path in PATHS[kind](item, packages):
                point["paths"][str(path)] = {"role": role, **restore_record.see(path)}
        elif kind == "tree":
            point["trees"][item["path"]] = role
            for name, found in restore_record.under(Path(item["path"])):
                point["paths"][name] = {"role": role, **found}
        elif kind == "group":
            point["groups"].setdefault(item["name"], {"role": role, "gid": gid(item["name"])})
        elif kind == "account":
            point["accounts"][item["name"]] = {"role": role, "made": item["made"], **account(item["name"])}
        elif kind == "venv":
            current = Path(item["root"]) / "current"
            target = str(current.readlink()) if current.is_symlink() else None
            point["venvs"][item["root"]] = {"role": role, "current": target}
        managed = point["managed"].setdefault(role, {"names": [], "builds": []})
        managed["names"] += item.get("names", []) if kind in ("packages", "standins") else []
        managed["builds"] += [item["version"]] if kind == "build" else []
    return point


def gid(name: str) -> Any:
    """A group's number; None where there is none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def account(name: str) -> Dict[str, Any]:
    """All that makes an account, and its groups; its ``uid`` is None where there is none."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        return {"uid": None, "groups": []}
    return {
        "uid": user.pw_uid,
        "gid": user.pw_gid,
        "group": grp.getgrgid(user.pw_gid).gr_name,
        "home": user.pw_dir,
        "shell": user.pw_shell,
        "comment": user.pw_gecos,
        "groups": sorted(entry.gr_name for entry in grp.getgrall() if name in entry.gr_mem),
    }


def _own_path(item: Item, _packages: List[dpkg_status.Package]) -> Iterator[Path]:
    yield Path(item["path"])


def _retired(item: Item, _packages: List[dpkg_status.Package]) -> Iterator[Path]:
    parameters = {name: value for name, value in item.items() if name not in ("role", "kind")}
    for path, _, _, _ in apt_retirement.plan({"etc": "/etc/apt", **parameters}):
        yield path


def _settings_of_leftovers(item: Item, packages: List[dpkg_status.Package]) -> Iterator[Path]:
    """The configuration files of packages that go: they are purged."""
    vendor = dpkg_status.Vendor(item["vendor_names"], item["vendor_versions"])
    gone, _ = dpkg_status.leftovers(packages, vendor, item["build"], item["names"])
    for package in gone:
        for line in package.fields.get("conffiles", "").splitlines():
            if line.strip():
                yield Path(line.split()[0])


def _matching(item: Item, _packages: List[dpkg_status.Package]) -> Iterator[Path]:
    yield from sorted(Path("/").glob(item["pattern"].lstrip("/")))


def _start_files(item: Item, _packages: List[dpkg_status.Package]) -> Iterator[Path]:
    """Files of users' shells, from which lines are taken; where they lead, for that is what is written."""
    for user in miopen_databases.accounts(pwd.getpwall(), item["users"]):
        for name in START_FILES:
            path = user.home / name
            if path.is_file():
                yield path.resolve()


PATHS: Dict[str, Callable[[Item, List[dpkg_status.Package]], Iterator[Path]]] = {
    "path": _own_path,
    "record": _own_path,
    "signing_key": _own_path,
    "retired": _retired,
    "leftovers": _settings_of_leftovers,
    "matching": _matching,
    "start_files": _start_files,
}
