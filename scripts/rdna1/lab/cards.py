"""Simulated cards: what the kernel would show of an RDNA1 card, as plain files.

The tree follows what amdgpu and KFD show of a card in a machine with one CPU; the roles read it where they
would read /sys on a real host. It says what it is: in a file SIMULATED and in card.json.
"""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

DATA = Path(__file__).with_name("cards.yml")

PCI_ADDRESS = "0000:03:00.0"
PCI_SLOT = f"sys/devices/pci0000:00/0000:00:03.1/{PCI_ADDRESS}"
DRM_CARD = "card0"
DRM_RENDER = "renderD128"
AMD = 0x1002
KFD = "sys/class/kfd/kfd/topology"

WHAT_IT_IS = """\
This is not a card. It is a stand-in for an {name} ({gfx}) in a lab host of this project: files that show what
the Linux kernel would show under /sys and /dev. Nothing here computes.
"""


@dataclass(frozen=True)
class Card:
    """One row of cards.yml."""

    key: str
    name: str
    chip: str
    gfx: str
    gfx_target_version: int
    device_id: str
    revision: str
    compute_units: int
    simd_count: int
    vram_gib: int
    memory_width: int
    host_base: str

    @property
    def vram_bytes(self) -> int:
        """The card's memory."""
        return self.vram_gib * 1024**3


@cache
def data() -> dict[str, Any]:
    """Return the data file."""
    loaded: dict[str, Any] = yaml.safe_load(DATA.read_text())
    return loaded


def catalogue() -> dict[str, Card]:
    """Return all cards, in the order in which a lab's hosts take them."""
    return {key: Card(key, **row) for key, row in data()["cards"].items()}


def _properties(**values: int) -> str:
    return "".join(f"{key} {value}\n" for key, value in values.items())


def files(card: Card) -> dict[str, str]:
    """Return the regular files of the tree: path below /srv/simulated-card -> content."""
    device = int(card.device_id, 16)
    summary = {
        "simulated": True,
        "name": card.name,
        "chip": card.chip,
        "gfx": card.gfx,
        "gfx_target_version": card.gfx_target_version,
        "device_id": card.device_id,
        "revision": card.revision,
        "pci_address": PCI_ADDRESS,
        "compute_units": card.compute_units,
        "vram_bytes": card.vram_bytes,
    }
    return {
        "SIMULATED": WHAT_IT_IS.format(name=card.name, gfx=card.gfx),
        "card.json": json.dumps(summary, indent=2) + "\n",
        "dev/kfd": "",
        f"{PCI_SLOT}/vendor": f"{AMD:#06x}\n",
        f"{PCI_SLOT}/device": f"{device:#06x}\n",
        f"{PCI_SLOT}/revision": f"0x{card.revision}\n",
        f"{PCI_SLOT}/class": "0x030000\n",
        f"{PCI_SLOT}/mem_info_vram_total": f"{card.vram_bytes}\n",
        f"{PCI_SLOT}/uevent": f"DRIVER=amdgpu\nPCI_ID={AMD:04X}:{device:04X}\nPCI_SLOT_NAME={PCI_ADDRESS}\n",
        f"{PCI_SLOT}/drm/{DRM_CARD}/uevent": f"MAJOR=226\nMINOR=0\nDEVNAME=dri/{DRM_CARD}\n",
        f"{PCI_SLOT}/drm/{DRM_RENDER}/uevent": f"MAJOR=226\nMINOR=128\nDEVNAME=dri/{DRM_RENDER}\n",
        "sys/module/amdgpu/initstate": "live\n",
        f"{KFD}/generation_id": "2\n",
        f"{KFD}/nodes/0/gpu_id": "0\n",
        f"{KFD}/nodes/0/name": "\n",
        f"{KFD}/nodes/0/properties": _properties(
            cpu_cores_count=16,
            simd_count=0,
            mem_banks_count=1,
            caches_count=0,
            io_links_count=1,
            gfx_target_version=0,
            vendor_id=0,
            device_id=0,
            drm_render_minor=0,
        ),
        # The kernel's own is a hash; all that readers ask of it is that it is not 0.
        f"{KFD}/nodes/1/gpu_id": f"{device}\n",
        f"{KFD}/nodes/1/name": f"{card.chip}\n",
        f"{KFD}/nodes/1/properties": _properties(
            cpu_cores_count=0,
            simd_count=card.simd_count,
            mem_banks_count=1,
            caches_count=0,
            io_links_count=1,
            simd_per_cu=2,
            gfx_target_version=card.gfx_target_version,
            vendor_id=AMD,
            device_id=device,
            location_id=0x0300,
            domain=0,
            drm_render_minor=128,
        ),
        f"{KFD}/nodes/1/mem_banks/0/properties": _properties(
            heap_type=1, size_in_bytes=card.vram_bytes, flags=0, width=card.memory_width
        ),
    }


def links() -> dict[str, str]:
    """Return the symlinks of the tree, relative as in a real sysfs: path -> target."""
    places = {
        f"sys/bus/pci/devices/{PCI_ADDRESS}": PCI_SLOT,
        "sys/bus/pci/drivers/amdgpu/" + PCI_ADDRESS: PCI_SLOT,
        f"{PCI_SLOT}/driver": "sys/bus/pci/drivers/amdgpu",
    }
    for node in (DRM_CARD, DRM_RENDER):
        places[f"sys/class/drm/{node}"] = f"{PCI_SLOT}/drm/{node}"
        places[f"{PCI_SLOT}/drm/{node}/device"] = PCI_SLOT
    return {link: os.path.relpath(target, PurePosixPath(link).parent) for link, target in places.items()}
