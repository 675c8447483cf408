"""The older release's libraries are in; nothing else of it can come."""

import pytest

testinfra_hosts = ["ansible://rdna1"]

# What focal, the last release that had all of them, calls the real ones.
STANDINS = {
    "python": "2.7.17-2ubuntu4",
    "libstdc++-7-dev": "7.5.0-6ubuntu2",
    "libgcc-7-dev": "7.5.0-6ubuntu2",
    "libpython3.8": "3.8.2-1ubuntu1",
}


@pytest.mark.parametrize("package", ["libtinfo5", "libncurses5"])
def test_the_two_libraries_are_installed(host, package):
    assert host.package(package).is_installed


@pytest.mark.parametrize("package", STANDINS)
def test_the_stand_ins_are_installed_and_give_way_to_the_real_ones(host, package):
    version = host.package(package).version
    assert host.run("dpkg --compare-versions %s lt %s", version, STANDINS[package]).rc == 0
    assert "stand-in" in host.check_output("dpkg-query -W -f '${Description}' %s", package)


def test_what_is_not_allowed_by_name_is_no_candidate(host, candidate):
    """These are in bookworm and not in trixie, so only the donor could bring them."""
    if host.system_info.codename != "trixie":
        return  # the donor release itself
    assert "bookworm" in host.check_output("apt-cache policy"), "the donor is not even a source"
    for package in ["python3.11", "libncurses5-dev", "libtinfo5-dbg", "libpython3.11", "libssl1.1"]:
        assert candidate(package) is None, package


def test_the_donor_upgrades_nothing(host):
    assert "bookworm" not in host.check_output("apt-get --simulate dist-upgrade") or (
        host.system_info.codename == "bookworm"
    )


def test_dpkg_is_whole(host):
    assert host.check_output("dpkg --audit") == ""
    assert host.run("apt-get check").rc == 0
