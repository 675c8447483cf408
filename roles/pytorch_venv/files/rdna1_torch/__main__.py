"""`python -m rdna1_torch [--device cuda:0] [--max-size 42]`: prove here that the limit changes no result.

Each convolution is compared, forward and backward, with the same one in double precision on the CPU; above
the limit nothing is asked of the card but to keep the data. Exit codes: 0 all equal, 1 something is not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import torch

import rdna1_torch
from rdna1_torch import dispatch

F = torch.nn.functional
# Relative to the largest number of what is compared; half precision rounds inputs and results.
ALLOWED = {"float64": 1e-12, "float32": 2e-5, "float16": 4e-3, "bfloat16": 3e-2}

CASES: list[tuple[str, dict[str, Any]]] = [
    ("plain", {}),
    ("no bias", {"bias": False}),
    ("stride", {"stride": 2, "padding": 1}),
    ("uneven stride and padding", {"stride": (1, 2), "padding": (2, 0), "kernel": (5, 1)}),
    ("padding same", {"padding": "same"}),
    ("dilation", {"dilation": 3, "padding": 3}),
    ("groups", {"groups": 4, "padding": 1}),
    ("depthwise", {"channels": (8, 8), "groups": 8}),
    ("pointwise", {"kernel": 1}),
    ("no batch", {"batch": None}),
    ("wide and low", {"shape": (3, 90)}),
    ("channels last", {"channels_last": True}),
    ("double", {"dtype": torch.float64}),
    ("half", {"dtype": torch.float16}),
    ("bfloat16", {"dtype": torch.bfloat16}),
]


class Case:
    """One convolution, its tensors on the device, and the truth about it."""

    def __init__(self, device: str, size: int, **changes: Any) -> None:
        torch.manual_seed(0)
        self.dtype = changes.get("dtype", torch.float32)
        ins, outs = changes.get("channels", (8, 12))
        kernel = changes.get("kernel", 3)
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        groups = changes.get("groups", 1)
        self.options = {
            key: changes[key] for key in ("stride", "padding", "dilation", "groups") if key in changes
        }
        shape = changes.get("shape", (size, size))
        batch = changes.get("batch", 2)
        self.tensors = [
            torch.randn(*([] if batch is None else [batch]), ins, *shape),
            torch.randn(outs, ins // groups, height, width) / 8,
            *([torch.randn(outs)] if changes.get("bias", True) else []),
        ]
        self.tensors = [one.to(device=device, dtype=self.dtype) for one in self.tensors]
        if changes.get("channels_last"):
            self.tensors[0] = self.tensors[0].contiguous(memory_format=torch.channels_last)

    def run(self, conv2d: Any) -> list[Any]:
        """Return the result and the gradients of everything that has one."""
        leaves = [
            one.detach().clone(memory_format=torch.preserve_format).requires_grad_() for one in self.tensors
        ]
        result = conv2d(*leaves, **self.options)
        result.backward(self.incoming(result).to(device=result.device, dtype=result.dtype))
        return [result.detach(), *(leaf.grad for leaf in leaves)]

    def incoming(self, result: Any) -> Any:
        """Return a gradient that is not the same everywhere, as exactly as the case's type holds it."""
        steps = torch.arange(result.numel(), dtype=torch.float64).reshape(result.shape)
        return ((1.5 + torch.cos(steps)) / 64).to(self.dtype)

    def truth(self) -> list[Any]:
        """Return the same, computed on the CPU in double precision from the very same numbers."""
        exact = Case.__new__(Case)
        exact.options, exact.dtype = self.options, self.dtype
        exact.tensors = [one.detach().to(device="cpu", dtype=torch.float64) for one in self.tensors]
        return exact.run(F.conv2d)


def error(found: list[Any], truth: list[Any]) -> float:
    """Return the largest deviation, relative to the largest number of its tensor."""
    worst = 0.0
    for number, exact in enumerate(truth):
        difference = (found[number].to(device="cpu", dtype=torch.float64) - exact).abs().max()
        worst = max(worst, float(difference / exact.abs().max()))
    return worst


