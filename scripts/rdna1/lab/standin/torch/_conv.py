"""Convolution and pooling on arrays: what a tensor's operations compute, without tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ._types import Array

Pair = tuple[int, int]


@dataclass(frozen=True)
class Shape:
    """How a kernel moves over its input."""

    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


def pad(values: Array, padding: Pair, fill: float = 0.0) -> Array:
    """Return an image batch with a border."""
    (rows, columns) = padding
    edges = ((0, 0), (0, 0), (rows, rows), (columns, columns))
    return np.pad(values, edges, constant_values=fill) if rows or columns else values


def windows(padded: Array, kernel: Pair, shape: Shape) -> Array:
    """Return what each output position sees: (batch, channel, row, column, kernel row, kernel column)."""
    reach = tuple((size - 1) * step + 1 for size, step in zip(kernel, shape.dilation, strict=True))
    if padded.shape[2] < reach[0] or padded.shape[3] < reach[1]:
        raise RuntimeError(
            f"Calculated padded input size per channel: ({padded.shape[2]} x {padded.shape[3]}). "
            f"Kernel size: ({reach[0]} x {reach[1]}). Kernel size can't be greater than actual input size"
        )
    view = sliding_window_view(padded, reach, axis=(2, 3))
    (down, right), (skip, leap) = shape.stride, shape.dilation
    found: Array = view[:, :, ::down, ::right, ::skip, ::leap]
    return found


def columns(image: Array, kernel: Pair, shape: Shape) -> Array:
    """Return the windows as a matrix: one row for each output position."""
    seen = windows(image, kernel, shape)
    return seen.transpose(0, 2, 3, 1, 4, 5).reshape(-1, seen.shape[1] * kernel[0] * kernel[1])


def forward(image: Array, weight: Array, bias: Array | None, shape: Shape) -> Array:
    """Convolve (torch's conv2d: a cross-correlation)."""
    kernel = weight.shape[2:4]
    padded = pad(image, shape.padding)
    rows, cols = windows(padded, kernel, shape).shape[2:4]
    parts = []
    for part, filters in zip(
        np.split(padded, shape.groups, axis=1), np.split(weight, shape.groups), strict=True
    ):
        product = columns(part, kernel, shape) @ filters.reshape(len(filters), -1).T
        parts.append(product.reshape(len(image), rows, cols, len(filters)).transpose(0, 3, 1, 2))
    result = np.concatenate(parts, axis=1)
    return result if bias is None else result + bias[:, None, None]


def backward_weight(gradient: Array, image: Array, weight: Array, shape: Shape) -> Array:
    """Return the gradient of the weight."""
    kernel = weight.shape[2:4]
    parts = []
    for part, grad in zip(
        np.split(pad(image, shape.padding), shape.groups, axis=1),
        np.split(gradient, shape.groups, axis=1),
        strict=True,
    ):
        flat = grad.transpose(1, 0, 2, 3).reshape(grad.shape[1], -1)
        parts.append((flat @ columns(part, kernel, shape)).reshape(grad.shape[1], -1, *kernel))
    return np.concatenate(parts)


def backward_input(gradient: Array, image: Array, weight: Array, shape: Shape) -> Array:
    """Return the gradient of the input: every output position hands its gradient back to what it saw."""
    rows, cols = gradient.shape[2:4]
    (down, right), (skip, leap) = shape.stride, shape.dilation
    padded = np.zeros_like(pad(image, shape.padding))
    per_group = image.shape[1] // shape.groups
    for number, (filters, grad) in enumerate(
        zip(np.split(weight, shape.groups), np.split(gradient, shape.groups, axis=1), strict=True)
    ):
        target = padded[:, number * per_group : (number + 1) * per_group]
        for row in range(weight.shape[2]):
            for column in range(weight.shape[3]):
                top, left = row * skip, column * leap
                seen = target[:, :, top : top + rows * down : down, left : left + cols * right : right]
                seen += np.einsum("norc,oi->nirc", grad, filters[:, :, row, column], optimize=True)
    (above, beside) = shape.padding
    inner: Array = padded[:, :, above : above + image.shape[2], beside : beside + image.shape[3]]
    return inner
