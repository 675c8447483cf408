"""Sources as installers, clouds, vendors and release upgrades leave them."""

from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_sources
from ansible_collections.rdna1.provision.plugins.module_utils.apt_sources import Archive
from hypothesis import given
from hypothesis import strategies as st

UBUNTU_24_04 = """\
# See http://help.ubuntu.com/community/UpgradeNotes for how to upgrade to
# newer versions of the distribution.

## Ubuntu distribution repository
##
Types: deb
URIs: http://de.archive.ubuntu.com/ubuntu/
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

## Ubuntu security updates.
Types: deb
URIs: http://security.ubuntu.com/ubuntu/
Suites: noble-security
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
"""
UBUNTU_22_04 = """\
#deb cdrom:[Ubuntu-Server 22.04 LTS _Jammy Jellyfish_ - Release amd64 (20220421)]/ jammy main
deb http://de.archive.ubuntu.com/ubuntu jammy main restricted
# deb-src http://de.archive.ubuntu.com/ubuntu jammy main restricted
deb http://de.archive.ubuntu.com/ubuntu jammy-updates main restricted
deb http://de.archive.ubuntu.com/ubuntu jammy universe
deb http://security.ubuntu.com/ubuntu jammy-security main restricted # of the security team
"""
DEBIAN_12 = """\
deb cdrom:[Debian GNU/Linux 12.5.0 _Bookworm_ - Official amd64 NETINST 20240210-11:27]/ bookworm main
deb http://mirror.example.org/debian/ bookworm main non-free-firmware
deb-src http://mirror.example.org/debian/ bookworm main non-free-firmware
deb http://security.example.org/debian-security bookworm-security main non-free-firmware
deb http://mirror.example.org/debian/ bookworm-updates main non-free-firmware
"""
DEBIAN_13 = """\
Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie trixie-updates trixie-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: trixie-security
Components: main
"""
DOCKER = (
    "deb [signed-by=/etc/apt/keyrings/docker.gpg] https://download.docker.com/linux/ubuntu noble stable\n"
)
PPA = """\
Types: deb
URIs: https://ppa.launchpadcontent.net/deadsnakes/ppa/ubuntu/
Suites: noble
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mI0ESUm55wEEALrxow0PCnGeCAebH9g5+wtZBfXZdx2vZts+XsTTHxDRsMNgMC9b
 -----END PGP PUBLIC KEY BLOCK-----
"""
PRO = """\
Types: deb
URIs: https://esm.ubuntu.com/apps/ubuntu
Suites: noble-apps-security noble-apps-updates
Components: main
Signed-By: /usr/share/keyrings/ubuntu-pro-esm-apps.gpg
"""


