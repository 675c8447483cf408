"""Wheels that are fetched while apt is at work: used where all of them came, and never a reason to fail."""

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rdna1.provision.plugins.module_utils import (
    venv_build,
    venv_lock,
    venv_state,
    venv_store,
    venv_wheels,
)
from ansible_collections.rdna1.provision.plugins.modules import venv_wheels as module

Fetch = Callable[..., dict[str, Any]]
Provision = Callable[..., dict[str, Any]]
RunModule = Callable[..., dict[str, Any]]

# Python, but for the pip of a venv: that does what the files beside it say. It makes no venv without pip.
FAKE = f"""#!{sys.executable}
import os, pathlib, shutil, sys, time
here = pathlib.Path(__file__).parent
if "--without-pip" in sys.argv:
    sys.exit("not here")
if sys.argv[2:4] == ["-m", "venv"]:
    python = pathlib.Path(sys.argv[4], "bin/python")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\\nexec {{__file__}} "$@"\\n')
    python.chmod(0o755)
    sys.exit()
if sys.argv[2:4] != ["-m", "pip"]:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
with open(here / "calls", "a") as calls:
    print(*sys.argv[1:], file=calls)
(pathlib.Path(os.environ["TMPDIR"]) / "half").write_bytes(b"x" * 100000)
while not (here / "go").exists():
    time.sleep(0.02)
if (here / "fails").exists():
    print((here / "fails").read_text())
    sys.exit(1)
for wheel in (here / "wheels").iterdir():
    shutil.copy(wheel, sys.argv[sys.argv.index("--dest") + 1])
"""


@pytest.fixture
def fake(tmp_path: Path, wheels: Path, lock: str) -> Path:
    """Give an interpreter whose pip waits for a file `go` beside it; it fails with what `fails` says."""
    assert lock
    folder = tmp_path / "fake"
    folder.mkdir()
    shutil.copytree(wheels, folder / "wheels")
    (folder / "python").write_text(FAKE)
    (folder / "python").chmod(0o755)
    return folder


@pytest.fixture
def layout(root: Path, lock: str) -> venv_state.Layout:
    return venv_state.Layout(root, venv_lock.identity(lock)[:12])


@pytest.fixture
def fetch(run_module: RunModule, root: Path, fake: Path, lock: str) -> Fetch:
    """Begin to fetch, from an index that is not there: the fake pip has its own wheels."""

    def run(**more: Any) -> dict[str, Any]:
        parameters = {
            "root": str(root), "lock": lock, "interpreter": str(fake / "python"), "free_gib": 0,
            "index_url": "http://user:secret@index.invalid/simple",
        }  # fmt: skip
        return run_module(module.main, **{**parameters, **more})

    return run


@pytest.fixture
def build(provision: Provision, lock: str) -> Provision:
    """Build the venv with nothing but what was fetched ahead, or from what is given."""

    def run(**more: Any) -> dict[str, Any]:
        index = "http://user:secret@index.invalid/simple"
        parameters = {"offline": False, "find_links": [], "index_url": index}
        return provision(lock, **{**parameters, **more})

    return run


