"""Mirrors that fail and locks that are held, with the real apt and dpkg on a host below a directory.

Whatever comes in the way: one sentence says what and how to cure it, nothing is half-configured, and the next
run goes through.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aptworld import mirror
from aptworld.keys import Key
from aptworld.machine import Machine
from aptworld.mirror import FAULTS, Mirror

INDEX = ("Packages", "Packages.gz")
# What apt says of each, in the words that all of its versions have.
SAYS = {
    "stall": "timed out",
    "404": "404",
    "cut": "Error reading from server",
    "short": "unexpected size",
    "other bytes": "Hash Sum mismatch",
}
CURE = {
    "stall": "let this host reach it",
    "404": "correct the address",
    "cut": "let this host reach it",
    "short": "name another",
    "other bytes": "name another",
}
# A process that holds a lock as apt and dpkg do, until its input ends.
HOLD = """
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="session")
def files(vendor_keys: dict[str, Key], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a mirror serves: tool, which depends on base."""
    return mirror.repository(tmp_path_factory.mktemp("mirror"), vendor_keys["amd"], base="", tool="base")


@pytest.fixture
def served(files: dict[str, bytes]) -> Iterator[Mirror]:
    """The mirror, which misbehaves only as told."""
    with mirror.serving(files) as made:
        yield made


@pytest.fixture
def machine(served: Mirror, vendor_keys: dict[str, Key], tmp_path: Path) -> Machine:
    """A host that has nothing yet, and the mirror as its source."""
    return Machine(tmp_path / "root", served, vendor_keys["amd"])


def goes_through(machine: Machine) -> None:
    """The next run installs everything."""
    answer = machine.transact("tool")
    assert "failed" not in answer, answer
    assert machine.packages == {"dpkg": "installed", "base": "installed", "tool": "installed"}
    assert (machine.root / "opt/stack/tool").stat().st_size == 100_000
    assert machine.is_whole()
    assert machine.transact("tool")["changed"] is False


def test_a_mirror_that_behaves_is_installed_from(machine: Machine) -> None:
    """What makes the rest of these tests worth anything."""
    goes_through(machine)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_package_that_does_not_come_whole_changes_nothing(
    fault: str, machine: Machine, served: Mirror
) -> None:
    served.faults = {"tool_1.0_amd64.deb": fault}
    answer = machine.transact("tool")
    assert answer["failed"]
    assert answer["code"] == "unreachable"
    assert f"{served.address}/pool/tool_1.0_amd64.deb" in answer["msg"]
    assert SAYS[fault] in answer["msg"]
    assert CURE[fault] in answer["msg"]
    assert machine.packages == {"dpkg": "installed"}
    assert machine.is_whole()
    served.faults = {}
    goes_through(machine)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_index_that_does_not_come_whole_is_named_with_its_source(
    fault: str, machine: Machine, served: Mirror
) -> None:
    served.faults = dict.fromkeys(INDEX, fault)
    answer = machine.transact("tool")
    assert answer["failed"]
    assert answer["msg"].startswith(f"apt cannot read stack.list: {served.address}/dists/stable/")
    assert SAYS[fault] in answer["msg"]
    assert CURE[fault] in answer["msg"]
    assert machine.packages == {"dpkg": "installed"}
    served.faults = {}
    goes_through(machine)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_release_file_that_does_not_come_whole_is_never_trusted(
    fault: str, machine: Machine, served: Mirror
) -> None:
    served.faults = {"InRelease": fault}
    answer = machine.transact("tool")
    assert answer["failed"]
    assert answer["msg"].startswith("apt cannot read stack.list: ")
    assert served.address in answer["msg"]
    assert machine.packages == {"dpkg": "installed"}
    served.faults = {}
    goes_through(machine)


def test_a_mirror_that_is_gone_is_named_by_the_rehearsal_and_the_lists_stay(
    files: dict[str, bytes], vendor_keys: dict[str, Key], tmp_path: Path
) -> None:
    with mirror.serving(files) as served:
        machine = Machine(tmp_path / "root", served, vendor_keys["amd"])
        machine.transact("base")
    lists = {path: path.stat().st_mtime_ns for path in (machine.root / "var/lib/apt/lists").iterdir()}
    answer = machine.transact("tool", check=True)
    assert answer["code"] == "unreachable"
    assert served.address in answer["msg"]
    assert "wanted packages (1) come from there" in answer["msg"]
    assert [item["name"] for item in answer["install"]] == ["tool"]
    assert lists == {path: path.stat().st_mtime_ns for path in (machine.root / "var/lib/apt/lists").iterdir()}


def test_the_rehearsal_of_a_mirror_that_behaves_says_what_it_takes_and_does_nothing(machine: Machine) -> None:
    answer = machine.transact("tool", check=True)
    assert {item["name"]: item["cost"]["disk"] for item in answer["install"]} == {
        "base": 102_400, "tool": 102_400
    }  # fmt: skip
    assert all(item["cost"]["download"] > 100_000 for item in answer["install"])
    assert machine.packages == {"dpkg": "installed"}
    assert not list((machine.root / "var/lib/apt/lists").glob("*Packages*"))


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold a lock from another process."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


LOCKS = ("var/lib/dpkg/lock-frontend", "var/lib/apt/lists/lock", "var/cache/apt/archives/lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_that_stays_is_named_with_the_process_and_its_command(lock: str, machine: Machine) -> None:
    with held(machine.root / lock) as process:
        answer = machine.transact("tool", lock_timeout=1)
        assert answer["code"] == "locked"
        assert f"{machine.root}/{lock} is held by {sys.executable} -c import fcntl" in answer["msg"]
        assert f"(process {process.pid})" in answer["msg"]
        assert "wait for it to end, or allow more time" in answer["msg"]
    assert machine.packages == {"dpkg": "installed"}
    goes_through(machine)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_that_is_given_back_is_waited_for(lock: str, machine: Machine) -> None:
    begin = time.monotonic()
    with held(machine.root / lock) as process:
        timer = subprocess.Popen(["sh", "-c", f"sleep 1; kill {process.pid}"])
        answer = machine.transact("tool", lock_timeout=30)
        timer.wait()
    assert "failed" not in answer, answer
    assert time.monotonic() - begin > 1
    assert machine.packages["tool"] == "installed"
