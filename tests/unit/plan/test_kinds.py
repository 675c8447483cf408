"""Each kind's judgement: what differs is named, with what was found, what is wanted, and why."""

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.plugin_utils import kinds, plan

Item = Mapping[str, Any]
PLAIN = {"type": "file", "mode": "0644", "owner": "root", "group": "root", "text": "a\nb\n"}
FOLDER = {"type": "directory", "mode": "0755", "owner": "root", "group": "root"}
LINK = {**FOLDER, "type": "link", "target": "to", "leads_to": "/end", "leads_to_directory": False}
FILE = {"kind": "file", "path": "/f", "text": "a\nb\n"}
DIRECTORY = {"kind": "directory", "path": "/d", "mode": "0755"}
DATA = {"kind": "data", "path": "/k", "mode": "0644"}
TREE = {"kind": "tree", "path": "/t", "files": {"a/x.py": "1"}}
ROOTS = {"owner": "root", "group": "root"}
GOOD_TREE = {
    ".": {"type": "directory", "mode": "0755", **ROOTS},
    "a": {"type": "directory", "mode": "0755", **ROOTS},
    "a/x.py": {"type": "file", "mode": "0644", **ROOTS, "sha256": "1"},
}
PACKAGES = {"kind": "packages", "specs": ["a=1", "b"]}
STANDINS = {
    "kind": "standins",
    "standins": {"python": {"description": "x", "links": {"/bin/python": "python3"}}},
}
(STANDIN,) = kinds.standins(STANDINS["standins"])  # type: ignore[arg-type]
WHOLE: dict[str, Any] = {"loose": [], "damaged": {}, "edited": {}, "unmet": {}}
KEY = {"kind": "signing_key", "path": "/k.gpg", "fingerprint": "AB" * 20}
RECORD = {"kind": "record", "path": "/r", "content": {"policy": "readme"}}
NOTED: dict[str, Any] = {"schema": "1", "host": "h", "state": {"torch": "1.13.1", "card": None}}
MANIFEST = {"kind": "manifest", "path": "/m", "content": NOTED}
DONOR = {"kind": "donor", "donor": "jammy", "own": "noble", "listed": ["libtinfo5"]}
STATELESS = {**MANIFEST, "content": {"schema": "1", "host": "h"}}
ACCOUNT = {"kind": "account", "name": "me", "groups": ["video"], "home": "/home/me", "shell": "/bin/sh"}
CARD = {"kind": "card", "targets": ["gfx1010"], "device": "/dev/kfd"}
NO_CARD = {"cards": [], "others": [], "unserved": [], "device": True}
VERDICT = {
    "kind": "verdict",
    "stack": "rocm52",
    "subject": {"lock": "l"},
    "suites": ["smoke"],
    "kernel": "6.1",
    "cards": ["731f"],
}
SYSTEM = {"kind": "system", "architecture": "x86_64"}
ME = {"home": "/home/me", "shell": "/bin/sh", "groups": ["me", "video"]}
X = GOOD_TREE["a/x.py"]
PASS = {
    "outcome": "pass",
    "expect": {"stack": "rocm52", "subject": {"lock": "l"}},
    "kernel": {"release": "6.1"},
    "device": {"cards": [{"device_id": "731f"}]},
    "suites": ["smoke"],
    "filtered": False,
}

COMPILED = {
    **GOOD_TREE,
    "a/__pycache__": {"type": "directory", "mode": "0755", **ROOTS},
    "a/__pycache__/x.cpython-310.pyc": {"type": "file", "mode": "0644", **ROOTS, "sha256": "2"},
}