def host(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def archives(tmp_path: Path, files: dict[str, str], codename: str) -> list[Archive]:
    etc = host(tmp_path, files)
    return apt_sources.own_archives(apt_sources.read(etc), etc, codename)


UBUNTU = [
    Archive(("http://de.archive.ubuntu.com/ubuntu/",), ("", "-updates"), ""),
    Archive(("http://security.ubuntu.com/ubuntu/",), ("-security",), ""),
]


@pytest.mark.parametrize(
    ("files", "codename", "wanted"),
    [
        ({"sources.list.d/ubuntu.sources": UBUNTU_24_04}, "noble", UBUNTU),
        (
            {"sources.list": UBUNTU_22_04},
            "jammy",
            [
                Archive(("http://de.archive.ubuntu.com/ubuntu",), ("", "-updates"), ""),
                Archive(("http://security.ubuntu.com/ubuntu",), ("-security",), ""),
            ],
        ),
        (
            {"sources.list": DEBIAN_12},
            "bookworm",
            [
                Archive(("http://mirror.example.org/debian/",), ("", "-updates"), ""),
                Archive(("http://security.example.org/debian-security",), ("-security",), ""),
            ],
        ),
        (
            {"sources.list.d/debian.sources": DEBIAN_13},
            "trixie",
            [
                Archive(("mirror+file:///etc/apt/mirrors/debian.list",), ("", "-updates"), ""),
                Archive(("mirror+file:///etc/apt/mirrors/debian-security.list",), ("-security",), ""),
            ],
        ),
    ],
    ids=["ubuntu-24.04", "ubuntu-22.04", "debian-12", "debian-13-mirror-lists"],
)
def test_installers_sources_are_understood(
    tmp_path: Path, files: dict[str, str], codename: str, wanted: list[Archive]
) -> None:
    assert archives(tmp_path, files, codename) == wanted


def test_third_parties_with_the_release_s_name_are_passed_over(tmp_path: Path) -> None:
    files = {
        "sources.list.d/a-docker.list": DOCKER,
        "sources.list.d/a-ppa.sources": PPA,
        "sources.list.d/a-pro.sources": PRO,
        "sources.list.d/ubuntu.sources": UBUNTU_24_04,
    }
    assert archives(tmp_path, files, "noble") == UBUNTU


def test_an_archive_in_one_place_has_all_its_pockets(tmp_path: Path) -> None:
    """As on clouds, where a mirror of the provider's carries everything, with a fallback beside it."""
    text = UBUNTU_24_04.split("\n\n## Ubuntu security")[0] + "\n"
    text = text.replace("noble-backports", "noble-security").replace(
        "ubuntu/", "ubuntu http://b.example/ubuntu"
    )
    found = archives(tmp_path, {"sources.list.d/ubuntu.sources": text}, "noble")
    uris = ("http://de.archive.ubuntu.com/ubuntu", "http://b.example/ubuntu")
    assert found == [Archive(uris, ("", "-updates", "-security"), "")]


def test_a_mirror_that_signs_for_itself_keeps_its_keyring(tmp_path: Path) -> None:
    line = "deb [signed-by=/etc/apt/keyrings/site.gpg] https://apt.example.org/debian trixie main\n"
    (found,) = archives(tmp_path, {"sources.list": line}, "trixie")
    assert found == Archive(("https://apt.example.org/debian",), ("",), "/etc/apt/keyrings/site.gpg")


@pytest.mark.parametrize("off", ["Enabled: no\n", "enabled: FALSE\n", "Enabled: 0\n"])
def test_switched_off_entries_do_not_count(tmp_path: Path, off: str) -> None:
    text = UBUNTU_24_04.replace("Types: deb\n", "Types: deb\n" + off)
    assert archives(tmp_path, {"sources.list.d/ubuntu.sources": text}, "noble") == []


def test_where_nothing_tells_two_apart_nothing_is_guessed(tmp_path: Path) -> None:
    lines = "deb http://one.example/x noble main\ndeb http://two.example/x noble main\n"
    assert archives(tmp_path, {"sources.list.d/x.list": lines}, "noble") == []


def test_files_that_apt_skips_are_skipped(tmp_path: Path) -> None:
    names = ["ubuntu.sources.distUpgrade", "ubuntu.sources.save", "a b.list", "ubuntu.list.disabled"]
    etc = host(tmp_path, {f"sources.list.d/{name}": UBUNTU_24_04 for name in names})
    assert apt_sources.read(etc) == []


@pytest.mark.parametrize(
    "line",
    ["", "# deb http://a b c", "deb", "deb http://a", "rpm http://a b c", "deb [ x http://a b", "Types: deb"],
)
def test_what_is_no_entry_is_none(line: str) -> None:
    assert apt_sources.parse(Path("x.list"), line) == []


@given(st.text(max_size=200))
def test_any_text_can_be_read_and_what_is_not_taken_out_stays(text: str) -> None:
    for name in ("x.list", "x.sources"):
        assert apt_sources.retire(Path(name), text, lambda _: False) == (text, [])


# --- taking entries out ------------------------------------------------------------------------------------


def amd(entry: apt_sources.Entry) -> bool:
    return entry.covers(["*://repo.radeon.com/*"], ["*"])


def test_of_a_file_of_mine_only_amd_s_lines_go() -> None:
    mine = "# mine\ndeb http://my.example/ x main\n"
    amds = "deb [arch=amd64] https://repo.radeon.com/rocm/apt/5.7 jammy main\n"
    after, gone = apt_sources.retire(Path("x.list"), mine + amds, amd)
    assert after == mine
    assert [entry.suites for entry in gone] == [("jammy",)]


def test_a_file_without_any_other_entry_goes() -> None:
    text = "# AMD\ndeb https://repo.radeon.com/rocm/apt/5.7 jammy main\n# deb http://switched.off/ x main\n"
    assert apt_sources.retire(Path("rocm.list"), text, amd)[0] is None


def test_of_stanzas_only_the_unwanted_go() -> None:
    rocm = "Types: deb\nURIs: https://repo.radeon.com/rocm/apt/5.7/\nSuites: jammy\nComponents: main"
    after, gone = apt_sources.retire(Path("x.sources"), f"{UBUNTU_24_04}\n{rocm}\n", amd)
    assert after is not None
    assert [entry.uris for entry in apt_sources.parse(Path("x.sources"), after)] == [
        ("http://de.archive.ubuntu.com/ubuntu/",),
        ("http://security.ubuntu.com/ubuntu/",),
    ]
    assert len(gone) == 1


def test_what_is_switched_off_already_stays() -> None:
    text = "Enabled: no\nTypes: deb\nURIs: https://repo.radeon.com/rocm\nSuites: jammy\nComponents: main\n"
    assert apt_sources.retire(Path("rocm.sources"), text, amd) == (text, [])


def test_a_slash_at_the_end_of_an_address_does_not_matter() -> None:
    (entry,) = apt_sources.parse(Path("x.list"), "deb https://a.example/rocm/ ubuntu main")
    assert entry.covers(["https://a.example/rocm"], ["ubuntu"])
    assert not entry.covers(["https://a.example"], ["ubuntu"])
    assert not entry.covers(["https://a.example/rocm"], ["focal"])


# --- package lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "file"),
    [
        (
            "deb http://mirror.lab:8080/rocm/apt/5.2 ubuntu main",
            "mirror.lab:8080_rocm_apt_5.2_dists_ubuntu_main_binary-amd64_Packages",
        ),
        (
            "deb https://me:secret@a.example/x_y/ noble main",
            "a.example_x%5fy_dists_noble_main_binary-amd64_Packages.lz4",
        ),
        ("deb file:/r/p ./", "_r_p_._Packages"),
        (
            "deb mirror+file:/etc/apt/m.list noble main",
            "_etc_apt_m.list_dists_noble_main_binary-amd64_Packages.xz",
        ),
    ],
)
def test_lists_have_the_names_that_apt_gives_them(tmp_path: Path, line: str, file: str) -> None:
    entries = apt_sources.parse(Path("x.list"), line)
    assert len(apt_sources.missing_lists(entries, tmp_path)) == 1
    (tmp_path / file).touch()
    assert apt_sources.missing_lists(entries, tmp_path) == []


