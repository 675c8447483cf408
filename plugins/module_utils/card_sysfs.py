# SPDX-License-Identifier: MIT
"""Reading AMD cards from sysfs: what the kernel says, not what a runtime under an override says.

``HSA_OVERRIDE_GFX_VERSION`` changes what every ROCm tool prints, but never sysfs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

AMD = 0x1002
DISPLAY_CLASSES = (0x0300, 0x0302, 0x0380)  # VGA, 3D and other display controllers


def gfx_name(target_version: int) -> str:
    """The name of a ``gfx_target_version``: 100100 is gfx1010, 90010 is gfx90a.

    The kernel writes major * 10000 + minor * 100 + stepping, in decimal; the name's stepping is hexadecimal.
    """
    return "gfx%d%d%x" % (target_version // 10000, target_version // 100 % 100, target_version % 100)


def parse_properties(text: str) -> Dict[str, int]:
    """A KFD topology node's properties: one ``key value`` a line, decimal; other lines are passed over."""
    properties = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if value.strip().isdigit():
            properties[key] = int(value)
    return properties


def kfd_cards(sysfs: Path) -> List[Dict[str, Any]]:
    """The cards that the compute driver serves, in its order; CPU nodes are left out."""
    cards = []
    nodes = sysfs / "class/kfd/kfd/topology/nodes"
    for node in sorted(nodes.glob("[0-9]*"), key=lambda path: int(path.name)):
        properties = parse_properties(_read(node / "properties") or "")
        target = properties.get("gfx_target_version", 0)
        if target:
            cards.append(
                {
                    "node": int(node.name),
                    "gfx": gfx_name(target),
                    "device_id": "%04x" % properties.get("device_id", 0),
                    # Two SIMDs make a compute unit on every card since GCN's successor, RDNA.
                    "compute_units": properties.get("simd_count", 0) // 2,
                    "render_node": "renderD%d" % properties.get("drm_render_minor", 0),
                }
            )
    return cards


def pci_cards(sysfs: Path) -> List[Dict[str, str]]:
    """AMD's display controllers on the PCI bus, whether or not a driver took them."""
    cards = []
    for device in sorted((sysfs / "bus/pci/devices").glob("*")):
        vendor, ident, pci_class = (_hex(device / name) for name in ("vendor", "device", "class"))
        if (
            vendor == AMD
            and ident is not None
            and pci_class is not None
            and pci_class >> 8 in DISPLAY_CLASSES
        ):
            cards.append({"address": device.name, "device_id": "%04x" % ident})
    return cards


def judge(
    kfd: List[Dict[str, Any]], pci: List[Dict[str, str]], targets: List[str], boards: Dict[str, str]
) -> Dict[str, Any]:
    """Sort what was read.

    ``targets`` are the wanted gfx names, ``boards`` names known boards by PCI device id.
    Returns ``cards`` (served and wanted, with their board's name), ``others`` (served, of another
    generation) and ``unserved`` (a wanted board on the bus that the compute driver did not take).
    """
    named = [dict(card, board=boards.get(card["device_id"], "unknown board")) for card in kfd]
    served = {card["device_id"] for card in kfd}
    return {
        "cards": [card for card in named if card["gfx"] in targets],
        "others": [card for card in named if card["gfx"] not in targets],
        "unserved": [
            dict(card, board=boards[card["device_id"]])
            for card in pci
            if card["device_id"] in boards and card["device_id"] not in served
        ],
    }


def _read(path: Path) -> Optional[str]:
    try:
        return path.read_text()
    except OSError:
        return None


def _hex(path: Path) -> Optional[int]:
    try:
        return int((_read(path) or "").strip(), 16)
    except ValueError:
        return None
