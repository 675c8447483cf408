"""How far a long step is: noted on the host, one line on the controller."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.rdna1.provision.plugins.module_utils import progress
from ansible_collections.rdna1.provision.plugins.plugin_utils import watched


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(progress, "FOLDER", tmp_path / "progress")
    monkeypatch.setattr(progress, "SECONDS", 0.05)
    return tmp_path / "progress"


def soon(file: Path, words: str) -> bool:
    """Whether a file comes to hold words."""
    for _ in range(200):
        if file.is_file() and words in file.read_text():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dlstatus:3:42.5:Retrieving file 3 of 112", "download 42 % (Retrieving file 3 of 112)"),
        ("pmstatus:rocblas:71.2:Unpacking rocblas (amd64)", "installation 71 % (Unpacking rocblas (amd64))"),
        ("pmconffile:/etc/x:1.0:'a' 'b' 1 1", ""),
        ("pmstatus:dpkg-exec:none:Running dpkg", ""),
        ("", ""),
    ],
)
def test_apt_s_lines_in_words(line: str, words: str) -> None:
    assert progress.apt_words(line) == words


def test_a_program_s_progress_is_there_while_it_runs_and_gone_after(folder: Path) -> None:
    say = "import os, sys; os.write(int(sys.argv[1]), b'dlstatus:1:50.0:Retrieving file 1 of 2\\n'); input()"
    with progress.of_apt("apt") as descriptor:
        child = subprocess.Popen(
            [sys.executable, "-c", say, str(descriptor)], stdin=subprocess.PIPE, pass_fds=(descriptor,)
        )
        assert soon(folder / "apt", "download 50 % (Retrieving file 1 of 2)")
        child.communicate(b"\n")
    assert list(folder.iterdir()) == []


def test_growth_is_told_in_gib(folder: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with (wheels / "torch.whl").open("wb") as file:
        os.truncate(file.fileno(), 3 * 2**29)
    with progress.of_growth("venv", "wheels", [wheels, tmp_path / "none"]):
        assert soon(folder / "venv", "wheels: 1.50 GiB so far")
    assert list(folder.iterdir()) == []


def test_where_nothing_can_be_noted_the_step_goes_on(folder: Path) -> None:
    folder.write_text("not a folder")
    with progress.of_apt("apt") as descriptor:
        os.write(descriptor, b"dlstatus:1:50.0:Retrieving\n")
    assert folder.read_text() == "not a folder"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("", "[h1] ROCm: at work, for 1:05 min"),
        (
            "download 50 %\nwheels: 1.50 GiB so far",
            "[h1] ROCm: download 50 %, wheels: 1.50 GiB so far, for 1:05 min",
        ),
    ],
)
def test_the_controller_shows_one_line(said: str, line: str) -> None:
    assert watched.line("h1", "ROCm", 65.9, said) == line
