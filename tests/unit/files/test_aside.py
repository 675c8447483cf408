"""Nothing of anybody's is lost where a role writes its files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import file_items
from ansible_collections.rdna1.provision.plugins.modules import files

Run = Callable[..., dict[str, Any]]
OURS = "# Managed by Ansible, role rdna1.provision.rocm: edits are overwritten.\n"


@pytest.fixture(autouse=True)
def nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_items, "changes", lambda _: [])


@pytest.fixture
def clear(run_module: Run, tmp_path: Path) -> Run:
    def run(kind: str, path: Path, *, check: bool = False) -> dict[str, Any]:
        # What is made in the place is another test's matter.
        items = [{"kind": kind, "path": str(path)}]
        return run_module(files, check=check, items=items, reason="a test", backup=str(tmp_path / "backup"))

    return run


def in_the_way(kind: str, path: Path) -> None:
    """Put something of this sort there."""
    if kind == "directory":
        path.mkdir()
        (path / "mine").write_text("precious")
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    elif kind == "link to a file":
        path.with_name("elsewhere").write_text("precious")
        path.symlink_to("elsewhere")
    elif kind == "file":
        path.write_text("precious")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("file", "directory"),
        ("file", "dangling link"),
        ("file", "link to a file"),
        ("data", "directory"),
        ("link", "directory"),
        ("link", "file"),
        ("directory", "file"),
        ("directory", "dangling link"),
        ("directory", "link to a file"),
    ],
)
def test_what_is_in_the_way_is_moved_and_the_place_is_free(
    clear: Run, tmp_path: Path, wanted: str, found: str
) -> None:
    place = tmp_path / "place"
    in_the_way(found, place)
    assert clear(wanted, place, check=True)["changed"]
    assert place.exists() or place.is_symlink(), "check mode moves nothing"
    moved = Path(clear(wanted, place)["moved"][str(place)])
    assert not place.exists()
    assert not place.is_symlink()
    if found == "directory":
        assert (moved / "mine").read_text() == "precious"
    elif found == "file":
        assert moved.read_text() == "precious"
    else:
        assert moved.is_symlink(), "a link is moved itself, not what it leads to"
    record = json.loads((tmp_path / "backup/manifest.jsonl").read_text())
    assert (record["path"], record["moved_to"], record["reason"]) == (str(place), str(moved), "a test")
    assert not clear(wanted, place)["changed"]


def test_of_somebody_else_s_file_a_copy_is_kept(clear: Run, tmp_path: Path) -> None:
    place = tmp_path / "rocm-rdna1.sh"
    place.write_text("export MINE=1\n")
    copy = Path(clear("file", place)["moved"][str(place)])
    assert place.read_text() == copy.read_text() == "export MINE=1\n"


@pytest.mark.parametrize(
    ("kind", "text"), [("file", OURS), ("file", "\n"), ("data", "somebody's key"), ("absent", "a leftover")]
)
def test_what_belongs_there_stays(clear: Run, tmp_path: Path, kind: str, text: str) -> None:
    place = tmp_path / "file"
    place.write_text(text)
    assert not clear(kind, place)["changed"]
    assert place.read_text() == text


def test_a_link_to_a_directory_passes_for_one(clear: Run, tmp_path: Path) -> None:
    (tmp_path / "large-disk").mkdir()
    place = tmp_path / "opt"
    place.symlink_to("large-disk")
    assert not clear("directory", place)["changed"]


def test_twice_in_the_way_is_twice_kept(clear: Run, tmp_path: Path) -> None:
    place = tmp_path / "place"
    kept = set()
    for _ in range(2):
        in_the_way("directory", place)
        kept.add(clear("file", place)["moved"][str(place)])
    assert len(kept) == 2


def test_on_another_file_system_it_stays_beside(
    clear: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    in_the_way("directory", place)
    rename = Path.rename

    def across(self: Path, target: Path) -> Path:
        if "backup" in target.parts:
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", across)
    assert clear("file", place)["moved"] == {str(place): str(tmp_path / "place.before-rdna1")}


@pytest.mark.parametrize("found", ["file", "dangling link", "link to a file"])
def test_what_is_where_the_backups_go_is_kept_beside(run_module: Run, tmp_path: Path, found: str) -> None:
    state, kept = tmp_path / "rdna1", tmp_path / "rdna1.before-rdna1"
    in_the_way(found, state)
    mode = state.lstat().st_mode
    items = [{"kind": "directory", "path": str(state)}]
    said = run_module(files, items=items, reason="a test", backup=str(state / "backup"))
    assert said["moved"] == {str(state): str(kept)}
    assert kept.lstat().st_mode == mode
    (line,) = (state / "backup/manifest.jsonl").read_text().splitlines()
    assert json.loads(line)["moved_to"] == str(kept)
