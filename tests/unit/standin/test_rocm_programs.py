"""The stand-in rocminfo and rocm-smi print what the simulated card is, and that it is simulated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rdna1.lab.standin import rocm

if TYPE_CHECKING:
    from tests.unit.standin.conftest import SimulatedCard

FOLDER = Path(rocm.__path__[0])
PROGRAMS = ("rocminfo", "rocm_smi")


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a host's own Python does."""
    return subprocess.run(
        [sys.executable, "-I", FOLDER / f"{program}.py"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_first_line_says_that_it_is_simulated(slot: SimulatedCard, program: str) -> None:
    slot.insert()
    done = run(program)
    assert done.returncode == 0
    assert "STAND-IN" in done.stdout.splitlines()[0]
    assert "simulated" in done.stdout.splitlines()[0]
    assert "AMD Radeon RX 5600 XT" in done.stdout


@pytest.mark.usefixtures("slot")
@pytest.mark.parametrize("program", PROGRAMS)
def test_without_a_card_it_fails(program: str) -> None:
    done = run(program)
    assert done.returncode == 1
    assert "STAND-IN" in (done.stdout + done.stderr).upper()


@pytest.mark.parametrize(
    ("override", "name"),
    [(None, "gfx1010"), ("10.3.0", "gfx1030"), ("9.0.10", "gfx90a"), ("x", "gfx1010")],
)
def test_the_override_changes_the_isa(
    slot: SimulatedCard, monkeypatch: pytest.MonkeyPatch, override: str | None, name: str
) -> None:
    slot.insert()
    if override:
        monkeypatch.setenv("HSA_OVERRIDE_GFX_VERSION", override)
    lines = [line.strip() for line in run("rocminfo").stdout.splitlines()]
    assert f"Name:                    {name}" in lines
    assert f"Name:                    amdgcn-amd-amdhsa--{name}" in lines
    assert "Chip ID:                 29471(0x731f)" in lines
    assert "Size:                    6291456(0x600000) KB" in lines
