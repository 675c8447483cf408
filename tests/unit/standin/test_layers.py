"""Layers and tensors: their values where a hand can check them, their gradients by finite differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rdna1.lab.standin.torch as torch
from rdna1.lab.standin.torch import nn
from rdna1.lab.standin.torch._types import Array, DType

Scalar = Callable[[torch.Tensor], torch.Tensor]


def numeric(
    compute: Scalar, at: torch.Tensor, step: float = 1e-6
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    gradient = np.zeros(at.shape)
    for index in np.ndindex(*at.shape):
        moved = at.array.copy()
        moved[index] += step
        above = compute(torch.tensor(moved)).item()
        moved[index] -= 2 * step
        gradient[index] = (above - compute(torch.tensor(moved)).item()) / (2 * step)
    return gradient


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(3, 2),
    ).double()  # fmt: skip


def recurrent(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(4)
    return kind(4, 3).double()  # type: ignore[call-arg]  # both take the two sizes


DIFFERENTIABLE: dict[str, Scalar] = {
    "arithmetic": lambda x: ((x * 2 + 1) / (x * x + 3) - x**3).sum(),
    "from the right": lambda x: (1 - x + 2 / (x * x + 1)).sum(),
    "broadcast": lambda x: (x * x.sum(0, keepdim=True) + x[0]).sum(),
    "matmul": lambda x: (x.reshape(4, -1) @ x.reshape(4, -1).t()).sum(),
    "mean, var, std": lambda x: x.mean((0, 2)).sum() + x.var() + x.std(1).sum(),
    "max, min": lambda x: x.max() * 2 - x.min(),
    "abs, exp, log, sqrt": lambda x: (x.abs() + 1).log().sum() + x.exp().mean() + (x * x + 1).sqrt().sum(),
    "shape": lambda x: (x.permute(2, 0, 1, 3).flatten(1).t()[1:] * 2).sum() + x.squeeze().unsqueeze(0).norm(),
    "sigmoid, tanh": lambda x: (torch.sigmoid(x) * torch.tanh(x)).sum(),
    "lstm": lambda x: (recurrent(nn.LSTM)(x.reshape(4, 4, 4))[0] ** 2).sum(),
    "gru": lambda x: (recurrent(nn.GRU)(x.reshape(4, 4, 4))[0] ** 2).sum(),
    "cat, stack": lambda x: (torch.cat([x, x * 2]) * torch.stack([x, x]).reshape(4, 2, 4, 4)).sum(),
    "network, training": lambda x: nn.functional.mse_loss(network()(x), torch.ones(2, 2).double()),
    "network, trained": lambda x: (network().eval()(x) ** 2).sum(),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient(name: str) -> None:
    torch.manual_seed(7)
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    DIFFERENTIABLE[name](x).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), numeric(DIFFERENTIABLE[name], x), atol=1e-6)


def test_gradients_add_up_until_they_are_forgotten() -> None:
    layer = nn.Linear(2, 1)
    once = torch.ones(1, 2)
    layer(once).sum().backward()
    layer(once).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [[2.0, 2.0]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_gradients_by_name() -> None:
    x, y, unused = (torch.tensor([value], requires_grad=True) for value in (2.0, 3.0, 5.0))
    assert [g.item() for g in torch.autograd.grad((x * x * y).sum(), [x, y]) if g is not None] == [12.0, 4.0]
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad((x * y).sum(), unused)
    assert torch.autograd.grad((x * y).sum(), unused, allow_unused=True) == (None,)


def test_nothing_is_recorded_under_no_grad() -> None:
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert not (x * 2).requires_grad

    @torch.no_grad()
    def double(value: torch.Tensor) -> torch.Tensor:
        return value * 2

    assert not double(x).requires_grad
    assert (x * 2).requires_grad


def test_numpy_is_refused_where_torch_refuses_it() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    with pytest.raises(RuntimeError, match="implicitly created only for scalar"):
        x.backward()
    assert x.detach().numpy().tolist() == [1.0, 1.0]


def test_judgements() -> None:
    values = torch.tensor([1.0, float("nan"), float("inf"), 0.0])
    assert torch.isnan(values).tolist() == [False, True, False, False]
    assert torch.isinf(values).tolist() == [False, False, True, False]
    assert not torch.isfinite(values).all()
    assert torch.isfinite(values).any()
    assert torch.count_nonzero(values).item() == 3
    assert torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    assert not torch.allclose(torch.tensor([1.0]), torch.tensor([1.1]))
    assert (torch.tensor([1, 2]) == torch.tensor([1, 3])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        (torch.float32, torch.float64, torch.float64),
        (torch.float16, torch.float32, torch.float32),
        (torch.int64, torch.float32, torch.float32),
        (torch.int32, torch.int64, torch.int64),
    ],
)
def test_types_join_as_in_torch(left: DType, right: DType, kind: DType) -> None:
    assert (torch.ones(2, dtype=left) + torch.ones(2, dtype=right)).dtype is kind
    assert (torch.ones(2, dtype=left) * 2).dtype is left


def test_scalars_do_not_widen() -> None:
    assert (torch.ones(2) * 1.5 + torch.tensor(2.0, dtype=torch.float64)).dtype is torch.float32
    assert (torch.ones(2).sum() * 1.5).dtype is torch.float32


def test_sums_of_half_precision_do_not_overflow_on_the_way() -> None:
    assert torch.ones(70000, dtype=torch.float16).mean().item() == 1.0


def test_counting() -> None:
    values = torch.tensor([[0, 2], [2, 1]])
    assert torch.nonzero(values).tolist() == [[0, 1], [1, 0], [1, 1]]
    assert torch.unique(values).tolist() == [0, 1, 2]


def test_recurrent_layers_are_what_their_formulas_say() -> None:
    x = torch.randn(1, 2, 4).double()
    lstm, gru = recurrent(nn.LSTM), recurrent(nn.GRU)

    def gates(layer: Any) -> Array:
        bias = layer.bias_ih_l0.array + layer.bias_hh_l0.array
        total: Array = x.array[0] @ layer.weight_ih_l0.array.T + bias
        return total

    def sigmoid(values: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-values)))

    enter, _, new, out = np.split(gates(lstm), 4, axis=1)
    cell = sigmoid(enter) * np.tanh(new)
    outputs, (last, last_cell) = lstm(x)
    np.testing.assert_allclose(outputs[0].detach().numpy(), sigmoid(out) * np.tanh(cell))
    assert torch.equal(outputs[0], last[0])
    np.testing.assert_allclose(last_cell[0].detach().numpy(), cell)

    reset, update, _ = np.split(gates(gru), 3, axis=1)
    weight, one, other = (
        gru.weight_ih_l0.array[6:], gru.bias_ih_l0.array[6:], gru.bias_hh_l0.array[6:],  # type: ignore[attr-defined]
    )  # fmt: skip
    fresh = np.tanh(x.array[0] @ weight.T + one + sigmoid(reset) * other)
    np.testing.assert_allclose(gru(x)[0][0].detach().numpy(), (1 - sigmoid(update)) * fresh)


def test_state_travels() -> None:
    one, other = network(), nn.Sequential(*list(network().children()))
    for parameter in one.parameters():
        parameter.array += 1
    other.load_state_dict(one.state_dict())
    x = torch.randn(1, 2, 4, 4).double()
    assert torch.equal(one.eval()(x), other.eval()(x))
    assert [name for name, _ in one.named_parameters()][:2] == ["0.weight", "0.bias"]


def test_drawing_is_repeatable() -> None:
    torch.manual_seed(1)
    first = torch.randn(5)
    torch.manual_seed(1)
    assert torch.equal(first, torch.randn(5))
    assert not torch.equal(first, torch.randn(5))
