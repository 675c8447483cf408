#!/usr/bin/python3
"""Stand-in for rocm-smi: prints what the real one would print for the lab's simulated card."""

import json
import os
import sys
from pathlib import Path
from typing import Any

Card = dict[str, Any]
WIDTH = 72


def report(card: Card) -> str:
    """Return the text of the report."""
    rows = {
        "Card series": card["name"],
        "Card model": f"0x{card.get('device_id', '0')}",
        "Card vendor": "Advanced Micro Devices, Inc. [AMD/ATI]",
        "PCI Bus": card.get("pci_address", "N/A"),
        "VRAM Total Memory (B)": card.get("vram_bytes", 0),
        "VRAM Total Used Memory (B)": 0,
    }
    lines = ["rocm-smi: STAND-IN of the rdna1 lab, this card is simulated"]
    lines.append(" ROCm System Management Interface ".center(WIDTH, "="))
    lines += [f"GPU[0]\t\t: {name}: {value}" for name, value in rows.items()]
    lines.append(" End of ROCm SMI Log ".center(WIDTH, "="))
    return "\n".join(lines)


def main() -> int:
    """Print the report, whatever was asked for: the lab has only one."""
    file = Path(os.environ.get("RDNA1_SIMULATED_CARD", "/srv/simulated-card"), "card.json")
    try:
        card = json.loads(file.read_text())
    except (FileNotFoundError, ValueError) as error:
        print(f"rocm-smi (stand-in): no simulated card: {error}", file=sys.stderr)
        return 1
    print(report(card))
    return 0


if __name__ == "__main__":
    sys.exit(main())
