"""What lies at a path comes back as it was: content, mode, owner, target, or nothing at all."""

import os
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import restore_record


def made(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "file":
        path.write_bytes(b"\xff\x00 not text")
        path.chmod(0o640)
        os.utime(path, ns=(1, 1_000_000_001))
    elif kind == "link":
        path.symlink_to("../elsewhere/that is gone")
    elif kind == "directory":
        path.mkdir()
        path.chmod(0o711)


@pytest.mark.parametrize("was", ["absent", "file", "link", "directory"])
@pytest.mark.parametrize("now", ["absent", "file", "link", "directory"])
def test_whatever_is_there_now_what_was_there_comes_back(tmp_path: Path, was: str, now: str) -> None:
    path, blobs = tmp_path / "etc/a.d/thing", tmp_path / "blobs"
    blobs.mkdir()
    (tmp_path / "etc").mkdir()
    made(path, was) if was != "absent" else None
    record = restore_record.see(path)
    restore_record.keep(path, record, blobs)
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    made(path, now) if now != "absent" else path.parent.mkdir(exist_ok=True)
    if now == "file":
        path.write_text("ours")
        path.chmod(0o755)

    restore_record.put(path, record, blobs)

    assert restore_record.same(restore_record.see(path), record)
    assert record["type"] == was
    assert [found.name for found in path.parent.glob(".*")] == []
    if was == "file":
        assert path.read_bytes() == b"\xff\x00 not text"
        assert path.stat().st_mtime_ns == 1_000_000_001
    if was == "absent":
        assert not (tmp_path / "etc/a.d").exists(), "the directory that was made for it goes, too"
    assert (tmp_path / "etc").is_dir()


def test_a_directory_with_something_of_others_in_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.service.d/rdna1.conf"
    record = restore_record.see(path)
    path.parent.mkdir()
    path.write_text("ours")
    (path.parent / "theirs.conf").write_text("theirs")
    restore_record.put(path, record, tmp_path)
    assert [found.name for found in path.parent.iterdir()] == ["theirs.conf"]


def test_what_is_in_a_directory_is_never_deleted_for_a_file(tmp_path: Path) -> None:
    path, blobs = tmp_path / "thing", tmp_path / "blobs"
    blobs.mkdir()
    path.write_text("was")
    record = restore_record.see(path)
    restore_record.keep(path, record, blobs)
    path.unlink()
    path.mkdir()
    (path / "somebody's").write_text("precious")
    with pytest.raises(OSError, match="not empty"):
        restore_record.put(path, record, blobs)
    assert (path / "somebody's").read_text() == "precious"


def test_a_file_that_changes_while_it_is_recorded_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "thing"
    path.write_text("one")
    record = restore_record.see(path)
    path.write_text("two")
    with pytest.raises(ValueError, match="changes while"):
        restore_record.keep(path, record, tmp_path)


@pytest.mark.parametrize(("field", "change"), [("mode", 0o600), ("sha256", "other"), ("target", "x")])
def test_two_states_differ_by_anything_but_the_time(tmp_path: Path, field: str, change: object) -> None:
    path = tmp_path / "thing"
    path.write_text("one") if field != "target" else path.symlink_to("y")
    record = restore_record.see(path)
    assert restore_record.same(record, {**record, "mtime": 5, "role": "rocm", "from": "/"})
    assert not restore_record.same(record, {**record, field: change})
