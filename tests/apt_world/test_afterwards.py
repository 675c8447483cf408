"""The weeks after: whatever is published, upgrades and unattended upgrades leave the stack alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest
from aptworld import real_script, real_unattended
from aptworld.archives import Stanza
from aptworld.cases import LIBRARIES, RELEASES, SETS, WORLDS, Provisioned
from aptworld.hosts import Builder
from aptworld.roles import Host
from aptworld.unattended import selection
from aptworld.world import World

every_release = pytest.mark.parametrize("world", RELEASES)
every_world = pytest.mark.parametrize("world", WORLDS)
BLACKLIST = "etc/apt/apt.conf.d/52rdna1-rocm"


@pytest.fixture(scope="session")
def a_week_later(
    builder: Builder, provisioned: Provisioned, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Host]:
    """Hand out provisioned hosts that reach archives on which everything moved. They are shared.

    Each package that the host has of its own release got a security update, all of the donor is at versions
    above anything, and AMD published a later build under the same address.
    """

    @cache
    def build(world: str) -> Host:
        host = provisioned(world).copy(tmp_path_factory.mktemp(f"{world}-later") / "root")
        archives = host.world.archives
        own = archives[host.found.own]
        new = {
            stanza.name: stanza for stanza in own.with_versions(lambda old: f"{old.version}+week1").packages()
        }
        security = f"{host.found.distribution.codename}-security"
        changed = [
            own.having(security, "main", *(new[name] for name in sorted(own_packages(host)))),
            archives["rocm-5.2.0"].with_versions(lambda old: old.version.replace(".50200-65", ".50203-109")),
        ]
        if host.found.donor:
            donor = archives[host.found.donor]
            changed.append(donor.with_versions(lambda old: f"99:{old.version.rpartition(':')[2]}"))
        builder.serve(host.world, *changed)
        host.world.update()
        return host

    return build


@pytest.fixture
def weeks_later(a_week_later: Callable[[str], Host], tmp_path: Path) -> Callable[[str], Host]:
    """Hand out such hosts to be changed."""
    return lambda world: a_week_later(world).copy(tmp_path / "later")


def own_packages(host: Host) -> set[str]:
    """Return what the host has of its own release."""
    own = {(stanza.name, stanza.version) for stanza in host.world.archives[host.found.own].packages()}
    return {name for name, stanza in host.world.installed.items() if (name, stanza.version) in own}


@every_world
@pytest.mark.parametrize("package_set", SETS)
def test_nothing_is_left_to_upgrade(world: str, package_set: str, provisioned: Provisioned) -> None:
    host = provisioned(world, package_set)
    assert host.world.simulate("upgrade").empty
    assert host.world.simulate("dist-upgrade").touched == set(host.found.expect.get("dist-upgrade", []))
    host.world.run("apt-get", "check")


@every_world
def test_autoremove_takes_nothing_of_what_came(world: str, provisioned: Provisioned) -> None:
    host = provisioned(world)
    came = {change.name for step in host.steps for change in step.installation.installs}
    assert host.world.simulate("autoremove").removes & came == set()


@every_world
@pytest.mark.parametrize("command", ["upgrade", "dist-upgrade"])
def test_upgrades_bring_the_hosts_own_updates_only(
    world: str, command: str, weeks_later: Callable[[str], Host]
) -> None:
    host = weeks_later(world)
    change = host.world.simulate(command)
    # The two libraries get the donor's updates, or nobody would mend them.
    leftover = set(host.found.expect.get("dist-upgrade", [])) if command == "dist-upgrade" else set()
    assert change.touched == own_packages(host) | LIBRARIES | leftover
    assert change.removes == change.downgrades == set()
    assert {item.name for item in change.installs if item.old is None} <= leftover


@every_world
def test_unattended_upgrades_take_the_hosts_own_updates_only(
    world: str, weeks_later: Callable[[str], Host], tmp_path: Path
) -> None:
    host = weeks_later(world)
    taken = selection(host.world, host.found.distribution, tmp_path / "unattended")
    assert taken == own_packages(host)
    assert "libc6" in taken, "a blacklist that is written too widely keeps security updates away"


DEFENCES = ("holds", "blacklist", "pins")


@every_release
@pytest.mark.parametrize("left", DEFENCES)
def test_each_defence_alone_keeps_the_distributions_rocm_away(
    world: str, left: str, weeks_later: Callable[[str], Host], tmp_path: Path
) -> None:
    """Holds, the blacklist and the pins by name each suffice, should somebody lift the others."""
    host = weeks_later(world)
    strip(host.world, set(DEFENCES) - {left})
    assert selection(host.world, host.found.distribution, tmp_path / "unattended") == own_packages(host)


@every_release
def test_without_any_defence_it_would_come(
    world: str, weeks_later: Callable[[str], Host], tmp_path: Path
) -> None:
    """It sees no candidate of AMD's, so that the distribution's package of that name looks like an update."""
    host = weeks_later(world)
    strip(host.world, set(DEFENCES))
    assert "rocminfo" in selection(host.world, host.found.distribution, tmp_path / "unattended")


@every_release
@pytest.mark.parametrize("left", ["holds", "blacklist"])
def test_amds_later_build_does_not_come_where_amd_is_an_allowed_origin(
    world: str, left: str, weeks_later: Callable[[str], Host], tmp_path: Path
) -> None:
    host = weeks_later(world)
    allow_amd(host.world)
    strip(host.world, {"holds", "blacklist"} - {left})
    assert selection(host.world, host.found.distribution, tmp_path / "unattended") == own_packages(host)


@every_release
def test_without_them_amds_later_build_would_come(
    world: str, weeks_later: Callable[[str], Host], tmp_path: Path
) -> None:
    host = weeks_later(world)
    allow_amd(host.world)
    strip(host.world, {"holds", "blacklist"})
    assert "rocm-core" in selection(host.world, host.found.distribution, tmp_path / "unattended")


def allow_amd(world: World) -> None:
    """Let unattended-upgrades take from AMD, as some instructions say."""
    text = 'Unattended-Upgrade::Origins-Pattern { "origin=repo.radeon.com"; };\n'
    world.put("etc/apt/apt.conf.d/51unattended-upgrades-amd", text)


def strip(world: World, defences: Iterable[str]) -> None:
    """Take some of the defences away."""
    for defence in defences:
        if defence == "holds":
            world.held.clear()
            world.write_status()
        elif defence == "blacklist":
            world.remove(BLACKLIST)
        else:
            world.remove("etc/apt/preferences.d/rdna1-rocm.pref")
            pin = "Package: *\nPin: release o=repo.radeon.com\nPin-Priority: 600\n"
            world.put("etc/apt/preferences.d/rdna1-rocm.pref", pin)


@every_release
@pytest.mark.parametrize("lifted", [(), ("holds",), ("blacklist",), ("holds", "blacklist"), DEFENCES])
def test_unattended_upgrades_itself_says_the_same(
    world: str, lifted: tuple[str, ...], weeks_later: Callable[[str], Host], tmp_path: Path
) -> None:
    host = weeks_later(world)
    strip(host.world, lifted)
    expected = selection(host.world, host.found.distribution, tmp_path / "unattended")
    distribution = host.found.distribution
    command = ["/usr/bin/python3", real_unattended.__file__, str(real_script.script()), str(host.world.root)]
    done = subprocess.run(
        [*command, distribution.id, distribution.codename],
        env=host.world.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert set(answer["rewound"]) == expected - new_packages(host, expected)
    assert set(answer["first"]) <= expected


def new_packages(host: Host, names: Iterable[str]) -> set[str]:
    """Return those that are not installed: unattended-upgrades lists upgrades only."""
    return set(names) - host.world.installed.keys()


# The lowest versions that packages of these names ever had.
REAL_PACKAGES = {
    "python": "2.7.15-1", "libgcc-7-dev": "7.5.0-6", "libstdc++-7-dev": "7.1.0-1", "libpython3.8": "3.8.0-1"
}  # fmt: skip


@every_release
def test_real_packages_take_over_from_their_stand_ins(
    world: str, builder: Builder, provisioned: Provisioned, tmp_path: Path
) -> None:
    """Should a release ever have packages of these names again, at whatever version they begin."""
    host = provisioned(world).copy(tmp_path / "later")
    real = [Stanza(name, version, {"Depends": "libc6"}) for name, version in REAL_PACKAGES.items()]
    own = host.world.archives[host.found.own]
    builder.serve(host.world, own.having(host.found.distribution.codename, "main", *real))
    host.world.update()
    change = host.world.simulate("upgrade")
    assert {item.name: item.new for item in change.installs} == REAL_PACKAGES
    assert change.removes == set()

    host.world.apply(change)
    host.play("jammy_compat")
    assert host.steps[-1].installation.empty, "the stand-ins must not come back over them"
