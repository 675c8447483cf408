"""Layers as functions. conv2d is what the whole stand-in is for."""

from __future__ import annotations

from typing import Union

import numpy as np

from .. import _conv, _faults
from .._conv import Pair, Shape
from .._tensor import Tensor
from .._types import Array

Edge = Union[int, tuple[int, ...]]  # noqa: UP007 - a value at run time


def pair(value: Edge) -> Pair:
    """Return a size for rows and one for columns."""
    if isinstance(value, int):
        return value, value
    first, second = value
    return first, second


def _padding(value: Edge | str, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    if value == "valid":
        return 0, 0
    if value == "same":
        spans = tuple((size - 1) * step for size, step in zip(kernel, dilation, strict=True))
        if stride != (1, 1) or any(span % 2 for span in spans):
            raise NotImplementedError("stand-in torch: padding='same' with a stride or an even kernel")
        return spans[0] // 2, spans[1] // 2
    if isinstance(value, str):
        raise RuntimeError(f"Invalid padding string: '{value}'")
    return pair(value)


def _agree(image: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    """Refuse what torch refuses."""
    for name, other in (("weight", weight), ("bias", bias)):
        if other is None:
            continue
        if other.device != image.device:
            raise RuntimeError(
                f"Input is on {image.device} but {name} is on {other.device}: they must be on the same"
            )
        if other.dtype is not image.dtype:
            raise RuntimeError(
                f"Input type ({image.dtype}) and {name} type ({other.dtype}) should be the same"
            )
    if image.ndim != 4:
        raise RuntimeError(
            f"Expected 4D (batched) input to conv2d, but got input of size: {list(image.shape)}"
        )
    if image.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(image.shape)} "
            f"to have {weight.shape[1] * groups} channels, but got {image.shape[1]} channels instead"
        )
    if image.array.dtype == np.float16 and not image.is_cuda:
        raise RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'")


def conv2d(
    image: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Edge = 1,
    padding: Edge | str = 0,
    dilation: Edge = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve a batch of images; on the simulated card, conv2d.json may make it go wrong."""
    _agree(image, weight, bias, groups)
    kernel = pair(weight.array.shape[2:])
    steps, holes = pair(stride), pair(dilation)
    shape = Shape(steps, _padding(padding, kernel, steps, holes), holes, groups)
    case = _faults.Case(
        size=max(image.shape[2:]),
        in_channels=image.shape[1],
        out_channels=weight.shape[0],
        batch=image.shape[0],
        kernel=max(kernel),
        dtype=image.dtype.name,
    )

    def on_card(result: Array, during: _faults.Pass) -> Array:
        return _faults.strike(case, during, result) if image.is_cuda else result

    # Half precision adds up in single precision, as the card's own kernels do.
    exact = np.float32 if image.array.dtype == np.float16 else image.array.dtype
    x, w = image.array.astype(exact, copy=False), weight.array.astype(exact, copy=False)
    b = None if bias is None else bias.array.astype(exact, copy=False)

    def pull(gradient: Array) -> list[Array | None]:
        g = gradient.astype(exact, copy=False)
        back: list[Array | None] = [
            on_card(_conv.backward_input(g, x, w, shape), "backward") if image.requires_grad else None,
            on_card(_conv.backward_weight(g, x, w, shape), "backward") if weight.requires_grad else None,
        ]
        return back if bias is None else [*back, g.sum(axis=(0, 2, 3))]

    result = on_card(_conv.forward(x, w, b, shape).astype(image.array.dtype, copy=False), "forward")
    sources = (image, weight) if bias is None else (image, weight, bias)
    return Tensor(result, image.device, sources, pull)


def max_pool2d(image: Tensor, kernel_size: Edge, stride: Edge | None = None, padding: Edge = 0) -> Tensor:
    """Return the largest element of each window."""
    kernel = pair(kernel_size)
    shape = Shape(pair(kernel_size if stride is None else stride), pair(padding))
    padded = _conv.pad(image.array, shape.padding, fill=-np.inf)
    seen = _conv.windows(padded, kernel, shape)
    flat = seen.reshape(*seen.shape[:4], -1)
    best = flat.argmax(axis=-1)

    def pull(gradient: Array) -> list[Array]:
        back = np.zeros_like(padded)
        batch, channel, row, column = np.indices(best.shape)
        rows = row * shape.stride[0] + best // kernel[1]
        columns = column * shape.stride[1] + best % kernel[1]
        np.add.at(back, (batch, channel, rows, columns), gradient)
        (above, beside) = shape.padding
        return [back[:, :, above : above + image.shape[2], beside : beside + image.shape[3]]]

    result = np.take_along_axis(flat, best[..., None], axis=-1)[..., 0]
    return Tensor(result, image.device, (image,), pull)


def adaptive_avg_pool2d(image: Tensor, output_size: Edge) -> Tensor:
    """Return the means of a grid of equal cells."""
    rows, columns = pair(output_size)
    height, width = image.shape[2:]
    if height % rows or width % columns:
        raise NotImplementedError("stand-in torch: adaptive pooling into cells of different sizes")
    cells = image.reshape(*image.shape[:2], rows, height // rows, columns, width // columns)
    return cells.mean((3, 5))


def batch_norm(
    image: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor,
    bias: Tensor,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel, by the batch when training, else by what was learnt."""
    along = (1, -1, 1, 1)
    if training:
        mean, var = image.mean((0, 2, 3), keepdim=True), image.var((0, 2, 3), unbiased=False, keepdim=True)
        count = image.numel() // image.shape[1]
        running_mean.array += momentum * (mean.array.reshape(-1) - running_mean.array)
        running_var.array += momentum * (var.array.reshape(-1) * count / (count - 1) - running_var.array)
    else:
        mean, var = running_mean.reshape(along), running_var.reshape(along)
    return (image - mean) / (var + eps).sqrt() * weight.reshape(along) + bias.reshape(along)


def linear(values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the values times the transposed weight, plus the bias."""
    product = values @ weight.t()
    return product if bias is None else product + bias


def relu(values: Tensor, inplace: bool = False) -> Tensor:  # noqa: ARG001 - always a new tensor here
    """Return the elements, negative ones as zero."""
    return values.relu()


def mse_loss(values: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference."""
    off = values - target
    return (off * off).mean()
