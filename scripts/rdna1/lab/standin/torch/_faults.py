"""What is made to go wrong on the simulated card: conv2d.json, described in the README of the stand-ins."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from . import _card
from ._types import Array

Pass = Literal["forward", "backward"]
ACTIONS = ("hang", "raise", "crash", "slow", "wrong", "nan", "zero")
PASSES = ("forward", "backward", "both")
EQUAL = ("size", "in_channels", "out_channels", "batch", "kernel", "dtype")
CONDITIONS = (*EQUAL, "min_size", "max_size", "env")
KEYS = ("when", "pass", "do", "seconds", "message", "amount")


@dataclass(frozen=True)
class Case:
    """One convolution, as far as faults can tell convolutions apart."""

    size: int
    in_channels: int
    out_channels: int
    batch: int
    kernel: int
    dtype: str


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, and when."""

    do: str
    on: str = "both"
    when: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 10.0
    amount: float = 1.0
    message: str = "HIP error: an illegal memory access was encountered"

    def fits(self, case: Case, during: Pass) -> bool:
        """Tell whether this convolution is meant."""
        return (
            self.on in (during, "both")
            and all(getattr(case, key) == self.when[key] for key in EQUAL if key in self.when)
            and self.when.get("min_size", case.size) <= case.size <= self.when.get("max_size", case.size)
            and all(os.environ.get(name) == value for name, value in self.when.get("env", {}).items())
        )


def read(file: Path) -> list[Fault]:
    """Return the faults in the file; none when it is absent, an error when it cannot be understood."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        return []
    try:
        return [_parse(entry) for entry in json.loads(text)["faults"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RuntimeError(f"stand-in torch: {file} is not a list of faults: {error!r}") from error


def _parse(entry: Mapping[str, Any]) -> Fault:
    when = entry.get("when", {})
    unknown = [key for key in entry if key not in KEYS] + [key for key in when if key not in CONDITIONS]
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}")
    if entry["do"] not in ACTIONS:
        raise ValueError(f"do: {entry['do']!r} is none of {', '.join(ACTIONS)}")
    if entry.get("pass", "both") not in PASSES:
        raise ValueError(f"pass: {entry['pass']!r} is none of {', '.join(PASSES)}")
    options = {key: entry[key] for key in ("seconds", "message", "amount") if key in entry}
    return Fault(do=entry["do"], on=entry.get("pass", "both"), when=when, **options)


def strike(case: Case, during: Pass, result: Array) -> Array:
    """Return what the card makes of the right result of this convolution."""
    for fault in read(_card.folder() / "conv2d.json"):
        if fault.fits(case, during):
            return _happen(fault, result)
    return result


def _happen(fault: Fault, result: Array) -> Array:
    if fault.do == "hang":
        hang()
    if fault.do == "crash":
        os.abort()
    if fault.do == "raise":
        raise RuntimeError(f"{fault.message} (stand-in torch: conv2d.json says so)")
    if fault.do == "slow":
        time.sleep(fault.seconds)
        return result
    changed = result.copy()
    if fault.do == "zero":
        changed[...] = 0
    elif fault.do == "nan":
        changed[:, 0] = float("nan")
    else:
        changed[:, 0] += changed.dtype.type(fault.amount)
    return changed


def hang() -> NoReturn:
    """Hang as a process does that waits for the GPU: nothing but SIGKILL ends it."""
    # Ignored for the whole process: a signal that is only blocked would reach one of NumPy's threads instead.
    ignore = ctypes.CDLL(None).signal  # unlike Python's own, of use in any thread
    ignore.argtypes, ignore.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    for number in sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}):
        ignore(int(number), int(signal.SIG_IGN))
    while True:
        time.sleep(3600)
