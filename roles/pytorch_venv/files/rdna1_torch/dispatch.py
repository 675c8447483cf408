"""Which convolution is moved, and how it is computed where it is moved to."""

from __future__ import annotations

from typing import Any, Callable

import torch

# The types that the CPU computes in by itself; all others are computed in single precision.
OWN = (torch.float32, torch.float64)


def is_moved(image: Any, max_size: int) -> bool:
    """Say whether a convolution of this input is moved: it is on a card and too large for it."""
    return bool(image.device.type != "cpu" and max(image.shape[-2:]) > max_size)


def on_cpu(
    original: Callable[..., Any], image: Any, weight: Any, bias: Any, *args: Any, **options: Any
) -> Any:
    """Convolve on the CPU and bring the result to where the input is; autograd follows each step."""
    computed = image.dtype if image.dtype in OWN else torch.float32
    wanted = _type(image)
    moved = [None if one is None else one.to(device="cpu", dtype=computed) for one in (image, weight, bias)]
    return original(*moved, *args, **options).to(device=image.device, dtype=wanted)


def _type(image: Any) -> Any:
    """Return the type that the result has on the card: the input's, unless autocast is at work there."""
    if not torch.is_autocast_enabled() or image.dtype == torch.float64:
        return image.dtype
    if hasattr(torch, "get_autocast_dtype"):
        return torch.get_autocast_dtype("cuda")
    return torch.get_autocast_gpu_dtype()