GOOD: list[tuple[Item, Any]] = [
    (FILE, PLAIN),
    ({**TREE, "compiled": True}, COMPILED),
    (DATA, {**PLAIN, "text": None}),
    (DATA, None),
    (DIRECTORY, FOLDER),
    (DIRECTORY, {**LINK, "leads_to_directory": True}),
    ({"kind": "link", "path": "/l", "target": "to"}, LINK),
    ({"kind": "link", "path": "/l", "leads_to": "/end"}, {**LINK, "target": "/etc/alternatives/x"}),
    ({"kind": "absent", "path": "/a"}, None),
    (TREE, GOOD_TREE),
    (PACKAGES, {"a": {"version": "1", "state": "installed"}, "b": {"version": "7", "state": "installed"}}),
    (STANDINS, {"packages": {"python": {"version": STANDIN.version, "state": "installed"}}, "missing": []}),
    (STANDINS, {"packages": {"python": {"version": "9", "state": "installed"}}, "missing": ["/bin/python"]}),
    ({"kind": "build"}, WHOLE),
    ({"kind": "leftovers"}, {}),
    ({"kind": "retired"}, []),
    ({"kind": "archives", "needed": False, "codename": "x"}, []),
    (KEY, [{"fingerprint": "AB" * 20, "revoked": False, "expired": False}]),
    ({"kind": "group", "name": "render"}, 0),
    (ACCOUNT, ME),
    (RECORD, {"policy": "readme"}),
    (DONOR, {}),
    ({"kind": "start_lines"}, []),
    (MANIFEST, NOTED),
    (STATELESS, {**NOTED, "state": {"torch": "1.12"}}),
    ({"kind": "matching", "wanted": ["/x"], "reason": "why"}, ["/x"]),
    (CARD, {**NO_CARD, "cards": [{"board": "b"}]}),
    (SYSTEM, {"interrupted": [], "architecture": "x86_64"}),
    (VERDICT, PASS),
    ({**VERDICT, "cards": None}, {**PASS, "device": None}),
]

