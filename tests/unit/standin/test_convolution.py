"""The stand-in's convolution is right: compared with a plain loop and with finite differences."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import rdna1.lab.standin.torch as torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdna1.lab.standin.torch import nn
from rdna1.lab.standin.torch._conv import Shape
from rdna1.lab.standin.torch._types import Array
from rdna1.lab.standin.torch.nn import functional

small = st.integers(1, 3)
pairs = st.tuples(st.integers(1, 2), st.integers(1, 2))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, Array, Array, Shape]:
    """An image batch, a weight, a bias and how the kernel moves."""
    groups = draw(st.integers(1, 2))
    kernel = (draw(small), draw(small))
    shape = Shape(draw(pairs), draw(st.tuples(st.integers(0, 2), st.integers(0, 2))), draw(pairs), groups)
    reach = [(size - 1) * step + 1 for size, step in zip(kernel, shape.dilation, strict=True)]
    edges = [
        draw(st.integers(max(1, size - 2 * pad), 6)) for size, pad in zip(reach, shape.padding, strict=True)
    ]
    channels, filters = draw(small), draw(small)
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return (
        numbers.standard_normal((draw(small), channels * groups, *edges)),
        numbers.standard_normal((filters * groups, channels, *kernel)),
        numbers.standard_normal(filters * groups),
        shape,
    )


def naive(image: Array, weight: Array, bias: Array, shape: Shape) -> Array:
    """Convolve one number at a time."""
    padded = np.pad(image, ((0, 0), (0, 0), (shape.padding[0],) * 2, (shape.padding[1],) * 2))
    rows, columns = (
        (padded.shape[axis + 2] - (weight.shape[axis + 2] - 1) * shape.dilation[axis] - 1)
        // shape.stride[axis]
        + 1
        for axis in (0, 1)
    )
    result = np.zeros((len(image), len(weight), rows, columns))
    filters = len(weight) // shape.groups
    for n, o, r, c in np.ndindex(*result.shape):
        total = bias[o]
        for i, y, x in itertools.product(*map(range, weight.shape[1:])):
            channel = o // filters * weight.shape[1] + i
            row = r * shape.stride[0] + y * shape.dilation[0]
            column = c * shape.stride[1] + x * shape.dilation[1]
            total += padded[n, channel, row, column] * weight[o, i, y, x]
        result[n, o, r, c] = total
    return result


def convolve(tensors: Sequence[torch.Tensor], shape: Shape) -> torch.Tensor:
    image, weight, bias = tensors
    return functional.conv2d(image, weight, bias, shape.stride, shape.padding, shape.dilation, shape.groups)


def numeric(compute: Callable[[], float], array: Array, step: float = 1e-6) -> Array:
    """Return the gradient of a number by each element of an array, by trying."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(*array.shape):
        kept = array[index]
        array[index] = kept + step
        above = compute()
        array[index] = kept - step
        gradient[index] = (above - compute()) / (2 * step)
        array[index] = kept
    return gradient


@given(cases())
@settings(max_examples=60, deadline=None)
def test_forward_is_what_a_plain_loop_computes(case: tuple[Array, Array, Array, Shape]) -> None:
    image, weight, bias, shape = case
    found = convolve([torch.from_numpy(array) for array in (image, weight, bias)], shape)
    np.testing.assert_allclose(found.numpy(), naive(image, weight, bias, shape), atol=1e-12)


@given(cases())
@settings(max_examples=25, deadline=None)
def test_gradients_are_what_finite_differences_show(case: tuple[Array, Array, Array, Shape]) -> None:
    *arrays, shape = case
    tensors = [torch.from_numpy(array).requires_grad_() for array in arrays]
    result = convolve(tensors, shape)
    mix = np.random.default_rng(1).standard_normal(result.shape)
    result.backward(torch.from_numpy(mix))

    def mixed() -> float:
        with torch.no_grad():
            return float((convolve(tensors, shape).array * mix).sum())

    for tensor, array in zip(tensors, arrays, strict=True):
        assert tensor.grad is not None
        np.testing.assert_allclose(tensor.grad.numpy(), numeric(mixed, array), atol=1e-6)


@pytest.mark.parametrize("size", [32, 40, 42, 44, 48, 56, 64, 128, 224, 512])
def test_single_precision_is_close_to_double_at_the_sizes_of_the_smoke_test(size: int) -> None:
    torch.manual_seed(size)
    layer = nn.Conv2d(3, 64, 3, padding=1)
    image = torch.randn(1, 3, size, size)
    exact = functional.conv2d(image.double(), layer.weight.double(), layer.bias.double(), padding=1)  # type: ignore[union-attr]
    found = layer(image)
    assert found.shape == (1, 64, size, size)
    assert found.dtype is torch.float32
    assert (found.double() - exact).abs().max().item() < 1e-5


@pytest.mark.usefixtures("card")
def test_half_precision_adds_up_in_single_precision_on_the_card_and_is_refused_on_the_cpu() -> None:
    torch.manual_seed(0)
    layer, image = nn.Conv2d(16, 8, 3).half(), torch.randn(1, 16, 9, 9).half()
    with pytest.raises(RuntimeError, match="not implemented for 'Half'"):
        layer(image)
    found = layer.cuda()(image.cuda())
    assert found.dtype is torch.float16
    exact = layer.cpu().float()(image.float())
    assert torch.allclose(found.cpu().float(), exact, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 4, 8, 8), "to have 3 channels, but got 4"),
        (torch.zeros(3, 8, 8), "Expected 4D"),
        (torch.zeros(1, 3, 8, 8).double(), "Input type"),
        (torch.zeros(1, 3, 2, 2), "Kernel size can't be greater"),
    ],
)
def test_what_torch_refuses_is_refused(image: torch.Tensor, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        functional.conv2d(image, torch.zeros(2, 3, 3, 3))


def test_padding_can_be_told_in_words() -> None:
    image, weight = torch.randn(1, 1, 7, 7), torch.randn(1, 1, 3, 3)
    same = functional.conv2d(image, weight, padding="same")
    assert torch.equal(same, functional.conv2d(image, weight, padding=1))
    assert functional.conv2d(image, weight, padding="valid").shape == (1, 1, 5, 5)
