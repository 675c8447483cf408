"""Reverse-mode differentiation: walks from results back to what they were made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ContextDecorator
from typing import TYPE_CHECKING

import numpy as np

from ._types import Array

if TYPE_CHECKING:
    from ._tensor import Tensor

# Hands the gradient of a result back to each of its inputs; None where an input has none.
Pull = Callable[[Array], Sequence["Array | None"]]


class _Mode:
    enabled = True


class set_grad_enabled(ContextDecorator):  # noqa: N801 - torch's name
    """Switches recording on or off within a block or a function."""

    def __init__(self, mode: bool) -> None:
        self.before = _Mode.enabled
        self.mode = mode

    def __enter__(self) -> None:
        self.before, _Mode.enabled = _Mode.enabled, self.mode

    def __exit__(self, *_: object) -> None:
        _Mode.enabled = self.before


class no_grad(set_grad_enabled):  # noqa: N801 - torch's name
    """Switches recording off."""

    def __init__(self) -> None:
        super().__init__(mode=False)


class enable_grad(set_grad_enabled):  # noqa: N801 - torch's name
    """Switches recording on."""

    def __init__(self) -> None:
        super().__init__(mode=True)


def is_grad_enabled() -> bool:
    """Tell whether operations are recorded."""
    return _Mode.enabled


def gradients(roots: Sequence[tuple[Tensor, Array]]) -> dict[int, Array]:
    """Return the gradient of every tensor that the roots depend on, by the tensor's id."""
    found: dict[int, Array] = {}
    for root, seed in roots:
        found[id(root)] = found[id(root)] + seed if id(root) in found else seed
    for tensor in history([root for root, _ in roots]):
        if tensor.pull is None or id(tensor) not in found:
            continue
        for source, gradient in zip(tensor.sources, tensor.pull(found[id(tensor)]), strict=True):
            if gradient is None or not source.requires_grad:
                continue
            gradient = unbroadcast(np.asarray(gradient, source.array.dtype), source.array.shape)
            found[id(source)] = found[id(source)] + gradient if id(source) in found else gradient
    return found


def history(roots: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the roots and what they were made of, every tensor after all those that were made of it."""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack = [(root, False) for root in roots]
    while stack:
        tensor, done = stack.pop()
        if done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            stack.extend((source, False) for source in tensor.sources)
    return reversed(order)


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an operand was repeated."""
    extra = gradient.ndim - len(shape)
    summed = gradient.sum(axis=tuple(range(extra))) if extra else gradient
    repeated = tuple(
        axis for axis, size in enumerate(shape) if size == 1 and np.asarray(summed).shape[axis] != 1
    )
    return np.asarray(summed).sum(axis=repeated, keepdims=True) if repeated else np.asarray(summed)
