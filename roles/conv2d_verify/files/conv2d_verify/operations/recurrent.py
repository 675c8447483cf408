"""LSTM and GRU, forward and backward through time."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from conv2d_verify import compare, protocol
from conv2d_verify.operations.gradients import send_back

if TYPE_CHECKING:
    from conv2d_verify.cases import Case
    from conv2d_verify.session import Session


def run(session: Session, case: Case) -> list[dict[str, Any]]:
    """Run `size` steps over `in_channels` features and `out_channels` states."""
    torch = session.torch
    session.phase(protocol.PREPARE)
    kind = torch.nn.LSTM if case.op == "lstm" else torch.nn.GRU
    layer = kind(case.in_channels, case.out_channels)
    inputs = torch.randn(case.size, case.batch, case.in_channels)
    upstream = torch.randn(case.size, case.batch, case.out_channels)
    exact = _once(copy.deepcopy(layer).double(), inputs.double(), upstream.double())

    layer = layer.to(session.device)
    # On a CPU, `to` is no copy, and the reference's input must stay its own.
    on_device, upstream = inputs.clone().to(session.device), upstream.to(session.device)
    on_device.requires_grad_(True)
    output, seconds = session.timed(lambda: layer(on_device)[0], first=True)
    session.times.append(seconds)
    _, seconds = session.timed(lambda: send_back(output, upstream), first=True)
    session.backward_times.append(seconds)

    session.phase(protocol.COMPARE)
    # A step sums over features and states, and its error reaches every later step.
    length = (case.in_channels + case.out_channels) * case.size
    got = (output.detach(), on_device.grad, layer.weight_ih_l0.grad)
    kinds = ("forward", "input gradient", "weight gradient")
    return [
        compare.tensors(kind, value, right, right.abs() + 1, length, case.dtype)
        for kind, value, right in zip(kinds, got, exact)
    ]


def _once(layer: Any, inputs: Any, upstream: Any) -> tuple[Any, Any, Any]:
    inputs.requires_grad_(True)
    output = layer(inputs)[0]
    send_back(output, upstream)
    return output.detach(), inputs.grad, layer.weight_ih_l0.grad