# item, answer, the item named, and what its reason must hold
BAD: list[tuple[Item, Any, str, str]] = [
    (FILE, None, "/f", "it is missing"),
    (FILE, FOLDER, "/f", "it is a directory, a file is wanted"),
    (FILE, {**FOLDER, "type": "special file"}, "/f", "it is a special file"),
    (FILE, LINK, "/f", "it is a link to to, a file is wanted"),
    (FILE, {**PLAIN, "text": "a\nc\n"}, "/f", "line 2 is 'c', 'b' wanted"),
    (FILE, {**PLAIN, "text": "a\n"}, "/f", "line 2 is missing, 'b' wanted"),
    (FILE, {**PLAIN, "text": "a\nb\nc\n"}, "/f", "line 3 is 'c', nothing wanted there"),
    (FILE, {**PLAIN, "text": "a\nb"}, "/f", "another line break"),
    (FILE, {**PLAIN, "text": None}, "/f", "larger than anything"),
    (FILE, {**PLAIN, "mode": "0600"}, "/f", "mode 0600, 0644 wanted"),
    (FILE, {**PLAIN, "owner": "nobody"}, "/f", "owner nobody, root wanted"),
    (FILE, {**PLAIN, "group": "nogroup"}, "/f", "group nogroup, root wanted"),
    ({**FILE, "mode": "0755"}, PLAIN, "/f", "mode 0644, 0755 wanted"),
    (DATA, {**PLAIN, "mode": "0600"}, "/k", "mode 0600, 0644 wanted"),
    (DATA, FOLDER, "/k", "it is a directory"),
    (DIRECTORY, None, "/d", "it is missing"),
    (DIRECTORY, PLAIN, "/d", "it is a file, a directory is wanted"),
    (DIRECTORY, LINK, "/d", "it is a link to to, a directory is wanted"),
    (DIRECTORY, {**FOLDER, "mode": "0700"}, "/d", "mode 0700"),
    ({**DIRECTORY, "owner": "me"}, FOLDER, "/d", "owner root, me wanted"),
    ({"kind": "link", "path": "/l", "target": "to"}, None, "/l", "it is missing"),
    ({"kind": "link", "path": "/l", "target": "x"}, LINK, "/l", "a link to to, not to x"),
    ({"kind": "link", "path": "/l", "leads_to": "/x"}, LINK, "/l", "a link to /end, not to /x"),
    ({"kind": "link", "path": "/l", "target": "to"}, PLAIN, "/l", "it is a file, a link to to is wanted"),
    ({"kind": "absent", "path": "/a"}, LINK, "/a", "it must not be there"),
    ({"kind": "absent", "path": "/a", "reason": "because"}, PLAIN, "/a", "because"),
    (TREE, None, "/t", "it is missing"),
    (TREE, {**GOOD_TREE, "b": {"type": "file"}}, "/t/b", "nobody wants it there"),
    (TREE, {k: v for k, v in GOOD_TREE.items() if k != "a/x.py"}, "/t/a/x.py", "it is missing"),
    (TREE, {**GOOD_TREE, "a/x.py": {**X, "sha256": "2"}}, "/t/a/x.py", "content is another"),
    (TREE, {**GOOD_TREE, "a": {"type": "link", "mode": "0777"}}, "/t/a", "type link, directory wanted"),
    (TREE, {**GOOD_TREE, ".": {"type": "directory", "mode": "0700"}}, "/t", "mode 0700, 0755 wanted"),
    (TREE, {**GOOD_TREE, "a/x.py": {**X, "owner": "nobody"}}, "/t/a/x.py", "owner nobody, root wanted"),
    (TREE, {**GOOD_TREE, "a": {**GOOD_TREE["a"], "group": "video"}}, "/t/a", "group video, root wanted"),
    (PACKAGES, {"b": {"version": "7", "state": "installed"}}, "package a", "it is missing, 1 wanted"),
    (PACKAGES, {"a": {"version": "0.9", "state": "installed"}}, "package a", "0.9 found, 1 wanted"),
    (PACKAGES, {"a": {"version": "1", "state": "half-configured"}}, "package a", "it is half-configured"),
    (PACKAGES, {}, "package b", "it is missing, installed wanted"),
    (STANDINS, {"packages": {}, "missing": []}, "package python", "it is missing"),
    (STANDINS, {"packages": {"python": {"version": STANDIN.version, "state": "installed"}},
                "missing": ["/bin/python"]}, "/bin/python", "the stand-in python brought it, and it is gone"),
    ({"kind": "build"}, {**WHOLE, "loose": ["rocm-core"]}, "package rocm-core", "upgraded"),
    ({"kind": "build"}, {**WHOLE, "unmet": {"a": "b"}}, "package a", "b needs it, installed"),
    ({"kind": "build"}, {**WHOLE, "unmet": {"a=1": "b"}}, "package a", "b needs it, 1"),
    ({"kind": "build"}, {**WHOLE, "unmet": {"a=1 | c": "b"}}, "package a=1 | c", "b needs it"),
    ({"kind": "build"}, {**WHOLE, "damaged": {"x": "/opt/y"}}, "package x", "its file /opt/y is gone"),
    ({"kind": "build"}, {**WHOLE, "edited": {"x": "/opt/y"}}, "package x", "/opt/y is not as it was packed"),
    ({"kind": "leftovers"}, {"hip": "5.7"}, "package hip", "5.7 is of another build, and in the way"),
    ({"kind": "retired"}, [{"path": "/s.list", "entries": ["a b"]}], "/s.list", "role's own (a b)"),
    ({"kind": "archives", "needed": True, "codename": "x"}, [], "archive of x", "no source in /etc/apt"),
    (KEY, None, "/k.gpg", "no key that can be read"),
    (KEY, [], "/k.gpg", "no key that can be read"),
    (KEY, [{"fingerprint": "CD", "revoked": False, "expired": False}], "/k.gpg", "it holds CD"),
    (KEY, [{"fingerprint": "AB" * 20, "revoked": True, "expired": False}], "/k.gpg", "the key is revoked"),
    (KEY, [{"fingerprint": "AB" * 20, "revoked": False, "expired": True}], "/k.gpg", "the key is expired"),
    ({"kind": "group", "name": "render"}, None, "group render", "it is missing"),
    (ACCOUNT, None, "user me", "the account is missing"),
    (ACCOUNT, {**ME, "groups": ["me"]}, "user me", "not in the group video"),
    (ACCOUNT, {**ME, "home": "/x"}, "user me", "home /x, /home/me wanted"),
    (ACCOUNT, {**ME, "shell": "/x"}, "user me", "shell /x, /bin/sh wanted"),
    (RECORD, None, "/r", "nothing is recorded"),
    (RECORD, [], "/r", "it holds something else"),
    (RECORD, {"policy": "x"}, "/r", "policy is x, readme wanted"),
    (RECORD, {}, "/r", "policy is nothing, readme wanted"),
    (RECORD, {"policy": "readme", "more": 1}, "/r", "more is 1"),
    ({"kind": "matching", "wanted": [], "reason": "why"}, ["/x"], "/x", "why"),
    (DONOR, {"hello": {"version": "1", "wanted": "2"}}, "package hello",
     "1 is of jammy and not listed, noble has 2"),
    (DONOR, {"libtinfo5": {"version": "9", "wanted": "6"}}, "package libtinfo5",
     "9 is beyond what jammy has, 6 wanted"),
    ({"kind": "start_lines"}, [{"user": "ada", "path": "/h/.bashrc", "number": 7, "text": "export X=1"}],
     "/h/.bashrc", "line 7, 'export X=1', wins over the role in ada's shells"),
    (MANIFEST, None, "/m", "nothing is recorded"),
    (MANIFEST, [], "/m", "it holds something else"),
    (MANIFEST, {**NOTED, "host": "other"}, "/m", "host is other, h wanted"),
    (MANIFEST, {**NOTED, "more": 1}, "/m", "more is 1, nothing wanted"),
    (MANIFEST, {**NOTED, "state": {"torch": "1.12", "card": None}}, "/m", "torch is 1.12, 1.13.1 wanted"),
    (STATELESS, {**NOTED, "schema": "0"}, "/m", "schema is 0, 1 wanted"),
    (CARD, NO_CARD, "card", "sysfs shows no AMD compute device"),
    (CARD, {**NO_CARD, "others": [{"gfx": "gfx1030"}]}, "card", "sysfs shows gfx1030"),
    (CARD, {**NO_CARD, "unserved": [{"board": "b"}]}, "card", "the compute driver did not take it"),
    (CARD, {**NO_CARD, "cards": [{}], "device": False}, "/dev/kfd", "device is missing"),
    (SYSTEM, {"interrupted": ["a is unpacked"], "cure": "x", "architecture": "x86_64"},
     "dpkg", "dpkg was interrupted (a is unpacked); run x"),
    (SYSTEM, {"interrupted": [], "architecture": "aarch64"},
     "architecture", "nothing here is built for it"),
    (VERDICT, None, "verdict", "there is no verdict"),
    (VERDICT, {**PASS, "outcome": "hang"}, "verdict", "the last verdict is hang"),
    (VERDICT, {}, "verdict", "the last verdict is unknown"),
    (VERDICT, {**PASS, "kernel": {"release": "5"}}, "verdict", "it is about kernel 5, not 6.1"),
    (VERDICT, {**PASS, "kernel": None}, "verdict", "it is about kernel nothing, not 6.1"),
    (VERDICT, {**PASS, "expect": None}, "verdict", "it is about stack"),
    (VERDICT, {**PASS, "expect": {"stack": "rocm52"}}, "verdict", "it is about lock"),
    (VERDICT, {**PASS, "device": {}}, "verdict", "it is about card"),
    (VERDICT, {**PASS, "suites": []}, "verdict", "it left out smoke"),
    (VERDICT, {**PASS, "filtered": True}, "verdict", "it left out cases"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "seen"), GOOD, ids=lambda value: str(value)[:40])
