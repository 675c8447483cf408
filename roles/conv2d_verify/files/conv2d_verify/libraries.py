"""Which GPU libraries a process really has mapped, and whose they are."""

from __future__ import annotations

from typing import Any

# What the name begins with → what it is.
KINDS = {
    "libMIOpen": "MIOpen",
    "libamdhip64": "HIP",
    "libhsa-runtime64": "HSA",
    "librocblas": "rocBLAS",
    "libamd_comgr": "comgr",
    "libtorch_hip": "torch (HIP)",
    "libtorch_cuda": "torch (CUDA)",
    "libtorch_cpu": "torch (CPU)",
    "libcudart": "CUDA",
    "libcudnn": "cuDNN",
}


def mapped(maps: str, torch_root: str) -> list[dict[str, Any]]:
    """Return the known libraries in the text of /proc/self/maps; `bundled` means they came with the wheel.

    The wheel's own lie under its site-packages (NVIDIA's in packages beside torch).
    """
    home = torch_root.rsplit("/", 1)[0] + "/"
    found: dict[str, dict[str, Any]] = {}
    for line in maps.splitlines():
        path = line[line.index("/") :].strip() if "/" in line else ""
        name = path.rsplit("/", 1)[-1].replace(" (deleted)", "")
        kind = next((kind for start, kind in KINDS.items() if name.startswith(start)), "")
        if kind and ".so" in name:
            found[path] = {"kind": kind, "path": path, "bundled": path.startswith(home)}
    return [found[path] for path in sorted(found)]
