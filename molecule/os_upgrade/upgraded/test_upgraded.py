"""On the new release, before the chain ran again: the plan names what the upgrade broke."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))
from playing import HOST, plan, play

testinfra_hosts = [f"ansible://{HOST}"]

SOURCES = "/etc/apt/sources.list.d"


def test_it_is_debian_13_and_whole(host):
    assert host.system_info.codename == "trixie"
    assert host.check_output("dpkg --audit") == ""


def test_apt_can_read_no_source(host):
    """A state that the plan, the preflight and the repair must get along with."""
    assert "Conflicting values set for option Signed-By" in host.run("apt-get check").stderr


def test_the_upgrade_did_what_release_upgrades_do(host):
    """What is tested below is about this."""
    text = host.file(f"{SOURCES}/rdna1-rocm.sources").content_string
    assert "Enabled: no" in text
    assert "Signed-By" not in text
    assert host.file(f"{SOURCES}/rdna1-rocm.sources.distUpgrade").exists
    assert "Suites: trixie" in host.file(f"{SOURCES}/jammy-compat.sources").content_string
    for package in ("libtinfo5", "rocm-dev", "python3.11"):
        assert not host.package(package).is_installed
    assert not host.file("/usr/local/older-release").exists


@pytest.fixture(scope="module")
def differences(tmp_path_factory):
    found = plan(tmp_path_factory.mktemp("plan"))
    return {item["item"]: (item["role"], item["reason"]) for item in found["differences"]}


@pytest.mark.parametrize(
    ("role", "item"),
    [
        ("jammy_compat", f"{SOURCES}/rdna1-donor.sources"),
        ("jammy_compat", "/etc/apt/preferences.d/rdna1-donor.pref"),
        ("jammy_compat", f"{SOURCES}/jammy-compat.sources"),
        ("jammy_compat", "package libtinfo5"),
        ("jammy_compat", "package libncurses5"),
        ("jammy_compat", "package libstdc++-7-dev"),
        ("jammy_compat", "package libgcc-7-dev"),
        ("jammy_compat", "package libpython3.8"),
        ("rocm", f"{SOURCES}/rdna1-rocm.sources"),
        ("rocm", "package rocm-dev"),
    ],
)
def test_the_plan_names(role, item, differences):
    assert differences[item][0] == role, differences


def test_the_plan_names_the_venv_whose_python_went(differences):
    said = [reason for item, (role, reason) in differences.items() if role == "pytorch_venv"]
    assert said, differences


def test_the_chain_can_repair_it(tmp_path):
    """What is said before anything is changed."""
    done = play("preflight", "-e", f"rdna1_preflight_to={tmp_path}/preflight.json")
    assert done.returncode == 0, done.stdout
