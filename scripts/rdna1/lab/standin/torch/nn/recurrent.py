"""LSTM and GRU: one layer, one direction, time first."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _create
from .._functions import stack
from .._tensor import Tensor
from . import functional
from .modules import Module, filled


class Recurrent(Module):
    """What LSTM and GRU share: a matrix of gates for the input and one for the state."""

    gates = 1

    def __init__(self, input_size: int, hidden_size: int) -> None:
        self.input_size, self.hidden_size = input_size, hidden_size
        rows = self.gates * hidden_size
        self.weight_ih_l0 = filled((rows, input_size), hidden_size)
        self.weight_hh_l0 = filled((rows, hidden_size), hidden_size)
        self.bias_ih_l0 = filled((rows,), hidden_size)
        self.bias_hh_l0 = filled((rows,), hidden_size)

    def _parts(self, of_input: Tensor, state: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return each gate's share of the input and of the state."""
        of_state = functional.linear(state, self.weight_hh_l0, self.bias_hh_l0)
        cuts = [slice(n * self.hidden_size, (n + 1) * self.hidden_size) for n in range(self.gates)]
        return [(of_input[:, cut], of_state[:, cut]) for cut in cuts]

    def _start(self, inputs: Tensor) -> Tensor:
        shape = (inputs.shape[1], self.hidden_size)
        return _create.zeros(shape, dtype=inputs.dtype, device=inputs.device)

    def _step(self, of_input: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _run(self, inputs: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        of_inputs = functional.linear(inputs, self.weight_ih_l0, self.bias_ih_l0)
        outputs = []
        for step in range(len(inputs)):
            states = self._step(of_inputs[step], states)
            outputs.append(states[0])
        return stack(outputs), tuple(state.unsqueeze(0) for state in states)


class LSTM(Recurrent):
    """Long short-term memory."""

    gates = 4

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the outputs and the last output and cell."""
        return self._run(inputs, (self._start(inputs), self._start(inputs)))

    def _step(self, of_input: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
        state, cell = states
        enter, forget, new, out = (mine + other for mine, other in self._parts(of_input, state))
        cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
        return out.sigmoid() * cell.tanh(), cell


class GRU(Recurrent):
    """Gated recurrent unit."""

    gates = 3

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs and the last one."""
        outputs, (state,) = self._run(inputs, (self._start(inputs),))
        return outputs, state

    def _step(self, of_input: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
        (state,) = states
        (reset, reset_state), (update, update_state), (new, new_state) = self._parts(of_input, state)
        keep = (update + update_state).sigmoid()
        fresh = (new + (reset + reset_state).sigmoid() * new_state).tanh()
        return ((1 - keep) * fresh + keep * state,)
