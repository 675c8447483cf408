"""The helper on a tiny stand-in for torch: what is dispatched where, without a gigabyte of arithmetic.

That results and gradients are equal is proven where the real torch is: `python -m rdna1_torch`.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

FILES = Path(__file__).parents[3] / "roles/pytorch_venv/files"


class Tensor:
    """Knows where it is, of which type and how large; remembers where it was."""

    def __init__(
        self, *shape: int, device: str = "cuda", dtype: str = "float32", trail: tuple[str, ...] = ()
    ) -> None:
        self.shape = shape
        self.device = SimpleNamespace(type=device)
        self.dtype = dtype
        self.trail = trail

    def to(self, *, device: Any, dtype: str) -> "Tensor":
        name = device if isinstance(device, str) else device.type
        return Tensor(*self.shape, device=name, dtype=dtype, trail=(*self.trail, f"{name} {dtype}"))


class Torch(ModuleType):
    """As much of torch as the helper touches."""

    float32, float64, float16 = "float32", "float64", "float16"

    def __init__(self) -> None:
        super().__init__("torch")
        self.calls: list[tuple[Any, ...]] = []
        self.autocast = ""
        self.conv2d: Any = None
        functional: Any = ModuleType("torch.nn.functional")
        self.nn = SimpleNamespace(functional=functional)

    def compute(self, image: Any, weight: Any, bias: Any = None, *args: Any, **options: Any) -> Tensor:
        self.calls.append((image, weight, bias, args, options))
        return Tensor(*image.shape, device=image.device.type, dtype=image.dtype, trail=image.trail)

    def is_autocast_enabled(self) -> bool:
        return bool(self.autocast)

    def get_autocast_gpu_dtype(self) -> str:
        return self.autocast


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Torch:
    """The stand-in, in torch's place."""
    fake = Torch()
    # Bound once, so that "the very same function" means something.
    fake.conv2d = fake.nn.functional.conv2d = fake.compute
    monkeypatch.setitem(sys.modules, "torch", fake)
    return fake


@pytest.fixture
def helper(torch: Torch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package, imported with the stand-in."""
    monkeypatch.syspath_prepend(str(FILES))
    names = [name for name in sys.modules if name.split(".")[0] == "rdna1_torch"]
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    assert sys.modules["torch"] is torch
    yield importlib.import_module("rdna1_torch")
    for name in [name for name in sys.modules if name.split(".")[0] == "rdna1_torch"]:
        del sys.modules[name]


@pytest.fixture
def tensor() -> type[Tensor]:
    """Makes tensors of the stand-in."""
    return Tensor
