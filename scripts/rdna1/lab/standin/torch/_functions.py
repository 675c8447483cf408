"""Functions on tensors that are methods as well, or compare two of them."""

# ruff: noqa: A001 - some functions of torch have the names of built-in ones

from __future__ import annotations

from typing import Any

import numpy as np

from ._tensor import Dim, Operand, Tensor


def is_tensor(value: object) -> bool:
    """Tell whether a value is a tensor."""
    return isinstance(value, Tensor)


def isnan(values: Tensor) -> Tensor:
    """Return which elements are no number."""
    return values.isnan()


def isinf(values: Tensor) -> Tensor:
    """Return which elements are infinite."""
    return values.isinf()


def isfinite(values: Tensor) -> Tensor:
    """Return which elements are finite."""
    return values.isfinite()


def count_nonzero(values: Tensor) -> Tensor:
    """Return how many elements are not zero."""
    return values.count_nonzero()


def any(values: Tensor) -> Tensor:
    """Return whether any element is true."""
    return values.any()


def all(values: Tensor) -> Tensor:
    """Return whether all elements are true."""
    return values.all()


def nonzero(values: Tensor) -> Tensor:
    """Return where elements are not zero, one row for each."""
    return Tensor(np.argwhere(values.array), values.device)


def unique(values: Tensor) -> Tensor:
    """Return the different elements, sorted."""
    return Tensor(np.unique(values.array), values.device)


def allclose(
    left: Tensor, right: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Tell whether two tensors are nearly equal."""
    return bool(np.allclose(left.array, left._other(right).array, rtol, atol, equal_nan))


def equal(left: Tensor, right: Tensor) -> bool:
    """Tell whether two tensors are equal."""
    return bool(np.array_equal(left.array, left._other(right).array))


def abs(values: Tensor) -> Tensor:
    """Return the absolute values."""
    return values.abs()


def sqrt(values: Tensor) -> Tensor:
    """Return the square roots."""
    return values.sqrt()


def exp(values: Tensor) -> Tensor:
    """Return e to the power of each element."""
    return values.exp()


def log(values: Tensor) -> Tensor:
    """Return the natural logarithms."""
    return values.log()


def sigmoid(values: Tensor) -> Tensor:
    """Return what lies between zero and one."""
    return values.sigmoid()


def tanh(values: Tensor) -> Tensor:
    """Return the hyperbolic tangents."""
    return values.tanh()


def relu(values: Tensor) -> Tensor:
    """Return the elements, negative ones as zero."""
    return values.relu()


def sum(values: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return the sum over some axes."""
    return values.sum(dim, keepdim)


def mean(values: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return the mean over some axes."""
    return values.mean(dim, keepdim)


def max(values: Tensor) -> Tensor:
    """Return the largest element."""
    return values.max()


def min(values: Tensor) -> Tensor:
    """Return the smallest element."""
    return values.min()


def flatten(values: Tensor, start_dim: int = 0) -> Tensor:
    """Return the tensor with the axes from one on made one."""
    return values.flatten(start_dim)


def matmul(left: Tensor, right: Tensor) -> Tensor:
    """Return the matrix product."""
    return left @ right


mm = matmul


def add(left: Tensor, right: Operand) -> Tensor:
    """Return the sum of two tensors."""
    return left + right


def mul(left: Tensor, right: Operand) -> Tensor:
    """Return the product of two tensors, element by element."""
    return left * right


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Return tensors joined along an axis."""
    parts = list(tensors)
    cuts = np.cumsum([part.shape[dim] for part in parts])[:-1]
    joined = np.concatenate([part.array for part in parts], axis=dim)
    return Tensor(joined, parts[0].device, parts, lambda gradient: np.split(gradient, cuts, axis=dim))


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Return tensors joined along a new axis."""
    return cat([part.unsqueeze(dim) for part in tensors], dim)


def get_num_threads() -> int:
    """Return how many threads compute: NumPy decides that."""
    return 1


def set_num_threads(number: int) -> None:
    """Leave it to NumPy how many threads compute."""


def use_deterministic_algorithms(mode: object, *, warn_only: object = False) -> None:
    """Change nothing: NumPy's results are always the same."""
