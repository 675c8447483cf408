"""Gradients that are asked for by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _engine
from ._engine import enable_grad, no_grad, set_grad_enabled
from ._tensor import Tensor, seed

__all__ = ["enable_grad", "grad", "no_grad", "set_grad_enabled"]


def _several(tensors: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return (tensors,) if isinstance(tensors, Tensor) else tensors


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,  # noqa: ARG001 - histories are never freed
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the outputs with respect to the inputs."""
    if create_graph:
        raise NotImplementedError("stand-in torch: gradients of gradients")
    roots = _several(outputs)
    given = [None] * len(roots) if grad_outputs is None else list(_several(grad_outputs))
    found = _engine.gradients([(root, seed(root, one)) for root, one in zip(roots, given, strict=True)])
    wanted = _several(inputs)
    if not allow_unused and any(id(tensor) not in found for tensor in wanted):
        raise RuntimeError("One of the differentiated Tensors appears to not have been used in the graph.")
    return tuple(Tensor(found[id(one)], one.device) if id(one) in found else None for one in wanted)
