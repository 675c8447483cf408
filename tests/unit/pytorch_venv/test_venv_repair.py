"""What is damaged is named and built anew; what is no longer needed goes; what is not ours stays."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import (
    sealed_tree,
    venv_build,
    venv_lock,
    venv_state,
)

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
Provision = Callable[..., dict[str, Any]]
MakeWheel = Callable[..., str]
Harm = Callable[[Path], object]
HARM: dict[str, tuple[Harm, str]] = {
    "file gone": (
        lambda site: (site / "numpy/__init__.py").unlink(),
        "numpy/__init__.py is missing",
    ),
    "file cut short": (
        lambda site: (site / "numpy/__init__.py").write_text(""),
        "numpy/__init__.py has 0 bytes, 23 wanted",
    ),
    "one byte of it": (
        lambda site: (site / "numpy/__init__.py").write_text('__version__ = "1.26.5"\n'),
        "numpy/__init__.py has other content",
    ),
    "file writable by others": (
        lambda site: (site / "numpy/__init__.py").chmod(0o666),
        "numpy/__init__.py has mode 0666, 0644 wanted",
    ),
    "folder closed to users": (
        lambda site: (site / "numpy").chmod(0o700),
        "numpy has mode 0700, 0755 wanted",
    ),
    "settings of the venv gone": (
        lambda site: (site / "../../../pyvenv.cfg").unlink(),
        "pyvenv.cfg is missing",
    ),
    "list of its files gone": (
        lambda site: (site / "../../.." / sealed_tree.LIST).unlink(),
        "the list of its files (.rdna1-files) cannot be read",
    ),
    "list of its files cut short": (
        lambda site: os.truncate(site / "../../.." / sealed_tree.LIST, 100),
        "the list of its files (.rdna1-files) cannot be read",
    ),
    "distribution gone": (
        lambda site: shutil.rmtree(site / "numpy-1.26.4.dist-info"),
        "numpy missing, 1.26.4 wanted",
    ),
    "another version": (
        lambda site: (site / "numpy-1.26.4.dist-info").rename(site / "numpy-2.1.0.dist-info"),
        "numpy 2.1.0, 1.26.4 wanted",
    ),
    "record gone": (
        lambda site: (site / "torch-1.13.1+rocm5.2.dist-info/RECORD").unlink(),
        "torch-1.13.1+rocm5.2.dist-info/RECORD is missing",
    ),
}


def name_of(lock: str) -> str:
    return venv_lock.identity(lock)[:12]


def packages(root: Path) -> Path:
    return root / f"current/lib/python{PYTHON}/site-packages"


def tick(root: Path) -> None:
    """Make all that was used until now a little older."""
    for marker in root.glob(f"venvs/*/{venv_state.MARKER}"):
        stamp = marker.stat().st_mtime - 10
        os.utime(marker, (stamp, stamp))


@pytest.mark.usefixtures("quick")
def test_a_half_built_venv_is_built_anew(provision: Provision, root: Path, lock: str) -> None:
    (root / "venvs" / name_of(lock) / "bin").mkdir(parents=True)
    done = provision(lock)
    assert "was left half-built" in done["reasons"][0]
    assert (root / "current" / venv_state.MARKER).is_file()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("survives", [True, False])
def test_a_venv_without_its_interpreter_is_built_anew(
    provision: Provision, root: Path, lock: str, survives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an OS upgrade; and where the new build fails, the old one is back in its place."""
    provision(lock)
    (root / "current/bin/python").unlink()
    (root / "current/bin/python").symlink_to("/usr/bin/python3.10-is-gone")
    (root / "current/mark").touch()
    if survives:
        done = provision(lock)
        assert done["reasons"][0] == "its interpreter /usr/bin/python3.10-is-gone is gone"
        assert not (root / "current/mark").exists()
        assert subprocess.run([root / "current/bin/python", "--version"], check=True)
    else:
        monkeypatch.setattr(
            venv_build, "install", lambda *_: (_ for _ in ()).throw(venv_build.BuildError("no way"))
        )
        assert provision(lock)["msg"].startswith("The venv was not built: no way; ")
        assert (root / "current/mark").exists()
    assert [path.name for path in (root / "venvs").iterdir()] == [name_of(lock)]
    assert os.readlink(root / "current") == f"venvs/{name_of(lock)}"  # noqa: PTH115


