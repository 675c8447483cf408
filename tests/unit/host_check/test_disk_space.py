"""Needs are added up where they meet: on file systems, not in directories."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rdna1.provision.plugins.modules import disk_space

GIB = 1 << 30


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have directories begin file systems of their own, each with so many GiB free."""

    def have(**free: int) -> None:
        points = [tmp_path / name for name in free]
        for point in points:
            point.mkdir()
        real = Path.stat

        def device(path: Path) -> int:
            inside = [number for number, point in enumerate(points) if point in (path, *path.parents)]
            return inside[-1] if inside else 99

        monkeypatch.setattr(
            Path,
            "stat",
            lambda self, **more: SimpleNamespace(st_dev=device(self), st_mode=real(self, **more).st_mode),
        )
        monkeypatch.setattr(
            os,
            "statvfs",
            lambda path: SimpleNamespace(
                f_bavail=[*free.values(), 1][min(device(Path(path)), len(free))], f_frsize=GIB
            ),
        )
        monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) in points)

    return have


def need(path: str, *, size: int = 0, gib: float = 0, what: str = "") -> dict[str, Any]:
    return {"path": path, "bytes": size, "gib": gib, "what": what}


def test_what_meets_on_one_file_system_is_added_up(mounts: Callable[..., None], tmp_path: Path) -> None:
    mounts(root=30)
    opt, var = f"{tmp_path}/root/opt/rdna1", f"{tmp_path}/root/var"
    (found,) = disk_space.add_up([need(opt, gib=24), need(var, size=6 * GIB, what="archives")])
    assert found == {
        "mount": f"{tmp_path}/root",
        "free_bytes": 30 * GIB,
        "need_bytes": 30 * GIB,
        "needs": [
            {"path": opt, "bytes": 24 * GIB, "what": opt},
            {"path": var, "bytes": 6 * GIB, "what": "archives"},
        ],
    }


def test_what_lies_apart_is_counted_apart(mounts: Callable[..., None], tmp_path: Path) -> None:
    mounts(a=10, b=20)
    found = disk_space.add_up(
        [
            need(f"{tmp_path}/a/x", gib=5),
            need(f"{tmp_path}/b/not/there/yet", gib=7),
            need(f"{tmp_path}/b", size=-GIB),
        ]
    )
    assert [(entry["free_bytes"] // GIB, entry["need_bytes"] // GIB) for entry in found] == [(10, 5), (20, 6)]


def test_a_file_system_of_interest_is_shown_without_a_need(tmp_path: Path) -> None:
    (found,) = disk_space.add_up([need(str(tmp_path))])
    assert found["needs"] == []
    assert found["free_bytes"] > 0
    assert tmp_path.is_relative_to(found["mount"])


@pytest.mark.parametrize("there", [True, False], ids=["a link to nowhere", "below a file"])
def test_nothing_is_asked_where_it_is_there_already(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, there: bool
) -> None:
    current = tmp_path / "rdna1/current"
    if there:
        current.parent.mkdir()
        current.symlink_to(tmp_path / "nowhere")
    else:
        current.parent.write_text("no directory")
    asked = {"needs": [{"path": str(tmp_path), "gib": 1}], "unless": str(current)}
    with patch_module_args(asked), pytest.raises(SystemExit):
        disk_space.main()
    assert bool(json.loads(capsys.readouterr().out)["filesystems"]) is not there