def ended(layout: venv_state.Layout) -> None:
    """Wait for a fetch's process, as who builds does."""
    descriptor = os.open(layout.wheels, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.close(descriptor)


def called(fake: Path, times: int = 1) -> None:
    for _ in range(500):
        if (fake / "calls").exists() and len((fake / "calls").read_text().splitlines()) == times:
            return
        time.sleep(0.02)
    pytest.fail("pip was not called so often")


def test_the_venv_is_built_from_what_came_meanwhile(
    fetch: Fetch, build: Provision, fake: Path, layout: venv_state.Layout
) -> None:
    begun = fetch()
    assert (begun["begun"], begun["changed"], begun["reason"]) == (True, False, "")
    called(fake)
    assert "download --no-deps --require-hashes" in (fake / "calls").read_text()
    assert "secret" not in (fake / "calls").read_text(), "ps would show it"
    assert layout.wheels.stat().st_mode & 0o777 == 0o700
    assert not (layout.wheels / layout.name).exists(), "half of it looks like all of it"
    (fake / "go").touch()
    built = build()
    assert built["changed"] is True, built
    assert built["ahead"].startswith("all wheels were fetched ahead, in ")
    assert built["imported"] == {"torch": "1.13.1", "numpy": "1.26.4"}
    assert not layout.tmp.exists()
    assert build()["changed"] is False
    again = fetch(interpreter=sys.executable)
    assert (again["begun"], again["reason"]) == (False, "the venv is there")
    assert not layout.tmp.exists()


@pytest.fixture
def index(tmp_path: Path, wheels: Path, lock: str) -> Path:
    """Give an index that real pip can ask."""
    assert lock
    folder = tmp_path / "index"
    for wheel in wheels.iterdir():
        page = folder / wheel.name.split("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a") as file:
            file.write(f'<a href="{wheel.as_uri()}">{wheel.name}</a>\n')
    return folder


def forbidden(*_: Any) -> None:
    pytest.fail("it was installed ahead")


def test_real_pip_fetches_from_an_index_once_and_installs(
    fetch: Fetch, build: Provision, index: Path, layout: venv_state.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(interpreter=sys.executable, index_url=index.as_uri())
    ended(layout)
    assert {path.name.split("-")[0] for path in (layout.wheels / layout.name).iterdir()} == {"torch", "numpy"}
    shutil.rmtree(index)
    assert f"{layout.venv} was left half-built" in build(check=True)["reasons"], "it has no marker"
    monkeypatch.setattr(venv_build, "install", forbidden)
    built = build()
    assert built["changed"] is True, built
    assert built["ahead"].startswith("all wheels were fetched and installed ahead, in ")
    assert built["imported"] == {"torch": "1.13.1", "numpy": "1.26.4"}
    assert not layout.tmp.exists()
    assert build(deep=True)["changed"] is False


@pytest.mark.parametrize("how", ["cut off", "by another interpreter"])
def test_half_of_a_venv_is_not_taken_over(
    fetch: Fetch, build: Provision, index: Path, layout: venv_state.Layout, how: str
) -> None:
    fetch(interpreter=sys.executable, index_url=index.as_uri())
    ended(layout)
    assert (layout.wheels / "installed").read_text() == sys.executable
    if how == "cut off":
        (layout.wheels / "installed").unlink()
    else:
        (layout.wheels / "installed").write_text("/usr/bin/another")
    (layout.venv / "half").touch()
    built = build()
    assert built["ahead"].startswith("all wheels were fetched ahead, in ")
    assert not (layout.venv / "half").exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("what", ["the venv that is current", "a link that leads nowhere yet"])
def test_nothing_is_installed_where_somebody_may_look(
    fetch: Fetch, provision: Provision, index: Path, lock: str, layout: venv_state.Layout, what: str
) -> None:
    provision(lock)
    if what == "the venv that is current":
        shutil.rmtree(next(layout.venv.glob("lib/python*/site-packages/torch")))
    else:
        shutil.rmtree(layout.venv)
    before = sorted(layout.venv.rglob("*"))
    assert fetch(interpreter=sys.executable, index_url=index.as_uri())["begun"] is True
    ended(layout)
    assert (layout.wheels / layout.name).is_dir()
    assert not (layout.wheels / "installed").exists()
    assert sorted(layout.venv.rglob("*")) == before
    venv_wheels.clear(layout)


@pytest.mark.usefixtures("quick")
def test_what_failed_ahead_is_fetched_by_who_builds(
    fetch: Fetch, build: Provision, fake: Path, layout: venv_state.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _, said: warned.append(said))
    (fake / "fails").write_text("ERROR: No matching distribution found for torch==1.13.1")
    (fake / "go").touch()
    fetch()
    built = build()
    assert built["changed"] is True
    assert built["ahead"].startswith("the wheels could not be fetched ahead: no index has torch==1.13.1")
    assert warned == [f"{built['ahead']}; they were fetched while the venv was built"]
    assert not layout.tmp.exists()


@pytest.mark.usefixtures("quick")
def test_a_fetch_that_failed_is_begun_again(fetch: Fetch, fake: Path, layout: venv_state.Layout) -> None:
    (fake / "go").touch()
    (fake / "fails").write_text("ERROR: x")
    fetch()
    ended(layout)
    (fake / "fails").unlink()
    fetch()
    ended(layout)
    called(fake, times=2)
    assert (layout.wheels / layout.name).is_dir()


def test_a_wheel_that_is_not_the_locked_one_any_more_is_fetched_anew(
    fetch: Fetch, build: Provision, fake: Path, layout: venv_state.Layout, wheels: Path
) -> None:
    (fake / "go").touch()
    fetch()
    ended(layout)
    torch = next((layout.wheels / layout.name).glob("torch-1.13.1*"))
    torch.write_bytes(torch.read_bytes()[:-7])
    built = build(offline=True, find_links=[str(wheels)])
    assert built["changed"] is True, built
    assert built["ahead"].startswith("what was fetched ahead is of no use: torch==1.13.1+rocm5.2 from file:")
    assert not layout.tmp.exists()


@pytest.mark.usefixtures("quick")
def test_what_a_killed_run_left_is_used(
    fetch: Fetch, build: Provision, fake: Path, layout: venv_state.Layout
) -> None:
    fetch()
    called(fake)
    (layout.tmp / "tmpabc").mkdir()  # of the run that was killed; the fetch goes on
    assert fetch()["begun"] is True
    (fake / "go").touch()
    ended(layout)
    assert fetch()["begun"] is True
    called(fake, times=1)
    assert build()["ahead"].startswith("all wheels were fetched ahead")
    assert not layout.tmp.exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("state", ["complete", "under way"])
def test_what_nobody_wants_any_more_is_named_and_removed(
    fetch: Fetch, provision: Provision, fake: Path, layout: venv_state.Layout, other_lock: str, state: str
) -> None:
    provision(other_lock)
    fetch()
    called(fake)
    if state == "complete":
        (fake / "go").touch()
        ended(layout)
    assert provision(other_lock, check=True)["reasons"] == ["an interrupted run left tmp/wheels"]
    assert provision(other_lock)["changed"] is True
    assert provision(other_lock, check=True)["reasons"] == []
    assert not layout.tmp.exists()
    assert venv_store.points_to(layout, layout.venvs / venv_lock.identity(other_lock)[:12])


@pytest.mark.usefixtures("quick")
def test_wheels_for_the_venv_to_build_are_no_leftover(
    fetch: Fetch, provision: Provision, lock: str, layout: venv_state.Layout
) -> None:
    fetch()
    said = provision(lock, check=True)["reasons"]
    assert f"there is no venv {layout.venv}" in said
    assert "left" not in str(said)
    venv_wheels.clear(layout)


def test_another_place_or_lock_ends_the_fetch_before(
    fetch: Fetch, fake: Path, layout: venv_state.Layout, other_lock: str
) -> None:
    fetch()
    called(fake)
    fetch(index_url="http://mirror.invalid/simple")
    called(fake, times=2)
    assert "mirror" in (layout.wheels / "requirements.txt").read_text()
    fetch(lock=other_lock)
    called(fake, times=3)
    (fake / "go").touch()
    ended(layout)
    complete = {path.name for path in layout.wheels.iterdir() if path.is_dir()} - {"tmp", "venv"}
    assert complete == {venv_lock.identity(other_lock)[:12]}


@pytest.mark.usefixtures("quick")
def test_a_fetch_whose_process_was_killed_keeps_nobody_waiting(
    fetch: Fetch, build: Provision, fake: Path, layout: venv_state.Layout
) -> None:
    fetch()
    called(fake)
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        words = _words(process)
        if str(layout.wheels) in words and venv_wheels.FETCH in words:
            os.kill(int(process.name), 9)
            killed += 1
    assert killed == 1
    began = time.monotonic()
    assert build()["ahead"] == "fetching the wheels ahead was cut off"
    assert time.monotonic() - began < 30
    assert not layout.tmp.exists()
    (fake / "go").touch()


def test_who_installs_is_waited_for_also_where_nobody_watches_it(
    fetch: Fetch, index: Path, layout: venv_state.Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the venv would be built anew while the first pip still writes into it."""
    begun, ready = tmp_path / "begun", tmp_path / "ready"
    touch = "pathlib.Path({!r}).touch()"
    steps = [touch.format(str(begun)), "time.sleep(3)", touch.format(str(ready))]
    slow = "; ".join(["import pathlib, time", *steps])
    monkeypatch.setattr(venv_build, "making", lambda *_: [])
    monkeypatch.setattr(venv_build, "installing", lambda *_: [sys.executable, "-c", slow])
    fetch(interpreter=sys.executable, index_url=index.as_uri())
    deadline = time.monotonic() + 60
    while not begun.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for process in Path("/proc").glob("[0-9]*"):
        if str(layout.wheels) in (words := _words(process)) and venv_wheels.FETCH in words:
            os.kill(int(process.name), 9)
    ended(layout)
    assert ready.exists()
    venv_wheels.clear(layout)


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_text().split("\0")
    except OSError:
        return []


def test_to_remove_it_ends_it(
    run_module: RunModule, fetch: Fetch, fake: Path, layout: venv_state.Layout, root: Path
) -> None:
    fetch()
    called(fake)
    assert run_module(module.main, root=str(root), state="absent", check=True)["changed"] is True
    assert layout.wheels.is_dir()
    assert run_module(module.main, root=str(root), state="absent")["changed"] is True
    assert not layout.tmp.exists()
    assert not [process for process in Path("/proc").glob("[0-9]*") if str(layout.wheels) in _words(process)]
    assert run_module(module.main, root=str(root), state="absent")["changed"] is False


@pytest.mark.usefixtures("quick")
def test_the_room_that_wheels_have_counts_as_free(
    fetch: Fetch, build: Provision, fake: Path, layout: venv_state.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fake / "go").touch()
    fetch()
    ended(layout)
    (layout.wheels / layout.name / "big").write_bytes(b"x" * (1 << 20))
    monkeypatch.setattr(venv_store, "free_gib", lambda _: 1.0)
    assert "make room there" in build(check=True, free_gib=1.01)["msg"]
    assert build(check=True, free_gib=1.0009)["changed"] is True
    layout.venv.mkdir(parents=True)
    (layout.venv / "half").write_bytes(b"x" * (1 << 20))
    assert build(check=True, free_gib=1.0018)["changed"] is True


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"free_gib": 1e6}, "too little space is free"),
        ({"interpreter": "/bin/false"}, "/bin/false does not run: exit code 1"),
        ({"interpreter": "/nowhere/python"}, "No such file or directory"),
        ({"lock": "torch==1"}, "torch needs --hash=sha256"),
        ({"index_url": "http://a b"}, "is no address, folder or host"),
        ({"check": True}, "only looked"),
    ],
)
def test_what_cannot_be_fetched_ahead_is_no_failure(
    fetch: Fetch, layout: venv_state.Layout, parameters: dict[str, Any], reason: str
) -> None:
    answer = fetch(**parameters)
    assert (answer["changed"], answer["begun"]) == (False, False)
    assert reason in answer["reason"]
    assert not layout.tmp.exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["a file", "a symlink", "an empty folder", "nonsense in it"])
def test_whatever_lies_in_its_place_is_in_nobody_s_way(
    fetch: Fetch, build: Provision, fake: Path, layout: venv_state.Layout, tmp_path: Path, how: str
) -> None:
    mine = tmp_path / "mine"
    (mine / "work").mkdir(parents=True)
    layout.tmp.mkdir(parents=True)
    if how == "a file":
        layout.wheels.write_text("x")
    elif how == "a symlink":
        layout.wheels.symlink_to(mine)
    else:
        layout.wheels.mkdir()
        if how == "nonsense in it":
            (layout.wheels / "result.json").write_text(json.dumps({"code": "x"}))
            (layout.wheels / "part").write_text("x")
    assert build(check=True)["changed"] is True
    assert fetch()["begun"] is True
    (fake / "go").touch()
    assert build()["ahead"].startswith("all wheels were fetched ahead")
    assert (mine / "work").is_dir()
    assert not layout.tmp.exists()


def test_pip_is_asked_for_the_same_in_both_ways() -> None:
    assert [word.replace("download", "install") for word in venv_build.DOWNLOAD[1:]] == venv_build.INSTALL