@pytest.mark.usefixtures("quick")
def test_an_interpreter_that_is_there_but_does_not_run_counts_as_broken(
    provision: Provision, lock: str, tmp_path: Path
) -> None:
    interpreter = tmp_path / f"python{PYTHON}"
    interpreter.symlink_to(sys.executable)
    provision(lock, interpreter=str(interpreter))
    interpreter.unlink()
    interpreter.write_text("#!/bin/sh\necho lost libpython >&2\nexit 127\n")
    interpreter.chmod(0o755)
    assert "does not run: lost libpython" in provision(lock, interpreter=str(interpreter))["msg"]
    interpreter.unlink()
    interpreter.symlink_to(sys.executable)
    assert provision(lock, interpreter=str(interpreter))["changed"] is False


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("harm", "reason"), HARM.values(), ids=HARM)
def test_damage_is_named_and_repaired(
    provision: Provision, root: Path, lock: str, harm: Harm, reason: str
) -> None:
    provision(lock)
    harm(packages(root))
    assert any(said.endswith(reason) for said in provision(lock, check=True)["reasons"])
    assert provision(lock)["changed"] is True
    assert provision(lock)["changed"] is False


@pytest.mark.usefixtures("quick")
def test_what_was_only_touched_is_read_once_and_then_believed(
    provision: Provision, root: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(lock)
    before = (root / "current" / venv_state.MARKER).read_bytes()
    for path in packages(root).rglob("*.py"):
        path.touch()
    (said,) = provision(lock, check=True)["reasons"]
    assert said.endswith("since it was completed, and must be read anew")
    monkeypatch.setattr(venv_build, "install", None)  # a build would fail
    assert provision(lock)["changed"] is True
    monkeypatch.setattr(sealed_tree, "digest", None)  # nothing is read again
    assert provision(lock)["changed"] is False
    assert (root / "current" / venv_state.MARKER).read_bytes() == before


@pytest.mark.usefixtures("quick")
def test_pip_may_be_upgraded_in_the_venv(provision: Provision, root: Path, lock: str) -> None:
    info = packages(root) / "pip-23.0.1.dist-info"
    provision(lock)
    layout = venv_state.Layout(root, name_of(lock))
    info.mkdir()
    (info / "RECORD").write_text("pip/__init__.py,sha256=x,0\n")
    assert "pip/__init__.py" in str(venv_state.recorded(layout.venv)["pip"])
    sealed_tree.write(layout.venv, skip=venv_state.recorded(layout.venv)["pip"])
    (packages(root) / "pip/__init__.py").write_text("newer = True")
    assert provision(lock, check=True)["reasons"] == []


@pytest.mark.usefixtures("quick")
def test_an_added_distribution_is_told_and_kept(provision: Provision, root: Path, lock: str) -> None:
    provision(lock)
    info = packages(root) / "einops-0.8.0.dist-info"
    info.mkdir()
    (info / "RECORD").touch()
    answer = provision(lock)
    assert (answer["changed"], answer["extras"]) == (False, ["einops"])


@pytest.mark.usefixtures("quick")
def test_another_interpreter_means_another_venv_at_the_same_place(
    provision: Provision, lock: str, tmp_path: Path
) -> None:
    provision(lock)
    link = tmp_path / f"python{PYTHON}"
    link.symlink_to(sys.executable)
    assert provision(lock, interpreter=str(link))["reasons"] == [
        f"built with {sys.executable}, {link} wanted"
    ]
    assert provision(lock, interpreter=str(link))["changed"] is False


@pytest.mark.usefixtures("quick")
def test_the_previous_venv_stays_for_going_back_and_older_ones_go(
    provision: Provision, root: Path, lock: str, other_lock: str, wheel: MakeWheel
) -> None:
    third = wheel("torch", "3.1") + wheel("numpy", "1.26.4")
    provision(lock)
    provision(other_lock)
    tick(root)
    assert provision(lock)["reasons"] == [
        f"current -> venvs/{name_of(other_lock)}, venvs/{name_of(lock)} wanted"
    ]
    tick(root)
    gone = provision(third)["reasons"]
    assert f"venvs/{name_of(other_lock)} is no longer needed" in gone  # built later, but used earlier
    assert {path.name for path in (root / "venvs").iterdir()} == {name_of(lock), name_of(third)}
    assert provision(third, keep=0)["changed"] is True
    assert {path.name for path in (root / "venvs").iterdir()} == {name_of(third)}


@pytest.mark.usefixtures("quick")
def test_of_each_stack_so_many_stay(
    provision: Provision, root: Path, lock: str, other_lock: str, wheel: MakeWheel
) -> None:
    """A stack that was tried or used before is there when it is wanted again."""
    third = wheel("torch", "3.1") + wheel("numpy", "1.26.4")
    provision(other_lock, stack="rocm57")
    tick(root)
    provision(lock, stack="rocm52")
    tick(root)
    provision(third, stack="rocm52")
    names = {name_of(other_lock), name_of(lock), name_of(third)}
    assert {path.name for path in (root / "venvs").iterdir()} == names


@pytest.mark.usefixtures("quick")
def test_beside_the_one_in_use_nothing_else_changes(
    provision: Provision, root: Path, lock: str, other_lock: str, wheel: MakeWheel
) -> None:
    third = wheel("torch", "3.1") + wheel("numpy", "1.26.4")
    provision(lock, stack="rocm52")
    for beside in (third, other_lock):
        tick(root)
        assert provision(beside, stack="rocm57", switch=False)["changed"] is True
        assert provision(beside, stack="rocm57", switch=False)["changed"] is False
    assert (root / "current").resolve().name == name_of(lock)
    assert len(list((root / "venvs").iterdir())) == 3
    # The one in use prunes those of the other stack to as many as it keeps, the newest.
    assert provision(lock, stack="rocm52")["reasons"] == [f"venvs/{name_of(third)} is no longer needed"]


@pytest.mark.usefixtures("quick")
def test_of_a_damaged_one_beside_nothing_is_left_once_it_is_built_anew(
    provision: Provision, root: Path, lock: str, other_lock: str
) -> None:
    """The one in use, which was looked at before, would take it for an interrupted run's."""
    provision(lock, stack="rocm52")
    provision(other_lock, stack="rocm57", switch=False)
    shutil.rmtree(next((root / "venvs" / name_of(other_lock)).glob("lib/*/site-packages/numpy")))
    assert provision(other_lock, stack="rocm57", switch=False)["changed"] is True
    assert {path.name for path in (root / "venvs").iterdir()} == {name_of(lock), name_of(other_lock)}
    assert provision(lock, stack="rocm52")["changed"] is False


@pytest.mark.usefixtures("quick")
def test_interpreters_that_no_kept_venv_uses_go(provision: Provision, root: Path, lock: str) -> None:
    for release in ("3.10.20", "3.10.21", "mine"):
        (root / "python" / release / "bin").mkdir(parents=True)
    used = root / f"python/3.10.21/bin/python{PYTHON}"
    used.symlink_to(sys.executable)
    assert provision(lock, interpreter=str(used))["changed"] is True
    assert sorted(path.name for path in (root / "python").iterdir()) == ["3.10.21", "mine"]


@pytest.mark.usefixtures("quick")
def test_folders_of_other_names_are_somebody_else_s(provision: Provision, root: Path, lock: str) -> None:
    (root / "venvs/notes").mkdir(parents=True)
    provision(lock)
    assert provision(lock, keep=0)["changed"] is False
    assert (root / "venvs/notes").is_dir()
