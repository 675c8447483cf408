"""What the role writes into apt's configuration, per release."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rdna1.provision.plugins.module_utils import apt_deb822, apt_preferences
from rdna1.role_variables import RoleVariables

ROOT = Path(__file__).parents[3]
RELEASES = ["Ubuntu_24.04", "Ubuntu_22.04", "Debian_13", "Debian_12"]
OLDER = {"Ubuntu_24.04": "jammy", "Debian_13": "bookworm"}
ARCHIVES = {
    "Ubuntu_24.04": [
        {"uris": ["http://archive.ubuntu.com/ubuntu/"], "pockets": ["", "-updates"], "signed_by": ""},
        {"uris": ["http://security.ubuntu.com/ubuntu/"], "pockets": ["-security"], "signed_by": ""},
    ],
    "Debian_13": [
        {"uris": ["http://a.example/debian", "http://b.example/debian"], "pockets": [""], "signed_by": ""}
    ],
}


def variables(system: str, **inventory: Any) -> RoleVariables:
    found = RoleVariables(ROOT, "jammy_compat", system)
    found.set(**{"__jammy_compat_own": {"archives": ARCHIVES.get(system, [])}} | inventory)
    return found


def written(system: str, **inventory: Any) -> tuple[str, str]:
    """The source and the pins."""
    source, pins = variables(system, **inventory)["__jammy_compat_own_files"]
    return source["content"], pins["content"]


def test_the_older_release_is_beside_the_host_s_own() -> None:
    source, _ = written("Ubuntu_24.04")
    keyring = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"
    common = {"types": "deb", "components": "main universe", "architectures": "amd64", "targets": "Packages"}
    assert list(apt_deb822.parse_all(source)) == [
        {
            "uris": "http://archive.ubuntu.com/ubuntu/",
            "suites": "jammy jammy-updates",
            "signed-by": keyring,
            **common,
        },
        {
            "uris": "http://security.ubuntu.com/ubuntu/",
            "suites": "jammy-security",
            "signed-by": keyring,
            **common,
        },
    ]


def test_a_mirror_of_several_addresses_stays_one() -> None:
    (stanza,) = apt_deb822.parse_all(written("Debian_13")[0])
    assert stanza["uris"] == "http://a.example/debian http://b.example/debian"
    assert stanza["suites"] == "bookworm"


def test_a_site_s_own_archive_and_keyring_are_taken() -> None:
    uris, keyring = ["https://mirror.example/ubuntu"], "/etc/apt/keyrings/site.gpg"
    source, _ = written("Ubuntu_24.04", jammy_compat_archive_uris=uris, jammy_compat_keyring=keyring)
    (stanza,) = apt_deb822.parse_all(source)
    assert (stanza["uris"], stanza["signed-by"]) == (uris[0], keyring)
    assert stanza["suites"] == "jammy jammy-updates jammy-security"


def test_a_mirror_that_signs_for_itself_signs_the_older_release_too() -> None:
    archive = {"uris": ["https://m.example/"], "pockets": [""], "signed_by": "-----BEGIN\n .\n mQ=="}
    source, _ = written("Ubuntu_24.04", __jammy_compat_own={"archives": [archive]})
    (stanza,) = apt_deb822.parse_all(source)
    assert stanza["signed-by"] == "-----BEGIN\n\nmQ=="


@pytest.mark.parametrize("system", OLDER)
def test_everything_is_denied_and_two_packages_allowed_by_name(system: str) -> None:
    _, pins = written(system)
    deny, allow = apt_deb822.parse_all(pins)
    origin = system.partition("_")[0]
    release = [("o", origin), ("n", OLDER[system] + "*")]
    assert (deny["package"], deny["pin-priority"]) == ("*", "-1")
    assert (allow["package"], allow["pin-priority"]) == ("libtinfo5 libncurses5", "500")
    assert apt_preferences.pinned(deny["pin"]) == apt_preferences.pinned(allow["pin"]) == release
    assert all("explanation" in stanza for stanza in (deny, allow))


def test_no_package_is_a_denial_of_everything() -> None:
    _, pins = written("Ubuntu_24.04", jammy_compat_packages=[])
    assert [stanza["package"] for stanza in apt_deb822.parse_all(pins)] == ["*"]


@pytest.mark.parametrize("system", sorted(set(RELEASES) - set(OLDER)))
def test_the_older_release_itself_gets_neither_source_nor_pin_and_loses_none_of_its_own(system: str) -> None:
    role = variables(system)
    assert role["__jammy_compat_own_files"] == []
    own = role["__jammy_compat_os"]["codename"]
    assert not [suite for suite in role["__jammy_compat_legacy_suites"] if suite.startswith(own)]
    assert role["__jammy_compat_legacy_pins"] == []


@pytest.mark.parametrize("system", RELEASES)
def test_every_stand_in_has_a_real_package_behind_it(system: str) -> None:
    role = variables(system)
    standins = role["__jammy_compat_wanted_standins"]
    specs = yaml.safe_load((ROOT / "roles/jammy_compat/meta/argument_specs.yml").read_text())
    choices = specs["argument_specs"]["main"]["options"]["jammy_compat_standins"]["choices"]
    assert sorted(standins) == sorted(choices)
    for standin in standins.values():
        assert standin["depends"]
        assert standin["description"]


def test_only_the_wanted_stand_ins_are_built() -> None:
    role = variables("Ubuntu_24.04", jammy_compat_standins=["libgcc-7-dev"])
    assert list(role["__jammy_compat_wanted_standins"]) == ["libgcc-7-dev"]
    assert role["__jammy_compat_replaced"] == []
    assert variables("Ubuntu_24.04")["__jammy_compat_replaced"] == ["python-is-python3"]
