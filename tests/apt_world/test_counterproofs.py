"""Why the sources and pins are not those of the instructions that this project replaces.

Each test takes the other instructions' own lines, and apt shows what comes of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from aptworld.keys import Key
from aptworld.world import AptError, World

# The files that the instructions have one write on Ubuntu 24.04, to the letter.
SOURCES = """\
deb http://archive.ubuntu.com/ubuntu/ jammy main universe
deb http://archive.ubuntu.com/ubuntu/ jammy-updates main universe
"""
PINS = """\
Package: *
Pin: release n=noble
Pin-Priority: 990

Package: libtinfo5 libncurses5
Pin: release n=jammy
Pin-Priority: 500

Package: *
Pin: release n=jammy
Pin-Priority: 100
"""
OPTIONS = "[arch=amd64 signed-by=/etc/apt/keyrings/rocm.gpg]"
ROCM = f"deb {OPTIONS} https://repo.radeon.com/rocm/apt/5.2 {{suite}} main\n"
AMD_PIN = "Package: *\nPin: release o=repo.radeon.com\nPin-Priority: 600\n"


@pytest.fixture
def by_the_book(found: Callable[[str], World], vendor_keys: dict[str, Key]) -> World:
    """A 24.04 host prepared by the other instructions, but for AMD's suite, which is the right one."""
    world = found("noble")
    vendor_keys["amd"].export(world.root / "etc/apt/keyrings/rocm.gpg")
    world.put(
        "etc/apt/sources.list.d/jammy-compat.list",
        SOURCES.replace("deb ", "deb [signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] "),
    )
    world.put("etc/apt/preferences.d/jammy-compat", PINS)
    world.put("etc/apt/preferences.d/rocm-pin-600", AMD_PIN)
    world.put("etc/apt/sources.list.d/rocm.list", ROCM.format(suite="ubuntu"))
    world.update()
    return world


def test_noble_at_990_lets_ubuntus_rocminfo_win_over_amds(by_the_book: World) -> None:
    rocminfo = by_the_book.policy("rocminfo")["rocminfo"]
    assert rocminfo.chosen is not None
    assert rocminfo.chosen.comes_from("noble/universe")
    assert max(offer.priority for offer in rocminfo.offers if offer.comes_from("/rocm/apt/5.2")) == 600

    change = by_the_book.simulate("install", "rocm-core", "hsa-rocr", "rocminfo", "rocm-smi-lib")
    origin = next(item.origins for item in change.installs if item.name == "rocminfo")
    assert origin == ("Ubuntu:24.04/noble",)
    assert "libhsa-runtime64-1" in change.touched, "a second ROCm runtime comes with it"


def test_noble_at_990_mixes_two_rocms_in_rocm_dev(by_the_book: World) -> None:
    """rocm-utils names rocm-cmake without a version: Ubuntu's 6.0.0 goes in among AMD's 5.2.0."""
    change = by_the_book.simulate("install", "rocm-utils")
    came = {item.name: item.origins[0].partition(":")[0] for item in change.installs}
    assert came["rocm-utils"] == "repo.radeon.com"
    assert came["rocm-cmake"] == came["rocminfo"] == "Ubuntu"


def test_jammy_at_100_offers_whatever_only_jammy_has(by_the_book: World) -> None:
    archive = by_the_book.archives["ubuntu-jammy"]
    names = sorted({stanza.name for stanza in archive.packages()})
    leaked = {
        name
        for name, policy in by_the_book.policy(*names).items()
        if policy.chosen and policy.chosen.comes_from(" jammy")
    }
    assert leaked - {"libtinfo5", "libncurses5"} >= {
        "python3.10", "libpython3.10-stdlib", "libpython3.10", "libmpdec3", "python3-distutils",
    }  # fmt: skip
    assert not by_the_book.simulate("install", "python3.10").empty, "and installs it without a word"


def test_python310_venv_cannot_be_installed_from_jammy(by_the_book: World) -> None:
    """It needs python3-distutils, which needs jammy's python3 and conflicts with noble's."""
    assert {"python3.10", "libmpdec3"} <= by_the_book.simulate("install", "python3.10").touched
    for more in ([], ["python3"]):
        with pytest.raises(AptError, match="python3-distutils"):
            by_the_book.simulate("install", "python3.10-venv", *more)


def test_the_suite_focal_of_rocm_5_2_does_not_exist(found: Callable[[str], World]) -> None:
    world = found("noble")
    world.put("etc/apt/sources.list.d/rocm.list", ROCM.format(suite="focal"))
    with pytest.raises(AptError, match=re.escape("'https://repo.radeon.com/rocm/apt/5.2 focal Release'")):
        world.update()
    assert not world.policy("rocm-core"), "so no package of AMD's is known"


def test_the_libraries_are_not_all_that_noble_lacks(by_the_book: World) -> None:
    """With libtinfo5 and libncurses5 there, rocm-dev still cannot be installed."""
    by_the_book.apply(by_the_book.simulate("install", "libtinfo5", "libncurses5"))
    with pytest.raises(AptError) as error:
        by_the_book.simulate("install", "rocm-dev", "rocm-libs", "miopen-hip")
    for name in ("python", "libstdc++-7-dev", "libgcc-7-dev", "libpython3.8"):
        assert re.search(rf"(Depends:|or\n) +{re.escape(name)} but it is not", str(error.value)), name
