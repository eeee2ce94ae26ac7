"""Recurrent layers and cells, with PyTorch's names, shapes and gate orders."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError, ShapeError
from ..functions.creation import zeros
from ..functions.recurrent import Network, network, torch_cell
from ..ir.node import Node
from ..random import default_generator
from ..tensor import Parameter
from .functional._record import record_several
from .linear import parameter, uniform_within
from .module import Module
from .packed import PackedSequence, padded_with_mask, repacked

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """Parameters of a stack of recurrent layers, and how it is called.

    Parameters:  weight_ih_l0 (gates * hidden, input), weight_hh_l0 (gates * hidden, hidden),
                 bias_ih_l0, bias_hh_l0, then ``_l1`` ..., with ``_reverse`` for the other
                 direction; all uniform in +-1/sqrt(hidden)
    """

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1,
                 bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
                 bidirectional: bool = False, proj_size: int = 0, device: Any = None,
                 dtype: Any = None):
        super().__init__()
        if not 0 <= dropout <= 1:
            raise ArgumentError("dropout should be a number in range [0, 1] representing the "
                                "probability of an element being zeroed")
        if hidden_size <= 0 or num_layers <= 0:
            raise ArgumentError("hidden_size and num_layers must be greater than zero")
        if proj_size and (mode != "LSTM" or not 0 <= proj_size < hidden_size):
            raise ArgumentError("proj_size argument is only supported for LSTM, and has to be a "
                                "positive integer, smaller than hidden_size")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._weight_names: list[str] = []
        directions = 2 if bidirectional else 1
        rows, real = _GATES[mode] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[:directions]:
                features = input_size if layer == 0 else real * directions
                shapes = {"weight_ih": (rows, features), "weight_hh": (rows, real)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    full = f"{name}_l{layer}{suffix}"
                    setattr(self, full, parameter(shape, device, dtype))
                    self._weight_names.append(full)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for weight in self.parameters():
            uniform_within(weight, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Nothing to do: the compiler chooses how weights lie in memory."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        each = Network(self.mode, 1, bias=self.bias, projection=self.proj_size).tensors_each
        flat = self._flat()
        return [flat[i:i + each] for i in range(0, len(flat), each)]

    def _flat(self) -> list[Parameter]:
        own = vars(self)
        return [own[name] for name in self._weight_names]

    def _run(self, input: Any, states: tuple[Any, ...], mask: Any = None,
             batch_first: bool | None = None) -> list[Any]:
        dropping = self.dropout if self.training and self.num_layers > 1 else 0.0
        key, ordinal = default_generator().next_key() if dropping else (None, 0)
        spec = Network(self.mode, self.hidden_size, self.num_layers, self.bidirectional, self.bias,
                       self.batch_first if batch_first is None else batch_first, dropping, ordinal,
                       self.proj_size, len(states), mask is not None)
        operands = [input, *states, *self._flat()]
        operands += [t for t in (mask, key) if t is not None]
        return record_several(network, operands, (spec,))

    def _called(self, input: Any, states: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        if isinstance(input, PackedSequence):
            # In the order of the batch that was packed, so states need no permutation.
            padded, mask = padded_with_mask(input)
            output, *last = self._run(padded, states, mask, batch_first=False)
            return repacked(output, input), tuple(last)
        output, *last = self._run(input, states)
        return output, tuple(last)

    def extra_repr(self) -> str:
        """Sizes and options."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text


class RNN(RNNBase):
    """Elman's network: ``h' = tanh(x @ W.T + b + h @ U.T + c)``.

    Shapes:  input (L, N, input), or (N, L, input) with ``batch_first``, or (L, input); state
             (layers * directions, N, hidden) -> output (L, N, directions * hidden), last state
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1,
                 nonlinearity: str = "tanh", bias: bool = True, batch_first: bool = False,
                 dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
                 dtype: Any = None):
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or "
                                "'relu'.")
        self.nonlinearity = nonlinearity
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias,
                         batch_first, dropout, bidirectional, 0, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """See the class."""
        output, last = self._called(input, () if hx is None else (hx,))
        return output, last[0]


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014), the reset after the product; shapes as in `RNN`."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 device: Any = None, dtype: Any = None):
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, 0, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """See the class."""
        output, last = self._called(input, () if hx is None else (hx,))
        return output, last[0]


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); shapes as in `RNN`, the state being
    a pair (h, c). ``proj_size`` shrinks h."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 proj_size: int = 0, device: Any = None, dtype: Any = None):
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, proj_size, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, tuple[Any, Any]]:
        """See the class."""
        output, last = self._called(input, () if hx is None else tuple(hx))
        return output, (last[0], last[1])


# ---- cells

class _Cell(Module):
    """One step of a recurrent layer."""

    _mode: str

    def __init__(self, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = _GATES[self._mode] * hidden_size
        self.weight_ih = parameter((rows, input_size), device, dtype)
        self.weight_hh = parameter((rows, hidden_size), device, dtype)
        self.bias_ih = parameter((rows,), device, dtype) if bias else None
        self.bias_hh = parameter((rows,), device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for weight in self.parameters():
            uniform_within(weight, self.hidden_size)

    def _step(self, input: Any, states: tuple[Any, ...]) -> list[Any]:
        if input.ndim not in (1, 2):
            raise ShapeError(f"{type(self).__name__}: Expected input to be 1D or 2D, got "
                             f"{input.ndim}D instead")
        weights = [self.weight_ih, self.weight_hh]
        if self.bias:
            weights += [self.bias_ih, self.bias_hh]  # type: ignore[list-item]
        return record_several(_cell, [input, *states, *weights],
                              (self._mode, len(states), self.bias))

    def extra_repr(self) -> str:
        """Sizes and options."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


def _cell(x: Node, *arguments: Any) -> tuple[Node, ...]:
    *nodes, mode, given, bias = arguments
    states, weights = nodes[:given], nodes[given:]
    h = states[0] if states else _zero_state(x, weights[1].shape[1])
    c = states[1] if len(states) > 1 else (
        _zero_state(x, weights[1].shape[1]) if mode == "LSTM" else None)
    return torch_cell(mode, x, h, c, weights, bias)


def _zero_state(x: Node, size: int) -> Node:
    return zeros((*x.shape[:-1], size), x.dtype)


class RNNCell(_Cell):
    """``h' = tanh(x @ W.T + b + h @ U.T + c)``: (N, input), (N, hidden) -> (N, hidden)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True,
                 nonlinearity: str = "tanh", device: Any = None, dtype: Any = None):
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"Unknown nonlinearity: {nonlinearity}")
        self.nonlinearity = nonlinearity
        self._mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """See the class."""
        return self._step(input, () if hx is None else (hx,))[0]


class GRUCell(_Cell):
    """One step of `GRU`: (N, input), (N, hidden) -> (N, hidden)."""

    _mode = "GRU"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """See the class."""
        return self._step(input, () if hx is None else (hx,))[0]


class LSTMCell(_Cell):
    """One step of `LSTM`: (N, input), a pair of (N, hidden) -> a pair of (N, hidden)."""

    _mode = "LSTM"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """See the class."""
        h, c = self._step(input, () if hx is None else tuple(hx))
        return h, c
