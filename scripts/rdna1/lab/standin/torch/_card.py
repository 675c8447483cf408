"""The simulated card, as the HIP runtime of the real wheel would see it."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

# What the real wheel of 1.13.1+rocm5.2 carries kernels for.
KERNELS = frozenset({"gfx803", "gfx900", "gfx906", "gfx908", "gfx90a", "gfx1030"})
VISIBILITY = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class Card:
    """The card, as card.json describes it."""

    name: str
    target: str
    vram_bytes: int
    compute_units: int

    @property
    def capability(self) -> tuple[int, int]:
        """Major and minor number of the target that kernels are chosen for: gfx1030 is (10, 3)."""
        digits = self.target.removeprefix("gfx")
        return int(digits[:-2]), int(digits[-2], 16)


def folder() -> Path:
    """Return where the simulated card lives."""
    return Path(os.environ.get("RDNA1_SIMULATED_CARD", "/srv/simulated-card"))


def described() -> Card | None:
    """Return the card that is described, if any; what it can run is not asked here."""
    file = folder() / "card.json"
    try:
        text = json.loads(file.read_text())
        return Card(
            name=text["name"],
            target=_overridden(text["gfx"]),
            vram_bytes=int(text.get("vram_bytes", 0)),
            compute_units=int(text.get("compute_units", 0)),
        )
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise RuntimeError(f"stand-in torch: {file} does not describe a card: {error!r}") from error


def visible() -> Card | None:
    """Return the card that programs see; like the real wheel, abort when there is no kernel for it."""
    card = described()
    if card is None or any(_hidden(os.environ.get(name)) for name in VISIBILITY):
        return None
    if card.target not in KERNELS:
        print(
            '"hipErrorNoBinaryForGpu: Unable to find code object for all current devices!"\n'
            f"stand-in torch: as the real wheel, it has no kernels for {card.target};"
            " is HSA_OVERRIDE_GFX_VERSION set to 10.3.0?",
            file=sys.stderr,
            flush=True,
        )
        os.abort()
    return card


def require() -> Card:
    """Return the card, or fail as the real wheel does where there is none."""
    card = visible()
    if card is None:
        raise RuntimeError("No HIP GPUs are available (stand-in torch: no simulated card is visible)")
    return card


def _overridden(target: str) -> str:
    override = os.environ.get("HSA_OVERRIDE_GFX_VERSION", "")
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", override)
    return f"gfx{match[1]}{int(match[2]):x}{int(match[3]):x}" if match else target


def _hidden(value: str | None) -> bool:
    """Tell whether a list of visible devices leaves the only card out."""
    return value is not None and value.split(",")[0].strip() != "0"