def test_what_is_as_wanted_is_no_difference(item: Item, seen: Any) -> None:
    assert list(kinds.KINDS[item["kind"]].judge(item, seen)) == []


@pytest.mark.parametrize(("item", "seen", "named", "reason"), BAD, ids=lambda value: str(value)[:40])
def test_what_differs_is_named_with_its_reason(item: Item, seen: Any, named: str, reason: str) -> None:
    found = list(kinds.KINDS[item["kind"]].judge(item, seen))
    assert [difference for difference in found if difference.item == named and reason in difference.reason]
    for difference in found:
        assert all(isinstance(field, str) and field and "None" not in field for field in difference)


def test_every_kind_was_judged_both_ways() -> None:
    """The venv has tests of its own, on real ones."""
    assert {item["kind"] for item, _ in GOOD} | {"venv", "venv_beside"} == kinds.KINDS.keys()
    assert {item["kind"] for item, *_ in BAD} | {"venv", "venv_beside"} == kinds.KINDS.keys()


def test_a_list_is_expanded() -> None:
    items = [
        {"kind": "absent", "path": "/1", "when": True},
        {"kind": "absent", "path": "/no", "when": False},
        [[{"kind": "groups", "names": ["a", "b"]}], {"kind": "files", "paths": ["/2"], "template": "t"}],
        {"kind": "members", "names": ["me"], "groups": ["a"], "shell": "/x"},
        {"kind": "members", "names": [], "groups": ["a"]},
    ]
    assert list(kinds.expand(items)) == [
        {"kind": "absent", "path": "/1"},
        {"kind": "group", "name": "a"},
        {"kind": "group", "name": "b"},
        {"kind": "file", "path": "/2", "template": "t", "mode": "0644"},
        {"kind": "account", "name": "me", "groups": ["a"], "shell": "/x"},
    ]


