"""The simulated card fails where and how conv2d.json says, and nowhere else."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rdna1.lab.standin.torch as torch
from rdna1.lab import standin
from rdna1.lab.standin.torch import _faults
from rdna1.lab.standin.torch.nn import functional

if TYPE_CHECKING:
    from tests.unit.standin.conftest import SimulatedCard

CASE = _faults.Case(size=44, in_channels=3, out_channels=64, batch=1, kernel=3, dtype="float32")
CODE = """
import sys, rdna1.lab.standin.torch as torch
image = torch.randn(1, 3, 8, 8).cuda().requires_grad_()
result = torch.nn.functional.conv2d(image, torch.ones(2, 3, 3, 3).cuda())
print("forward", flush=True)
result.sum().backward()
print("backward", flush=True)
"""


def convolve(size: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Convolve on the card; return the result and the gradient of the image."""
    image = torch.ones(1, 3, size, size).cuda().requires_grad_()
    result = functional.conv2d(image, torch.ones(2, 3, 3, 3).cuda())
    result.sum().backward()
    assert image.grad is not None
    return result.cpu().detach(), image.grad.cpu()


def start() -> subprocess.Popen[str]:
    """Convolve in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"size": 44}, True),
        ({"size": 42}, False),
        ({"min_size": 44}, True),
        ({"min_size": 45}, False),
        ({"min_size": 40, "max_size": 44}, True),
        ({"max_size": 43}, False),
        (
            {"size": 44, "in_channels": 3, "out_channels": 64, "batch": 1, "kernel": 3, "dtype": "float32"},
            True,
        ),
        ({"size": 44, "in_channels": 4}, False),
        ({"dtype": "float16"}, False),
        ({"env": {"RDNA1_TEST_POLICY": "gemm"}}, True),
        ({"env": {"RDNA1_TEST_POLICY": "other"}}, False),
        ({"env": {"RDNA1_TEST_ABSENT": None}}, True),
        ({"env": {"RDNA1_TEST_POLICY": None}}, False),
    ],
)
def test_conditions(monkeypatch: pytest.MonkeyPatch, when: dict[str, Any], fits: bool) -> None:
    monkeypatch.setenv("RDNA1_TEST_POLICY", "gemm")
    assert _faults.Fault("hang", when=when).fits(CASE, "forward") is fits


@pytest.mark.parametrize(
    ("on", "during", "fits"),
    [
        ("both", "forward", True),
        ("both", "backward", True),
        ("forward", "backward", False),
        ("backward", "backward", True),
    ],
)
def test_passes(on: str, during: _faults.Pass, fits: bool) -> None:
    assert _faults.Fault("hang", on=on).fits(CASE, during) is fits


def test_the_first_fault_that_fits_happens(card: SimulatedCard) -> None:
    card.break_({"when": {"size": 9}, "do": "zero"}, {"do": "nan", "pass": "forward"}, {"do": "zero"})
    result, gradient = convolve()
    assert torch.isnan(result[:, 0]).all()
    assert torch.isfinite(result[:, 1]).all()
    assert torch.count_nonzero(gradient).item() == 0
    assert torch.count_nonzero(convolve(9)[0]).item() == 0


def test_wrong_numbers_are_off_by_the_amount(card: SimulatedCard) -> None:
    right = convolve()[0]
    card.break_({"do": "wrong", "amount": 0.25, "pass": "forward"})
    off = convolve()[0] - right
    assert (off[:, 0] == 0.25).all()
    assert (off[:, 1] == 0).all()


def test_a_fault_is_gone_when_the_file_is(card: SimulatedCard) -> None:
    right = convolve()
    card.break_({"do": "zero"})
    assert not torch.equal(convolve()[0], right[0])
    (card.folder / "conv2d.json").unlink()
    assert torch.equal(convolve()[0], right[0])


def test_the_cpu_is_always_right(card: SimulatedCard) -> None:
    card.break_({"do": "raise"})
    assert functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3)).item() == 9.0


def test_raise(card: SimulatedCard) -> None:
    card.break_({"do": "raise", "message": "HIP error: unspecified launch failure"})
    with pytest.raises(RuntimeError, match=r"unspecified launch failure \(stand-in torch"):
        convolve()


def test_slow(card: SimulatedCard) -> None:
    card.break_({"do": "slow", "seconds": 0.2, "pass": "forward"})
    before = time.monotonic()
    convolve()
    assert time.monotonic() - before >= 0.2


def test_crash(card: SimulatedCard) -> None:
    card.break_({"do": "crash", "pass": "backward"})
    process = start()
    out, _ = process.communicate(timeout=30)
    assert (out, process.returncode) == ("forward\n", -signal.SIGABRT)


def test_only_sigkill_ends_a_hang(card: SimulatedCard) -> None:
    card.break_({"do": "hang", "pass": "backward"})
    process = start()
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "forward\n"
        wait_until_ignored(process.pid, signal.SIGTERM)
        for number in (
            signal.SIGTERM,
            signal.SIGINT,
            signal.SIGHUP,
            signal.SIGQUIT,
            signal.SIGALRM,
            signal.SIGUSR1,
        ):
            process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
    finally:
        process.kill()
        out, _ = process.communicate(timeout=30)
    assert (out, process.returncode) == ("", -signal.SIGKILL)


def wait_until_ignored(pid: int, number: signal.Signals) -> None:
    """Wait for a process to ignore a signal: before that, the hang has not begun."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status").read_text()
        ignored = re.search(r"^SigIgn:\s*(\w+)", status, re.MULTILINE)
        if ignored and int(ignored[1], 16) >> (number - 1) & 1:
            return
        time.sleep(0.02)
    raise AssertionError("the hang never began")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"faults": [{"when": {}}]}',
        '{"faults": [{"do": "explode"}]}',
        '{"faults": [{"do": "hang", "pass": "sideways"}]}',
        '{"faults": [{"do": "hang", "when": {"sise": 44}}]}',
        '{"faults": [{"do": "hang", "second": 4}]}',
    ],
)
def test_a_file_that_cannot_be_understood_is_never_a_healthy_card(card: SimulatedCard, text: str) -> None:
    (card.folder / "conv2d.json").write_text(text)
    with pytest.raises(RuntimeError, match=r"conv2d\.json is not a list of faults"):
        convolve()


def test_the_readme_s_examples_are_what_the_code_reads(slot: SimulatedCard) -> None:
    assert standin.__file__ is not None
    readme = Path(standin.__file__).with_name("README.md").read_text()
    card, faults = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    (slot.folder / "card.json").write_text(card)
    (slot.folder / "conv2d.json").write_text(faults)
    assert torch._card.described() is not None
    assert len(_faults.read(slot.folder / "conv2d.json")) == len(json.loads(faults)["faults"])
    for word in (*_faults.ACTIONS, *_faults.PASSES, *_faults.CONDITIONS, *_faults.KEYS):
        assert f"`{word}`" in readme or f'"{word}"' in readme, word