def checks(device: str, max_size: int) -> Iterator[tuple[str, bool, str]]:
    """Yield each thing that must hold: its name, whether it does, and what was measured."""
    on_card = not device.startswith("cpu")
    original = F.conv2d
    for name, changes in CASES:
        case = Case(device, max_size + 22, **changes)
        truth = case.truth()
        with rdna1_torch.limit_conv2d(max_size) as limit:
            # On a CPU nothing is ever moved, so the way through it is called by itself.
            found = case.run(
                F.conv2d
                if on_card
                else lambda *all_, **more: dispatch.on_cpu(original, *_three(all_), **more)
            )
        worst = error(found, truth)
        allowed = ALLOWED[str(case.dtype).rsplit(".", 1)[-1]]
        same = found[0].dtype == case.dtype and str(found[0].device) == str(case.tensors[0].device)
        kept = not changes.get("channels_last") or found[0].is_contiguous(memory_format=torch.channels_last)
        counted = limit.moved == (1 if on_card else 0)
        yield (
            name,
            worst <= allowed and same and kept and counted,
            f"off by {worst:.1e}, {allowed:.0e} allowed",
        )

    def moved(size: int, module: bool = True) -> int:
        conv = torch.nn.Conv2d(3, 4, 3, padding=1).to(device)
        image = torch.randn(1, 3, size, size, device=device)
        with rdna1_torch.limit_conv2d(max_size) as limit:
            conv(image) if module else torch.conv2d(image, conv.weight)
        return limit.moved

    above = int(on_card)
    yield "up to the limit the card computes", moved(max_size) == 0, f"{max_size}x{max_size}"
    yield "nn.Conv2d above it is moved", moved(max_size + 1) == above, f"{max_size + 1}x{max_size + 1}"
    yield "torch.conv2d too", moved(max_size + 1, module=False) == above, f"{max_size + 1}x{max_size + 1}"
    yield (
        "afterwards all is as before",
        F.conv2d is original and torch.conv2d is original,
        "the very same functions",
    )
    if on_card:
        yield _autocast(device, max_size)
        yield _training(device, max_size)


def _three(tensors: tuple[Any, ...]) -> list[Any]:
    return [*tensors, None][:3]


def _autocast(device: str, max_size: int) -> tuple[str, bool, str]:
    """Compare the type that autocast gives with and without the limit, at a size that any card computes."""
    conv = torch.nn.Conv2d(3, 4, 3).to(device)
    image = torch.randn(1, 3, 24, 24, device=device)
    with torch.autocast("cuda", dtype=torch.float16):
        card = conv(image)
        with rdna1_torch.limit_conv2d(min(16, max_size)):
            cpu = conv(image)
    worst = float((card - cpu).abs().max() / card.abs().max())
    return (
        "autocast gives the same type",
        card.dtype == cpu.dtype and worst < 1e-2,
        f"{cpu.dtype}, off by {worst:.1e}",
    )


def _training(device: str, max_size: int) -> tuple[str, bool, str]:
    """Train a small network with large and small convolutions and compare it with the same one on the CPU."""

    def train(where: str) -> list[float]:
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(16),
            torch.nn.Conv2d(8, 4, 3),
        )
        images = torch.randn(4, 3, max_size + 22, max_size + 22).to(where)
        net = net.to(where)
        descent = torch.optim.SGD(net.parameters(), lr=0.1)
        losses = []
        for _ in range(5):
            descent.zero_grad()
            loss = (net(images) - 1).pow(2).mean()
            loss.backward()
            descent.step()
            losses.append(float(loss.detach()))
        return losses

    with rdna1_torch.limit_conv2d(max_size) as limit:
        card = train(device)
    cpu = train("cpu")
    worst = max(abs(card[step] - cpu[step]) / cpu[step] for step in range(len(cpu)))
    good = worst < 1e-3 and limit.moved == 5 and card[-1] < card[0]
    return (
        "training goes the same way",
        good,
        f"loss {card[0]:.4f} to {card[-1]:.4f}, off by {worst:.1e} at most",
    )


def main() -> int:
    """Run all checks and say how they went."""
    parser = argparse.ArgumentParser(
        prog="python -m rdna1_torch", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--max-size", type=int, default=42)
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    with contextlib.suppress(AttributeError):
        # Single precision is compared as such: without this, newer cards round to fewer digits.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    found = [
        {"name": name, "ok": bool(ok), "measured": said}
        for name, ok, said in checks(options.device, options.max_size)
    ]
    failures = [
        {
            "host": "",
            "code": "not-equal",
            "message": f"{one['name']}: {one['measured']}",
            "fix": "do not use the helper here",
        }
        for one in found
        if not one["ok"]
    ]
    if options.json:
        report = {
            "schema": "rdna1.limit-proof/1",
            "ok": not failures,
            "failures": failures,
            "torch": torch.__version__,
        }
        print(json.dumps({**report, "device": options.device, "checks": found}, indent=2))
    else:
        for one in found:
            print(f"{'ok  ' if one['ok'] else 'FAIL'} {one['name']}: {one['measured']}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
