"""BatchNorm2d in training, forward and backward: reported broken on these cards more often than Conv2d is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conv2d_verify import compare, protocol
from conv2d_verify.operations.gradients import send_back

if TYPE_CHECKING:
    from conv2d_verify.cases import Case
    from conv2d_verify.session import Session


def run(session: Session, case: Case) -> list[dict[str, Any]]:
    """Compare the output and both gradients; each is a mean over batch and image."""
    torch = session.torch
    session.phase(protocol.PREPARE)
    inputs = torch.randn(case.batch, case.in_channels, case.size, case.size)
    upstream = torch.randn(*inputs.shape)
    exact = _once(torch.nn.BatchNorm2d(case.in_channels).double(), inputs.double(), upstream.double())

    layer = torch.nn.BatchNorm2d(case.in_channels).to(session.device)
    # On a CPU, `to` is no copy, and the reference's input must stay its own.
    on_device, upstream = inputs.clone().to(session.device), upstream.to(session.device)
    on_device.requires_grad_(True)
    output, seconds = session.timed(lambda: layer(on_device), first=True)
    session.times.append(seconds)
    _, seconds = session.timed(lambda: send_back(output, upstream), first=True)
    session.backward_times.append(seconds)
    for _ in range(case.runs - 1):
        session.times.append(session.timed(lambda: layer(on_device), first=False)[1])

    session.phase(protocol.COMPARE)
    length = case.batch * case.size * case.size
    got = (output.detach(), on_device.grad, layer.weight.grad)
    kinds = ("forward", "input gradient", "weight gradient")
    # Each element is of the order of one, but its mean was taken over `length` of them; the weight's
    # gradient sums that many products.
    return [
        compare.tensors(
            kind, value, right, right.abs() + (length if kind == kinds[2] else 1), length, case.dtype
        )
        for kind, value, right in zip(kinds, got, exact)
    ]


def _once(layer: Any, inputs: Any, upstream: Any) -> tuple[Any, Any, Any]:
    inputs.requires_grad_(True)
    output = layer(inputs)
    send_back(output, upstream)
    return output.detach(), inputs.grad, layer.weight.grad
