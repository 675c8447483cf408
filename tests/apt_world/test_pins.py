"""Who wins, and who is no candidate at all: the pins that the roles leave behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aptworld import hosts
from aptworld.archives import Archive
from aptworld.cases import LIBRARIES, WORLDS, Provisioned, offered_by_donor_alone
from aptworld.keys import Key
from aptworld.world import AptError, World

WITH_DONOR = [name for name in WORLDS if hosts.load(name).donor]
every_world = pytest.mark.parametrize("world", WORLDS)
# What older instructions give the running release: it beats AMD's own pin.
NINE_HUNDRED_NINETY = "Package: *\nPin: release n={codename}\nPin-Priority: 990\n"


@every_world
def test_amds_packages_are_the_candidates(
    world: str, provisioned: Provisioned, all_archives: dict[str, Archive]
) -> None:
    names = sorted({stanza.name for stanza in all_archives["rocm-5.2.0"].packages()})
    policies = provisioned(world, "minimal").world.policy(*names)
    assert set(policies) == set(names)
    losers = [
        name
        for name, policy in policies.items()
        if not (
            policy.chosen and policy.chosen.comes_from("https://repo.radeon.com/rocm/apt/5.2 ubuntu/main")
        )
    ]
    assert losers == []


@every_world
def test_the_distributions_rocm_of_the_same_names_is_no_candidate(
    world: str, provisioned: Provisioned
) -> None:
    host = provisioned(world, "minimal")
    own = {stanza.name for stanza in host.world.archives[host.found.own].packages()}
    shared = own & {"hipcc", "rocm-cmake", "rocm-device-libs", "rocm-smi", "rocminfo"}
    assert "rocminfo" in shared
    for policy in host.world.policy(*sorted(shared)).values():
        assert policy.chosen is None or policy.chosen.comes_from("repo.radeon.com"), policy


@every_world
def test_even_a_pin_of_990_for_the_release_brings_them_not_back(
    world: str, provisioned: Provisioned, tmp_path: Path
) -> None:
    host = provisioned(world, "minimal").copy(tmp_path / "root")
    pin = NINE_HUNDRED_NINETY.format(codename=host.found.distribution.codename)
    host.world.put("etc/apt/preferences.d/00-older-instructions", pin)
    rocminfo = host.world.policy("rocminfo")["rocminfo"]
    assert rocminfo.chosen is not None
    assert rocminfo.chosen.comes_from("repo.radeon.com")


@pytest.mark.parametrize("world", WITH_DONOR)
def test_nothing_of_the_donor_is_a_candidate_but_what_is_named(world: str, provisioned: Provisioned) -> None:
    host = provisioned(world, "minimal")
    # What the earlier release left installed is its own candidate, and comes from nowhere.
    there = host.world.installed.keys() if host.found.keeps_obsolete else set()
    assert offered_by_donor_alone(host.world, host.found.donor) - there == LIBRARIES - there


@pytest.mark.parametrize("world", WITH_DONOR)
def test_every_pocket_of_the_donor_is_shut(world: str, provisioned: Provisioned) -> None:
    """Debian's codenames differ by pocket (bookworm-security), Ubuntu's do not (jammy)."""
    host = provisioned(world, "minimal")
    priorities = host.world.places()
    donor = host.world.archives[host.found.donor or ""]
    pockets = {suite.name for suite in donor.suites.values() if any(suite.packages())}
    assert {suite: priorities[suite] for suite in pockets} == {pocket: {-1} for pocket in pockets}
    assert any(pocket.endswith("-security") for pocket in pockets)


@every_world
def test_the_hosts_own_archive_is_as_it_was_and_amds_above_it(world: str, provisioned: Provisioned) -> None:
    host = provisioned(world, "minimal")
    priorities = host.world.places()
    own = [
        suite.name for suite in host.world.archives[host.found.own].suites.values() if any(suite.packages())
    ]
    assert {suite: priorities[suite] for suite in own} == {pocket: {500} for pocket in own}
    assert priorities["ubuntu"] == {600}


@pytest.mark.parametrize("world", WITH_DONOR)
def test_without_the_pins_the_donor_would_leak(world: str, provisioned: Provisioned, tmp_path: Path) -> None:
    host = provisioned(world, "minimal").copy(tmp_path / "root")
    host.world.remove("etc/apt/preferences.d/rdna1-donor.pref")
    leaked = offered_by_donor_alone(host.world, host.found.donor)
    assert len(leaked) > 2, "the proofs above would prove nothing"


@pytest.mark.parametrize("world", WITH_DONOR)
def test_what_the_donor_alone_has_cannot_be_installed(world: str, provisioned: Provisioned) -> None:
    host = provisioned(world, "minimal")
    there = host.world.installed.keys() if host.found.keeps_obsolete else set()
    for name in only_in_donor(host.world, host.found.donor) - LIBRARIES - there:
        with pytest.raises(AptError, match=r"has no installation candidate|Unable to correct problems"):
            host.world.simulate("install", name)


def only_in_donor(world: World, donor: str | None) -> set[str]:
    """Return the names that no other archive of this host has."""
    others = {
        stanza.name
        for name, archive in world.archives.items()
        if name != donor
        for stanza in archive.packages()
    }
    return {stanza.name for stanza in world.archives[donor or ""].packages()} - others


def test_a_key_of_another_is_refused(found: Callable[[str], World], vendor_keys: dict[str, Key]) -> None:
    """What makes the worlds' signatures worth anything."""
    world = found("noble")
    keyring = world.root / "usr/share/keyrings/ubuntu-archive-keyring.gpg"
    vendor_keys["debian"].export(keyring)
    with pytest.raises(AptError, match=r"NO_PUBKEY|not signed"):
        world.update()
