"""The repositories are what apt expects: indexed, signed, honest, and the same on every build."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from debian.deb822 import Packages
from debian.deb822 import Release as ReleaseFile
from rdna1.lab.mirror import deb, signing
from rdna1.lab.mirror.release import Release

UBUNTU = "rocm/apt/5.2/dists/ubuntu"
SUITES = [UBUNTU, "rocm/apt/5.7/dists/focal", "rocm/apt/5.7/dists/jammy"]


def index(served: Path, suite: str) -> list[Packages]:
    with (served / suite / "main/binary-amd64/Packages").open() as stream:
        return list(Packages.iter_paragraphs(stream, use_apt_pkg=False))


def debs(served: Path, name: str) -> Path:
    (found,) = (served / "rocm/apt/5.2/pool").rglob(f"{name}_*.deb")
    return found


def dpkg_deb(*arguments: str | Path) -> str:
    return subprocess.run(["dpkg-deb", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("suite", SUITES)
def test_the_signature_is_good_and_has_no_sha1(
    served: Path, key: signing.Key, tmp_path: Path, suite: str
) -> None:
    ring = tmp_path / "ring.gpg"
    subprocess.run(
        ["gpg", "--homedir", tmp_path, "--dearmor", "-o", ring], input=key.public, text=True, check=True
    )
    verify = ["gpgv", "--keyring", str(ring), "--weak-digest", "SHA1", "--status-fd", "1"]
    for files in (["InRelease"], ["Release.gpg", "Release"]):
        done = subprocess.run(
            [*verify, *files], cwd=served / suite, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        valid = next(line.split() for line in done.stdout.splitlines() if "VALIDSIG" in line)
        assert valid[2] == key.fingerprint
        assert valid[9] == "10", "the digest is not SHA-512"


@pytest.mark.parametrize("suite", SUITES)
def test_the_index_and_every_package_have_the_hashes_that_are_said(served: Path, suite: str) -> None:
    listed = ReleaseFile((served / suite / "Release").read_text())
    assert (listed["Origin"], listed["Label"], listed["Components"]) == (
        "repo.radeon.com",
        "repo.radeon.com",
        "main",
    )
    for entry in listed["SHA256"]:
        file = served / suite / entry["name"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
    for stanza in index(served, suite):
        file = served / Path(suite).parents[1] / stanza["Filename"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == stanza["SHA256"]


@pytest.mark.parametrize("suite", SUITES)
def test_every_package_says_that_it_is_a_stand_in(served: Path, suite: str) -> None:
    stanzas = index(served, suite)
    assert stanzas
    assert [one["Package"] for one in stanzas if "stand-in" not in one["Description"]] == []


def test_a_suite_lists_only_its_own(served: Path) -> None:
    for suite, suffix in (("focal", "~20.04"), ("jammy", "~22.04")):
        versions = {one["Version"] for one in index(served, f"rocm/apt/5.7/dists/{suite}")}
        assert all(version.endswith(suffix) for version in versions)


def test_the_control_data_is_the_release_s(served: Path, releases: dict[str, Release]) -> None:
    listed = {one["Package"]: one for one in index(served, UBUNTU)}
    assert set(listed) == {package.name for package in releases["5.2.0"].binaries("ubuntu")}
    for package in releases["5.2.0"].binaries("ubuntu"):
        stanza = listed[package.name]
        fields = (
            stanza["Version"],
            stanza.get("Depends", ""),
            stanza.get("Provides", ""),
            stanza.get("Conflicts", ""),
        )
        assert fields == (
            package.version,
            ", ".join(package.depends),
            ", ".join(package.provides),
            ", ".join(package.conflicts),
        )


def test_contents(served: Path, tmp_path: Path) -> None:
    for name in ("rocm-core", "rocminfo", "rocm-smi-lib"):
        dpkg_deb("--extract", debs(served, name), tmp_path)
    assert (tmp_path / "opt/rocm-5.2.0/.info/version").read_text() == "5.2.0-65\n"
    for program in ("rocminfo", "rocm-smi"):
        file = tmp_path / "opt/rocm-5.2.0/bin" / program
        assert file.stat().st_mode & 0o111
        assert file.read_text().startswith("#!/usr/bin/python3\n")
    listing = dpkg_deb("--contents", debs(served, "comgr"))
    assert {line.split()[1] for line in listing.splitlines()} == {"root/root"}


def test_rocm_core_makes_and_removes_the_link(served: Path, tmp_path: Path) -> None:
    dpkg_deb("--control", debs(served, "rocm-core"), tmp_path)
    assert "--install /opt/rocm rocm /opt/rocm-5.2.0 50200" in (tmp_path / "postinst").read_text()
    assert "--remove rocm /opt/rocm-5.2.0" in (tmp_path / "prerm").read_text()


def test_building_again_gives_the_same_bytes(
    served: Path, releases: dict[str, Release], tmp_path: Path
) -> None:
    one = releases["5.2.0"]
    for package in one.binaries("ubuntu"):
        if package.name in ("rocm-core", "rocminfo", "rocm-dev5.2.0"):
            again = tmp_path / "again.deb"
            deb.build(package, one, again, tmp_path)
            assert again.read_bytes() == debs(served, package.name).read_bytes()


def test_the_key_says_whose_it_is_and_stays(key: signing.Key) -> None:
    again = signing.obtain(key.secret.parent)
    assert again == key
    assert key.secret.stat().st_mode & 0o077 == 0
    command = ["gpg", "--homedir", str(key.secret.parent), "--show-keys"]
    shown = subprocess.run(command, input=key.public, capture_output=True, text=True, check=True)
    assert "stand-in key (not AMD's" in shown.stdout
