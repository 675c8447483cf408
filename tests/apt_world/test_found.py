"""The hosts as they are found: what apt would do there, and so why the roles do what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aptworld import hosts
from aptworld.cases import LIBRARIES, RELEASES, SETS
from aptworld.hosts import Builder
from aptworld.keys import Key
from aptworld.roles import Host
from aptworld.world import AptError, World

SOURCE = "deb [signed-by=/etc/apt/keyrings/rocm.gpg] https://repo.radeon.com/rocm/apt/5.2 ubuntu main\n"
PIN = "Package: *\nPin: release o=repo.radeon.com\nPin-Priority: 600\n"


@pytest.fixture
def with_amd_by_hand(found: Callable[[str], World], vendor_keys: dict[str, Key]) -> Callable[[str], World]:
    """Return hosts to which somebody added AMD's 5.2 and its pin, and did no more."""

    def build(name: str) -> World:
        world = found(name)
        vendor_keys["amd"].export(world.root / "etc/apt/keyrings/rocm.gpg")
        world.put("etc/apt/sources.list.d/rocm52.list", SOURCE)
        world.put("etc/apt/preferences.d/rocm-pin-600", PIN)
        world.update()
        return world

    return build


@pytest.mark.parametrize("world", ["noble-rocm57", "noble-distribution-rocm"])
def test_a_pin_of_600_does_not_bring_an_installed_rocminfo_back(
    world: str, with_amd_by_hand: Callable[[str], World]
) -> None:
    """The installed version is higher, and only a priority above 1000 goes back: it must be removed first."""
    host = with_amd_by_hand(world)
    rocminfo = host.policy("rocminfo")["rocminfo"]
    assert rocminfo.candidate == rocminfo.installed
    assert (
        not rocminfo.candidate.endswith(".50200-65") if rocminfo.candidate else pytest.fail("not installed")
    )
    assert host.simulate("install", "rocminfo").empty


def test_rocm_57_would_fetch_the_rest_from_57(with_amd_by_hand: Callable[[str], World]) -> None:
    change = with_amd_by_hand("noble-rocm57").simulate("install", "rocm-hip-runtime", "hsa-rocr-dev")
    assert change.empty, "all of it stays 5.7's"


@pytest.mark.parametrize("package_set", SETS)
def test_after_a_release_upgrade_what_is_left_of_amd_is_left_alone(
    package_set: str, as_found: Callable[[str, str, Path], World], tmp_path: Path
) -> None:
    """Preferences and holds outlive the upgrade, so that Ubuntu's rocminfo does not come in the meantime."""
    world = as_found("noble-upgraded", package_set, tmp_path / "root")
    amd = {name for name, stanza in world.installed.items() if stanza.version.endswith(".50200-65")}
    assert {"rocm-core", "rocminfo", "hsa-rocr"} <= amd
    world.update()
    for command in ("upgrade", "dist-upgrade"):
        assert world.simulate(command).touched & amd == set()


def test_after_a_release_upgrade_the_stack_cannot_be_had(
    as_found: Callable[[str, str, Path], World], tmp_path: Path
) -> None:
    """The source is switched off and the libraries went, and what needs them with them."""
    world = as_found("noble-upgraded", "full", tmp_path / "root")
    world.update()
    gone = LIBRARIES | {"python3.10", "comgr", "hip-runtime-amd", "miopen-hip", "rocm-dev"}
    assert world.installed.keys() & gone == set()
    with pytest.raises(AptError, match="Unable to locate package"):
        world.simulate("install", "rocm-dev")


@pytest.mark.parametrize("world", RELEASES)
def test_python_is_python3_gives_way_to_the_stand_in(world: str, builder: Builder, tmp_path: Path) -> None:
    """It declares that it breaks any package named python; the stand-in brings the same link."""
    host = with_installed(world, "python-is-python3", builder, tmp_path)
    host.play("jammy_compat")
    (step,) = host.steps
    assert step.removes == {"python-is-python3"}
    assert "python" in host.world.installed


def test_2to3_of_debian_12_stays(builder: Builder, tmp_path: Path) -> None:
    """It breaks a python older than 2.7.14: the stand-in's version is above that."""
    host = with_installed("bookworm", "2to3", builder, tmp_path)
    host.play("jammy_compat")
    (step,) = host.steps
    assert step.removes == set()
    assert {"2to3", "python"} <= host.world.installed.keys()


def with_installed(world: str, name: str, builder: Builder, folder: Path) -> Host:
    """Return a host that has one more package of its own release."""
    data = hosts.load(world)
    installed = {**data.installed, data.own: (*data.installed[data.own], name)}
    data = replace(data, installed=installed)
    return Host(builder.build(data, folder / "root"), data, builder.keys["amd"])
