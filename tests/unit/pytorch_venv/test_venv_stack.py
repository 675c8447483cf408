"""A venv is built from a lock and proven before it is used; what cannot end well is refused."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import (
    venv_lock,
    venv_state,
    venv_store,
)

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
Provision = Callable[..., dict[str, Any]]
MakeWheel = Callable[..., str]


def name_of(lock: str) -> str:
    return venv_lock.identity(lock)[:12]


def packages(root: Path) -> Path:
    return root / f"current/lib/python{PYTHON}/site-packages"


def test_a_venv_is_built_with_the_real_pip_and_then_left_alone(
    provision: Provision, root: Path, lock: str
) -> None:
    before = provision(lock, check=True)
    assert before["changed"] is True
    assert not root.exists()

    built = provision(lock, stack="rocm52")
    assert built["changed"] is True
    assert built["imported"] == {"torch": "1.13.1", "numpy": "1.26.4"}
    assert os.readlink(root / "current") == f"venvs/{name_of(lock)}"  # noqa: PTH115 (relative, as written)
    marker = json.loads((root / "current" / venv_state.MARKER).read_text())
    assert (marker["lock"], marker["stack"]) == (venv_lock.identity(lock), "rocm52")
    assert "torch 1.13.1+rocm5.2\n" in built["diff"]["after"]
    assert not (root / "tmp").exists()

    for check in (True, False):
        again = provision(lock, check=check, stack="rocm52")
        assert (again["changed"], again["reasons"]) == (False, [])
        assert again["diff"]["before"] == again["diff"]["after"]

    # One byte of the same file, its times as they were: no write goes by unseen.
    source = packages(root) / "numpy/__init__.py"
    times = source.stat()
    source.write_text(source.read_text().replace("1.26.4", "1.26.5"))
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    for deep in (False, True):
        (said,) = provision(lock, check=True, deep=deep)["reasons"]
        assert said.endswith("numpy/__init__.py has other content")


@pytest.mark.usefixtures("quick")
def test_a_tampered_wheel_is_named_and_leaves_nothing(
    provision: Provision, root: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(lock)
    before = os.readlink(root / "current")  # noqa: PTH115
    monkeypatch.undo()  # the real pip is the one that must notice

    bad = "".join(line[:-8] + "00000000\n" for line in lock.splitlines())
    failed = provision(bad)
    assert failed["failed"] is True
    assert "torch==1.13.1+rocm5.2 from " in failed["msg"]
    wanted = bad.splitlines()[0].rpartition(":")[2]
    assert f"the lock wants {wanted}" in failed["msg"]
    assert failed["msg"].endswith("current is as it was.")
    assert failed["log"]
    assert os.readlink(root / "current") == before  # noqa: PTH115
    assert [path.name for path in (root / "venvs").iterdir()] == [name_of(lock)]
    assert not (root / "tmp").exists()


def test_a_lock_that_does_not_hold_together_is_refused(
    provision: Provision, root: Path, wheel: MakeWheel
) -> None:
    lonely = wheel("torch", "3.0", requires="sympy")
    failed = provision(lonely)
    assert "does not hold together: torch 3.0 requires sympy" in failed["msg"]
    assert not (root / "current").exists()


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_imported_is_never_current(provision: Provision, root: Path, wheel: MakeWheel) -> None:
    failed = provision(wheel("torch", "6.6.6", "raise OSError('libcublas.so.11: not found')\n"))
    assert "cannot be imported: OSError: libcublas.so.11: not found" in failed["msg"]
    assert not (root / "current").is_symlink()
    assert list((root / "venvs").iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_a_module_of_another_version_than_its_wheel_s_is_refused(
    provision: Provision, wheel: MakeWheel
) -> None:
    assert (
        "torch calls itself 9.9, 7.0 is locked"
        in provision(wheel("torch", "7.0", "__version__ = '9.9'"))["msg"]
    )


@pytest.mark.usefixtures("quick")
def test_too_little_space_is_said_before_anything_is_made(
    provision: Provision, root: Path, lock: str
) -> None:
    for check in (True, False):
        failed = provision(lock, check=check, free_gib=1e6)
        assert "the wheels want 1e+06 GiB; make room there" in failed["msg"]
    assert not root.exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("interpreter", "said"),
    [
        ("/nowhere/python3.10", "/nowhere/python3.10 does not run"),
        ("/bin/false", "/bin/false does not run: exit code 1"),
    ],
)
def test_an_interpreter_that_must_be_there_is_asked_for_in_check_mode(
    provision: Provision, lock: str, interpreter: str, said: str
) -> None:
    assert said in provision(lock, check=True, interpreter=interpreter, interpreter_expected=True)["msg"]


@pytest.mark.usefixtures("quick")
def test_an_interpreter_whose_package_is_yet_to_come_is_no_reason_to_refuse_a_rehearsal(
    provision: Provision, lock: str, tmp_path: Path
) -> None:
    """Ubuntu's python3.10 without python3.10-venv: the role installs that before it builds."""
    interpreter = tmp_path / "python"
    answer = json.dumps({"version": f"{PYTHON}.1", "missing": ["ensurepip"]})
    interpreter.write_text(f"#!/bin/sh\necho '{answer}'\n")
    interpreter.chmod(0o755)
    assert provision(lock, check=True, interpreter=str(interpreter))["changed"] is True
    assert "lacks ensurepip" in provision(lock, interpreter=str(interpreter))["msg"]
    refused = provision(lock, check=True, interpreter=str(interpreter), interpreter_expected=True)
    assert "lacks ensurepip" in refused["msg"]


@pytest.mark.usefixtures("quick")
def test_an_interpreter_that_an_earlier_task_installs_is_not(provision: Provision, lock: str) -> None:
    assert provision(lock, check=True, interpreter="/nowhere/python3.10")["changed"] is True


@pytest.mark.usefixtures("quick")
def test_a_python_of_another_version_is_refused(provision: Provision, root: Path, lock: str) -> None:
    failed = provision(lock, python="3.1")
    assert f"is Python {PYTHON}" in failed["msg"]
    assert "3.1 is wanted" in failed["msg"]
    assert not root.exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["index_url", "extra_index_urls", "find_links", "trusted_hosts"])
def test_an_address_cannot_smuggle_in_options(provision: Provision, root: Path, lock: str, name: str) -> None:
    smuggled = "https://one.example\n--find-links /tmp"
    failed = provision(lock, **{name: smuggled if name == "index_url" else [smuggled]})
    assert "is no address, folder or host" in failed["msg"]
    assert not root.exists()


@pytest.mark.usefixtures("quick")
def test_no_lock_no_change(provision: Provision, root: Path) -> None:
    said = provision("torch==1.13.1\n")["msg"]
    assert said.startswith("The lock cannot be used: line 1: torch needs --hash=sha256:...")
    assert said.endswith("nothing was changed.")
    assert not root.exists()


@pytest.mark.usefixtures("quick")
def test_a_second_run_at_once_is_told_to_wait(provision: Provision, root: Path, lock: str) -> None:
    with venv_store.locked(root):
        assert "another run is at work" in provision(lock)["msg"].lower()


@pytest.mark.usefixtures("quick")
def test_a_folder_in_the_place_of_the_symlink_is_not_removed(
    provision: Provision, root: Path, lock: str
) -> None:
    (root / "current/work").mkdir(parents=True)
    assert "current is not the role's symlink (Is a directory); move it away" in provision(lock)["msg"]
    assert (root / "current/work").is_dir()
