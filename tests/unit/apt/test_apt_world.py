"""A copy of apt's configuration in which files differ, on the real apt where it is there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import apt_get, apt_plan, apt_world
from ansible_collections.rdna1.provision.plugins.module_utils.apt_world import Overlay

STANDIN = """\
Package: python
Version: 0~rdna1+aa
Architecture: all
Depends: python3
Conflicts: python-is-python3, other
Description: x
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A host's /etc/apt, with one repository on disk and its package lists."""
    etc, lists, repository = tmp_path / "etc/apt", tmp_path / "lists", tmp_path / "repository"
    for path in (etc / "sources.list.d", etc / "preferences.d", etc / "keyrings", lists, repository):
        path.mkdir(parents=True)
    (etc / "sources.list.d/old.list").write_text("deb http://old.example ./\n")
    index = "Package: python3\nVersion: 3\nArchitecture: all\nFilename: ./p.deb\nSize: 1\nMD5sum: " + "0" * 32
    (repository / "Packages").write_text(index + "\n")
    return etc


def build(tmp_path: Path, etc: Path, overlay: Overlay) -> apt_world.World:
    root = tmp_path / "world"
    root.mkdir(mode=0o700)
    return apt_world.build(root, overlay, {}, etc=etc, lists=tmp_path / "lists")


def test_only_the_copy_differs(tmp_path: Path, etc: Path) -> None:
    new = str(etc / "sources.list.d/new.sources")
    overlay = Overlay({new: b"Types: deb\n"}, [str(etc / "sources.list.d/old.list")], [], [])
    world = build(tmp_path, etc, overlay)
    assert {path.name for path in (world.etc / "sources.list.d").iterdir()} == {"new.sources"}
    assert {path.name for path in (etc / "sources.list.d").iterdir()} == {"old.list"}


def test_whatever_lies_where_a_file_shall_be_gives_way_in_the_copy(tmp_path: Path, etc: Path) -> None:
    """A pipe has no end to be copied to, and nothing can be written into a directory."""
    pipe, folder, link = (etc / f"sources.list.d/{name}.sources" for name in ("pipe", "folder", "link"))
    os.mkfifo(pipe)
    (folder / "inside").mkdir(parents=True)
    link.symlink_to("/nowhere")
    world = build(tmp_path, etc, Overlay({str(pipe): b"a", str(folder): b"b", str(link): b"c"}, [], [], []))
    copied = world.etc / "sources.list.d"
    assert [(copied / path.name).read_text() for path in (pipe, folder, link)] == ["a", "b", "c"]
    (tmp_path / "again").mkdir()
    absent = apt_world.build(tmp_path / "again", Overlay({}, [str(folder), str(pipe)], [], []), {}, etc=etc)
    assert {path.name for path in (absent.etc / "sources.list.d").iterdir()} == {"old.list"}


def test_a_source_in_the_copy_names_the_key_in_the_copy(tmp_path: Path, etc: Path) -> None:
    key, source = str(etc / "keyrings/amd.gpg"), str(etc / "sources.list.d/amd.sources")
    world = build(tmp_path, etc, Overlay({key: b"key", source: f"Signed-By: {key}\n".encode()}, [], [], []))
    text = (world.etc / "sources.list.d/amd.sources").read_text()
    assert text == f"Signed-By: {world.etc}/keyrings/amd.gpg\n"
    assert (world.etc / "keyrings/amd.gpg").read_bytes() == b"key"


def test_lists_are_copied_never_linked(tmp_path: Path, etc: Path) -> None:
    """apt changes the owner and mode of lists that it looks at again."""
    (tmp_path / "lists/x_InRelease").write_text("x")
    (tmp_path / "lists/lock").touch()
    (tmp_path / "lists/partial").mkdir()
    world = build(tmp_path, etc, Overlay({}, [], [], []))
    (copy,) = world.lists.iterdir()
    assert not copy.is_symlink()
    assert copy.stat().st_nlink == 1


def test_a_package_that_is_installed_is_not_new() -> None:
    overlay = Overlay({}, [], [STANDIN], [])
    assert overlay.new_packages({"python": "0~rdna1+aa"}) == []
    assert overlay.new_packages({}) == [STANDIN]
    assert overlay.names() == ["python"]
    assert overlay.replaced() == ["python-is-python3", "other"]


@pytest.mark.skipif(not shutil.which("apt-get"), reason="apt is not on this machine")
def test_real_apt_installs_from_sources_and_packages_that_only_the_copy_has(
    tmp_path: Path, etc: Path
) -> None:
    source = str(etc / "sources.list.d/new.list")
    line = f"deb [trusted=yes] file:{tmp_path}/repository ./\n".encode()
    overlay = Overlay({source: line}, [str(etc / "sources.list.d/old.list")], [STANDIN], [])
    world = build(tmp_path, etc, overlay)
    status = tmp_path / "status"
    status.touch()
    world.options += [
        f"Dir::State={tmp_path}/state",
        f"Dir::State::status={status}",
        f"Dir::Cache={tmp_path}/cache",
        "APT::Architecture=amd64",
        "APT::Sandbox::User=root",
    ]
    for name in ("state", "cache/archives/partial"):
        (tmp_path / name).mkdir(parents=True)

    def run(command: list[str]) -> tuple[int, str, str]:
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=apt_get.ENVIRONMENT)
        return done.returncode, done.stdout, done.stderr

    apt = apt_get.AptGet(run, world, 1, False)
    assert len(world.missing()) == 2
    assert apt.update() == []
    assert world.missing() == []
    assert apt.simulate(["install", "python=0~rdna1+aa"]) == [
        apt_plan.Change("python3", "", "3"),
        apt_plan.Change("python", "", "0~rdna1+aa"),
    ]
    with pytest.raises(apt_get.AptError, match="Version '9' for 'python' was not found"):
        apt.simulate(["install", "python=9"])
