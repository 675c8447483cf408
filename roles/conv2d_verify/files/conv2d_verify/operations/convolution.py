"""Conv2d forward and backward, each of the three results against the CPU in fp64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conv2d_verify import bounds, compare, faults, protocol
from conv2d_verify.operations.gradients import send_back

if TYPE_CHECKING:
    from conv2d_verify.cases import Case
    from conv2d_verify.session import Session


@dataclass(frozen=True)
class Results:
    """The three tensors a convolution is for."""

    output: Any
    input_gradient: Any
    weight_gradient: Any

    def findings(self, exact: Results, scale: Results, case: Case, prefix: str = "") -> list[dict[str, Any]]:
        """Judge all three."""
        size = bounds.output_size(case.size, case.kernel, case.stride, case.padding)
        lengths = (
            bounds.forward_length(case.in_channels, case.kernel),
            bounds.input_gradient_length(case.out_channels, case.kernel),
            bounds.weight_gradient_length(case.batch, size, size),
        )
        kinds = ("forward", "input gradient", "weight gradient")
        return [
            compare.tensors(prefix + kind, *triple, length, case.dtype)
            for kind, triple, length in zip(kinds, zip(self.tuple(), exact.tuple(), scale.tuple()), lengths)
        ]

    def tuple(self) -> tuple[Any, Any, Any]:
        """Return them in order."""
        return self.output, self.input_gradient, self.weight_gradient


def run(session: Session, case: Case) -> list[dict[str, Any]]:
    """Run the case `case.runs` times forward and once backward, then compare."""
    torch = session.torch
    session.phase(protocol.PREPARE)
    layer, inputs = layer_and_input(torch, case)
    half = case.dtype == "float16"
    if half:
        layer, inputs = layer.half(), inputs.half()
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()

    layer = layer.to(session.device)
    on_device = inputs.to(session.device)
    on_device.requires_grad_(True)
    faults.before_launch(session, case)

    output, seconds = session.timed(lambda: layer(on_device), first=True)
    session.times.append(seconds)
    upstream = torch.randn(*output.shape)
    upstream = upstream.half() if half else upstream
    upstream_on_device = upstream.to(session.device)
    _, seconds = session.timed(lambda: send_back(output, upstream_on_device), first=True)
    session.backward_times.append(seconds)
    for _ in range(case.runs - 1):
        with torch.no_grad():
            _, seconds = session.timed(lambda: layer(on_device), first=False)
        session.times.append(seconds)

    session.phase(protocol.COMPARE)
    got = Results(faults.spoil(case, output.detach()), on_device.grad, layer.weight.grad)
    exact = reference(torch, case, inputs, weight, bias, upstream)
    scale = reference(torch, case, inputs.abs(), weight.abs(), bias.abs(), upstream.abs())
    return got.findings(exact, scale, case)


def layer_and_input(torch: Any, case: Case) -> tuple[Any, Any]:
    """Make the layer and its input on the CPU; random with mean zero, as the bounds assume."""
    layer = torch.nn.Conv2d(
        case.in_channels, case.out_channels, kernel_size=case.kernel, stride=case.stride, padding=case.padding
    )
    return layer, torch.randn(case.batch, case.in_channels, case.size, case.size)


def reference(torch: Any, case: Case, inputs: Any, weight: Any, bias: Any, upstream: Any) -> Results:
    """Compute all three on the CPU in fp64."""
    layer = torch.nn.Conv2d(
        case.in_channels, case.out_channels, kernel_size=case.kernel, stride=case.stride, padding=case.padding
    ).double()
    with torch.no_grad():
        layer.weight.copy_(weight.double())
        layer.bias.copy_(bias.double())
    exact_inputs = inputs.detach().double()
    exact_inputs.requires_grad_(True)
    output = layer(exact_inputs)
    send_back(output, upstream.detach().double())
    return Results(output.detach(), exact_inputs.grad, layer.weight.grad)
