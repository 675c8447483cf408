"""What is switched on and off: the limits in force, and the functions that they stand in front of."""

from __future__ import annotations

import functools
import threading
from typing import Any, Callable

import torch

from rdna1_torch import dispatch

_lock = threading.RLock()
_limits: list[Limit] = []
_originals: dict[Any, Callable[..., Any]] = {}


class Limit:
    """A limit in force. Leaving the `with` block, or `off()`, ends it."""

    def __init__(self, max_size: int) -> None:
        if isinstance(max_size, bool) or not isinstance(max_size, int) or max_size < 1:
            raise ValueError(
                f"limit_conv2d: max_size is {max_size!r}; give a whole number of pixels, such as 42"
            )
        self.max_size = max_size
        # How many convolutions ran on the CPU while this limit was in force.
        self.moved = 0
        with _lock:
            _limits.append(self)
            _install()

    def off(self) -> None:
        """End it; a second time does nothing."""
        with _lock:
            if self in _limits:
                _limits.remove(self)
                _install()

    def __enter__(self) -> Limit:
        """Be in force, as since it was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.off()

    def __repr__(self) -> str:
        """Say what it does and whether it still does."""
        state = "on" if self in _limits else "off"
        return f"<limit_conv2d max_size={self.max_size} {state}, {self.moved} moved>"


def limit_conv2d(max_size: int = 42) -> Limit:
    """Run Conv2d on the CPU wherever its input is higher or wider than max_size; return what ends that.

    Of several limits in force the smallest decides.
    """
    return Limit(max_size)


def _install() -> None:
    """Stand in front of PyTorch's functions while there is a limit, and step aside when there is none."""
    for place in (torch.nn.functional, torch):
        if _limits and place not in _originals:
            _originals[place] = place.conv2d
            place.conv2d = _limited(place.conv2d)
        elif not _limits and place in _originals:
            place.conv2d = _originals.pop(place)


def _limited(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def conv2d(input: Any, weight: Any, bias: Any = None, *args: Any, **options: Any) -> Any:  # noqa: A002 - torch's
        limits = list(_limits)
        if not limits or not dispatch.is_moved(input, min(limit.max_size for limit in limits)):
            return original(input, weight, bias, *args, **options)
        for limit in limits:
            limit.moved += 1
        return dispatch.on_cpu(original, input, weight, bias, *args, **options)

    return conv2d
