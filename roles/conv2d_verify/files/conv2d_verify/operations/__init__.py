"""What a case can ask the device for (worker side): each takes a session and a case, returns findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conv2d_verify.operations import chain, convolution, counting, normalization, recurrent

if TYPE_CHECKING:
    from collections.abc import Callable

    from conv2d_verify.cases import Case
    from conv2d_verify.session import Session

BY_NAME: dict[str, Callable[[Session, Case], list[dict[str, Any]]]] = {
    "conv2d": convolution.run,
    "conv2d-chain": chain.run,
    "batchnorm": normalization.run,
    "lstm": recurrent.run,
    "gru": recurrent.run,
    "nonzero": counting.run,
    "unique": counting.run,
}
