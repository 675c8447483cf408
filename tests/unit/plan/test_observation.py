"""What the observing module sees, on trees made for it; and that it starts nothing."""

import grp
import json
import os
import pwd
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.rdna1.provision.plugins.module_utils import observation, venv_state
from ansible_collections.rdna1.provision.plugins.modules import observe

STATUS = """\
Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.22

Package: rocm-core
Status: hold ok installed
Architecture: amd64
Version: 5.2.0.50200-65

Package: hip-dev
Status: install ok installed
Architecture: amd64
Version: 5.2.0.50200-65
Pre-Depends: dpkg (>= 1.20), never | virtual
Depends: rocm-core, hsa-rocr (>= 1.3), rocm-smi (= 2), comgr (<< 9) | none, llvm (>= 1),
 dpkg:any (>> 1.21~), hip-old, hip-rocclr (>= 4)

Package: rocm-smi
Status: install ok installed
Architecture: amd64
Version: 1
Provides: virtual, llvm, hip-rocclr (= 5.2)

Package: comgr
Status: install ok installed
Architecture: amd64
Version: 9.1

Package: hip-old
Status: install ok unpacked
Architecture: amd64
Version: 5.7.0.50700-63~22.04

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


@pytest.fixture
def host(tmp_path: Path) -> observation.Host:
    (tmp_path / "dpkg/info").mkdir(parents=True)
    (tmp_path / "dpkg/status").write_text(STATUS)
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    return observation.Host(tmp_path / "etc", tmp_path / "dpkg")


def ask(host: observation.Host, kind: str, **arguments: Any) -> Any:
    answer = host.answer({"kind": kind, **arguments})
    json.dumps(answer)  # it travels as JSON
    return answer


def test_a_file(host: observation.Host, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("text\n")
    place.chmod(0o4755)
    found = ask(host, "path", path=str(place))
    me = os.getuid()
    assert (found["type"], found["mode"], found["text"]) == ("file", "4755", "text\n")
    assert (found["owner"], found["group"]) == (pwd.getpwuid(me).pw_name, grp.getgrgid(os.getgid()).gr_name)
    place.write_bytes(b"\xff" * (observation.TEXT_LIMIT + 1))
    assert ask(host, "path", path=str(place))["text"] is None
    place.write_bytes(b"\xff")
    assert ask(host, "path", path=str(place))["text"] == "\N{REPLACEMENT CHARACTER}"


def test_what_is_no_file(host: observation.Host, tmp_path: Path) -> None:
    assert ask(host, "path", path=str(tmp_path / "nothing")) is None
    assert ask(host, "path", path=str(tmp_path / "dpkg/status/under-a-file")) is None
    assert ask(host, "path", path=str(tmp_path))["type"] == "directory"
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    assert ask(host, "path", path=str(tmp_path / "pipe"))["type"] == "special file"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
        assert ask(host, "path", path=str(tmp_path / "socket"))["type"] == "special file"


def test_links_are_themselves(host: observation.Host, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "second").symlink_to("folder")
    (tmp_path / "first").symlink_to("second")
    found = ask(host, "path", path=str(tmp_path / "first"))
    assert (found["type"], found["target"], found["leads_to"], found["leads_to_directory"]) == (
        "link", "second", str(tmp_path / "folder"), True,
    )  # fmt: skip
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("/nowhere")
    for name in ("loop", "dangling"):
        assert ask(host, "path", path=str(tmp_path / name))["leads_to_directory"] is False


def test_an_owner_without_a_name_is_a_number(host: observation.Host, tmp_path: Path) -> None:
    if os.getuid():
        pytest.fail("these tests run as root: nobody else can give a file away")
    os.chown(tmp_path / "dpkg", 54321, 54322)
    found = ask(host, "path", path=str(tmp_path / "dpkg"))
    assert (found["owner"], found["group"]) == ("54321", "54322")


def test_a_tree(host: observation.Host, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "a").mkdir(parents=True)
    (root / "a/x").write_text("x")
    (root / "a/x").chmod(0o600)
    (root / "link").symlink_to("a")
    os.mkfifo(root / "pipe")
    found = ask(host, "tree", path=str(root))
    assert sorted(found) == [".", "a", "a/x", "link", "pipe"]
    mine = {"owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}
    assert all(mine.items() <= entry.items() for entry in found.values())
    assert (found["a/x"]["mode"], found["link"]["type"], found["pipe"]["type"]) == (
        "0600",
        "link",
        "special file",
    )
    for place in (root / "a/x", root / "link", root / "none"):
        assert ask(host, "tree", path=str(place)) is None


def test_packages(host: observation.Host, tmp_path: Path) -> None:
    found = ask(host, "packages", names=["rocm-core", "gone", "never"])
    assert found == {"rocm-core": {"version": "5.2.0.50200-65", "state": "installed", "held": True}}
    (tmp_path / "dpkg/info/hip-dev.list").write_text(f"/.\n{tmp_path}/rocm/bin/hipcc\n")
    build = ask(host, "build", version="*.50200-65", under=f"{tmp_path}/rocm")
    assert build == {
        "release": "5.2.0.50200-65",
        "packages": ["hip-dev", "rocm-core"],
        "loose": ["hip-dev"],
        "damaged": {"hip-dev": f"{tmp_path}/rocm/bin/hipcc"},
        "edited": {},
        "unmet": {
            "comgr | none": "hip-dev",
            "hsa-rocr": "hip-dev",
            "hip-old": "hip-dev",
            "llvm": "hip-dev",
            "rocm-smi=2": "hip-dev",
        },
    }
    left = ask(
        host, "leftovers", build="*.50200-65", vendor_names=["hip*"], vendor_versions=[r"\.5\d{4}-"], names=[]
    )
    assert left == {"hip-old": "5.7.0.50700-63~22.04"}
    assert ask(host, "system")["interrupted"] == ["hip-old is unpacked"]


def test_stand_ins(host: observation.Host, tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("/nowhere")
    links = [str(tmp_path / "dangling"), str(tmp_path / "none")]
    assert ask(host, "standins", names=["rocm-core"], links=links)["missing"] == [str(tmp_path / "none")]


def test_sources_pins_and_keys(host: observation.Host, tmp_path: Path) -> None:
    place = tmp_path / "etc/apt/sources.list.d/rocm.list"
    place.write_text(
        "deb https://repo.radeon.com/rocm/apt/5.7 jammy main\n# deb https://repo.radeon.com/x y z\n"
    )
    nothing: dict[str, list[str]] = {key: [] for key in ("files", "pins", "keys", "keep")}
    wanted = {**nothing, "source_uris": ["*://repo.radeon.com/*"], "source_suites": ["*"]}
    (found,) = ask(host, "retired", **wanted)
    assert found["path"] == str(place)
    assert ask(host, "retired", **{**wanted, "keep": [str(place)]}) == []
    assert ask(host, "signing_key", path=str(place)) is None
    assert ask(host, "signing_key", path=str(tmp_path / "none")) is None
    assert ask(host, "signing_key", path=str(tmp_path)) is None
    assert ask(host, "archives", codename="trixie", ignore=[]) == []


def test_accounts(host: observation.Host) -> None:
    assert ask(host, "group", name="root") == 0
    assert ask(host, "group", name="no-such-group") is None
    assert ask(host, "account", name="no-such-user") is None
    root = ask(host, "account", name="root")
    assert (root["home"], "root" in root["groups"]) == ("/root", True)


def test_records(host: observation.Host, tmp_path: Path) -> None:
    place = tmp_path / "record.json"
    for text, found in (('{"a": 1}', {"a": 1}), ("nonsense", None), ("", None), ("[]", [])):
        place.write_text(text)
        assert ask(host, "record", path=str(place)) == found
    place.write_bytes(b"\xff\xfe")
    assert ask(host, "record", path=str(place)) is None
    assert ask(host, "record", path=str(tmp_path)) is None


def test_matching(host: observation.Host, tmp_path: Path) -> None:
    (tmp_path / "x.service.d").mkdir()
    (tmp_path / "x.service.d/rdna1.conf").symlink_to("/nowhere")
    pattern = f"{tmp_path}/*.service.d/rdna1.conf"
    assert ask(host, "matching", pattern=pattern) == [f"{tmp_path}/x.service.d/rdna1.conf"]


def test_a_venv_that_is_none(host: observation.Host, tmp_path: Path) -> None:
    found = ask(host, "venv", root=str(tmp_path / "rdna1"), name="a" * 12, deep=False)
    assert (found["current"], found["venv"], found["pythons"]) == (None, None, {})
    layout = venv_state.Layout(tmp_path / "rdna1", "a" * 12)
    layout.venv.mkdir(parents=True)
    assert ask(host, "venv", root=str(layout.root), name=layout.name, deep=False)["venv"]["marker"] is None


def test_no_card(host: observation.Host, tmp_path: Path) -> None:
    found = ask(
        host, "card", sysfs=str(tmp_path), targets=["gfx1010"], boards={}, device=str(tmp_path / "kfd")
    )
    assert (found["cards"], found["simulated"], found["device"]) == ([], True, False)


def test_lines_of_users_start_files(
    host: observation.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that the role would take out, and no others; a file of somebody else's is not read."""
    for name in ("ada", "eve"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".bashrc").write_text("alias x=y\nexport HSA_X=1\necho $HSA_X; HSA_X=2 run\n")
    entries = [
        pwd.struct_passwd((name, "x", uid, os.getgid(), "", str(tmp_path / name), "/bin/sh"))
        for name, uid in (("ada", os.getuid()), ("eve", 65533))
    ]
    monkeypatch.setattr(pwd, "getpwall", lambda: entries)
    monkeypatch.setattr(os, "geteuid", lambda: 65533)  # nobody's rights are taken
    found = ask(host, "start_lines", users=["ada", "eve"], variables=["HSA_*"], library_paths=[])
    path = str(tmp_path / "ada/.bashrc")
    assert found == [{"user": "ada", "path": path, "number": 2, "text": "export HSA_X=1"}]


def refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("the observer started a process")


STARTS = [
    "fork",
    "forkpty",
    "posix_spawn",
    "posix_spawnp",
    "system",
    "popen",
    "execv",
    "execve",
    "execvp",
    "execvpe",
]


def test_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """All questions at once, with every way to start a program shut, through the module's own main."""
    for name in STARTS:
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    questions: dict[str, dict[str, Any]] = {
        "account": {"name": "root"},
        "archives": {"codename": "x", "ignore": []},
        "build": {"version": "*", "under": "/usr/share/doc/dpkg", "deep": True},
        "card": {"sysfs": "/sys", "targets": [], "boards": {}, "device": "/dev/kfd"},
        "donor": {"donor": "x", "own": "y", "listed": []},
        "group": {"name": "root"},
        "leftovers": {"build": "*", "vendor_names": ["*"], "vendor_versions": [""], "names": []},
        "matching": {"pattern": "/etc/*"},
        "packages": {"names": ["dpkg"]},
        "path": {"path": "/etc/passwd"},
        "record": {"path": "/etc/passwd"},
        "retired": {"files": [], "source_uris": [], "source_suites": [], "pins": [], "keys": [], "keep": []},
        "signing_key": {"path": "/etc/passwd"},
        "standins": {"names": [], "links": []},
        "start_lines": {"users": [], "variables": ["X"], "library_paths": ["/opt/x"]},
        "system": {},
        "tree": {"path": str(tmp_path)},
        "venv": {"root": str(tmp_path), "name": "a" * 12, "deep": True},
    }
    assert questions.keys() == observation.LOOKS.keys(), "a new question is asked here too"
    asked = [{"kind": kind, **arguments} for kind, arguments in questions.items()]
    with patch_module_args({"questions": asked}), pytest.raises(SystemExit):
        observe.main()
    said = json.loads(capsys.readouterr().out)
    assert (said["changed"], len(said["answers"])) == (False, len(asked))


def test_a_disk_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken: Callable[..., Any] = lambda *_, **__: (_ for _ in ()).throw(OSError(5, "Input/output error"))  # noqa: E731
    monkeypatch.setitem(observation.LOOKS, "group", broken)
    with patch_module_args({"questions": [{"kind": "group", "name": "x"}]}), pytest.raises(SystemExit):
        observe.main()
    said = json.loads(capsys.readouterr().out)
    assert said["failed"]
    assert "cannot be looked at (group: " in said["msg"]
    assert "Input/output error" in said["msg"]
