"""Send a gradient back."""

from __future__ import annotations

from typing import Any


def send_back(output: Any, upstream: Any) -> None:
    """Do what `output.backward(upstream)` does: the gradient of this sum by the output is exactly `upstream`.

    Given a gradient, torch 2 imports its symbolic shape machinery to check it: seconds, in every process.
    """
    (output * upstream).sum().backward()
