"""The base of all metrics: a few small tensors of state, updated by recorded operations.

Nothing is computed before somebody looks: an update is one record in the segment of the train
step, so that it is compiled and evaluated with it. State is kept in double precision, as counts
in single precision stop growing at 16.7 million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, StateError
from ..ir.dtypes import DType, as_dtype
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..tensor.handle import Handle
from ..tensor.recorder import assign, record, record_nodes, recording_gradients, value_of, wrap
from ..tensor.recorder import state as recorder
from ..tensor.tensor import tensor

__all__ = ["Metric", "as_handle"]


def as_handle(value: Any) -> Any:
    """A tensor of whatever was given; arrays are copied, as updates are evaluated later."""
    return value if isinstance(value, Handle) else tensor(value)


class Metric:
    """A quantity gathered over batches.

    ``update_state(y_true, y_pred, sample_weight=None)`` adds a batch, ``result()`` gives the value
    so far as a tensor of ``dtype``, ``reset_state()`` starts over, ``merge(others)`` adds what
    other metrics of the same kind have seen. Calling it updates and gives the result.
    """

    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = name or type(self).__name__.lower()
        self.dtype: DType = as_dtype("float32" if dtype is None else getattr(
            dtype, "compute_dtype", dtype))
        self._states: dict[str, Any] = {}
        self._fills: dict[str, tuple[tuple[int, ...], float]] = {}

    # ---- state

    def add_state(self, name: str, shape: Sequence[int] = (), fill: float = 0.0) -> Any:
        """A tensor of state, float64, that starts as ``fill``."""
        self._fills[name] = (tuple(shape), fill)
        self._states[name] = wrap(np.full(tuple(shape), fill, np.float64))
        return self._states[name]

    @property
    def variables(self) -> list[Any]:
        """The tensors of state."""
        return list(self._states.values())

    def reset_state(self) -> None:
        """Start over."""
        for name, (shape, fill) in self._fills.items():
            self._put(name, np.full(shape, fill, np.float64))

    def _put(self, name: str, value: np.ndarray[Any, Any]) -> None:
        """Let a state have this value: the same tensor, so that what was compiled goes on with it,
        unless something of it is still to be computed."""
        handle = self._states.get(name)
        if handle is None or handle._value is None or handle._views or handle._link is not None or (
                handle._value.shape != value.shape):
            self._states[name] = wrap(value)
            return
        # The segment first, as in `recorder.Segment.enter`.
        handle._segment = None
        handle._node = handle._provenance = None
        handle._value = value

    reset_states = reset_state
    reset = reset_state

    def state_dict(self) -> dict[str, Any]:
        """The state as arrays; evaluates it."""
        return {name: value_of(h).copy() for name, h in self._states.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        if self._states and set(state) != set(self._states):
            raise StateError(f"{self.name}: the saved state holds {sorted(state)}, this metric "
                             f"{sorted(self._states)}")
        for name, value in state.items():
            array = np.array(value, np.float64)
            self._fills.setdefault(name, (array.shape, 0.0))
            self._put(name, array)

    def merge(self, others: Iterable[Any]) -> None:
        """Add what other metrics of this kind have seen."""
        for other in others:
            if type(other) is not type(self):
                raise ArgumentError(f"{self.name}: cannot merge a {type(other).__name__} into a "
                                    f"{type(self).__name__}")
            if not other._states:
                continue
            if not self._states:
                for name, (shape, fill) in other._fills.items():
                    self.add_state(name, shape, fill)
            with recording_gradients(False):
                for name, handle in other._states.items():
                    mine = self._states[name]
                    if mine.shape != handle.shape:
                        raise ShapeError(f"{self.name}: cannot merge {name} of shape "
                                         f"{tuple(handle.shape)} into {tuple(mine.shape)}")
                    self._states[name] = record(_combined, (mine, handle), (self._fills[name][1],))

    merge_state = merge

    # ---- recording

    def accumulate(self, function: Callable[..., Sequence[Node]], operands: Sequence[Any],
                   static: tuple[Any, ...] = ()) -> None:
        """Record ``function(*states, *operands, *static)``: the new states, in order."""
        # Once per batch and metric: without the overhead of a context manager.
        states = list(self._states.values())
        memo = recorder.memo
        recorder.memo = recorder.memo_without_gradients
        try:
            nodes = record_nodes(_as_states, [*states, *operands], (function, len(states), *static))
            for handle, node in zip(states, nodes, strict=True):
                assign(handle, node)
        finally:
            recorder.memo = memo

    def compute(self, function: Callable[..., Node], static: tuple[Any, ...] = ()) -> Any:
        """``function(*states, *static)`` as a tensor of the metric's dtype."""
        with recording_gradients(False):
            return record(_as_result, self.variables, (function, self.dtype, *static))

    # ---- protocol

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch."""
        raise NotImplementedError

    def update(self, *args: Any, **kwargs: Any) -> None:
        """The same as `update_state`."""
        self.update_state(*args, **kwargs)

    def result(self) -> Any:
        """The value so far."""
        raise NotImplementedError

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {"name": self.name, "dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _as_states(*arguments: Any) -> tuple[Node, ...]:
    count = len([a for a in arguments if isinstance(a, Node)])
    function, states, *static = arguments[count:]
    nodes = arguments[:count]
    changed = function(*nodes, *static)
    return tuple(cast(n, s.dtype) for n, s in zip(changed, nodes[:states], strict=True))


def _as_result(*arguments: Any) -> Node:
    count = len([a for a in arguments if isinstance(a, Node)])
    function, dtype, *static = arguments[count:]
    result = function(*arguments[:count], *static)
    return cast(result, dtype)


def _combined(mine: Node, other: Node, fill: float) -> Node:
    return mine + other - fill if fill else mine + other
