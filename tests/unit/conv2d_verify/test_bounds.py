"""The error bounds: wide enough for right sums in any order, too narrow for wrong ones."""

import numpy as np
import pytest
from conv2d_verify import bounds
from hypothesis import given, settings
from hypothesis import strategies as st

LENGTHS = st.integers(1, 3000)


def sums(length: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sums of products in float32 one after another, the exact ones, and those of absolute values."""
    random = np.random.default_rng(seed)
    left = random.standard_normal((64, length)).astype(np.float32)
    right = random.standard_normal((64, length)).astype(np.float32)
    products = left.astype(np.float64) * right.astype(np.float64)
    rounded = np.add.accumulate(left * right, axis=1, dtype=np.float32)[:, -1]
    return rounded.astype(np.float64), products.sum(axis=1), np.abs(products).sum(axis=1)


@settings(max_examples=60, deadline=None)
@given(length=LENGTHS, seed=st.integers(0, 2**31))
def test_the_worst_order_of_a_right_sum_keeps_both_bounds(length: int, seed: int) -> None:
    got, exact, scale = sums(length, seed)
    error = np.abs(got - exact)
    assert error.max() <= bounds.worst(length, "float32") * scale.max()
    assert np.linalg.norm(error) <= bounds.rms(length, "float32") * np.linalg.norm(exact)


@pytest.mark.parametrize("length", [28, 576, 1024, 50176, 262144])
def test_half_a_thousandth_too_much_throughout_breaks_the_mean_bound(length: int) -> None:
    assert bounds.rms(length, "float32") < 0.0005


@given(length=LENGTHS)
def test_longer_sums_may_err_more(length: int) -> None:
    assert bounds.worst(length + 1, "float32") > bounds.worst(length, "float32")
    assert bounds.rms(length + 1, "float32") > bounds.rms(length, "float32")
    assert bounds.worst(length, "float16") > bounds.worst(length, "float32")


@given(
    size=st.integers(1, 64),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    padding=st.integers(0, 4),
)
def test_the_output_s_size_is_the_number_of_places_for_the_kernel(
    size: int, kernel: int, stride: int, padding: int
) -> None:
    width = size + 2 * padding
    if width >= kernel:
        places = len(range(0, width - kernel + 1, stride))
        assert bounds.output_size(size, kernel, stride, padding) == places


def test_lengths_are_the_addends_of_a_convolution() -> None:
    assert bounds.forward_length(3, 3) == 28
    assert bounds.input_gradient_length(64, 3) == 576
    assert bounds.weight_gradient_length(1, 512, 512) == 262144
