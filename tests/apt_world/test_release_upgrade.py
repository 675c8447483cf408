"""Ubuntu 22.04 became 24.04, and nothing of 22.04 was taken away: what the roles make of it.

That the rest holds there as well (sources, candidates, a second run), the other files ask of every world.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aptworld.cases import LIBRARIES, SETS, Provisioned, offered_by_donor_alone
from aptworld.world import World

KEPT = "noble-upgraded-kept"
GENERAL_PIN = "Package: *\nPin: release n=jammy\nPin-Priority: 990\n"
PYTHON = {"python3.10", "python3.10-minimal", "libpython3.10-stdlib"}


@pytest.fixture
def upgraded(as_found: Callable[[str, str, Path], World], tmp_path: Path) -> World:
    """Return the host before the roles ran on the new release."""
    return as_found(KEPT, "full", tmp_path / "root")


def test_the_earlier_release_left_its_packages(upgraded: World) -> None:
    """Or the tests below would prove nothing."""
    assert PYTHON | LIBRARIES | {"rocm-dev", "libstdc++-11-dev"} <= upgraded.installed.keys()
    upgraded.update()
    upgraded.run("apt-get", "check")
    for name, policy in upgraded.policy(*sorted(PYTHON)).items():
        assert policy.chosen is not None
        assert all("dpkg/status" in place for _, place in policy.chosen.sources), name


@pytest.mark.parametrize("package_set", SETS)
def test_the_roles_remove_nothing_of_it(
    package_set: str, as_found: Callable[[str, str, Path], World], provisioned: Provisioned, tmp_path: Path
) -> None:
    before = as_found(KEPT, package_set, tmp_path / "root").installed
    host = provisioned(KEPT, package_set)
    assert [step.removes for step in host.steps[-2:]] == [set(), set()]
    assert before.keys() <= host.world.installed.keys()
    stays = before.keys() - {"libgcc-7-dev", "libpython3.8", "libstdc++-7-dev"}  # stand-ins of the release
    changed = {name for name in stays if host.world.installed[name].version != before[name].version}
    assert changed == set(), "what is there already is there in the right version"


def test_the_stand_ins_are_now_those_of_the_new_release(provisioned: Provisioned) -> None:
    installed = provisioned(KEPT).world.installed
    assert "libgcc-13-dev" in installed["libgcc-7-dev"].fields["Depends"]
    assert "libpython3.12" in installed["libpython3.8"].fields["Depends"]


def test_without_the_retirement_the_older_pin_would_bring_all_of_jammy(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    host = provisioned(KEPT, "minimal").copy(tmp_path / "root")
    assert not (host.world.root / "etc/apt/preferences.d/own-release").exists()
    host.world.put("etc/apt/preferences.d/00-own-release", GENERAL_PIN)
    host.world.remove("etc/apt/preferences.d/rdna1-donor.pref")
    assert offered_by_donor_alone(host.world, host.found.donor) - host.world.installed.keys()


def test_copies_that_the_upgrade_made_are_no_sources(provisioned: Provisioned) -> None:
    """NAME.distUpgrade: apt passes it over, and so do the roles."""
    host = provisioned(KEPT, "minimal")
    folder = host.world.root / "etc/apt/sources.list.d"
    assert list(folder.glob("*.distUpgrade"))
    host.world.update()
    host.world.run("apt-get", "check")
