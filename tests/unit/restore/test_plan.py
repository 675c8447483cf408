"""What a rollback does, decided from what was there and what is there now."""

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import restore_plan

ABSENT = {"type": "absent", "from": "/etc/rdna1"}
FILE = {"type": "file", "sha256": "a", "mode": "0644", "uid": 0, "gid": 0}
OTHER = {**FILE, "sha256": "b"}
FOLDER = {"type": "directory", "mode": "0755", "uid": 0, "gid": 0}


def test_what_goes_goes_from_the_inside_and_what_comes_comes_from_the_outside() -> None:
    was = {"/etc/rdna1": ABSENT, "/etc/rdna1/a": ABSENT, "/x": FOLDER, "/x/f": FILE, "/same": FILE}
    now = {"/etc/rdna1": FOLDER, "/etc/rdna1/a": FILE, "/x": ABSENT, "/x/f": ABSENT, "/same": FILE}
    assert [path for path, _ in restore_plan.paths(was, now, [])] == [
        "/etc/rdna1/a", "/etc/rdna1", "/x", "/x/f",
    ]  # fmt: skip


def test_a_directory_in_which_something_stays_is_nothing_to_do() -> None:
    going: list[tuple[str, Mapping[str, Any]]] = [
        ("/opt/r/bin/a", ABSENT),
        ("/opt/r/bin", ABSENT),
        ("/opt/r", ABSENT),
        ("/opt/s", FOLDER),
    ]
    inside = {"/opt/r/bin": ["/opt/r/bin/a"], "/opt/r": ["/opt/r/bin", "/opt/r/venvs"]}
    found = restore_plan.can_go(going, lambda path: inside.get(path, []))
    assert [path for path, _ in found] == ["/opt/r/bin/a", "/opt/r/bin", "/opt/s"]
    inside["/opt/r"].pop()
    assert restore_plan.can_go(going, lambda path: inside.get(path, [])) == going


def test_what_is_new_in_a_tree_goes_and_beside_it_stays() -> None:
    was = {"/lib/v": FOLDER, "/lib/v/a": FILE}
    now = {"/lib/v": FOLDER, "/lib/v/a": OTHER, "/lib/v/new": FILE, "/lib/vv": FILE}
    found = restore_plan.paths(was, now, ["/lib/v"])
    assert [(path, state["type"]) for path, state in found] == [
        ("/lib/v/new", "absent"),
        ("/lib/v/a", "file"),
    ]


def planned(was: dict[str, str], now: dict[str, str], names: list[str] | None = None) -> Any:
    touched = {*was, *now} - {"theirs"}
    return restore_plan.packages(was, now, touched, names or [], ["*.50200-65"])


def test_packages_that_nobody_of_ours_touched_are_left_alone() -> None:
    assert planned({}, {"theirs": "1"}) == ([], [], [])
    assert planned({"theirs": "1"}, {"theirs": "2"}) == ([], [], [])


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ({}, {"rocm-core": "5.2.0.50200-65"}, ([], ["rocm-core"], [])),
        ({"rocm-core": "5.7.0.50700-1"}, {}, (["rocm-core=5.7.0.50700-1"], [], [])),
        ({"rocm-core": "5.7"}, {"rocm-core": "5.2.0.50200-65"}, (["rocm-core=5.7"], [], [])),
        # And forward again.
        ({"hsa": "1.5.0.50200-65"}, {"hsa": "1.11.0.50700-63"}, (["hsa=1.5.0.50200-65"], [], [])),
        # Brought up to date on the way: the older version may be one with a hole in it.
        ({"libc6": "2.41-1"}, {"libc6": "2.41-2"}, ([], [], ["libc6 2.41-2 (it was 2.41-1)"])),
    ],
)
def test_packages(was: dict[str, str], now: dict[str, str], expected: Any) -> None:
    assert planned(was, now) == expected


def test_another_version_comes_back_where_a_role_asked_for_this_one_by_name() -> None:
    assert planned({"libtinfo5": "1"}, {"libtinfo5": "2"}, ["libtinfo5"]).install == ["libtinfo5=1"]


def test_holds_come_back_for_what_was_touched_only() -> None:
    now = {"rocm-core": "1", "hip": "1", "theirs": "1"}
    assert restore_plan.selections(["rocm-core"], ["hip", "theirs"], now, ["rocm-core", "hip", "gone"]) == {
        "rocm-core": "hold", "hip": "install",
    }  # fmt: skip


def account(**more: Any) -> dict[str, Any]:
    return {
        "uid": 998, "gid": 997, "group": "rdna1-verify", "home": "/var/lib/x", "shell": "/usr/sbin/nologin",
        "comment": "Runs it", "groups": ["video"], "made": True, **more,
    }  # fmt: skip


NOBODY: dict[str, Any] = {"uid": None, "groups": []}


def test_an_account_that_was_made_goes_and_with_it_its_groups() -> None:
    commands = restore_plan.accounts(
        {"render": {"gid": None}, "video": {"gid": 44}},
        {"rdna1-verify": {**NOBODY, "made": True}},
        {"render": {"gid": 105}, "video": {"gid": 44}},
        {"rdna1-verify": account()},
    )
    assert commands == [["userdel", "rdna1-verify"], ["groupdel", "render"]]


def test_somebody_leaves_only_the_groups_that_the_chain_let_him_into() -> None:
    commands = restore_plan.accounts(
        {"render": {"gid": 105}, "video": {"gid": 44}},
        {"ada": account(uid=1000, groups=["video"], made=False)},
        {"render": {"gid": 105}, "video": {"gid": 44}},
        {"ada": account(uid=1000, groups=["docker", "render", "video"])},
    )
    assert commands == [["gpasswd", "--delete", "ada", "render"]]


def test_an_account_of_others_is_never_deleted() -> None:
    commands = restore_plan.accounts({}, {"ada": {**NOBODY, "made": False}}, {}, {"ada": account()})
    assert ["userdel", "ada"] not in commands


def test_rolled_forward_an_account_has_its_numbers_again() -> None:
    commands = restore_plan.accounts(
        {"video": {"gid": 44}},
        {"rdna1-verify": account()},
        {"video": {"gid": 44}, "rdna1-verify": {"gid": None}},
        {"rdna1-verify": NOBODY},
    )
    assert commands[0] == ["groupadd", "--system", "--gid", "997", "rdna1-verify"]
    assert commands[1][:1] + commands[1][-1:] == ["useradd", "rdna1-verify"]
    assert commands[1][4:6] == ["--uid", "998"]
    assert commands[2] == ["gpasswd", "--add", "rdna1-verify", "video"]
