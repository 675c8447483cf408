"""Packages of the older release, found by apt's own lists."""

import gzip
import lzma
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_donor, dpkg_status

LISTED = ["libtinfo5"]
STATUS = """Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1
"""


def packages(**versions: str) -> list[dpkg_status.Package]:
    stanzas = [
        f"Package: {name}\nStatus: {'hold' if name == 'held' else 'install'} ok installed\n"
        f"Architecture: amd64\nVersion: {version}\n"
        for name, version in versions.items()
    ]
    return dpkg_status.parse("\n".join([STATUS, *stanzas]))


def text(**versions: str) -> str:
    """A package list; several versions are parted by blanks."""
    return "\n".join(
        f"Package: {name}\nSource: x\nVersion: {version}\nDescription: text\n Package: not-{name}\n"
        for name, several in versions.items()
        for version in several.split()
    )


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    def write(suite: str, content: str, end: str = "main_binary-amd64_Packages") -> None:
        (tmp_path / f"mirror.example.org_x_dists_{suite}_{end}").write_text(content)

    write("jammy", text(hello="1", shared="1", only="1", held="1", libtinfo5="6.3-2", low="1"))
    write("jammy-security", text(hello="1.1", libtinfo5="6.3-2ubuntu0.1"))
    write("noble", text(hello="2", shared="1 2", held="2", low="2"))
    write("noble-updates", text(hello="2.1"))
    write("noble-backports", text(hello="7"))
    write("jammy", text(hello="3"), "main_binary-i386_Packages")
    write("focal", "")
    return tmp_path


@pytest.mark.parametrize(
    ("installed", "found"),
    [
        ({"hello": "2"}, {}),
        ({"hello": "1"}, {"hello": {"version": "1", "wanted": "2.1"}}),
        ({"hello": "1.1", "low": "1"}, {"hello": {"version": "1.1", "wanted": "2.1"},
                                        "low": {"version": "1", "wanted": "2"}}),
        ({"hello": "3"}, {}),  # of another architecture
        ({"hello": "7"}, {}),  # of no older release
        ({"shared": "1"}, {}),  # both have it
        ({"only": "1"}, {}),  # left of a release upgrade, perhaps
        ({"held": "1"}, {}),  # somebody wants it so
        ({"unknown": "1"}, {}),
        ({"libtinfo5": "6.3-2"}, {}),
        ({"libtinfo5": "6.3-2ubuntu0.0"}, {}),  # an update is due
        ({"libtinfo5": "6.3-2ubuntu0.1"}, {}),
        ({"libtinfo5": "9"}, {"libtinfo5": {"version": "9", "wanted": "6.3-2ubuntu0.1"}}),
        ({"libtinfo5": "6.3-1"}, {"libtinfo5": {"version": "6.3-1", "wanted": "6.3-2ubuntu0.1"}}),
    ],
)  # fmt: skip
def test_what_is_the_older_release_s_and_need_not_be(
    lists: Path, installed: dict[str, str], found: dict[str, dict[str, str]]
) -> None:
    assert apt_donor.strays(packages(**installed), "jammy", "noble", LISTED, lists) == found


def test_without_lists_nothing_is_known(tmp_path: Path) -> None:
    there = packages(hello="1", libtinfo5="9")
    assert apt_donor.strays(there, "jammy", "noble", LISTED, tmp_path / "none") == {}
    assert apt_donor.strays(there, "jammy", "noble", LISTED, tmp_path) == {}


def test_packed_lists(tmp_path: Path) -> None:
    name = "m_dists_{}_main_binary-amd64_Packages{}"
    (tmp_path / name.format("jammy", ".gz")).write_bytes(gzip.compress(text(hello="1").encode()))
    (tmp_path / name.format("noble", ".xz")).write_bytes(lzma.compress(text(hello="2").encode()))
    (tmp_path / name.format("focal", ".lz4")).write_bytes(b'\4"M')
    found = apt_donor.strays(packages(hello="1"), "jammy", "noble", LISTED, tmp_path)
    assert found == {"hello": {"version": "1", "wanted": "2"}}
