"""Variables: what changes. Eager ones are parameters; those of a graph have a value per session."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..functions import places
from ..ir import arithmetic as ar
from ..ir.dtypes import DType
from ..ir.node import Node
from ..ir.ops.elementwise import cast as _cast_node
from ..tensor import Parameter, record, recording_gradients
from ..tensor.aside import aside
from ..tensor.handle import Handle
from ..tensor.recorder import state, value_of, wrap
from ..tensor.views import replace
from ._names import explain_keywords
from ._op import Spec, modes, op
from .dtypes import as_dtype
from .graph import (
    Graph,
    GraphKeys,
    GraphValue,
    Operation,
    StandIns,
    building_graph,
    default_graph,
    stand_in,
)
from .shapes import TensorShape
from .tensors import EagerTensor, apply, array_of, convert, shown_value, where_now

__all__ = ["GraphVariable", "Variable", "VariableAggregation", "VariableSynchronization"]


class VariableSynchronization:
    AUTO, NONE, ON_WRITE, ON_READ = range(4)


class VariableAggregation:
    NONE, SUM, MEAN, ONLY_FIRST_REPLICA = range(4)


class _Names(threading.local):
    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.counts: Counter[str] = Counter()


names = _Names()


class _VariableType(type):
    """``tf.Variable(...)`` makes a variable of the graph where one is being built."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Variable and building_graph():
            return GraphVariable(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or (
            cls is Variable and isinstance(instance, GraphVariable))


def _checked_shape(variable: Any, value: Any) -> None:
    shape, given = tuple(variable.shape), tuple(value.shape)
    if shape != given:
        raise ShapeError(f"Cannot assign value to variable '{variable.name}': Shape mismatch. The "
                         f"variable shape {shape}, and the assigned value shape {given} are "
                         "incompatible.", where=where_now())


class Variable(Parameter, metaclass=_VariableType):
    """A tensor that can be assigned to, and that tapes watch.

    ``initial_value`` may be a function without arguments. Python floats become float32, integers
    int32.

    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign_add([1.0, 1.0]).numpy().tolist(), v.name
    ([2.0, 3.0], 'v:0')
    """

    _result_class = EagerTensor

    def __init__(self, initial_value: Any = None, trainable: bool | None = None,
                 validate_shape: bool = True, caching_device: Any = None, name: str | None = None,
                 variable_def: Any = None, dtype: Any = None, import_scope: Any = None,
                 constraint: Any = None, synchronization: Any = None, aggregation: Any = None,
                 shape: Any = None, experimental_enable_variable_lifting: bool = True):
        if initial_value is None:
            raise ArgumentError("The `initial_value` arg to `tf.Variable` must be specified",
                                where=where_now())
        wanted = None if dtype is None else as_dtype(dtype)
        with aside(), recording_gradients(False):
            made = initial_value() if callable(initial_value) and not isinstance(
                initial_value, Handle) else initial_value
            value = np.array(value_of(convert(made, wanted)))
        self._hold(value)
        if shape is not None and not TensorShape(shape).is_compatible_with(value.shape):
            raise ShapeError(f"The initial value's shape ({value.shape}) is not compatible with "
                             f"the explicitly supplied `shape` argument ({TensorShape(shape)}).")
        self._name = "/".join([*names.scopes, name or "Variable"])
        self.path = self._name
        self.constraint = constraint
        self.regularizer: Any = None
        self.synchronization, self.aggregation = synchronization, aggregation
        self._trainable = trainable is not False
        self._watch()

    def _hold(self, value: np.ndarray[Any, Any]) -> None:
        made = wrap(value)
        self._node = self._segment = None
        self._value, self._type = made._value, made._type
        self._provenance = None

    def _watch(self) -> None:
        wanted = self._trainable and self.dtype.is_inexact
        if wanted != self._wants_grad:
            value_of(self)
            self._wants_grad = wanted
            self._node = self._segment = None

    @property
    def name(self) -> str:
        """The name, with the number of the output: ``v:0``."""
        return f"{self._name}:0"

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        self._watch()

    @property
    def handle(self) -> Any:
        return self

    def get_shape(self) -> Any:
        return self.shape

    # ---- reading

    def value(self) -> Any:
        """A tensor with the current value."""
        return apply(_same, (self,))

    def read_value(self) -> Any:
        """A tensor with the current value."""
        return apply(_same, (self,))

    def initialized_value(self) -> Any:
        return self.read_value()

    def numpy(self, *, force: bool = False) -> Any:
        """A copy of the value."""
        value = value_of(self)
        return value.copy() if value.ndim else value[()]

    def is_initialized(self) -> bool:
        return True

    def ref(self) -> Any:
        """A hashable stand-in (tensors are hashable here anyway)."""
        return self

    def deref(self) -> Any:
        return self

    # ---- writing

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None,
               read_value: bool = True) -> Any:
        """Take over a value of the same shape and dtype.

        Raises:  ShapeError for another shape, ArgumentError for a tensor of another dtype
        """
        if modes.run is not None:
            value = modes.run.resolve(value)
        if isinstance(value, Handle):
            convert(value, self.dtype)
        else:
            value = convert(value, self.dtype)
        _checked_shape(self, value)
        # Where calls are watched to be replayed, this must be among what they do.
        if value._value is not None and self._is_plain() and state.watch is None:
            self._hold(np.array(value._value))
            return self
        return self._replaced(record(_same, (value,)))

    def _is_plain(self) -> bool:
        return not self._views and self._link is None and state.segment.parent is None and (
            self._value is not None)

    def _replaced(self, value: Any) -> Any:
        with recording_gradients(False):
            replace(self, record(_stopped, (value,), (self.dtype,)))
        return self

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        """Add in place."""
        return self._changed(ar.add, delta)

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        """Subtract in place."""
        return self._changed(ar.subtract, delta)

    def _changed(self, function: Callable[..., Any], delta: Any) -> Any:
        if modes.run is not None:
            delta = modes.run.resolve(delta)
        delta = convert(delta, self.dtype)
        with recording_gradients(False):
            result = record(function, (self, delta))
            _checked_shape(self, result)
            replace(self, result)
        return self

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Write ``updates`` at the places that ``indices`` name."""
        return self._scattered("set", indices, updates)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        return self._scattered("add", indices, updates)

    def _scattered(self, reduce: str, indices: Any, updates: Any) -> Any:
        operands = (self, convert(updates, self.dtype), convert(indices))
        with recording_gradients(False):
            replace(self, record(places.scatter_nd_into, operands, (reduce,)))
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return Variable(value_of(self), trainable=self._trainable, name=self._name)

    def __repr__(self) -> str:
        return (f"<tf.Variable '{self.name}' shape={tuple(self.shape)} dtype={self.dtype.name}, "
                f"{shown_value(self._value)}>")

    __str__ = __repr__
    __hash__ = Parameter.__hash__


def _same(x: Node) -> Node:
    return x


def _stopped(x: Node, dtype: DType) -> Node:
    return _cast_node(x, dtype)


# ---- variables of a graph

@op(name="VariableV2")
def _as_initial(value: Any, dtype: Any) -> Any:
    return convert(value, dtype)


class GraphVariable(GraphValue):
    """A variable of a graph: each session has a value of its own for it."""

    def __init__(self, initial_value: Any = None, trainable: bool | None = None,
                 collections: Any = None, validate_shape: bool = True, caching_device: Any = None,
                 name: str | None = None, variable_def: Any = None, dtype: Any = None,
                 expected_shape: Any = None, import_scope: Any = None, constraint: Any = None,
                 use_resource: Any = None, synchronization: Any = None, aggregation: Any = None,
                 shape: Any = None, graph: Graph | None = None):
        if initial_value is None:
            raise ArgumentError("initial_value must be specified.", where=where_now())
        self.graph = graph or default_graph()
        wanted = None if dtype is None else as_dtype(dtype)
        name = self.graph.unique_name(name or "Variable")
        with self.graph.name_scope(name + "/"):
            if callable(initial_value) and not isinstance(initial_value, (Handle, GraphValue)):
                initial_value = initial_value()
            if isinstance(initial_value, GraphVariable):
                initial_value = initial_value.initialized_value()
            if not isinstance(initial_value, GraphValue):
                initial_value = _constant(self.graph, initial_value, wanted)
            elif wanted is not None and initial_value.dtype is not wanted:
                raise ArgumentError(f"Tensor conversion requested dtype {wanted.name} for Tensor "
                                    f"with dtype {initial_value.dtype.name}", where=where_now())
        self.initial_value = initial_value
        self.dtype = initial_value.dtype
        self._shape = TensorShape(initial_value.shape)
        if validate_shape and not self._shape.is_fully_defined():
            raise ArgumentError("initial_value must have a shape specified: "
                                f"{initial_value!r}", where=where_now())
        sample = stand_in([d or 0 for d in self._shape], self.dtype, 0)
        self._samples = (sample, sample)
        self._name = name
        self._trainable = trainable is not False
        self.constraint = constraint
        self.regularizer: Any = None
        keys = list(collections) if collections is not None else [GraphKeys.GLOBAL_VARIABLES]
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in keys and collections is None:
            keys.append(GraphKeys.TRAINABLE_VARIABLES)
        self.graph.add_to_collections(keys, self)
        self.initializer = self._assigned("Assign", _take, self.initial_value).op

    @property
    def name(self) -> str:
        return f"{self._name}:0"

    @property
    def op(self) -> Operation:
        """The operation that initialises it."""
        return self.initializer

    @property
    def trainable(self) -> bool:
        return self._trainable

    def value(self) -> Any:
        """A tensor with the value at the time it is computed."""
        return _read_variable(self)

    read_value = value

    def initialized_value(self) -> Any:
        """The initial value, for the initial value of another variable."""
        return self.initial_value

    def _ref(self) -> Any:
        return self

    def ref(self) -> Any:
        return self

    def deref(self) -> Any:
        return self

    def _assigned(self, name: str, function: Callable[..., Any], *values: Any) -> Any:
        return assigning(self, name, function, *values)

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None,
               read_value: bool = True) -> Any:
        """An operation that lets the variable have this value."""
        return self._assigned("Assign", _take, value)

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        return self._assigned("AssignAdd", _add, delta)

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        return self._assigned("AssignSub", _subtract, delta)

    def load(self, value: Any, session: Any = None) -> None:
        """Give it a value in a session."""
        chosen = session or modes.sessions[-1]
        chosen.run(self.initializer, {self.initial_value: value})

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self._shape} dtype={self.dtype.name}>"

    def __hash__(self) -> int:
        return id(self)


def _constant(graph: Graph, value: Any, dtype: DType | None) -> Any:
    if isinstance(value, Handle):
        return graph.add(_as_initial.spec, (value, dtype), {}, "initial_value")
    return graph.add(_as_initial.spec, (array_of(value, dtype), None), {}, "initial_value")


@op(name="ReadVariableOp")
def _read_variable(variable: Any) -> Any:
    return apply(_same, (variable,))


def _take(old: Any, new: Any) -> Any:
    return new


def _add(old: Any, delta: Any) -> Any:
    return apply(ar.add, (old, delta))


def _subtract(old: Any, delta: Any) -> Any:
    return apply(ar.subtract, (old, delta))


class _Writer:
    """Writes a variable during a run; the new value is the operation's result."""

    def __init__(self, variable: GraphVariable, function: Callable[..., Any]):
        self.variable = variable
        self.function = function

    def __call__(self, *values: Any) -> Any:
        run = modes.run
        variable = self.variable
        values = tuple(convert(v, variable.dtype) if not isinstance(v, Handle) else v
                       for v in values)
        for v in values:
            convert(v, variable.dtype)
        initial = self.function is _take
        if isinstance(run, StandIns):
            old = run.resolve(variable)
            new = self.function(old, *values)
            if tuple(new.shape) != tuple(variable.shape):
                _checked_shape(variable, new)
            return new
        old = None if initial else run.read(variable)
        new = self.function(old, *values)
        _checked_shape(variable, new)
        run.write(variable, new)
        return new


def assigning(variable: GraphVariable, name: str, function: Callable[..., Any],
              *values: Any) -> Any:
    """An operation whose result is the variable's new value."""
    writer = _Writer(variable, function)
    if modes.run is not None:
        return writer(*map(modes.run.resolve, values))
    spec = Spec(writer, name, blocks_gradient=True)
    graph = variable.graph
    found = graph.add(spec, values, {}, f"{variable._name.rpartition('/')[2]}/{name}")
    found.op.changes_state = True
    if function is not _take:
        found.op.inputs.append(variable)
    return found


explain_keywords(globals())
