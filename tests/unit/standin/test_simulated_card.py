"""The simulated card is seen as the real wheel would see such a card."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import rdna1.lab.standin.torch as torch
from rdna1.lab import cards
from rdna1.lab.mirror import lock
from rdna1.lab.paths import CHECKOUT
from rdna1.lab.standin import torchvision

if TYPE_CHECKING:
    from tests.unit.standin.conftest import SimulatedCard


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    start = f"import rdna1.lab.standin.torch as torch\n{code}"
    return subprocess.run(
        [sys.executable, "-c", start], capture_output=True, text=True, timeout=30, check=False
    )


def test_it_says_what_it_is() -> None:
    assert torch.__doc__ is not None
    assert torch.__doc__.startswith("STAND-IN")
    assert torchvision.__doc__ is not None
    assert torchvision.__doc__.startswith("STAND-IN")
    assert "stand-in" in repr(torch.ones(1))


def test_versions_are_those_of_the_stack() -> None:
    file = CHECKOUT / "stacks" / "rocm52" / "requirements.txt"
    pinned = {one.project: one.version for one in lock.parse(file.read_text(), str(file))}
    assert torch.__version__ == pinned["torch"]
    assert torchvision.__version__ == pinned["torchvision"]
    assert torch.version.hip is not None
    assert torch.version.hip.startswith("5.2.")
    assert torch.version.cuda is None


@pytest.mark.usefixtures("slot")
def test_no_card() -> None:
    assert not torch.cuda.is_available()
    assert torch.cuda.device_count() == 0
    with pytest.raises(RuntimeError, match="No HIP GPUs are available"):
        torch.ones(1).cuda()


@pytest.mark.usefixtures("card")
def test_the_card_under_the_override() -> None:
    assert torch.cuda.is_available()
    assert torch.cuda.device_count() == 1
    assert torch.cuda.get_device_name(0) == "AMD Radeon RX 5600 XT"
    assert torch.cuda.get_device_capability("cuda:0") == (10, 3)
    properties = torch.cuda.get_device_properties(torch.device("cuda"))
    assert (properties.total_memory, properties.gcnArchName) == (6 * 2**30, "gfx1030")
    assert torch.cuda.mem_get_info() == (6 * 2**30, 6 * 2**30)
    torch.cuda.synchronize()


@pytest.mark.parametrize("key", cards.catalogue())
def test_every_card_of_the_lab(slot: SimulatedCard, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("HSA_OVERRIDE_GFX_VERSION", "10.3.0")
    (slot.folder / "card.json").write_text(cards.files(cards.catalogue()[key])["card.json"])
    assert torch.cuda.get_device_name() == cards.catalogue()[key].name
    assert torch.cuda.get_device_properties().total_memory == cards.catalogue()[key].vram_bytes


def test_without_the_override_the_first_use_aborts_as_the_real_wheel_does(slot: SimulatedCard) -> None:
    slot.insert()
    assert run("").returncode == 0
    ended = run("torch.cuda.is_available()")
    assert ended.returncode == -6
    assert ended.stderr.startswith(
        '"hipErrorNoBinaryForGpu: Unable to find code object for all current devices!"'
    )
    assert "stand-in" in ended.stderr


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [("HIP_VISIBLE_DEVICES", "0", 1), ("HIP_VISIBLE_DEVICES", "-1", 0), ("ROCR_VISIBLE_DEVICES", "", 0)],
)
def test_visibility(monkeypatch: pytest.MonkeyPatch, name: str, value: str, seen: int) -> None:
    monkeypatch.setenv(name, value)
    assert torch.cuda.device_count() == seen


def test_a_card_that_cannot_be_read_is_not_no_card(slot: SimulatedCard) -> None:
    (slot.folder / "card.json").write_text("{")
    with pytest.raises(RuntimeError, match=r"card\.json does not describe a card"):
        torch.cuda.is_available()


@pytest.mark.usefixtures("card")
def test_tensors_know_where_they_are() -> None:
    here = torch.ones(2, requires_grad=True)
    there = here.to("cuda")
    assert (str(there.device), there.is_cuda, here.is_cuda) == ("cuda:0", True, False)
    assert str(torch.zeros(1, device="cuda").device) == "cuda:0"
    with pytest.raises(TypeError, match="cuda:0 device type tensor to numpy"):
        there.detach().numpy()
    with pytest.raises(RuntimeError, match="found at least two devices"):
        there + torch.ones(2)
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        here.to("cuda:1")
    (there * 3).sum().backward()
    assert here.grad is not None
    assert (here.grad.tolist(), str(here.grad.device)) == ([3.0, 3.0], "cpu")


@pytest.mark.usefixtures("card")
def test_both_devices_compute_the_same() -> None:
    torch.manual_seed(0)
    layer, image = torch.nn.Conv2d(3, 4, 3), torch.randn(2, 3, 8, 8)
    here = layer(image)
    assert torch.equal(layer.cuda()(image.cuda()).cpu(), here)
