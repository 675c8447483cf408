"""A standalone Python: checked, unpacked aside, started, and only then in its place."""

import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import sealed_tree, venv_archive
from ansible_collections.rdna1.provision.plugins.modules import venv_python

RELEASE = platform.python_version()
BINARY = f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
WRAPPER = f'#!/bin/sh\nexec {sys.executable} "$@"\n'

Install = Callable[..., dict[str, Any]]


def write_archive(path: Path, members: dict[str, str], mode: int = 0o755) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid = len(text), mode, 1234
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "python.tar.gz", {f"python/{BINARY}": WRAPPER})


@pytest.fixture
def install(run_module: Callable[..., dict[str, Any]], tmp_path: Path) -> Install:
    def run(archive: Path, **more: Any) -> dict[str, Any]:
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest() if archive.exists() else "0" * 64
        parameters = {"root": str(tmp_path / "rdna1"), "release": RELEASE, "sha256": sha256}
        return run_module(venv_python.main, url=archive.as_uri(), **{**parameters, **more})

    return run


def test_it_is_installed_once(install: Install, archive: Path, tmp_path: Path) -> None:
    assert install(archive, check=True)["changed"] is True
    assert not (tmp_path / "rdna1").exists()

    done = install(archive)
    assert done["changed"] is True
    interpreter = Path(done["interpreter"])
    assert interpreter == tmp_path / f"rdna1/python/{RELEASE}/{BINARY}"
    assert subprocess.run([interpreter, "-c", ""], check=True)
    assert (interpreter.stat().st_uid, interpreter.stat().st_mode & 0o777) == (os.getuid(), 0o755)
    assert not (tmp_path / "rdna1/tmp").exists()

    archive.unlink()  # not asked for again
    for check in (True, False):
        assert install(archive, check=check)["changed"] is False


def test_one_that_no_longer_runs_is_replaced(install: Install, archive: Path) -> None:
    interpreter = Path(install(archive)["interpreter"])
    interpreter.write_text("")
    assert install(archive, check=True)["changed"] is True
    assert install(archive)["changed"] is True
    assert interpreter.read_text() == WRAPPER


def test_a_file_that_is_not_as_it_was_unpacked_is_put_right(install: Install, tmp_path: Path) -> None:
    archive = write_archive(
        tmp_path / "more.tar.gz", {f"python/{BINARY}": WRAPPER, "python/lib/json.py": "x = 1\n"}
    )
    interpreter = Path(install(archive)["interpreter"])
    library = interpreter.parents[1] / "lib/json.py"
    for harm in (library.unlink, lambda: library.write_text("x = 2\n"), lambda: library.chmod(0o777)):
        harm()
        assert install(archive, check=True)["changed"] is True
        assert install(archive)["changed"] is True
        assert (library.read_text(), library.stat().st_mode & 0o777) == ("x = 1\n", 0o755)
        assert install(archive)["changed"] is False
    archive.unlink()  # touched, and right: nothing is downloaded
    library.touch()
    assert install(archive)["changed"] is True
    assert install(archive)["changed"] is False


def test_a_file_that_rotted_is_seen_by_a_deep_look_alone(install: Install, tmp_path: Path) -> None:
    archive = write_archive(
        tmp_path / "more.tar.gz", {f"python/{BINARY}": WRAPPER, "python/lib/json.py": "x = 1\n"}
    )
    home = Path(install(archive)["interpreter"]).parents[1]
    (home / "lib/json.py").write_text("x = 2\n")
    sealed_tree.renew(home)  # a disk that fails leaves no other time, either
    assert install(archive)["changed"] is False
    assert install(archive, deep=True, check=True)["changed"] is True
    assert install(archive, deep=True)["changed"] is True
    assert (home / "lib/json.py").read_text() == "x = 1\n"
    assert install(archive, deep=True)["changed"] is False


def test_a_changed_archive_is_named_with_both_hashes_and_leaves_nothing(
    install: Install, archive: Path, tmp_path: Path
) -> None:
    found, wanted = hashlib.sha256(archive.read_bytes()).hexdigest(), "ab" * 32
    said = install(archive, sha256=wanted)["msg"]
    assert f"{archive.as_uri()} has sha256 {found}, {wanted} is wanted" in said
    assert not (tmp_path / "rdna1/python").exists()


def test_an_archive_that_is_nowhere_is_said_so_even_in_check_mode(install: Install, tmp_path: Path) -> None:
    for check in (True, False):
        assert "cannot be read" in install(tmp_path / "nowhere.tar.gz", check=check)["msg"]


def test_another_release_than_promised_is_refused(install: Install, archive: Path, tmp_path: Path) -> None:
    other = f"{RELEASE.rpartition('.')[0]}.999"
    said = install(archive, release=other)["msg"]
    assert f"is Python {RELEASE}, {other} is wanted; correct the address, the hash or the release" in said
    assert not (tmp_path / f"rdna1/python/{other}").exists()


def test_what_is_no_archive_is_said_so(install: Install, tmp_path: Path) -> None:
    page = tmp_path / "login.html"
    page.write_text("<html>Please log in</html>")
    assert "the archive cannot be unpacked" in install(page)["msg"]


def test_a_release_that_is_a_path_is_refused(install: Install, archive: Path) -> None:
    assert "is not like 3.10.21" in install(archive, release="../../etc")["msg"]


@pytest.mark.parametrize("name", ["/etc/cron.d/x", "python/../../x", "other/x"])
def test_members_outside_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    archive = write_archive(tmp_path / "a.tar.gz", {"python/bin/x": "", name: "x"})
    with pytest.raises(venv_archive.ArchiveError, match="leads out of its folder"):
        venv_archive.unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "target", "safe"),
    [
        (tarfile.SYMTYPE, "python3.10", True),
        (tarfile.SYMTYPE, "../lib/x", True),
        (tarfile.SYMTYPE, "../../x", False),
        (tarfile.SYMTYPE, "/etc/passwd", False),
        (tarfile.LNKTYPE, "python/bin/x", True),
        (tarfile.LNKTYPE, "../etc/passwd", False),
    ],
)
def test_links_that_lead_out_are_refused(tmp_path: Path, kind: bytes, target: str, safe: bool) -> None:
    archive = write_archive(tmp_path / "a.tar", {"python/bin/x": ""})
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("python/bin/x"))
        link = tarfile.TarInfo("python/bin/link")
        link.type, link.linkname = kind, target
        tar.addfile(link)
    if safe:
        assert venv_archive.unpack(archive, tmp_path / "out") == tmp_path / "out/python"
    else:
        with pytest.raises(venv_archive.ArchiveError):
            venv_archive.unpack(archive, tmp_path / "out")


def test_nothing_unpacked_is_writable_by_others(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tar.gz", {"python/bin/x": ""}, mode=0o4777)
    unpacked = venv_archive.unpack(archive, tmp_path / "out")
    assert (unpacked / "bin/x").stat().st_mode & 0o7777 == 0o755


def test_devices_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        device = tarfile.TarInfo("python/null")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    with pytest.raises(venv_archive.ArchiveError, match="neither file, folder nor link"):
        venv_archive.unpack(tmp_path / "a.tar", tmp_path / "out")
