"""The tensor: a NumPy array that knows its device and what it was made of."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np

from . import _card, _engine, _types
from ._types import CPU, Array, Device, DType

Number = Union[bool, int, float]  # noqa: UP007 - a value at run time
Operand = Union["Tensor", Number]
Dim = Union[int, Sequence[int], None]  # noqa: UP007 - a value at run time


class Size(tuple[int, ...]):
    """A shape."""

    def numel(self) -> int:
        """Return how many elements a tensor of this shape has."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


class Tensor:
    """A stand-in for torch.Tensor."""

    def __init__(
        self,
        array: Array,
        where: Device = CPU,
        sources: Sequence[Tensor] = (),
        pull: _engine.Pull | None = None,
    ) -> None:
        self.array = np.asarray(array)
        self.device = where
        self.grad: Tensor | None = None
        wanted = any(source.requires_grad for source in sources)
        recorded = pull is not None and wanted and _engine.is_grad_enabled()
        self.requires_grad: builtins.bool = recorded
        self.sources = tuple(sources) if recorded else ()
        self.pull = pull if recorded else None

    # --- what it is ------------------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return _types.of(self.array)

    @property
    def shape(self) -> Size:
        """The length of each axis."""
        return Size(self.array.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    @property
    def is_cuda(self) -> bool:
        """Whether it is on the simulated card."""
        return self.device.is_card

    @property
    def is_leaf(self) -> bool:
        """Whether it was not made by a recorded operation."""
        return self.pull is None

    @property
    def data(self) -> Tensor:
        """The same elements, without a history."""
        return self.detach()

    def dim(self) -> int:
        """Return the number of axes."""
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """Return the number of elements."""
        return self.array.size

    def element_size(self) -> int:
        """Return how many bytes an element takes."""
        return self.array.itemsize

    def __len__(self) -> int:
        return len(self.array)

    def __repr__(self) -> str:
        where = f", device='{self.device}'" if self.is_cuda else ""
        elements = np.array2string(self.array, separator=", ")
        return f"tensor({elements}{where}, dtype={self.dtype}) [stand-in torch]"

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def item(self) -> Any:
        """Return the only element as a Python number."""
        if self.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.array.reshape(-1)[0].item()

    def tolist(self) -> Any:
        """Return the elements as nested lists."""
        return self.array.tolist()

    def numpy(self) -> Array:
        """Return the array itself, where torch would."""
        if self.is_cuda:
            raise TypeError(
                "can't convert cuda:0 device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    # --- where and of what it is -----------------------------------------------------------------------

    def to(self, *arguments: Any, **options: Any) -> Tensor:
        """Return it on another device, of another type, or as another tensor is."""
        where: Device | None = None
        kind: DType | None = None
        for argument in (*arguments, options.get("device"), options.get("dtype")):
            if isinstance(argument, Tensor):
                where, kind = argument.device, argument.dtype
            elif isinstance(argument, DType):
                kind = argument
            elif isinstance(argument, str | Device):
                where = Device(argument)
        return self._moved(where or self.device, kind or self.dtype)

    def _moved(self, where: Device, kind: DType) -> Tensor:
        if where.is_card:
            _card.require()
            where = Device("cuda", where.index or 0)
            if where.index != 0:
                raise RuntimeError("HIP error: invalid device ordinal (stand-in torch: there is one card)")
        if (where, kind) == (self.device, self.dtype):
            return self
        array = self.array.astype(kind.numpy)  # a copy even when the type stays
        return Tensor(array, where, (self,), lambda gradient: (gradient,))

    def cuda(self, index: int | None = None) -> Tensor:
        """Return it on the simulated card."""
        return self.to(Device("cuda", index))

    def cpu(self) -> Tensor:
        """Return it on the CPU."""
        return self.to(CPU)

    def type(self, kind: DType) -> Tensor:
        """Return it of another type."""
        return self.to(kind)

    def half(self) -> Tensor:
        """Return it as float16."""
        return self.to(_types.float16)

    def float(self) -> Tensor:
        """Return it as float32."""
        return self.to(_types.float32)

    def double(self) -> Tensor:
        """Return it as float64."""
        return self.to(_types.float64)

    def long(self) -> Tensor:
        """Return it as int64."""
        return self.to(_types.int64)

    def bool(self) -> Tensor:
        """Return it as truth values."""
        return self.to(_types.truth)

    # --- history ---------------------------------------------------------------------------------------

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Ask for its gradient."""
        self.requires_grad = requires_grad
        return self

    def detach(self) -> Tensor:
        """Return the same elements, without a history."""
        return Tensor(self.array, self.device)

    def clone(self) -> Tensor:
        """Return a copy."""
        return self._unary(self.array.copy(), lambda gradient: gradient)

    def contiguous(self) -> Tensor:
        """Return it: how elements lie in memory makes no difference here."""
        return self

    def backward(self, gradient: Tensor | None = None, retain_graph: Any = None) -> None:  # noqa: ARG002 - kept anyway
        """Add to the gradient of every leaf that this tensor depends on."""
        if not self.requires_grad:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        found = _engine.gradients([(self, seed(self, gradient))])
        for tensor in _engine.history([self]):
            if tensor.is_leaf and tensor.requires_grad and id(tensor) in found:
                new = Tensor(found[id(tensor)], tensor.device)
                tensor.grad = new if tensor.grad is None else tensor.grad + new

    # --- arithmetic ------------------------------------------------------------------------------------

    def _other(self, other: Operand) -> Tensor:
        """Return the other operand as a tensor that can be combined with this one."""
        if isinstance(other, Tensor):
            if other.device != self.device and other.ndim and self.ndim:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two devices, "
                    f"{self.device} and {other.device}!"
                )
            return other
        fractional = isinstance(other, float) and not self.dtype.is_floating_point
        return Tensor(np.asarray(other, (_types.float32 if fractional else self.dtype).numpy), self.device)

    def _unary(self, array: Any, pull: Callable[[Array], Array]) -> Tensor:
        return Tensor(np.asarray(array), self.device, (self,), lambda gradient: (pull(gradient),))

    def _binary(
        self,
        other: Operand,
        compute: Callable[[Array, Array], Any],
        pull: Callable[[Array, Array, Array], tuple[Array, Array]],
    ) -> Tensor:
        right = self._other(other)
        kind = joined(self.array, right.array)
        a, b = self.array.astype(kind, copy=False), right.array.astype(kind, copy=False)
        where = self.device if self.ndim or not right.ndim else right.device
        return Tensor(compute(a, b), where, (self, right), lambda gradient: pull(gradient, a, b))

    def __add__(self, other: Operand) -> Tensor:
        return self._binary(other, np.add, lambda g, _a, _b: (g, g))

    def __sub__(self, other: Operand) -> Tensor:
        return self._binary(other, np.subtract, lambda g, _a, _b: (g, -g))

    def __mul__(self, other: Operand) -> Tensor:
        return self._binary(other, np.multiply, lambda g, a, b: (g * b, g * a))

    def __truediv__(self, other: Operand) -> Tensor:
        top = self if self.dtype.is_floating_point else self.float()
        return top._binary(other, np.divide, lambda g, a, b: (g / b, -g * a / (b * b)))

    def __matmul__(self, other: Tensor) -> Tensor:
        return self._binary(
            other, np.matmul, lambda g, a, b: (g @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ g)
        )

    def __radd__(self, other: Number) -> Tensor:
        return self + other

    def __rmul__(self, other: Number) -> Tensor:
        return self * other

    def __rsub__(self, other: Number) -> Tensor:
        return self._other(other) - self

    def __rtruediv__(self, other: Number) -> Tensor:
        return self._other(other) / self

    def __neg__(self) -> Tensor:
        return self._unary(-self.array, lambda gradient: -gradient)

    def __pow__(self, power: builtins.float) -> Tensor:
        base = self.array
        return self._unary(base**power, lambda gradient: gradient * power * base ** (power - 1))

    add, sub, mul, div, matmul, neg, pow = (
        __add__,
        __sub__,
        __mul__,
        __truediv__,
        __matmul__,
        __neg__,
        __pow__,
    )

    # --- comparison ------------------------------------------------------------------------------------

    def _compare(self, other: Operand, compute: Callable[[Array, Array], Any]) -> Tensor:
        return Tensor(np.asarray(compute(self.array, self._other(other).array)), self.device)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]  # as torch's: elementwise
        return self._compare(other, np.equal)  # type: ignore[arg-type]

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]  # as torch's: elementwise
        return self._compare(other, np.not_equal)  # type: ignore[arg-type]

    def __lt__(self, other: Operand) -> Tensor:
        return self._compare(other, np.less)

    def __le__(self, other: Operand) -> Tensor:
        return self._compare(other, np.less_equal)

    def __gt__(self, other: Operand) -> Tensor:
        return self._compare(other, np.greater)

    def __ge__(self, other: Operand) -> Tensor:
        return self._compare(other, np.greater_equal)

    def __invert__(self) -> Tensor:
        return Tensor(~self.array, self.device)

    def __and__(self, other: Tensor) -> Tensor:
        return Tensor(self.array & other.array, self.device)

    def __or__(self, other: Tensor) -> Tensor:
        return Tensor(self.array | other.array, self.device)

    __hash__ = object.__hash__

    def isnan(self) -> Tensor:
        """Return which elements are no number."""
        return Tensor(np.isnan(self.array), self.device)

    def isinf(self) -> Tensor:
        """Return which elements are infinite."""
        return Tensor(np.isinf(self.array), self.device)

    def isfinite(self) -> Tensor:
        """Return which elements are finite."""
        return Tensor(np.isfinite(self.array), self.device)

    def any(self) -> Tensor:
        """Return whether any element is true."""
        return Tensor(np.asarray(self.array.any()), self.device)

    def all(self) -> Tensor:
        """Return whether all elements are true."""
        return Tensor(np.asarray(self.array.all()), self.device)

    def count_nonzero(self) -> Tensor:
        """Return how many elements are not zero."""
        return Tensor(np.asarray(np.count_nonzero(self.array), np.int64), self.device)

    # --- reduction -------------------------------------------------------------------------------------

    def sum(self, dim: Dim = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the sum over some axes."""
        return self._total(dim, keepdim, count=1)

    def mean(self, dim: Dim = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the mean over some axes."""
        if not self.dtype.is_floating_point:
            raise RuntimeError("mean(): could not infer output dtype. Input dtype must be floating point.")
        return self._total(dim, keepdim, self._count(dim))

    def _total(self, dim: Dim, keepdim: builtins.bool, count: builtins.int) -> Tensor:
        axes = self._axes(dim)
        kept = [1 if axis in axes else size for axis, size in enumerate(self.shape)]
        left = kept if keepdim else [size for axis, size in enumerate(self.shape) if axis not in axes]
        # Half precision adds up in single precision, as torch does; whole numbers add up as int64.
        exact, kind = _sum_types(self.array)
        total = self.array.sum(axis=axes, keepdims=True, dtype=exact)
        if count != 1:
            total = total / count

        def pull(gradient: Array) -> Array:
            return np.broadcast_to(gradient.reshape(kept) / count, self.array.shape)

        return self._unary(total.astype(kind).reshape(left), pull)

    def var(self, dim: Dim = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False) -> Tensor:
        """Return the variance over some axes."""
        off = self - self.mean(dim, keepdim=True)
        return (off * off).sum(dim, keepdim) / (self._count(dim) - unbiased)

    def std(self, dim: Dim = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False) -> Tensor:
        """Return the standard deviation over some axes."""
        return self.var(dim, unbiased, keepdim).sqrt()

    def max(self) -> Tensor:
        """Return the largest element."""
        return self._extreme(np.argmax)

    def min(self) -> Tensor:
        """Return the smallest element."""
        return self._extreme(np.argmin)

    def argmax(self) -> Tensor:
        """Return where the largest element is."""
        return Tensor(np.asarray(np.argmax(self.array), np.int64), self.device)

    def norm(self) -> Tensor:
        """Return the Euclidean norm."""
        return (self * self).sum().sqrt()

    def _extreme(self, find: Callable[[Array], Any]) -> Tensor:
        position = int(find(self.array))

        def pull(gradient: Array) -> Array:
            back = np.zeros_like(self.array)
            back.reshape(-1)[position] = gradient
            return back

        return self._unary(self.array.reshape(-1)[position], pull)

    def _count(self, dim: Dim) -> builtins.int:
        return math.prod(self.shape[axis] for axis in self._axes(dim))

    def _axes(self, dim: Dim) -> tuple[int, ...]:
        if dim is None:
            return tuple(range(self.ndim))
        return tuple(axis % self.ndim for axis in ([dim] if isinstance(dim, int) else dim))

    # --- elementwise -----------------------------------------------------------------------------------

    def abs(self) -> Tensor:
        """Return the absolute values."""
        return self._unary(np.abs(self.array), lambda gradient: gradient * np.sign(self.array))

    def sqrt(self) -> Tensor:
        """Return the square roots."""
        root = np.sqrt(self.array)
        return self._unary(root, lambda gradient: gradient / (2 * root))

    def exp(self) -> Tensor:
        """Return e to the power of each element."""
        power = np.exp(self.array)
        return self._unary(power, lambda gradient: gradient * power)

    def log(self) -> Tensor:
        """Return the natural logarithms."""
        return self._unary(np.log(self.array), lambda gradient: gradient / self.array)

    def sigmoid(self) -> Tensor:
        """Return what lies between zero and one."""
        values = 1 / (1 + np.exp(-self.array))
        return self._unary(values, lambda gradient: gradient * values * (1 - values))

    def tanh(self) -> Tensor:
        """Return the hyperbolic tangents."""
        values = np.tanh(self.array)
        return self._unary(values, lambda gradient: gradient * (1 - values * values))

    def relu(self) -> Tensor:
        """Return the elements, negative ones as zero; what is no number stays none."""
        return self._unary(np.maximum(self.array, 0), lambda gradient: gradient * (self.array > 0))

    # --- shape -----------------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Tensor:
        """Return it in another shape."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], list | tuple) else shape
        return self._unary(self.array.reshape(wanted), lambda gradient: gradient.reshape(self.array.shape))

    view = reshape

    def flatten(self, start_dim: int = 0) -> Tensor:
        """Return it with the axes from one on made one."""
        return self.reshape(*self.shape[:start_dim], -1)

    def permute(self, *order: int) -> Tensor:
        """Return it with its axes in another order."""
        return self._unary(
            self.array.transpose(order), lambda gradient: gradient.transpose(np.argsort(order))
        )

    def transpose(self, first: int, second: int) -> Tensor:
        """Return it with two axes exchanged."""
        order = list(range(self.ndim))
        order[first], order[second] = order[second], order[first]
        return self.permute(*order)

    def t(self) -> Tensor:
        """Return a matrix transposed."""
        return self.permute(*reversed(range(self.ndim)))

    def unsqueeze(self, dim: int) -> Tensor:
        """Return it with one more axis of length one."""
        return self._unary(np.expand_dims(self.array, dim), lambda gradient: gradient.squeeze(dim))

    def squeeze(self) -> Tensor:
        """Return it without its axes of length one."""
        return self._unary(self.array.squeeze(), lambda gradient: gradient.reshape(self.array.shape))

    def __getitem__(self, key: Any) -> Tensor:
        def pull(gradient: Array) -> Array:
            back = np.zeros_like(self.array)
            np.add.at(back, key, gradient)
            return back

        return self._unary(self.array[key], pull)

    def __setitem__(self, key: Any, value: Operand) -> None:
        self._changed()[key] = value.array if isinstance(value, Tensor) else value

    # --- in place --------------------------------------------------------------------------------------

    def _changed(self) -> Array:
        """Return the array for a change in place, which would break the history of a tensor that has one."""
        if self.requires_grad and _engine.is_grad_enabled():
            raise RuntimeError("stand-in torch: a tensor that requires grad is not changed in place")
        return self.array

    def fill_(self, value: Number) -> Tensor:
        """Make every element the value."""
        self._changed()[...] = value
        return self

    def zero_(self) -> Tensor:
        """Make every element zero."""
        return self.fill_(0)

    def copy_(self, other: Tensor) -> Tensor:
        """Take the elements of another tensor."""
        self._changed()[...] = other.array
        return self

    def add_(self, other: Operand, alpha: Any = 1) -> Tensor:
        """Add to every element."""
        self._changed()[...] += self._other(other).array * np.asarray(alpha, self.array.dtype)
        return self

    def mul_(self, other: Operand) -> Tensor:
        """Multiply every element."""
        self._changed()[...] *= self._other(other).array
        return self


def seed(root: Tensor, gradient: Tensor | None) -> Array:
    """Return the gradient that a walk back starts with."""
    if gradient is not None:
        return gradient.array
    if root.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    return np.ones_like(root.array)


def joined(left: Array, right: Array) -> np.dtype[Any]:
    """Return the type of a result: fractions decide over whole numbers, arrays over scalars."""
    kinds = (left.dtype.kind == "f", right.dtype.kind == "f")
    if kinds[0] != kinds[1]:
        return left.dtype if kinds[0] else right.dtype
    if bool(left.ndim) != bool(right.ndim):
        return left.dtype if left.ndim else right.dtype
    return np.result_type(left.dtype, right.dtype)


def _sum_types(array: Array) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """Return the type in which elements add up, and that of the sum."""
    if array.dtype.kind != "f":
        return np.dtype(np.int64), np.dtype(np.int64)
    return np.result_type(array.dtype, np.float32), array.dtype
