"""Points: whole or not there, root's alone, and the way back is through all that came after one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import restore_record, restore_store
from ansible_collections.rdna1.provision.plugins.module_utils.restore_store import CHAIN, ROLLBACK, Store


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "var/points"


def state(*paths: Path, role: str = "rocm", **more: Any) -> dict[str, Any]:
    """What is there now, as the module hands it over."""
    return {
        "paths": {str(path): {"role": role, **restore_record.see(path)} for path in paths},
        "trees": {}, "groups": {}, "accounts": {}, "venvs": {},
        "managed": {role: {"names": [role], "builds": []}},
        "roles": [role], "reasons": [], "release": "Debian 13", "kernel": "6", "packages": {"a": "1"},
        "held": [], "automatic": [], "ledger": 0, **more,
    }  # fmt: skip


def finish(root: Path, point: dict[str, Any]) -> None:
    Store(root).close(point["id"])


def test_a_point_is_roots_alone_and_has_the_content(root: Path, etc: Path) -> None:
    (etc / "a").write_text("was")
    point = Store(root).take(state(etc / "a", etc / "none"), CHAIN)
    folder = root / point["id"]
    assert [oct(path.stat().st_mode & 0o777) for path in (root, folder, folder / "files")] == ["0o700"] * 3
    assert (folder / "point.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((folder / "point.json").read_text())["schema"] == "rdna1.point/1"
    assert [path.read_text() for path in (folder / "files").iterdir()] == ["was"]


def test_the_same_state_twice_is_one_point(root: Path, etc: Path) -> None:
    (etc / "a").write_text("was")
    first = Store(root).take(state(etc / "a"), CHAIN)
    finish(root, first)
    assert Store(root).take(state(etc / "a"), CHAIN)["id"] == first["id"]
    (etc / "a").chmod(0o600)
    assert Store(root).take(state(etc / "a"), CHAIN)["id"] != first["id"]
    assert len(Store(root).points) == 2


def test_after_a_run_that_was_cut_off_the_way_back_leads_to_before_it(root: Path, etc: Path) -> None:
    (etc / "a").write_text("was")
    first = Store(root).take(state(etc / "a"), CHAIN)
    (etc / "a").write_text("half")
    (etc / "b").write_text("b")
    again = Store(root).take(state(etc / "a", etc / "b", role="pytorch_venv"), CHAIN)
    assert again["id"] == first["id"]
    (point,) = Store(root).points
    store = Store(root)
    restore_record.put(etc / "a", point["paths"][str(etc / "a")], store.blobs(point))
    assert (etc / "a").read_text() == "was"
    assert point["paths"][str(etc / "b")]["type"] == "file"
    assert point["roles"] == ["rocm", "pytorch_venv"]


def test_what_an_interrupted_run_left_is_no_point_and_goes(root: Path, etc: Path) -> None:
    first = Store(root).take(state(etc / "a"), CHAIN)
    finish(root, first)
    left = root / ".20990101T000000Z-000000"
    left.mkdir()
    (left / "point.json").write_text("{}")
    assert [point["id"] for point in Store(root).points] == [first["id"]]
    (etc / "a").write_text("new")
    Store(root).take(state(etc / "a"), CHAIN)
    assert not left.exists()


def test_a_point_that_cannot_be_written_is_none(
    root: Path, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Store(root).take(state(etc / "a"), CHAIN)
    assert Store(root).points == []


def test_of_each_thing_the_oldest_state_comes_back(root: Path, etc: Path) -> None:
    (etc / "a").write_text("one")
    first = Store(root).take(state(etc / "a"), CHAIN)
    finish(root, first)
    (etc / "a").write_text("two")
    (etc / "b").write_text("b")
    Store(root).take(state(etc / "a", etc / "b", role="rocm_environment"), CHAIN)
    merged = restore_store.merge(Store(root).points)
    assert merged["paths"][str(etc / "a")] == first["paths"][str(etc / "a")]
    assert merged["paths"][str(etc / "b")]["type"] == "file"
    assert list(restore_store.merge(Store(root).points, ["rocm"])["paths"]) == [str(etc / "a")]


def test_what_came_into_a_tree_later_goes_although_a_later_point_has_it(root: Path, etc: Path) -> None:
    tree = etc / "tree"
    first = Store(root).take(state(tree, trees={str(tree): "rocm"}), CHAIN)
    finish(root, first)
    tree.mkdir()
    (tree / "new").write_text("ours")
    Store(root).take(state(tree, tree / "new", trees={str(tree): "rocm"}), ROLLBACK)
    points = Store(root).points
    assert list(restore_store.merge(points)["paths"]) == [str(tree)]
    assert str(tree / "new") in restore_store.merge(points[1:])["paths"]


def test_old_points_go_and_what_they_know_of_does_not(root: Path, etc: Path) -> None:
    for number in range(6):
        (etc / f"f{number}").write_text(str(number))
        point = Store(root).take(state(etc / f"f{number}"), CHAIN)
        finish(root, point)
        (etc / f"f{number}").write_text("changed")
    ids = [point["id"] for point in Store(root).points]
    store = Store(root)
    store.prune(2)
    assert [point["id"] for point in Store(root).points] == [ids[0], *ids[-2:]]
    store = Store(root)
    for path, found in restore_store.merge(store.points)["paths"].items():
        restore_record.put(Path(path), found, store.blobs_of(found["sha256"]))
    assert [(etc / f"f{number}").read_text() for number in range(6)] == list("012345")


def test_old_points_go_also_from_the_lower_layer_of_an_overlay(
    root: Path, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a container that was made from an image: its directories can be removed, but not renamed."""
    for number in range(4):
        (etc / f"f{number}").write_text(str(number))
        finish(root, Store(root).take(state(etc / f"f{number}"), CHAIN))

    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.is_dir():
            raise OSError(18, "Invalid cross-device link")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        store = Store(root)
        gone = store.prune(2)
    assert len(gone) == 1
    assert gone[0] not in [point["id"] for point in Store(root).points]
    # Cut off in the middle, it is no point either, and goes with the next one.
    left = root / "20990101T000000Z-000000"
    (left / "files").mkdir(parents=True)
    (etc / "f0").write_text("new")
    Store(root).take(state(etc / "f0"), CHAIN)
    assert not left.exists()