def test_an_unknown_kind_is_no_silence() -> None:
    with pytest.raises(KeyError, match="fil"):
        list(kinds.expand([{"kind": "fil", "path": "/x"}]))


@pytest.mark.parametrize(
    ("differing", "full", "run"),
    [
        ([], False, []),
        ([], True, ["rocm", "pytorch_venv", "conv2d_verify"]),
        (["rocm"], False, ["rocm", "conv2d_verify"]),
        (["conv2d_verify"], False, ["conv2d_verify"]),
        (["pytorch_venv", "rocm"], False, ["rocm", "pytorch_venv", "conv2d_verify"]),
        (["host_check"], False, []),
        (["host_check", "rocm"], False, ["rocm", "conv2d_verify"]),
        (["chain"], False, []),
        (["chain", "rocm"], False, ["rocm", "conv2d_verify"]),
    ],
)
def test_the_roles_that_differ_run_in_order_and_are_verified(
    differing: list[str], full: bool, run: list[str]
) -> None:
    found = [{"role": role} for role in differing]
    assert plan.roles_to_run(found, ["rocm", "pytorch_venv", "conv2d_verify"], full=full) == run


def test_differences_keep_their_roles_and_need_an_answer_each() -> None:
    desired = [("a", {"kind": "group", "name": "x"}), ("b", {"kind": "group", "name": "x"})]
    assert [(d["role"], d["item"]) for d in plan.differences(desired, [None, 1])] == [("a", "group x")]
    with pytest.raises(ValueError, match="shorter"):
        plan.differences(desired, [None])


def test_a_manifest_says_what_the_host_is_and_not_whether_a_reboot_is_due() -> None:
    noted = plan.manifest("h", ["rocm"], {"torch": "1", "reboot_needed": True})
    assert noted == {"schema": "rdna1.manifest/1", "host": "h", "roles": ["rocm"], "state": {"torch": "1"}}
    (_, whole), (_, access) = plan.chain_items(noted)
    (_, part), _ = plan.chain_items(noted, state=False)
    assert whole["content"] == noted
    assert part["content"] == {name: value for name, value in noted.items() if name != "state"}
    assert access == {"kind": "data", "path": "/var/lib/rdna1/manifest.json", "mode": "0644"}


def test_a_verdict_is_current_only_for_exactly_this_state() -> None:
    assert plan.verdict(VERDICT, None) is None
    for seen, current in ((PASS, True), ({**PASS, "outcome": "fail"}, True), ({**PASS, "kernel": {}}, False)):
        found = plan.verdict(VERDICT, seen)
        assert found is not None
        assert (found["verdict"], found["current"]) == (seen["outcome"], current)
