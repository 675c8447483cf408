"""Nothing is replaced or removed that was not copied first."""

import json
from pathlib import Path

from ansible_collections.rdna1.provision.plugins.module_utils import apt_backup


def test_a_copy_keeps_content_and_mode_and_is_in_the_manifest(tmp_path: Path) -> None:
    source = tmp_path / "etc/rocm.list"
    source.parent.mkdir()
    source.write_text("deb x\n")
    source.chmod(0o640)
    folder = tmp_path / "backup"
    copy = apt_backup.keep(source, folder, "because")
    assert copy.read_text() == "deb x\n"
    assert copy.stat().st_mode & 0o777 == 0o640
    assert folder.stat().st_mode & 0o777 == 0o700
    (record,) = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert folder / record["copy"] == copy
    assert (record["path"], record["mode"], record["reason"]) == (str(source), "0640", "because")


def test_the_same_content_is_kept_once_and_another_beside_it(tmp_path: Path) -> None:
    source = tmp_path / "x"
    folder = tmp_path / "backup"
    source.write_text("one")
    first = apt_backup.keep(source, folder, "")
    assert apt_backup.keep(source, folder, "") == first
    source.write_text("two")
    assert apt_backup.keep(source, folder, "") != first
    assert len((folder / "manifest.jsonl").read_text().splitlines()) == 2
    assert not list(folder.rglob("*.partial"))
