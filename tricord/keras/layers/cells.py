"""SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells: one step of a recurrent layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...functions import activation as nodes
from ...functions import elementwise
from ...functions.sequences import GATES, Recurrence, one_step
from ...ir.dtypes import as_dtype
from ...ir.node import Node
from ...random import Generator, default_generator
from ...tensor import record
from ...tensor.handle import Handle
from ...tensor.recorder import pending, record_nodes, wrap
from .. import activations
from .._names import name_scope
from ..saving.serialization import deserialize_keras_object
from .base import Layer
from .core import positive
from .standard import keep, weight

__all__ = ["Cell", "GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "zeros"]


def _linear(x: Node) -> Node:
    return x


def _leaky_relu(x: Node) -> Node:
    return nodes.leaky_relu(x, 0.2)


#: what an activation is inside of a scan; with any other one the step is recorded as it is called
_IN_SCANS: dict[Any, Callable[[Node], Node]] = {
    activations.tanh: nodes.tanh, activations.sigmoid: nodes.sigmoid, activations.relu: nodes.relu,
    activations.linear: _linear, activations.hard_sigmoid: nodes.hardsigmoid,
    activations.softplus: nodes.softplus, activations.softsign: nodes.softsign,
    activations.selu: nodes.selu, activations.elu: nodes.elu, activations.silu: nodes.silu,
    activations.exponential: elementwise.exp, activations.gelu: nodes.gelu,
    activations.relu6: nodes.relu6, activations.mish: nodes.mish,
    activations.hard_tanh: nodes.hardtanh, activations.leaky_relu: _leaky_relu,
    activations.softmax: nodes.softmax, activations.celu: nodes.celu}


class _Recorded:
    """A function on tensors as one on nodes, for activations that are the user's own."""

    def __init__(self, function: Callable[[Any], Any]):
        self.function = function

    def __call__(self, x: Node) -> Node:
        handle = pending(x, Handle._result_class)
        return record(_same, (self.function(handle),))._node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Recorded) and other.function is self.function

    def __hash__(self) -> int:
        return hash(self.function)


def _same(x: Node) -> Node:
    return x


def zeros(shape: Sequence[int], dtype: str) -> Any:
    """A tensor of zeros."""
    return wrap(np.zeros(tuple(shape), as_dtype(dtype).numpy))


