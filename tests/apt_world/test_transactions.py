"""What the roles do to each host, as apt sees it: what comes from where, and what goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aptworld import hosts
from aptworld.archives import Archive
from aptworld.cases import SETS, WORLDS, Provisioned
from aptworld.hosts import Builder, Found
from aptworld.roles import Host, Step
from aptworld.world import World

KINDS = ("install", "remove", "upgrade", "downgrade", "reinstall")
every_world = pytest.mark.parametrize("world", WORLDS)
every_set = pytest.mark.parametrize("package_set", SETS)


def sources(step: Step, found: Found, archives: dict[str, Archive]) -> dict[str, set[str]]:
    """Return what came from the host's own archive, from the donor, from AMD, and from no archive."""
    kinds = {origin: _kind(name, found) for name in found.archives for origin in archives[name].origins()}
    came: dict[str, set[str]] = {}
    for change in step.installation.installs:
        kind = {
            kinds.get(origin, "standin" if origin == "local-deb" else origin) for origin in change.origins
        }
        # A package that both releases have in the same version is the host's own.
        came.setdefault("host" if "host" in kind else kind.pop(), set()).add(change.name)
    return came


def missing(wanted: Mapping[str, Iterable[str]], host: Host, step: Step) -> dict[str, set[str]]:
    """Return what is wanted and was not there already."""
    there = host.world.installed.keys() - step.installation.touched
    left = {kind: set(names) - there for kind, names in wanted.items()}
    return {kind: names for kind, names in left.items() if names}


def _kind(archive: str, found: Found) -> str:
    if archive.startswith("rocm-"):
        return "amd"
    return {found.own: "host", found.donor: "donor"}.get(archive, archive)


@every_world
def test_jammy_compat_brings_just_its_libraries_and_stand_ins(
    world: str, prepared: Provisioned, all_archives: dict[str, Archive], expected: dict[str, Any]
) -> None:
    host = prepared(world)
    (step,) = host.steps
    wanted = host.found.expect["compat"] | {"standin": expected["standins"]}
    assert sources(step, host.found, all_archives) == missing(wanted, host, step)
    assert step.removes == set()
    # Another stand-in than that of the earlier release may have a lower version.
    assert step.installation.downgrades <= set(expected["standins"])


@every_world
@every_set
def test_rocm_brings_just_its_set(
    world: str,
    package_set: str,
    provisioned: Provisioned,
    all_archives: dict[str, Archive],
    expected: dict[str, Any],
) -> None:
    host = provisioned(world, package_set)
    step = host.steps[-1]
    wanted = missing(expected["sets"][package_set], host, step)
    assert sources(step, host.found, all_archives) == wanted
    assert step.installation.downgrades == set()
    assert step.removes == set(host.found.expect.get("removes", []))


@every_world
@every_set
def test_all_of_amds_packages_are_of_this_one_build(
    world: str, package_set: str, provisioned: Provisioned, all_archives: dict[str, Archive]
) -> None:
    names = {stanza.name for stanza in all_archives["rocm-5.2.0"].packages()}
    installed = provisioned(world, package_set).world.installed
    versions = {name: installed[name].version for name in names & installed.keys()}
    assert versions
    assert [name for name, version in versions.items() if not version.endswith(".50200-65")] == []


@pytest.mark.parametrize(
    ("world", "package_set"),
    [
        *((world, "full") for world in WORLDS),
        ("noble", "minimal"),
        ("noble", "runtime"),
        ("noble-upgraded", "minimal"),
    ],
)
def test_the_rehearsal_says_what_is_then_done(
    world: str,
    package_set: str,
    as_found: Callable[[str, str, Path], World],
    builder: Builder,
    provisioned: Provisioned,
    tmp_path: Path,
) -> None:
    """tasks/check.yml of both roles, on the host as it is found, changes nothing and knows it all."""
    there = as_found(world, package_set, tmp_path / "root")
    host = Host(there, hosts.load(world), builder.keys["amd"], rocm_package_set=package_set)
    before = snapshot(host)
    host.play("jammy_compat", "check")
    host.play("rocm", "check")
    assert snapshot(host) == before

    done = provisioned(world, package_set).steps
    said = {kind: {item["name"] for answer in host.answers for item in answer[kind]} for kind in KINDS}
    changes = [change for step in done for change in step.installation.installs]
    down = {change.name for change in changes if change.downgrade}
    assert said == {
        "install": {change.name for change in changes if not change.old},
        "upgrade": {change.name for change in changes if change.old} - down,
        "downgrade": down,
        "remove": {name for step in done for name in step.removes},
        "reinstall": set(),
    }


@every_world
def test_of_apts_configuration_only_what_contradicts_goes_and_it_is_kept(
    world: str, as_found: Callable[[str, str, Path], World], provisioned: Provisioned, tmp_path: Path
) -> None:
    host = provisioned(world)
    before = configuration(as_found(world, "full", tmp_path / "root"))
    after = configuration(host.world)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    retired = set(host.found.expect.get("retires", []))
    assert {path for path in changed if "rdna1" not in path} == retired
    assert not retired & after.keys()
    backup = host.world.root / "var/lib/rdna1/backup"
    for path in retired:
        (copy,) = backup.rglob(f"{Path(path).name}.*")
        # The host was copied in the meantime: its keyrings lay below another root.
        assert (
            re.sub(r"(?i)(signed-by[:=] ?)\S+(?=/usr/share/|/etc/apt/)", r"\1", copy.read_text())
            == before[path]
        )


def configuration(world: World) -> dict[str, str]:
    """Return the files of /etc/apt, as on a host."""
    with world.as_written() as etc:
        files = [path for path in sorted(etc.rglob("*")) if path.is_file()]
        return {f"/etc/apt/{path.relative_to(etc)}": path.read_bytes().decode("latin-1") for path in files}


@every_world
def test_playing_the_roles_again_does_nothing(world: str, provisioned: Provisioned, tmp_path: Path) -> None:
    host = provisioned(world).copy(tmp_path / "root")
    before = snapshot(host)
    host.play("jammy_compat")
    host.play("rocm")
    for step in host.steps[2:]:
        assert step.installation.empty
        assert step.removal.empty
    assert snapshot(host) == before


def snapshot(host: Host) -> dict[str, str]:
    """Return the host's apt configuration and packages."""
    places = [host.world.root / "etc", host.world.root / "var/lib/dpkg"]
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(host.world.root)): path.read_bytes().replace(bytes(host.world.root), b"").hex()
        for path in files
    }
