"""The stand-in wheels: whose place they take, and what the real ones say that they need."""

import re
from collections.abc import Mapping
from pathlib import Path

from rdna1.lab.mirror.lock import Requirement
from rdna1.lab.mirror.wheel import Wheel

SOURCES = Path(__file__).parent.parent / "standin"
TAG = "cp310-cp310-linux_x86_64"
# As the METADATA of the real wheels has it; that torch computes with NumPy is the stand-in's own affair.
REQUIRES: Mapping[str, tuple[str, ...]] = {
    "torch": ("typing-extensions",),
    "torchvision": (
        "typing-extensions",
        "numpy",
        "requests",
        "torch (=={torch})",
        "pillow (!=8.3.*,>=5.3.0)",
    ),
}
# The release that the sources are written as, and its torch.
OWN = {"torch": "1.13.1+rocm5.2", "torchvision": "0.14.1+rocm5.2"}
HIP = re.compile(r'(?<=^hip: "str \| None" = ")[^"]*', re.MULTILINE)


def stands_in(requirement: Requirement) -> bool:
    """Tell whether the lab has a stand-in: for PyTorch's builds for ROCm, which no package index has."""
    return requirement.project in REQUIRES and "+rocm" in requirement.version


def wheel(requirement: Requirement, torch: str = OWN["torch"]) -> Wheel:
    """Return the stand-in for what a stack's lock asks for; torch is the version beside it."""
    name = requirement.project
    folder = SOURCES / name
    # Of another release the stand-in only has the name: what it computes is the same.
    beside = torch if re.search(r"[.]dev", torch) else torch.partition("+")[0]
    return Wheel(
        name=name,
        version=requirement.version,
        tag=TAG,
        summary=f"STAND-IN of the rdna1 lab for {name} {requirement.version}: no code of PyTorch's is inside",
        requires=tuple(one.format(torch=beside) for one in REQUIRES[name]),
        requires_python=">=3.7.0",
        files={
            f"{name}/{file.relative_to(folder).as_posix()}": as_release(file.read_bytes(), requirement)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts
        },
    )


def as_release(source: bytes, requirement: Requirement) -> bytes:
    """Return a source with another release's version in it."""
    own = OWN[requirement.project]
    if requirement.version == own or f'__version__ = "{own}"'.encode() not in source:
        return source
    text = source.decode().replace(f'__version__ = "{own}"', f'__version__ = "{requirement.version}"')
    return HIP.sub(f"{requirement.version.partition('+rocm')[2]}.0-stand-in", text).encode()
