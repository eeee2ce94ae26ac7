"""SimpleRNN, LSTM, GRU and RNN: sequences through a scan."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, ShapeError
from ...functions import manipulation, masked
from ...functions.elementwise import cast
from ...functions.sequences import whole_sequence
from ...ir.dtypes import as_dtype
from ...tensor import record
from ...tensor.control import scan
from ...tensor.handle import Handle
from ...tensor.recorder import pending, record_nodes
from .._names import name_scope
from ..graph import is_tracing, leaves_of, map_leaves
from ..input_spec import InputSpec
from ..saving.serialization import deserialize_keras_object
from ..variable import Variable
from .base import Layer
from .cells import (
    Cell,
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    initial_states,
    takes_training,
)

__all__ = ["GRU", "LSTM", "RNN", "SimpleRNN"]


class RNN(Layer):
    """A cell, or a list of cells, run along the steps of a sequence.

    A cell has ``state_size`` and ``call(inputs, states) -> (output, new states)``. Its step is
    recorded once and scanned, so a Python ``if`` in it sees placeholders, not values.

    Shapes:  sequences (N, L, *) -> (N, units), or (N, L, units) with ``return_sequences``; with
             ``return_state`` the last states follow
    """

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 zero_output_for_mask: bool = False, **kwargs: Any):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        for name in ("call", "state_size"):
            if not hasattr(cell, name):
                raise ArgumentError(f"Argument `cell` should have a `{name}`. Received: "
                                    f"cell={cell!r:.60}",
                                    hint="a cell is a Layer with state_size and "
                                         "call(inputs, states)")
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.states: Any = None
        sizes = cell.state_size
        self.state_size = list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]

    # ---- building and states

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        cell = self.cell
        if isinstance(cell, Layer) and not cell.built:
            with name_scope(cell.name):
                cell.build((sequences_shape[0], *sequences_shape[2:]))
            cell.built = True
        if not self.stateful:
            return
        if self.states is not None:
            self.reset_state()
            return
        if sequences_shape[0] is None:
            raise ShapeError("When using `stateful=True` in a RNN, the batch size must be static. "
                             f"Found dynamic batch size: sequence.shape={tuple(sequences_shape)}",
                             hint="Input(batch_shape=(32, None, 8))")
        self.states = map_leaves(
            lambda v: Variable(v, trainable=False, name="rnn_state"),
            self.get_initial_state(sequences_shape[0]))

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states a sequence starts from: zeros, unless the cell says something else."""
        return initial_states(self.cell, batch_size, self.compute_dtype)

    def reset_state(self) -> None:
        """Start the next batch from zeros (``stateful``)."""
        for variable in leaves_of(self.states or []):
            variable.assign(variable.numpy() * 0)

    reset_states = reset_state

    # ---- calling

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None,
             training: bool = False) -> Any:
        states = self._start(sequences, initial_state)
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        cells = self._scanned_cells()
        if cells is None:
            output, new = self._scan(sequences, states, mask, training)
        elif len(cells) == 1 and cells[0] is self.cell:
            output, *new = self._through(cells[0], sequences, states, mask, training,
                                     self.return_sequences)
        else:
            output, new = self._through_all(cells, sequences, states, mask, training)
        if self.stateful and not is_tracing():
            for variable, value in zip(leaves_of(self.states), leaves_of(new), strict=True):
                variable.assign(value)
        return (output, *new) if self.return_state else output

    def _start(self, sequences: Any, initial_state: Any) -> Any:
        """The states to start from; None for zeros."""
        if initial_state is not None:
            given = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
            if len(given) != len(self.state_size):
                raise ArgumentError(f'layer "{self.name}" has {len(self.state_size)} states, '
                                    f"initial_state holds {len(given)}")
            return list(given)
        if not self.stateful:
            return None
        expected = leaves_of(self.states)[0].shape[0]
        if sequences.shape[0] != expected:
            raise ShapeError("If an RNN is stateful, the batch size of the input sequences must be "
                             f"the same as the batch size of the initial state. Expected batch "
                             f"size: {expected}. Received batch size: {sequences.shape[0]}")
        return list(self.states)

    def _scanned_cells(self) -> list[Cell] | None:
        """The cells, if all of them are this library's own."""
        cells = self.cell.cells if type(self.cell) is StackedRNNCells else [self.cell]
        own = all(type(c) in (SimpleRNNCell, LSTMCell, GRUCell) for c in cells)
        return list(cells) if own else None

    def _through(self, cell: Cell, x: Any, states: Any, mask: Any, training: bool,
             sequences: bool, backwards: bool | None = None) -> list[Any]:
        """A whole sequence through one cell, as one operation: output, last states."""
        given = states or []
        reverse = bool(self.go_backwards) if backwards is None else backwards
        keys, spec = cell.drawn(training, states=len(given), masked=mask is not None,
                                reverse=reverse, sequences=bool(sequences),
                                zero_masked=bool(self.zero_output_for_mask))
        masks = () if mask is None else (mask,)
        found = record_nodes(whole_sequence, (x, *given, *cell.operands(), *masks, *keys), (spec,))
        return [pending(n, x._result_class) for n in found]

    def _through_all(self, cells: list[Cell], x: Any, states: Any, mask: Any,
                   training: bool) -> tuple[Any, list[Any]]:
        """Cell after cell, each over the whole sequence: the same as step after step."""
        new = []
        for place, cell in enumerate(cells):
            last = place == len(cells) - 1
            own = None if states is None else states[place]
            own = own if own is None or isinstance(own, (list, tuple)) else [own]
            # What the first cell put out backwards, the next ones take as it comes.
            backwards = bool(self.go_backwards) and place == 0
            if mask is not None and place == 1 and self.go_backwards:
                mask = record(manipulation.flip, (mask,), (1,))
            x, *after = self._through(cell, x, own, mask, training,
                                      not last or self.return_sequences, backwards)
            new.append(after if isinstance(cell.state_size, list) else after[0])
        return x, (new[0] if len(new) == 1 and isinstance(new[0], list) else new)

    def _scan(self, sequences: Any, states: Any, mask: Any,
              training: bool) -> tuple[Any, list[Any]]:
        """A cell of the user's own, recorded once and scanned."""
        cell = self.cell
        if states is None:
            states = self.get_initial_state(sequences.shape[0])
        dtype = getattr(cell, "compute_dtype", self.compute_dtype)
        states = map_leaves(lambda v: record(cast, (v,), (as_dtype(dtype),)) if isinstance(
            v, Handle) else v, list(states))
        told = {"training": training} if takes_training(cell) else {}
        run = cell if callable(cell) else cell.call
        zero = self.zero_output_for_mask

        def step(carry: Any, now: Any) -> Any:
            output, new = run(now[0], carry[0], **told)
            new = list(new) if isinstance(new, (list, tuple)) else [new]
            if mask is None:
                return [new, []], output
            kept = now[1]
            fresh, old = leaves_of(new), leaves_of(carry[0])
            held = iter([record(masked.either_step, (kept, n, o))
                         for n, o in zip(fresh, old, strict=True)])
            before = output * 0 if zero else carry[1][0]
            output = record(masked.either_step, (kept, output, before))
            return [map_leaves(lambda _: next(held), new), [output]], output

        xs = [record(manipulation.swapaxes, (sequences,), (0, 1))]
        carry: list[Any] = [states, []]
        if mask is not None:
            xs.append(record(manipulation.swapaxes, (mask,), (0, 1)))
            shown, _ = run(sequences[:, 0], states, **told)
            carry[1] = [shown * 0]
        (new, _), outputs = scan(step, carry, xs, reverse=bool(self.go_backwards))
        if self.go_backwards:
            outputs = record(manipulation.flip, (outputs,), (0,))
        if not self.return_sequences:
            return outputs[-1], new
        return record(manipulation.swapaxes, (outputs,), (0, 1)), new

    def _prepare_quick_calls(self, first: Any, args: Any, kwargs: Any) -> None:
        # An input with a mask never takes the quick way, so that these layers may take it.
        if self.activity_regularizer is None and len(args) == 1 and not kwargs and (
                self._scanned_cells() is not None and not is_tracing()):
            object.__setattr__(self, "_seen", first._type)
            object.__setattr__(self, "_ready", True)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        found = leaves_of(mask)[0] if mask is not None and leaves_of(mask) else None
        kept = found if self.return_sequences else None
        return [kept] + [None] * len(leaves_of(self.state_size)) if self.return_state else kept

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        if isinstance(config.get("cell"), dict):
            config["cell"] = deserialize_keras_object(config["cell"])
        return super().from_config(config)


