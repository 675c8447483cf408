"""The simulated card. torch for ROCm has HIP under CUDA's name, so that is its name here too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from . import _card, _create
from ._types import Device


class OutOfMemoryError(RuntimeError):
    """Never raised by the stand-in; programs name it."""


@dataclass(frozen=True)
class DeviceProperties:
    """What is known of a card."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    gcnArchName: str  # noqa: N815 - torch's name


def is_available() -> bool:
    """Tell whether there is a card; as with the real wheel, one without kernels here ends the process."""
    return _card.visible() is not None


def is_initialized() -> bool:
    """Tell whether the card is in use: it needs no initialisation here."""
    return is_available()


def init() -> None:
    """Fail where there is no card."""
    _card.require()


def device_count() -> int:
    """Return the number of cards."""
    return int(is_available())


def current_device() -> int:
    """Return the card in use."""
    _card.require()
    return 0


def set_device(index: int | str | Device) -> None:
    """Choose the card: there is one."""
    _checked(index)


def get_device_name(index: Any = None) -> str:
    """Return the card's name."""
    return _checked(index).name


def get_device_capability(index: Any = None) -> tuple[int, int]:
    """Return the numbers of the target that kernels are chosen for."""
    return _checked(index).capability


def get_device_properties(index: Any = None) -> DeviceProperties:
    """Return what is known of the card."""
    card = _checked(index)
    return DeviceProperties(card.name, *card.capability, card.vram_bytes, card.compute_units, card.target)


def get_arch_list() -> list[str]:
    """Return what the wheel has kernels for."""
    return sorted(_card.KERNELS)


def synchronize(index: Any = None) -> None:
    """Wait for the card: operations are finished when they return."""
    _checked(index)


def mem_get_info(index: Any = None) -> tuple[int, int]:
    """Return free and total memory; the stand-in takes none of the card's."""
    card = _checked(index)
    return card.vram_bytes, card.vram_bytes


def memory_allocated(index: Any = None) -> int:
    """Return how much memory tensors take on the card: none."""
    _checked(index)
    return 0


memory_reserved = max_memory_allocated = max_memory_reserved = memory_allocated


def reset_peak_memory_stats(index: Any = None) -> None:
    """Forget the highest use."""
    _checked(index)


def empty_cache() -> None:
    """Give memory back: there is none."""


def manual_seed(seed: int) -> None:
    """Make what is drawn repeatable."""
    _create.manual_seed(seed)


manual_seed_all = manual_seed


class Event:
    """A point in time on the card."""

    def __init__(self, enable_timing: bool = False) -> None:
        self.enable_timing = enable_timing
        self.time = 0.0

    def record(self) -> None:
        """Note the time."""
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        """Wait until the card has come here: it has."""

    def query(self) -> bool:
        """Tell whether the card has come here."""
        return True

    def elapsed_time(self, later: Event) -> float:
        """Return the milliseconds until another event."""
        return (later.time - self.time) * 1000


def _checked(index: Any) -> _card.Card:
    card = _card.require()
    number = index if isinstance(index, int) else Device(index or "cuda").index
    if number not in (None, 0):
        raise RuntimeError("HIP error: invalid device ordinal (stand-in torch: there is one card)")
    return card