class Cell(Layer):
    """What the three cells share: weights, settings, dropout, and one step."""

    kind = ""
    recurrent_activation: Any = None
    reset_after = True

    def _keep(self, units: int, dropout: float, recurrent_dropout: float, seed: int | None,
              **settings: Any) -> None:
        self.units = positive("units", units)
        self.state_size: Any = [self.units, self.units] if self.kind == "lstm" else self.units
        self.output_size = self.units
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self._generator = None if seed is None else Generator(int(seed))
        self.bias: Any = None
        keep(self, **settings)

    def build(self, input_shape: Any) -> None:
        columns = self.units * GATES[self.kind]
        self.kernel = weight(self, "kernel", (input_shape[-1], columns))
        self.recurrent_kernel = weight(self, "recurrent_kernel", (self.units, columns),
                                       "recurrent")
        if self.use_bias:
            both = self.kind == "gru" and self.reset_after
            self.bias = self.add_weight((2, columns) if both else (columns,),
                                        self._bias_start(), name="bias",
                                        regularizer=self.bias_regularizer,
                                        constraint=self.bias_constraint)
        gate = self.recurrent_activation
        self._recurrence = Recurrence(self.kind, in_scan(self.activation),
                                      None if gate is None else in_scan(gate), self.use_bias,
                                      self.reset_after)

    def _bias_start(self) -> Any:
        return self.bias_initializer

    def operands(self) -> list[Any]:
        """The weights, as the composites take them."""
        own = [self.kernel, self.recurrent_kernel]
        return own if self.bias is None else [*own, self.bias]

    def drawn(self, training: bool, **told: Any) -> tuple[list[Any], Recurrence]:
        """Keys for the dropout of this call, and all that a step is told."""
        spec = self._recurrence._replace(**told)
        rates = (float(self.dropout), float(self.recurrent_dropout))
        if not training or rates == (0.0, 0.0):
            return [], spec
        generator = self._generator or default_generator()
        draws = [generator.next_key() if rate else (None, 0) for rate in rates]
        return ([key for key, _ in draws if key is not None],
                spec._replace(rates=rates, ordinals=(draws[0][1], draws[1][1])))

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        listed = isinstance(states, (list, tuple))
        given = list(states) if listed else [states]
        keys, spec = self.drawn(training, states=len(given))
        found = record_nodes(one_step, (inputs, *given, *self.operands(), *keys), (spec,))
        new = [pending(n, inputs._result_class) for n in found]
        return new[0], (new if listed else new[0])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """States of zeros."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [zeros((batch_size or 0, n), self.compute_dtype) for n in sizes]


def in_scan(activation: Any) -> Callable[[Node], Node]:
    """The composite behind an activation."""
    known = _IN_SCANS.get(activation)
    return _Recorded(activation) if known is None else known


class SimpleRNNCell(Cell):
    """``h' = activation(x @ kernel + h @ recurrent_kernel + bias)``."""

    kind = "simple"

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self._keep(units, dropout, recurrent_dropout, seed, activation=activation,
                   use_bias=use_bias, kernel_initializer=kernel_initializer,
                   recurrent_initializer=recurrent_initializer, bias_initializer=bias_initializer,
                   kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                   recurrent_regularizer=recurrent_regularizer, bias_constraint=bias_constraint,
                   kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint)

    def call(self, sequence: Any, states: Any, training: bool = False) -> Any:
        return super().call(sequence, states, training)


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); states h and c.

    Gates: input, forget, cell, output. ``unit_forget_bias`` starts the forget gate's bias at 1.
    """

    kind = "lstm"

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 unit_forget_bias: bool = True, kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, seed: int | None = None, **kwargs: Any):
        kwargs.pop("implementation", None)  # how, not what, is computed
        super().__init__(**kwargs)
        self._keep(units, dropout, recurrent_dropout, seed, activation=activation,
                   recurrent_activation=recurrent_activation, unit_forget_bias=unit_forget_bias,
                   use_bias=use_bias, kernel_initializer=kernel_initializer,
                   recurrent_initializer=recurrent_initializer, bias_initializer=bias_initializer,
                   kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                   recurrent_regularizer=recurrent_regularizer, bias_constraint=bias_constraint,
                   kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint)

    def _bias_start(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer
        units = self.units

        def forgetting_little(shape: Any, dtype: Any = None) -> Any:
            parts = [np.asarray(self.bias_initializer((n,), dtype=dtype)) for n in
                     (units, 2 * units)]
            return np.concatenate([parts[0], np.ones(units, parts[0].dtype), parts[1]])

        return forgetting_little


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014). Gates: update, reset, new.

    ``reset_after`` applies the reset gate after the matrix product, and has two biases.
    """

    kind = "gru"

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, reset_after: bool = True,
                 seed: int | None = None, **kwargs: Any):
        kwargs.pop("implementation", None)
        super().__init__(**kwargs)
        self._keep(units, dropout, recurrent_dropout, seed, activation=activation,
                   recurrent_activation=recurrent_activation, reset_after=bool(reset_after),
                   use_bias=use_bias, kernel_initializer=kernel_initializer,
                   recurrent_initializer=recurrent_initializer, bias_initializer=bias_initializer,
                   kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                   recurrent_regularizer=recurrent_regularizer, bias_constraint=bias_constraint,
                   kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint)


class StackedRNNCells(Layer):
    """Several cells as one: each takes the output of the one before."""

    def __init__(self, cells: Any, **kwargs: Any):
        super().__init__(**kwargs)
        for cell in cells:
            for name in ("call", "state_size"):
                if not hasattr(cell, name):
                    raise ArgumentError(f"All cells must have a `{name}`. Received cell without "
                                        f"one: {cell!r:.60}")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [c.state_size for c in self.cells]

    @property
    def output_size(self) -> int:
        """The size of the last cell's output."""
        return output_size(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                with name_scope(cell.name):
                    cell.build(input_shape)
                cell.built = True
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs: Any, states: Any, training: bool = False, **kwargs: Any) -> Any:
        found = []
        for cell, own in zip(self.cells, states, strict=True):
            listed = isinstance(own, (list, tuple))
            told = {"training": training, **kwargs} if takes_training(cell) else kwargs
            run = cell if callable(cell) else cell.call
            inputs, new = run(inputs, list(own) if listed else [own], **told)
            new = new if isinstance(new, (list, tuple)) else [new]
            found.append(list(new) if listed else new[0])
        return inputs, found[0] if len(found) == 1 else found

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """States of zeros, cell by cell."""
        return [initial_states(cell, batch_size, self.compute_dtype) for cell in self.cells]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        cells = [deserialize_keras_object(c) if isinstance(c, dict) else c
                 for c in config["cells"]]
        return super().from_config({**config, "cells": cells})


def takes_training(cell: Any) -> bool:
    """Whether a cell is told if it trains."""
    return isinstance(cell, Layer) and cell.signature.takes_training


def output_size(cell: Any) -> int:
    """The number of features of a cell's output."""
    found = getattr(cell, "output_size", None)
    if found is not None:
        return int(found)
    sizes = cell.state_size
    return int(sizes[0] if isinstance(sizes, (list, tuple)) else sizes)


def initial_states(cell: Any, batch_size: int | None, dtype: str) -> list[Any]:
    """What a cell starts from: zeros unless it says something else."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        found = own(batch_size=batch_size)
        return list(found) if isinstance(found, (list, tuple)) else [found]
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    return [zeros((batch_size or 0, n), dtype) for n in sizes]
