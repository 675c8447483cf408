"""Makes tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _types
from ._tensor import Number, Size, Tensor
from ._types import CPU, Array, Device, DType


class _Random:
    """The generator behind randn; one for both devices, so that they draw the same numbers."""

    numbers = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Make what is drawn from now on repeatable."""
    _Random.numbers = np.random.default_rng(seed)


def _finish(array: Array, kind: DType | None, where: Device | str | None, requires_grad: bool) -> Tensor:
    kind = kind or (_types.float32 if array.dtype.kind == "f" else _types.of(array))
    made = Tensor(array.astype(kind.numpy)).to(Device(where or CPU))
    return made.requires_grad_(requires_grad)


def _shape(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], list | tuple) else size


def randn(
    *size: Any, dtype: DType | None = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Return normally distributed numbers."""
    return _finish(_Random.numbers.standard_normal(_shape(size)), dtype, device, requires_grad)


def rand(
    *size: Any, dtype: DType | None = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Return evenly distributed numbers between zero and one."""
    return _finish(_Random.numbers.random(_shape(size)), dtype, device, requires_grad)


def randint(
    low: int,
    high: int,
    size: tuple[int, ...],
    dtype: DType | None = None,
    device: Device | str | None = None,
) -> Tensor:
    """Return whole numbers from low on and below high."""
    return _finish(_Random.numbers.integers(low, high, size), dtype, device, requires_grad=False)


def full(
    size: tuple[int, ...],
    value: Number,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor filled with one value."""
    return _finish(np.full(size, value), dtype, device, requires_grad)


def zeros(
    *size: Any, dtype: DType | None = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Return zeros."""
    return _finish(np.zeros(_shape(size)), dtype, device, requires_grad)


def ones(
    *size: Any, dtype: DType | None = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Return ones."""
    return _finish(np.ones(_shape(size)), dtype, device, requires_grad)


# What an empty tensor holds is not defined, so it may be zeros.
empty = zeros


def arange(*bounds: Number, dtype: DType | None = None, device: Device | str | None = None) -> Tensor:
    """Return numbers one step apart."""
    return _finish(np.arange(*bounds), dtype, device, requires_grad=False)


def tensor(
    data: Any,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor of Python numbers or of an array."""
    array = np.array(data)
    kind = dtype or (_types.of(array) if isinstance(data, np.ndarray) else None)
    return _finish(array, kind, device, requires_grad)


def from_numpy(array: Array) -> Tensor:
    """Return a tensor that shares the array's memory."""
    _types.of(array)
    return Tensor(array)


def zeros_like(other: Tensor) -> Tensor:
    """Return zeros of another tensor's shape, type and device."""
    return Tensor(np.zeros_like(other.array), other.device)


def ones_like(other: Tensor) -> Tensor:
    """Return ones of another tensor's shape, type and device."""
    return Tensor(np.ones_like(other.array), other.device)


empty_like = zeros_like


def randn_like(other: Tensor) -> Tensor:
    """Return normally distributed numbers of another tensor's shape, type and device."""
    return randn(Size(other.shape), dtype=other.dtype, device=other.device)