def test_a_directory_of_lists_that_is_not_there_lacks_all(tmp_path: Path) -> None:
    entries = apt_sources.parse(Path("x.sources"), UBUNTU_24_04)
    assert len(apt_sources.missing_lists(entries, tmp_path / "none")) == 4


def test_sources_only_have_no_package_list(tmp_path: Path) -> None:
    assert (
        apt_sources.missing_lists(apt_sources.parse(Path("x.list"), "deb-src http://a b c"), tmp_path) == []
    )


@pytest.mark.parametrize(
    ("other", "number"),
    [
        ("deb [signed-by=/b.gpg] https://a.example/rocm/ ubuntu main\n", 2),
        ("deb https://a.example/rocm ubuntu proprietary\n", 2),
        ("deb [signed-by=/a.gpg] https://a.example/rocm ubuntu proprietary\n", 0),
        ("deb [signed-by=/b.gpg] https://a.example/rocm focal main\n", 0),
        ("# deb [signed-by=/b.gpg] https://a.example/rocm ubuntu main\n", 0),
    ],
)
def test_entries_of_one_suite_with_different_keys_contradict_each_other(other: str, number: int) -> None:
    text = "deb [signed-by=/a.gpg] https://a.example/rocm ubuntu main\n" + other
    text += "deb [signed-by=/c.gpg] https://b.example/rocm ubuntu main\n"
    entries = apt_sources.parse(Path("x.list"), text)
    assert len(apt_sources.contradictions(entries)) == number
