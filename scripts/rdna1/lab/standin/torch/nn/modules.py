"""Layers as objects that own their parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from .. import _create
from .._tensor import Tensor
from .._types import Device, DType, float16, float32, float64
from . import functional, init
from .functional import Edge, pair


class Parameter(Tensor):
    """A tensor that a module owns."""

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        super().__init__(data.array, data.device)
        self.requires_grad = requires_grad


class Module:
    """A layer: its parameters and modules are its attributes."""

    training = True

    def forward(self, *arguments: Any) -> Any:
        """Return what the layer makes of its input."""
        raise NotImplementedError

    def __call__(self, *arguments: Any) -> Any:
        """Return what the layer makes of its input."""
        return self.forward(*arguments)

    def children(self) -> Iterator[Module]:
        """Yield the modules directly inside."""
        yield from (value for value in vars(self).values() if isinstance(value, Module))

    def modules(self) -> Iterator[Module]:
        """Yield this module and all inside."""
        yield self
        for child in self.children():
            yield from child.modules()

    def _named(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                yield prefix + name, value
            elif isinstance(value, Module):
                yield from value._named(f"{prefix}{name}.")

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter with its name."""
        yield from ((name, value) for name, value in self._named() if isinstance(value, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter."""
        yield from (value for _, value in self.named_parameters())

    def state_dict(self) -> dict[str, Tensor]:
        """Return parameters and buffers by name."""
        return {name: value.detach() for name, value in self._named()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take parameters and buffers by name."""
        for name, value in self._named():
            value.array[...] = state[name].array

    def zero_grad(self, set_to_none: bool = False) -> None:  # noqa: ARG002 - none is as good as zero
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Module:
        """Choose what layers do that differ in training."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Choose what layers do outside of training."""
        return self.train(mode=False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Ask for the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def to(self, *arguments: Any, **options: Any) -> Module:
        """Move parameters and buffers to another device or type, in place."""
        for _, value in self._named():
            moved = value.detach().to(*arguments, **options)
            value.array, value.device = moved.array.copy(), moved.device
        return self

    def cuda(self, index: int | None = None) -> Module:
        """Move to the simulated card."""
        return self.to(Device("cuda", index))

    def cpu(self) -> Module:
        """Move to the CPU."""
        return self.to(Device("cpu"))

    def half(self) -> Module:
        """Make it float16."""
        return self.to(float16)

    def float(self) -> Module:
        """Make it float32."""
        return self.to(float32)

    def double(self) -> Module:
        """Make it float64."""
        return self.to(float64)


def filled(shape: tuple[int, ...], fan_in: int, where: Any = None, kind: DType | None = None) -> Parameter:
    """Return a new parameter, drawn as torch draws its own."""
    bound = 1 / math.sqrt(fan_in)
    made = init.uniform_(_create.zeros(shape, dtype=kind), -bound, bound)
    return Parameter(made.to(Device(where or "cpu")))


class Conv2d(Module):
    """A convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Edge,
        stride: Edge = 1,
        padding: Edge | str = 0,
        dilation: Edge = 1,
        groups: int = 1,
        bias: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        if in_channels % groups or out_channels % groups:
            raise ValueError("in_channels and out_channels must be divisible by groups")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = kernel = pair(kernel_size)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        fan_in = in_channels // groups * kernel[0] * kernel[1]
        self.weight = filled((out_channels, in_channels // groups, *kernel), fan_in, device, dtype)
        self.bias = filled((out_channels,), fan_in, device, dtype) if bias else None

    def forward(self, image: Tensor) -> Tensor:
        """Convolve."""
        return functional.conv2d(
            image, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class Linear(Module):
    """A matrix product."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = filled((out_features, in_features), in_features, device, dtype)
        self.bias = filled((out_features,), in_features, device, dtype) if bias else None

    def forward(self, values: Tensor) -> Tensor:
        """Multiply and add."""
        return functional.linear(values, self.weight, self.bias)


class BatchNorm2d(Module):
    """Normalises each channel."""

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight, self.bias = (
            Parameter(_create.ones(num_features)),
            Parameter(_create.zeros(num_features)),
        )
        self.running_mean, self.running_var = _create.zeros(num_features), _create.ones(num_features)

    def forward(self, image: Tensor) -> Tensor:
        """Normalise."""
        return functional.batch_norm(
            image,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )


class ReLU(Module):
    """Cuts off what is negative."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def forward(self, values: Tensor) -> Tensor:
        """Cut off."""
        return values.relu()


class MaxPool2d(Module):
    """Keeps the largest element of each window."""

    def __init__(self, kernel_size: Edge, stride: Edge | None = None, padding: Edge = 0) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, image: Tensor) -> Tensor:
        """Pool."""
        return functional.max_pool2d(image, self.kernel_size, self.stride, self.padding)


class AdaptiveAvgPool2d(Module):
    """Keeps the means of a grid of cells."""

    def __init__(self, output_size: Edge) -> None:
        self.output_size = output_size

    def forward(self, image: Tensor) -> Tensor:
        """Pool."""
        return functional.adaptive_avg_pool2d(image, self.output_size)


class Flatten(Module):
    """Makes vectors of a batch of images."""

    def forward(self, values: Tensor) -> Tensor:
        """Flatten."""
        return values.flatten(1)


class Identity(Module):
    """Changes nothing."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the input."""
        return values


class MSELoss(Module):
    """The mean squared difference."""

    def forward(self, values: Tensor, target: Tensor) -> Tensor:
        """Compare."""
        return functional.mse_loss(values, target)


class Sequential(Module):
    """Layers, one after the other."""

    def __init__(self, *layers: Module) -> None:
        for number, layer in enumerate(layers):
            setattr(self, str(number), layer)

    def forward(self, values: Any) -> Any:
        """Pass the input through all layers."""
        steps: Iterator[Callable[[Any], Any]] = self.children()
        for step in steps:
            values = step(values)
        return values

    def __getitem__(self, number: int) -> Module:
        return list(self.children())[number]

    def __len__(self) -> int:
        return len(list(self.children()))
