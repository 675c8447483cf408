"""The stand-in wheels: whose place they take, and what the real ones say that they need."""

from collections.abc import Mapping
from pathlib import Path

from rdna1.lab.mirror.lock import Requirement
from rdna1.lab.mirror.wheel import Wheel

SOURCES = Path(__file__).parent.parent / "standin"
TAG = "cp310-cp310-linux_x86_64"
# As the METADATA of the real wheels has it; that torch computes with NumPy is the stand-in's own affair.
REQUIRES: Mapping[str, tuple[str, ...]] = {
    "torch": ("typing-extensions",),
    "torchvision": ("typing-extensions", "numpy", "requests", "torch (==1.13.1)", "pillow (!=8.3.*,>=5.3.0)"),
}


def stands_in(requirement: Requirement) -> bool:
    """Tell whether the lab has a stand-in: for PyTorch's builds for ROCm, which no package index has."""
    return requirement.project in REQUIRES and "+rocm" in requirement.version


def wheel(requirement: Requirement) -> Wheel:
    """Return the stand-in for what a stack's lock asks for."""
    name = requirement.project
    folder = SOURCES / name
    return Wheel(
        name=name,
        version=requirement.version,
        tag=TAG,
        summary=f"STAND-IN of the rdna1 lab for {name} {requirement.version}: no code of PyTorch's is inside",
        requires=REQUIRES[name],
        requires_python=">=3.7.0",
        files={
            f"{name}/{file.relative_to(folder).as_posix()}": file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts
        },
    )