def test_latest_is_of_the_chain_and_forward_of_a_rollback(root: Path, etc: Path) -> None:
    first = Store(root).take(state(etc / "a"), CHAIN)
    finish(root, first)
    (etc / "a").write_text("new")
    back = Store(root).take(state(etc / "a"), ROLLBACK)
    points = Store(root).points
    chosen = {wanted: restore_store.choose(points, wanted)["id"] for wanted in ("first", "latest", "forward")}
    assert chosen == {"first": first["id"], "latest": first["id"], "forward": back["id"]}
    with pytest.raises(restore_store.PointError, match="no restore point 2020"):
        restore_store.choose(points, "2020")


def test_points_are_in_the_order_of_their_numbers_whatever_the_clock_said(root: Path, etc: Path) -> None:
    first = Store(root).take(state(etc / "a"), CHAIN)
    finish(root, first)
    (root / first["id"]).rename(root / "20990101T000000Z-aaaaaa")
    file = root / "20990101T000000Z-aaaaaa/point.json"
    file.write_text(file.read_text().replace(first["id"], "20990101T000000Z-aaaaaa"))
    (etc / "a").write_text("new")
    second = Store(root).take(state(etc / "a"), CHAIN)
    assert [point["id"] for point in Store(root).points] == ["20990101T000000Z-aaaaaa", second["id"]]


def test_the_chain_ends_a_rollback_that_was_cut_off(root: Path, etc: Path) -> None:
    first = Store(root).take(state(etc / "a"), CHAIN)
    finish(root, first)
    store = Store(root)
    store.begin(first, store.take(state(etc / "a"), ROLLBACK))
    assert (Store(root).unfinished() or {})["to"] == first["id"]
    Store(root).take(state(etc / "a"), CHAIN)
    assert Store(root).unfinished() is None


def test_a_way_forward_that_was_cut_off_is_still_the_way_forward(root: Path, etc: Path) -> None:
    first = Store(root).take(state(etc / "a"), CHAIN)
    finish(root, first)
    (etc / "a").write_text("new")
    back = Store(root).take(state(etc / "a"), ROLLBACK)
    store = Store(root)
    store.begin(back, store.take(state(etc / "b"), ROLLBACK))
    chosen = restore_store.choose(store.points, "forward", store.unfinished())
    assert chosen["id"] == back["id"]
    store.begin(first, back)  # the way back that was cut off, however, is taken back by the way forward
    assert restore_store.choose(store.points[:2], "forward", store.unfinished())["id"] == back["id"]
