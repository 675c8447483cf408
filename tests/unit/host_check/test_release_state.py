"""An upgrade to another release that is under way is told by dpkg's status and apt's sources."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rdna1.provision.plugins.module_utils import dpkg_status
from ansible_collections.rdna1.provision.plugins.module_utils import release_state as state
from ansible_collections.rdna1.provision.plugins.modules import release_state

ROOT = Path(__file__).parents[3]
JUDGE = yaml.safe_load((ROOT / "roles/host_check/vars/main.yml").read_text())
MARKS = JUDGE["__host_check_marks"]
WORLDS = {
    "Ubuntu 24.04": "ubuntu-noble",
    "Ubuntu 22.04": "ubuntu-jammy",
    "Debian 13": "debian-trixie",
    "Debian 12": "debian-bookworm",
}


def status(**versions: str) -> str:
    """A status file; a version may be followed by another state than installed."""
    stanzas = []
    for name, text in {"dpkg": "1.22", **versions}.items():
        version, _, now = text.partition(" ")
        stanzas.append(
            f"Package: {name}\nStatus: install ok {now or 'installed'}\nArchitecture: amd64\n"
            f"Version: {version}\n"
        )
    return "\n".join(stanzas)


def strays(release: str, **versions: str) -> list[str]:
    return state.strays(dpkg_status.parse(status(**versions)), MARKS[release]["packages"])


def test_a_host_of_one_release_has_no_strays() -> None:
    assert strays("Debian 13", libc6="2.41-12+deb13u1", python3="3.13.5-1") == []
    assert strays("Ubuntu 22.04", libc6="2.35-0ubuntu3.8", python3="3.10.6-1~22.04.1") == []
    assert strays("Debian 13", libc6="2.41-12") == [], "what is not installed tells nothing"


def test_what_is_of_another_release_is_named_with_its_version() -> None:
    assert strays("Debian 13", libc6="2.41-12", python3="3.11.2-1+b1") == ["python3 3.11.2-1+b1"]
    assert strays("Debian 12", libc6="2.41-12", python3="3.11.2-1+b1") == ["libc6 2.41-12"]
    assert strays("Debian 12", libc6="2.365-1", python3="3.11.2") == ["libc6 2.365-1"]


@pytest.mark.parametrize("release", MARKS)
def test_the_marks_are_those_of_the_releases(release: str) -> None:
    """Read where the apt worlds have the archives' own versions, and jammy_compat its codenames."""
    folder = ROOT / "tests/apt_world/archives"
    text = (folder / f"{WORLDS[release]}.yml").read_text()
    archive: dict[str, Any] = yaml.safe_load(text)
    found: dict[str, str] = {}

    def walk(tree: Any) -> None:
        for name, value in tree.items() if isinstance(tree, dict) else ():
            if name in MARKS[release]["packages"] and isinstance(value, dict) and "version" in value:
                found[name] = str(value["version"])
            walk(value)

    walk(archive)
    assert found.keys() == MARKS[release]["packages"].keys()
    assert strays(release, **found) == []
    for other in MARKS.keys() - {release}:
        assert len(strays(other, **found)) == len(found), "no release passes for another"
    compat = yaml.safe_load((ROOT / f"roles/jammy_compat/vars/{release.replace(' ', '_')}.yml").read_text())
    assert MARKS[release]["codename"] == compat["__jammy_compat_os"]["codename"]


def test_every_release_has_its_marks() -> None:
    assert list(MARKS) == JUDGE["__host_check_releases"]


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def write_sources(etc: Path, *suites: str) -> None:
    (etc / "sources.list.d/debian.sources").write_text(
        f"Types: deb\nURIs: http://mirror.example.org/debian\nSuites: {' '.join(suites)}\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )


def test_sources_of_another_release_are_told(etc: Path) -> None:
    write_sources(etc, "trixie", "trixie-updates")
    assert state.sources_of(etc, "bookworm", ["trixie", "noble"]) == "trixie"
    assert state.sources_of(etc, "trixie", ["bookworm"]) == ""


def test_a_donor_beside_the_own_archive_is_no_other_release(etc: Path) -> None:
    write_sources(etc, "trixie")
    (etc / "sources.list.d/rdna1-donor.sources").write_text(
        "Types: deb\nURIs: http://mirror.example.org/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )
    assert state.sources_of(etc, "trixie", ["bookworm"]) == ""


def test_no_source_at_all_tells_nothing(etc: Path) -> None:
    assert state.sources_of(etc, "trixie", ["bookworm"]) == ""


def test_the_module_tells_all_of_it(
    etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sources(etc, "trixie")
    (tmp_path / "status").write_text(status(libc6="2.41-12 half-configured", python3="3.11.2-1+b1"))
    monkeypatch.setattr(dpkg_status, "ADMIN", tmp_path)
    packages = dpkg_status.read(tmp_path)
    monkeypatch.setattr(dpkg_status, "read", lambda: packages)
    monkeypatch.setattr(release_state, "ETC", etc)
    wanted = {"codename": "bookworm", "others": ["trixie"], "marks": MARKS["Debian 12"]["packages"]}
    with patch_module_args(wanted), pytest.raises(SystemExit):
        release_state.main()
    said = json.loads(capsys.readouterr().out)
    assert said["interrupted"] == ["libc6 is half-configured"]
    assert said["cure"] == dpkg_status.CURE
    assert said["strays"] == ["libc6 2.41-12"]
    assert said["sources"] == "trixie"
    assert said["changed"] is False
