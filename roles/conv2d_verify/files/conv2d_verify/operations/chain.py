"""A network's convolutions, one feeding the next, forward and then backward by the chain rule.

Each layer is compared on what it was really given, so that the bound of a single convolution holds for it and
an early layer's rounding is not blamed on a later one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conv2d_verify import bounds, protocol
from conv2d_verify.operations.convolution import Results, layer_and_input, reference
from conv2d_verify.operations.gradients import send_back

if TYPE_CHECKING:
    from conv2d_verify.cases import Case
    from conv2d_verify.session import Session

# Conv2d's own start values shrink the signal by √3 a layer; this keeps it level through a deep chain.
_LEVEL = 3.0**0.5


def run(session: Session, case: Case) -> list[dict[str, Any]]:
    """Run the chain forward `case.runs` times, backward once, then compare layer by layer."""
    torch = session.torch
    session.phase(protocol.PREPARE)
    shapes = layer_cases(case)
    layers = []
    start = None
    for shape in shapes:
        layer, inputs = layer_and_input(torch, shape)
        with torch.no_grad():
            layer.weight.mul_(_LEVEL)
        start = inputs if start is None else start
        layers.append(layer)
    weights = [(layer.weight.detach().clone(), layer.bias.detach().clone()) for layer in layers]
    layers = [layer.to(session.device) for layer in layers]
    given = start.to(session.device) if start is not None else None

    steps, seconds = session.timed(lambda: _forward(layers, given), first=True)
    session.times.append(seconds)
    upstream = torch.randn(*steps[-1][1].shape).to(session.device)
    gradients, seconds = session.timed(lambda: _backward(steps, upstream), first=True)
    session.backward_times.append(seconds)
    for _ in range(case.runs - 1):
        _, seconds = session.timed(lambda: _forward(layers, given), first=False)
        session.times.append(seconds)

    findings = []
    for number, (shape, layer, (weight, bias)) in enumerate(zip(shapes, layers, weights)):
        session.phase(protocol.COMPARE)
        inputs, output = steps[number]
        got = Results(output.detach(), inputs.grad, layer.weight.grad)
        back = gradients[number].detach().cpu()
        seen = inputs.detach().cpu()
        exact = reference(torch, shape, seen, weight, bias, back)
        scale = reference(torch, shape, seen.abs(), weight.abs(), bias.abs(), back.abs())
        findings += got.findings(exact, scale, shape, f"layer {number + 1} ")
    return findings


def layer_cases(case: Case) -> list[Case]:
    """Return each layer as a convolution of its own, at the size that reaches it."""
    size = case.size
    shapes = []
    for given, made, kernel, stride, padding in case.layers:
        shapes.append(
            replace(
                case,
                size=size,
                in_channels=given,
                out_channels=made,
                kernel=kernel,
                stride=stride,
                padding=padding,
            )
        )
        size = bounds.output_size(size, kernel, stride, padding)
    return shapes


def _forward(layers: list[Any], inputs: Any) -> list[tuple[Any, Any]]:
    steps = []
    for layer in layers:
        inputs = inputs.detach()
        inputs.requires_grad_(True)
        output = layer(inputs)
        steps.append((inputs, output))
        inputs = output
    return steps


def _backward(steps: list[tuple[Any, Any]], upstream: Any) -> list[Any]:
    """Go back through the chain; return the gradient each layer's output was given."""
    gradients = []
    for inputs, output in reversed(steps):
        gradients.append(upstream)
        send_back(output, upstream)
        upstream = inputs.grad
    return gradients[::-1]
