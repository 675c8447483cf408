"""A case: one thing the card is asked to compute, as plain data for the worker and the verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

# Faults a self-test case asks the worker for, to prove that the verifier notices.
FAULTS = (
    "none",
    "spin",
    "sleep",
    "slow-compile",
    "wrong",
    "nan",
    "zero",
    "raise",
    "exit",
    "segfault",
    "memory",
    "flood",
    "ignore-term",
)

OPS = (
    "conv2d",
    "conv2d-chain",
    "batchnorm",
    "lstm",
    "gru",
    "nonzero",
    "unique",
)

DTYPES = ("float32", "float16")


@dataclass(frozen=True)
class Case:
    """What to compute; `id` is SUITE/NAME."""

    id: str
    suite: str
    op: str = "conv2d"
    size: int = 32
    in_channels: int = 3
    out_channels: int = 64
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    batch: int = 1
    dtype: str = "float32"
    # Runs of the forward pass: the first pays for compilation, the others are the steady time.
    runs: int = 6
    gating: bool = True
    fault: str = "none"
    # A self-test case is right when it ends like this.
    wants: str = ""
    # A chain's layers: [in, out, kernel, stride, padding] each.
    layers: tuple[tuple[int, int, int, int, int], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "layers": [list(layer) for layer in self.layers]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Case:
        """Read what `to_json` wrote."""
        return cls(**{**value, "layers": tuple(tuple(layer) for layer in value["layers"])})

    def at_size(self, size: int) -> Case:
        """Return the same case at another size, named for it."""
        return replace(self, id=f"{self.suite}/{size}", size=size)

    @property
    def title(self) -> str:
        """What a person reads in the table."""
        if self.op == "conv2d":
            shape = f"{self.in_channels}→{self.out_channels} {self.kernel}x{self.kernel}"
            half = " fp16" if self.dtype == "float16" else ""
            return f"{self.size}x{self.size} {shape}{half}"
        return self.op
