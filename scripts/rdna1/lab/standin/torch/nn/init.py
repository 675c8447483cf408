"""Fills parameters."""

from __future__ import annotations

from .. import _create
from .._engine import no_grad
from .._tensor import Tensor


def uniform_(values: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Fill evenly between two bounds."""
    with no_grad():
        return values.copy_(_create.rand(values.shape, dtype=values.dtype) * (high - low) + low)


def constant_(values: Tensor, value: float) -> Tensor:
    """Fill with one value."""
    with no_grad():
        return values.fill_(value)
