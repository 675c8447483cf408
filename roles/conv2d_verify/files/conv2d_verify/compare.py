"""Compare what the device computed with the exact result (worker side: takes torch's tensors)."""

from __future__ import annotations

import math
from typing import Any

from conv2d_verify import bounds


def tensors(what: str, got: Any, exact: Any, scale: Any, length: int, dtype: str) -> dict[str, Any]:
    """Judge one tensor: `exact` in fp64 on the CPU, `scale` the same sums over absolute values.

    Returns plain JSON values: the errors, the bounds they must keep (see bounds.py), and the problem's name,
    empty when there is none: nan, inf, all-zero, shape or wrong.
    """
    finding: dict[str, Any] = {
        "what": what,
        "length": length,
        "max_abs": None,
        "max_rel": None,
        "max_abs_allowed": None,
        "rms_rel": None,
        "rms_rel_allowed": bounds.rms(length, dtype),
        "problem": "",
    }
    if got is None:
        return {**finding, "problem": "missing"}
    if tuple(got.shape) != tuple(exact.shape):
        return {**finding, "problem": "shape"}
    values = got.detach().cpu().double()
    error = (values - exact).abs()
    largest = float(error.max().item())
    if math.isnan(largest) or math.isinf(largest):
        # inf - exact is inf, and only NaN is unequal to itself.
        return {**finding, "problem": "nan" if bool((values != values).any().item()) else "inf"}
    exact_size = _norm(exact)
    allowed = bounds.worst(length, dtype) * float(scale.max().item())
    if dtype == "float16":
        # The result itself is rounded to half precision once more.
        allowed += bounds.UNIT_ROUNDOFF[dtype] * float(exact.abs().max().item())
    root = _norm(error) / exact_size if exact_size else 0.0
    top = float(exact.abs().max().item())
    finding.update(
        max_abs=largest,
        max_rel=largest / top if top else None,
        max_abs_allowed=allowed,
        rms_rel=root,
    )
    if exact_size and _norm(values) == 0.0:
        finding["problem"] = "all-zero"
    elif largest > allowed or root > finding["rms_rel_allowed"]:
        finding["problem"] = "wrong"
    return finding


def identical(what: str, got: Any, exact: Any) -> dict[str, Any]:
    """Judge a tensor of whole numbers, where nothing may be rounded."""
    finding: dict[str, Any] = {"what": what, "length": 0, "problem": ""}
    if tuple(got.shape) != tuple(exact.shape):
        finding["problem"] = "shape"
    elif bool((got.detach().cpu() != exact).any().item()):
        finding["problem"] = "wrong"
    return finding


def _norm(tensor: Any) -> float:
    return math.sqrt(float((tensor * tensor).sum().item()))
