r"""How far a right answer may be from the exact one.

Every output of a convolution, and every element of its gradients, is a sum of n products: the *reduction
length*. For Conv2d with `I` input and `O` output channels, a `k` by `k` kernel, batch `N` and `H` by `W`
outputs:

    forward          n = I k k + 1   (the bias is one more addend)
    input gradient   n = O k k
    weight gradient  n = N H W

With unit roundoff u (2^-24 for float32, 2^-11 for float16) and S the same sum over absolute values, the
classical bound on the error of one sum is S n u / (1 - n u), whatever the order of summation (N. J.
Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, sections 3.1 and 4.2). It is
useless for long sums: at n = 262144 it allows errors larger than the result. Rounding errors of
independent sign grow with the square root of n instead:

    |error| <= S g(n)   with   g(n) = exp(L sqrt(n) u + n u^2 / (1 - u)) - 1

fails for one sum with probability at most 2 n exp(-L^2 (1 - u)^2 / 2) (N. J. Higham and T. Mary, A New
Approach to Probabilistic Rounding Error Analysis, SIAM J. Sci. Comput. 41(5), 2019, A2815-A2835, theorems
2.4 and 3.1). That is the *largest error* allowed here, with L = 8, the largest S of the tensor in place
of each element's own, and a factor of 2 for algorithms that compute in a transformed domain (Winograd,
FFT), whose errors spread over a tile and are not bounded element by element.

A bound that holds for every element is loose for all of them together: it would pass a gradient that is
off by a tenth throughout. So the *root mean square* is bounded too. The verifier's data are random with
mean zero, and for such data a partial sum of k terms is about sqrt(k) as large as one, so that the errors
of n steps add up to at most u n / sqrt(2) times the size of a term, against a result of sqrt(n) times
that size (N. J. Higham and T. Mary, Sharper Probabilistic Backward Error Analysis for Basic Linear
Algebra Kernels with Random Data, SIAM J. Sci. Comput. 42(5), 2020, A3427-A3446):

    |error|_2 <= c sqrt(n) u |exact|_2

with c = 8 in place of 1 / sqrt(2), again for transformed domains. Blocked sums, as GPUs do them, stay far
below both.
"""

from __future__ import annotations

import math

UNIT_ROUNDOFF = {"float32": 2.0**-24, "float16": 2.0**-11}
LAMBDA = 8.0
TRANSFORM_FACTOR = 2.0
RMS_FACTOR = 8.0


def worst(length: int, dtype: str) -> float:
    """Return the largest error allowed, relative to the largest sum of absolute values."""
    u = UNIT_ROUNDOFF[dtype]
    return TRANSFORM_FACTOR * math.expm1(LAMBDA * math.sqrt(length) * u + length * u * u / (1 - u))


def rms(length: int, dtype: str) -> float:
    """Return the largest relative error allowed in the root mean square."""
    return RMS_FACTOR * math.sqrt(length) * UNIT_ROUNDOFF[dtype]


def forward_length(in_channels: int, kernel: int) -> int:
    """Return the addends of one output."""
    return in_channels * kernel * kernel + 1


def input_gradient_length(out_channels: int, kernel: int) -> int:
    """Return the addends of one element of the input's gradient."""
    return out_channels * kernel * kernel


def weight_gradient_length(batch: int, height: int, width: int) -> int:
    """Return the addends of one element of the weight's gradient."""
    return batch * height * width


def output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """Return the size of a convolution's output."""
    return (size + 2 * padding - kernel) // stride + 1