# ---- the three with cells of their own

class _WithCell(RNN):
    """A recurrent layer whose settings are those of its cell."""

    _cell_class: type[Cell]
    _not_settings = ("use_cudnn",)

    def _make(self, kwargs: dict[str, Any], cell: dict[str, Any], **options: Any) -> None:
        """Run the constructor with a cell of these settings."""
        made = self._cell_class(name=f"{_SNAKE[self._cell_class]}_cell",
                                dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True),
                                **cell)
        kwargs.pop("implementation", None)  # how, not what, is computed
        super().__init__(made, **options, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "zero_output_for_mask": self.zero_output_for_mask}


_SNAKE = {SimpleRNNCell: "simple_rnn", LSTMCell: "lstm", GRUCell: "gru"}


def _of_cell(name: str) -> property:
    return property(lambda self: getattr(self.cell, name), doc=f"``{name}`` of the cell.")


for _name in ("units", "activation", "recurrent_activation", "use_bias", "kernel_initializer",
              "recurrent_initializer", "bias_initializer", "unit_forget_bias",
              "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
              "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout",
              "recurrent_dropout", "seed", "reset_after"):
    setattr(_WithCell, _name, _of_cell(_name))


class SimpleRNN(_WithCell):
    """``h' = activation(x @ kernel + h @ recurrent_kernel + bias)`` along a sequence."""

    _cell_class = SimpleRNNCell
    _not_settings = ("use_cudnn", "seed")

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, return_sequences: bool = False,
                 return_state: bool = False, go_backwards: bool = False, stateful: bool = False,
                 unroll: bool = False, seed: int | None = None, **kwargs: Any):
        self._make(kwargs, {
            "units": units, "activation": activation, "use_bias": use_bias,
            "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
            "recurrent_initializer": recurrent_initializer,
            "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
            "recurrent_regularizer": recurrent_regularizer, "bias_constraint": bias_constraint,
            "kernel_constraint": kernel_constraint, "recurrent_constraint": recurrent_constraint,
            "dropout": dropout, "recurrent_dropout": recurrent_dropout, "seed": seed},
            return_sequences=return_sequences, return_state=return_state,
            go_backwards=go_backwards, stateful=stateful, unroll=unroll,
            activity_regularizer=activity_regularizer)


