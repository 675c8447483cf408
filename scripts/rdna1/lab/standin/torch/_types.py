"""Element types and devices, named as torch names them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class DType:
    """An element type."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype[Any](name)

    @property
    def is_floating_point(self) -> bool:
        """Whether elements are floating point numbers."""
        return self.numpy.kind == "f"

    def __repr__(self) -> str:
        return f"torch.{self.name}"


float16, float32, float64 = DType("float16"), DType("float32"), DType("float64")
uint8, int32, int64 = DType("uint8"), DType("int32"), DType("int64")
truth = DType("bool")
ALL = {kind.numpy: kind for kind in (float16, float32, float64, uint8, int32, int64, truth)}


def of(array: Array) -> DType:
    """Return the type of an array's elements."""
    try:
        return ALL[array.dtype]
    except KeyError:
        raise TypeError(f"stand-in torch has no element type for {array.dtype}") from None


class Device:
    """Where a tensor is: "cpu", or "cuda:0" for the simulated card."""

    def __init__(self, kind: str | Device, index: int | None = None) -> None:
        name, _, number = str(kind).partition(":")
        if name not in ("cpu", "cuda"):
            raise RuntimeError(f"stand-in torch has no device {str(kind)!r}")
        self.type = name
        self.index = int(number) if number else index

    @property
    def is_card(self) -> bool:
        """Whether it is the simulated card."""
        return self.type == "cuda"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


CPU = Device("cpu")
# torch's own names.
dtype, device = DType, Device
