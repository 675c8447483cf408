#!/usr/bin/python3
"""Stand-in for rocminfo: prints what the real one would print for the lab's simulated card."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Card = dict[str, Any]


def isa(card: Card, environment: Mapping[str, str]) -> str:
    """Return the name of the instruction set; HSA_OVERRIDE_GFX_VERSION changes it, as the real one's."""
    override = environment.get("HSA_OVERRIDE_GFX_VERSION", "")
    try:
        major, minor, stepping = (int(part) for part in override.split("."))
    except ValueError:
        return str(card["gfx"])
    return f"gfx{major}{minor:x}{stepping:x}"


def report(card: Card, environment: Mapping[str, str]) -> str:
    """Return the text of the report."""
    chip = int(card.get("device_id", "0"), 16)
    vram = int(card.get("vram_bytes", 0)) // 1024
    name = isa(card, environment)
    return f"""\
rocminfo: STAND-IN of the rdna1 lab, this card is simulated
ROCk module is loaded (simulated)
=====================
HSA System Attributes
=====================
Runtime Version:         1.1
Machine Model:           LARGE
System Endianness:       LITTLE

==========
HSA Agents
==========
*******
Agent 1
*******
  Name:                    simulated CPU
  Uuid:                    CPU-XX
  Marketing Name:          simulated CPU
  Vendor Name:             CPU
  Node:                    0
  Device Type:             CPU
*******
Agent 2
*******
  Name:                    {name}
  Uuid:                    GPU-XX
  Marketing Name:          {card["name"]}
  Vendor Name:             AMD
  Feature:                 KERNEL_DISPATCH
  Profile:                 BASE_PROFILE
  Node:                    1
  Device Type:             GPU
  Chip ID:                 {chip}(0x{chip:x})
  Compute Unit:            {card.get("compute_units", 0)}
  Wavefront Size:          32(0x20)
  Pool Info:
    Pool 1
      Segment:                 GLOBAL; FLAGS: COARSE GRAINED
      Size:                    {vram}(0x{vram:x}) KB
  ISA Info:
    ISA 1
      Name:                    amdgcn-amd-amdhsa--{name}
      Machine Models:          HSA_MACHINE_MODEL_LARGE
*** Done ***"""


def main() -> int:
    """Print the report, or fail as the real one does where there is no card."""
    file = Path(os.environ.get("RDNA1_SIMULATED_CARD", "/srv/simulated-card"), "card.json")
    try:
        card = json.loads(file.read_text())
    except FileNotFoundError:
        print("rocminfo: STAND-IN of the rdna1 lab\nROCk module is NOT loaded, possibly no GPU devices")
        return 1
    except ValueError as error:
        print(f"rocminfo (stand-in): {file}: {error}", file=sys.stderr)
        return 1
    print(report(card, os.environ))
    return 0


if __name__ == "__main__":
    sys.exit(main())
