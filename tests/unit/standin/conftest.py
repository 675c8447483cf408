import json
from pathlib import Path
from typing import Any

import pytest

CARD = {
    "simulated": True,
    "name": "AMD Radeon RX 5600 XT",
    "gfx": "gfx1010",
    "device_id": "731f",
    "compute_units": 36,
    "vram_bytes": 6 * 2**30,
    "pci_address": "0000:03:00.0",
}


class SimulatedCard:
    """The folder that describes the simulated card."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def insert(self, **changes: Any) -> None:
        (self.folder / "card.json").write_text(json.dumps(CARD | changes))

    def break_(self, *faults: dict[str, Any]) -> None:
        (self.folder / "conv2d.json").write_text(json.dumps({"faults": faults}))


@pytest.fixture
def slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedCard:
    """A place for a card, still empty."""
    monkeypatch.setenv("RDNA1_SIMULATED_CARD", str(tmp_path))
    for name in (
        "HIP_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
        "CUDA_VISIBLE_DEVICES",
        "HSA_OVERRIDE_GFX_VERSION",
    ):
        monkeypatch.delenv(name, raising=False)
    return SimulatedCard(tmp_path)


@pytest.fixture
def card(slot: SimulatedCard, monkeypatch: pytest.MonkeyPatch) -> SimulatedCard:
    """A healthy card that the stand-in torch has kernels for, thanks to the override."""
    slot.insert()
    monkeypatch.setenv("HSA_OVERRIDE_GFX_VERSION", "10.3.0")
    return slot
