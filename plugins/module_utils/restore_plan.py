# SPDX-License-Identifier: MIT
"""What a rollback has to do, from what was there and what is there now. Pure functions."""

from __future__ import annotations

import fnmatch
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.rdna1.provision.plugins.module_utils import restore_record

APT = "/etc/apt/"
Packages = Mapping[str, str]  # versions by name
States = Mapping[str, Any]  # by name


class PackagePlan(NamedTuple):
    """What apt is asked for."""

    install: List[str]  # as NAME=VERSION
    remove: List[str]
    stays: List[str]  # what apt brought up to date on the way, in words


def paths(
    was: Mapping[str, Any], now: Mapping[str, Any], trees: Collection[str]
) -> List[Tuple[str, Mapping[str, Any]]]:
    """Paths to bring into another state. ``now`` has all of ``was``, and what is in the trees now.

    What has to go goes first, from the inside; what has to come comes after it, from the outside.
    """
    wanted = dict(was)
    for path in now:
        if path not in wanted and any(path.startswith(tree + "/") for tree in trees):
            wanted[path] = {"type": "absent", "from": path}
    changed = [(path, state) for path, state in wanted.items() if not restore_record.same(state, now[path])]
    gone = sorted((item for item in changed if item[1]["type"] == "absent"), reverse=True)
    return gone + sorted(item for item in changed if item[1]["type"] != "absent")


def can_go(
    changed: Iterable[Tuple[str, Mapping[str, Any]]], inside: Callable[[str], Iterable[str]]
) -> List[Tuple[str, Mapping[str, Any]]]:
    """Leave out directories that shall go while something else is in them: they stay until that goes, too.

    ``inside`` tells what a directory holds, by full paths. What has to go comes from the inside.
    """
    found: List[Tuple[str, Mapping[str, Any]]] = []
    going: Set[str] = set()
    for path, state in changed:
        if state["type"] == "absent":
            if not going.issuperset(inside(path)):
                continue
            going.add(path)
        found.append((path, state))
    return found


def in_apt(path: str) -> bool:
    """Whether a path is one of apt's configuration, which must be right before packages are."""
    return path.startswith(APT)


def packages(
    was: Packages, now: Packages, touched: Iterable[str], names: Collection[str], builds: Sequence[str]
) -> PackagePlan:
    """Packages to take away and to bring back, among those that the chain touched.

    A package of the distribution that apt only brought up to date stays so: the older version may be one with
    a hole in it. Another version comes back where a role asked for this one, by name or by build.
    """
    plan = PackagePlan([], [], [])
    for name in sorted(set(touched)):
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        if before is None:
            plan.remove.append(name)
        elif after is None or name in names or any(_of(build, before, after) for build in builds):
            plan.install.append("%s=%s" % (name, before))
        else:
            plan.stays.append("%s %s (it was %s)" % (name, after, before))
    return plan


def _of(build: str, *versions: str) -> bool:
    """Whether a package is or was of a build."""
    return any(fnmatch.fnmatchcase(version, build) for version in versions)


def selections(
    was: Collection[str], held: Collection[str], now: Packages, touched: Collection[str]
) -> Dict[str, str]:
    """What dpkg is to be told of holds: hold or install, by package."""
    found = {}
    for name in sorted(set(touched) & set(now)):
        if (name in was) != (name in held):
            found[name] = "hold" if name in was else "install"
    return found


def accounts(was_groups: States, was: States, now_groups: States, now: States) -> List[List[str]]:
    """Commands that bring groups and accounts back, in their order. Of an account that stays, only groups."""
    commands: List[List[str]] = []
    numbers = {name: state["gid"] for name, state in was_groups.items()}
    for state in was.values():
        if state["uid"] is not None:
            numbers.setdefault(state["group"], state["gid"])
    missing = {name: number for name, number in numbers.items() if number is not None}
    for name, number in sorted(missing.items()):
        if name in now_groups and now_groups[name]["gid"] is None:
            commands.append(["groupadd", "--system", "--gid", str(number), name])
    for name, state in sorted(was.items()):
        present = now[name]
        if state["uid"] is None:
            if present["uid"] is not None and state["made"]:
                commands.append(["userdel", name])
                continue
        elif present["uid"] is None:
            options = {"--uid": state["uid"], "--gid": state["gid"], "--home-dir": state["home"]}
            options.update({"--shell": state["shell"], "--comment": state["comment"]})
            words = [str(word) for option in options.items() for word in option]
            commands.append(["useradd", "--system", "--no-create-home", "--no-user-group", *words, name])
        for group in sorted(set(state["groups"]) - set(present["groups"])):
            commands.append(["gpasswd", "--add", name, group])
        for group in sorted(set(present["groups"]) - set(state["groups"])):
            # Other groups are nobody's business here.
            if group in was_groups and present["uid"] is not None:
                commands.append(["gpasswd", "--delete", name, group])
    for name, state in sorted(was_groups.items()):
        if state["gid"] is None and now_groups[name]["gid"] is not None:
            commands.append(["groupdel", name])
    return commands