class LSTM(_WithCell):
    """Long short-term memory along a sequence (Hochreiter & Schmidhuber 1997).

    >>> import numpy as np
    >>> LSTM(4, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
    (2, 5, 4)
    """

    _cell_class = LSTMCell

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 unit_forget_bias: bool = True, kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
                 return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 use_cudnn: Any = "auto", **kwargs: Any):
        self._make(kwargs, {
            "units": units, "activation": activation, "use_bias": use_bias,
            "recurrent_activation": recurrent_activation, "unit_forget_bias": unit_forget_bias,
            "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
            "recurrent_initializer": recurrent_initializer,
            "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
            "recurrent_regularizer": recurrent_regularizer, "bias_constraint": bias_constraint,
            "kernel_constraint": kernel_constraint, "recurrent_constraint": recurrent_constraint,
            "dropout": dropout, "recurrent_dropout": recurrent_dropout, "seed": seed},
            return_sequences=return_sequences, return_state=return_state,
            go_backwards=go_backwards, stateful=stateful, unroll=unroll,
            activity_regularizer=activity_regularizer)
        self.use_cudnn = use_cudnn


class GRU(_WithCell):
    """Gated recurrent unit along a sequence (Cho et al. 2014)."""

    _cell_class = GRUCell

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, seed: int | None = None,
                 return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 reset_after: bool = True, use_cudnn: Any = "auto", **kwargs: Any):
        self._make(kwargs, {
            "units": units, "activation": activation, "use_bias": use_bias,
            "recurrent_activation": recurrent_activation, "reset_after": reset_after,
            "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
            "recurrent_initializer": recurrent_initializer,
            "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
            "recurrent_regularizer": recurrent_regularizer, "bias_constraint": bias_constraint,
            "kernel_constraint": kernel_constraint, "recurrent_constraint": recurrent_constraint,
            "dropout": dropout, "recurrent_dropout": recurrent_dropout, "seed": seed},
            return_sequences=return_sequences, return_state=return_state,
            go_backwards=go_backwards, stateful=stateful, unroll=unroll,
            activity_regularizer=activity_regularizer)
        self.use_cudnn = use_cudnn
