"""Runs the convolutions that a card cannot be trusted with on the CPU.

For cards that stay on a boundary, such as 42x42 with ROCm 5.7, whatever stack and policy they are given.
Nothing happens unless it is asked for::

    import rdna1_torch

    rdna1_torch.limit_conv2d(max_size=42)              # from here on, in the whole process

    with rdna1_torch.limit_conv2d(max_size=42) as limit:
        loss = model(images).sum()                     # only in here
    print(limit.moved, "convolutions ran on the CPU")

A Conv2d whose input is higher or wider than max_size is computed on the CPU, and its result comes back to the
card. Stride, padding, dilation, groups, bias and memory format are the caller's; gradients follow the same
way back. Half precision is computed in single precision and rounded once, at the end: nearer to the truth
than on the card, and possible with every PyTorch. Under autocast the result has the type that autocast would
have given it.

It reaches torch.nn.Conv2d, torch.nn.functional.conv2d and torch.conv2d. It does not reach a conv2d that was
imported by name before, scripted or compiled models, transposed convolutions, and those of one or three
dimensions.
"""

from __future__ import annotations

from rdna1_torch.limit import Limit, limit_conv2d

__all__ = ["Limit", "limit_conv2d"]
