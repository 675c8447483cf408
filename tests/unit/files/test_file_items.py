"""What a role has in the file system is made as it names it, whatever lies there."""

import grp
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.action import files as action
from ansible_collections.rdna1.provision.plugins.module_utils import observation
from ansible_collections.rdna1.provision.plugins.modules import files
from ansible_collections.rdna1.provision.plugins.plugin_utils import kinds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Run = Callable[..., dict[str, Any]]
Item = dict[str, Any]
Have = Callable[..., dict[str, Any]]

ME = {"owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}


def items_in(root: Path) -> list[Item]:
    """One of each kind, as the action sends them."""
    folder, file = {"mode": "0755", **ME}, {"mode": "0644", **ME}
    return [
        {"kind": "directory", "path": f"{root}/etc", **folder},
        {"kind": "file", "path": f"{root}/etc/profile", "text": "# rdna1\nexport A=1\n", **file},
        {"kind": "file", "path": f"{root}/etc/secret", "text": "rdna1 token\n", **file, "mode": "0600"},
        {"kind": "link", "path": f"{root}/etc/current", "target": "profile", **file},
        {"kind": "link", "path": f"{root}/etc/end", "leads_to": f"{root}/etc/profile", **file},
        {"kind": "data", "path": f"{root}/etc/key", **file},
        {"kind": "record", "path": f"{root}/etc/record", **file},
        {"kind": "tree", "path": f"{root}/lib", "files": {"a.py": "a\n", "b/c.py": "c\n"}, **file,
         "directory_mode": "0755", "compiled": False},
        {"kind": "absent", "path": f"{root}/old", **file},
    ]  # fmt: skip


@pytest.fixture
def have(run_module: Run, tmp_path: Path) -> Have:
    def run(*items: Item, check: bool = False) -> dict[str, Any]:
        return run_module(
            files, check=check, items=list(items), reason="a test", backup=str(tmp_path / "backup")
        )

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "root"
    place.mkdir()
    (place / "old").mkdir()
    return place


def listing(root: Path) -> dict[str, tuple[int, str]]:
    """Each path's type and mode, and its text or where it leads."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        content = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(root))] = (mode, content)
    return found


def test_from_nothing_in_one_run_and_then_nothing_differs(have: Have, root: Path) -> None:
    items = items_in(root)
    before = listing(root)
    promised = have(*items, check=True)
    assert listing(root) == before
    made = have(*items)
    assert (made["changed"], made["moved"]) == (True, {})
    assert {path.removeprefix(f"{root}/") for path in made["paths"]} == {
        "etc", "etc/profile", "etc/secret", "etc/current", "etc/end", "lib", "lib/b", "lib/a.py",
        "lib/b/c.py", "old",
    }  # fmt: skip
    assert promised["paths"] == made["paths"]
    assert promised["diff"] == made["diff"]
    assert (root / "etc/profile").read_text() == "# rdna1\nexport A=1\n"
    assert stat.S_IMODE((root / "etc/secret").stat().st_mode) == 0o600
    assert (root / "etc/current").readlink() == Path("profile")
    assert not (root / "old").exists()
    settled = listing(root)
    again = have(*items)
    assert (again["changed"], again["paths"]) == (False, [])
    assert listing(root) == settled


def _replace_by_folder(path: Path) -> None:
    if not path.is_dir():
        path.unlink()
        path.mkdir()
        (path / "precious").write_text("x")


def _replace_by_link(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
        path.symlink_to("/nowhere")


BREAKS: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink() if path.is_symlink() or path.is_file() else None,
    "other text": lambda path: path.write_text("somebody's\n") if path.is_file() else None,
    "other line ends": lambda path: (
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n")) if path.is_file() else None
    ),
    "no text": lambda path: path.write_bytes(b"\xff") if path.is_file() else None,
    "another mode": lambda path: None if path.is_symlink() else path.chmod(0o700),
    "a folder": _replace_by_folder,
    "a link": _replace_by_link,
}
PLACES = ["etc", "etc/profile", "etc/secret", "etc/current", "etc/end", "lib", "lib/a.py", "lib/b"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(broken=st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(sorted(BREAKS))), max_size=4))
def test_whatever_was_done_to_them_one_run_mends_all(
    have: Have, tmp_path_factory: pytest.TempPathFactory, broken: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("root")
    items = items_in(root)
    have(*items)
    wanted = listing(root)
    for place, how in broken:
        if os.path.lexists(root / place):
            BREAKS[how](root / place)
    have(*items)
    found = {path: seen for path, seen in listing(root).items() if "before-rdna1" not in path}
    assert found == wanted
    assert not have(*items)["changed"]


def test_a_key_that_something_else_wrote_keeps_its_bytes(have: Have, root: Path) -> None:
    key = root / "key"
    key.write_bytes(b"\xff\x00")
    key.chmod(0o600)
    assert have({"kind": "data", "path": str(key), "mode": "0644", **ME})["paths"] == [str(key)]
    assert (key.read_bytes(), stat.S_IMODE(key.stat().st_mode)) == (b"\xff\x00", 0o644)


def test_a_folder_on_somebody_s_larger_disk_stays_a_link(have: Have, root: Path) -> None:
    (root / "disk").mkdir(mode=0o700)
    (root / "opt").symlink_to("disk")
    assert not have({"kind": "directory", "path": f"{root}/opt", "mode": "0755", **ME})["changed"]
    assert stat.S_IMODE((root / "disk").stat().st_mode) == 0o700


def test_a_way_over_other_links_is_a_way(have: Have, root: Path) -> None:
    for name in ("rocm-5.2.0", "alternatives"):
        (root / name).mkdir()
    (root / "alternatives/rocm").symlink_to(root / "rocm-5.2.0")
    (root / "rocm").symlink_to(root / "alternatives/rocm")
    item = {"kind": "link", "path": f"{root}/rocm", "leads_to": f"{root}/rocm-5.2.0", "mode": "0644", **ME}
    assert not have(item)["changed"]
    (root / "alternatives/rocm").unlink()
    assert have(item)["changed"]
    assert (root / "rocm").resolve() == root / "rocm-5.2.0"


def test_what_only_its_owner_may_read_is_in_no_diff(have: Have, root: Path) -> None:
    secret = {"kind": "file", "path": f"{root}/secret", "text": "rdna1 token", "mode": "0600", **ME}
    assert "token" not in str(have(secret)["diff"])
    Path(secret["path"]).write_text("rdna1 older token")
    assert "token" not in str(have(secret)["diff"])


def test_nor_is_what_is_taken_away(have: Have, root: Path) -> None:
    (root / "secret").write_text("rdna1 token")
    assert "token" not in str(have({"kind": "absent", "path": f"{root}/secret"}))


def test_texts_are_not_logged_on_the_host(have: Have, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr("syslog.syslog", lambda *words: logged.append(str(words)))
    monkeypatch.setattr("ansible.module_utils.basic.has_journal", False)
    have({"kind": "file", "path": f"{root}/secret", "text": "token", "mode": "0600", **ME})
    assert logged == []


def test_in_check_mode_an_account_may_be_yet_to_come(have: Have, root: Path) -> None:
    item = {
        "kind": "directory",
        "path": f"{root}/state",
        "mode": "0755",
        "owner": "nobody-yet",
        "group": "root",
    }
    (root / "state").mkdir()
    assert have(item, check=True)["changed"]
    said = have(item)
    assert said["msg"].startswith(f"{root}/state cannot be made as wanted: there is no user nobody-yet")
    assert said["msg"].endswith("create it first.")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    have: Have, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = root / "profile"
    file.write_text("# rdna1 old\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "chown", full)
    said = have({"kind": "file", "path": str(file), "text": "# rdna1 new\n", "mode": "0644", **ME})
    assert "No space left" in said["msg"]
    assert said["msg"].endswith("mend that, then run this again.")
    assert [path.name for path in root.iterdir() if path.name != "old"] == ["profile"]
    assert file.read_text() == "# rdna1 old\n"


def test_what_is_made_is_what_the_plan_wants_then(have: Have, root: Path) -> None:
    """What an item leaves to be understood, its mode above all, both understand alike."""
    (root / "key").touch()
    items: list[Item] = [
        {"kind": "directory", "path": f"{root}/etc", **ME},
        {"kind": "file", "path": f"{root}/etc/profile", "text": "# rdna1\n", **ME},
        {"kind": "link", "path": f"{root}/etc/current", "target": "profile"},
        {"kind": "link", "path": f"{root}/etc/end", "leads_to": f"{root}/etc/profile"},
        {"kind": "data", "path": f"{root}/key", **ME},
        {"kind": "absent", "path": f"{root}/old"},
    ]
    have(*map(action.completed, items))
    for item in items:
        kind = kinds.KINDS[item["kind"]]
        (seen,) = observation.answer_all([kind.ask(item)])["answers"]
        assert list(kind.judge(item, seen)) == []
