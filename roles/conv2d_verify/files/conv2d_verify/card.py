"""The card as the kernel's sysfs shows it: no override changes what stands there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

REAL_SYSFS = Path("/sys")


@dataclass(frozen=True)
class Card:
    """One GPU node of the compute driver."""

    node: int
    gfx: str
    device_id: str
    render_minor: int
    name: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def gfx_name(version: int) -> str:
    """Turn gfx_target_version into a name: 100100 is gfx1010, 90010 is gfx90a."""
    major, minor, step = version // 10000, version // 100 % 100, version % 100
    return f"gfx{major}{minor:x}{step:x}"


def cards(sysfs: Path) -> list[Card]:
    """Return the GPU nodes of the compute driver's topology, in its order, which is HIP's too."""
    found = []
    nodes = sysfs / "class/kfd/kfd/topology/nodes"
    try:
        numbers = sorted(int(entry.name) for entry in nodes.iterdir() if entry.name.isdigit())
    except OSError:
        return []
    for number in numbers:
        values = _properties(nodes / str(number) / "properties")
        version = values.get("gfx_target_version", 0)
        if version:
            minor = values.get("drm_render_minor", 0)
            found.append(
                Card(
                    number, gfx_name(version), f"{values.get('device_id', 0):04x}", minor, _name(sysfs, minor)
                )
            )
    return found


def simulated(sysfs: Path) -> str:
    """Return why this card is a simulated one; empty for the kernel's own sysfs."""
    about = _about(sysfs)
    if about.get("simulated") is True:
        return f"{sysfs.parent / 'card.json'} says so"
    # Not resolved: a link to a simulated tree must not pass for the real one, nor the other way round.
    if sysfs.absolute() != REAL_SYSFS:
        return f"sysfs is {sysfs}"
    return ""


def gpu_busy_file(sysfs: Path, card: Card | None) -> Path | None:
    """Return the file in which amdgpu tells how busy the card is."""
    if card is None:
        return None
    path = sysfs / f"class/drm/renderD{card.render_minor}/device/gpu_busy_percent"
    return path if path.is_file() else None


def _properties(path: Path) -> dict[str, int]:
    values = {}
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    for line in lines:
        name, _, value = line.partition(" ")
        if value.strip().isdigit():
            values[name] = int(value)
    return values


def _name(sysfs: Path, render_minor: int) -> str:
    path = sysfs / f"class/drm/renderD{render_minor}/device/product_name"
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return str(_about(sysfs).get("name") or _about(sysfs).get("marketing_name") or "")


def _about(sysfs: Path) -> dict[str, Any]:
    try:
        value = json.loads((sysfs.parent / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
