"""Base images: what their hash depends on, whose archive they come from, which are removed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from rdna1.lab import archive, images
from rdna1.lab.errors import LabError
from rdna1.lab.podman import Podman

if TYPE_CHECKING:
    from tests.unit.lab.conftest import FakeMachine


DEB822 = """\
# the machine's own
Types: deb deb-src
URIs: http://archive.example/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://archive.example/security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://backports.example/debian
Suites: bookworm
Enabled: no
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A Debian 12 machine's /etc, as far as it matters."""
    folder = tmp_path / "etc"
    (folder / "apt/sources.list.d").mkdir(parents=True)
    (folder / "os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    (folder / "apt/sources.list.d/debian.sources").write_text(DEB822)
    return folder


@pytest.fixture
def authorities(tmp_path: Path) -> Path:
    folder = tmp_path / "authorities"
    folder.mkdir()
    return folder


def own(etc: Path) -> tuple[str, str] | None:
    return archive.own(etc / "apt", etc / "os-release")


def test_the_archive_is_the_machines_own(etc: Path) -> None:
    assert own(etc) == ("http://archive.example/debian", "http://archive.example/security")


def test_the_old_format_is_read_as_well(etc: Path) -> None:
    (etc / "apt/sources.list.d/debian.sources").unlink()
    (etc / "apt/sources.list").write_text(
        "# deb http://commented.example bookworm main\n"
        "deb-src http://source.example bookworm main\n"
        "deb [signed-by=/k.gpg] http://old.example/debian bookworm main\n"
        "deb http://old.example/security bookworm-security main\n"
    )
    assert own(etc) == ("http://old.example/debian", "http://old.example/security")


@pytest.mark.parametrize(
    "replaced", ["mirror+file:/etc/apt/mirrors/debian.list", "cdrom:[Debian]", "file:/srv"]
)
def test_what_a_container_could_not_reach_is_left_to_mmdebstrap(etc: Path, replaced: str) -> None:
    file = etc / "apt/sources.list.d/debian.sources"
    file.write_text(DEB822.replace("http://archive.example/debian/", replaced))
    assert own(etc) is None


def test_another_distribution_has_no_debian_archive(etc: Path) -> None:
    (etc / "os-release").write_text("ID=ubuntu\nVERSION_CODENAME=noble\n")
    assert own(etc) is None


def test_the_sources_are_those_of_a_fresh_installation(etc: Path, authorities: Path) -> None:
    assert images.recipe("debian-13", etc, authorities).sources == [
        "deb http://archive.example/debian trixie main non-free-firmware",
        "deb http://archive.example/debian trixie-updates main non-free-firmware",
        "deb http://archive.example/security trixie-security main non-free-firmware",
    ]


def test_the_hash_is_stable_and_differs_between_bases(etc: Path, authorities: Path) -> None:
    first, again, other = (
        images.recipe(base, etc, authorities) for base in ("debian-13", "debian-13", "debian-12")
    )
    assert first.image == again.image
    assert first.digest != other.digest
    assert first.image.startswith("localhost/rdna1-lab/debian-13:")


def test_the_hash_follows_everything_that_ends_up_in_the_image(
    etc: Path, authorities: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {images.recipe("debian-13", etc, authorities).digest}

    def changed() -> None:
        digest = images.recipe("debian-13", etc, authorities).digest
        assert digest not in seen
        seen.add(digest)

    (authorities / "company.crt").write_text("a certificate")
    changed()
    (authorities / "company.crt").write_text("another")
    changed()
    sources = etc / "apt/sources.list.d/debian.sources"
    sources.write_text(DEB822.replace("archive.example", "other.example"))
    changed()
    table = images.data()
    monkeypatch.setattr(images, "data", lambda: {**table, "packages": [*table["packages"], "nano"]})
    changed()
    monkeypatch.setattr(images, "data", lambda: {**table, "masked_units": []})
    changed()
    script = tmp_path / "customise.py"
    script.write_text("something else")
    monkeypatch.setattr(images, "CUSTOMISE", script)
    changed()


def test_an_unknown_base_is_one_sentence() -> None:
    with pytest.raises(LabError, match="there is no base debian-99; use one of debian-13, debian-12"):
        images.recipe("debian-99")


def test_an_image_is_built_once_and_replaces_the_older(
    machine: FakeMachine, podman: Podman, etc: Path, authorities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = images.recipe
    monkeypatch.setattr(images, "recipe", lambda base: make(base, etc, authorities))
    used, unused = (f"localhost/rdna1-lab/debian-13:{tag}" for tag in ("used", "unused"))
    foreign = "docker.io/library/debian:13"
    machine.images = {used, unused, foreign}
    machine.containers = {"x": {"Image": used, "Labels": {"rdna1.lab": "x"}}}
    wanted = images.recipe("debian-13")
    said: list[str] = []
    assert images.ensure(podman, wanted, said.append) == wanted.image
    assert images.ensure(podman, wanted, said.append) == wanted.image
    assert len(said) == 1
    assert len([words for words in machine.commands if words[0] == "mmdebstrap"]) == 1
    assert machine.images == {wanted.image, used, foreign}


def test_a_failed_bootstrap_leaves_nothing(
    machine: FakeMachine, podman: Podman, etc: Path, authorities: Path, tmp_path: Path
) -> None:
    machine.fail = {"mmdebstrap": "I: working\nE: the archive does not answer\n"}
    with pytest.raises(LabError, match="could not bootstrap debian-13: E: the archive does not answer"):
        images.ensure(podman, images.recipe("debian-13", etc, authorities), print)
    assert machine.images == set()
    assert not list((tmp_path / "cache/rdna1").glob("image-*"))


def test_a_missing_registry_is_one_sentence(machine: FakeMachine, podman: Podman) -> None:
    machine.fail = {"podman pull": "Error: pinging registry: no such host\n"}
    with pytest.raises(LabError) as caught:
        images.ensure(podman, images.recipe("ubuntu-24.04"), print)
    assert str(caught.value).startswith("LAB_BASE=ubuntu-24.04: no image registry gave")
    assert caught.value.exit_code == 2


def test_no_archive_is_written_down() -> None:
    """Which archive is used is the machine's affair: not even Debian's own host stands in the recipes."""
    for file in (images.DATA, images.CUSTOMISE, images.CONTAINERFILE):
        assert "debian.org" not in file.read_text(), file


@pytest.fixture(scope="module")
def customise() -> ModuleType:
    """The script that runs inside of an image, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("customise", images.CUSTOMISE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sources_become_the_installers_stanzas(customise: ModuleType) -> None:
    bootstrap = (
        "deb http://a.example/debian trixie main non-free-firmware\n"
        "deb http://a.example/debian trixie-updates main non-free-firmware\n"
        "\n# a comment\n"
        "deb [arch=amd64] http://s.example/security trixie-security main non-free-firmware\n"
    )
    assert customise.to_deb822(bootstrap, "/k.gpg") == (
        "Types: deb\nURIs: http://a.example/debian\nSuites: trixie trixie-updates\n"
        "Components: main non-free-firmware\nSigned-By: /k.gpg\n"
        "\n"
        "Types: deb\nURIs: http://s.example/security\nSuites: trixie-security\n"
        "Components: main non-free-firmware\nSigned-By: /k.gpg\n"
    )
