"""Graphs of operations that sessions run later (TensorFlow 1).

A `SymbolicTensor` is one result of an `Operation`: a function of this face with the arguments it
was called with. What shape and dtype a result will have is found by calling the function on
stand-ins, which records and computes nothing of size: once with all unknown sizes as 32, once as
48. What is the same both times is known; what differs is unknown.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, StateError, TricordError, nearest
from ..ir.dtypes import DType
from ..tensor.aside import aside
from ..tensor.handle import Handle
from ..tensor.recorder import value_of, wrap
from ..tensor.trees import flatten, unflatten
from ._names import explain_keywords
from ._op import Spec, lifters, modes
from .shapes import TensorShape, joined
from .tensors import EagerTensor, where_now

__all__ = ["Graph", "GraphKeys", "GraphValue", "Operation", "StandIns", "SymbolicTensor",
           "building_graph", "current_graph", "default_graph", "graph_of", "is_symbolic",
           "reset_default_graph", "stand_in", "stand_ins"]

Array = np.ndarray[Any, Any]
_SIZES = (32, 48)
_SMALL = 64
_LEGAL_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")


class GraphKeys:
    """Names of the standard collections."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    LOSSES = "losses"
    REGULARIZATION_LOSSES = "regularization_losses"
    UPDATE_OPS = "update_ops"
    GLOBAL_STEP = "global_step"
    TRAIN_OP = "train_op"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    METRIC_VARIABLES = "metric_variables"


def stand_in(shape: Sequence[int], dtype: DType, which: int) -> Array:
    """Equal elements that take no memory; truth values differ between the universes."""
    fill = bool(which) if dtype.kind == "b" else 0.5 if dtype.kind == "f" else 0
    return np.broadcast_to(np.asarray(fill, dtype.numpy), tuple(shape))


def stand_ins(shape: TensorShape, dtype: DType) -> tuple[Array, Array]:
    if shape.rank is None:
        return stand_in((), dtype, 0), stand_in((_SIZES[1],), dtype, 1)
    sizes = [[u if d is None else d for d in shape.as_list()] for u in _SIZES]
    return stand_in(sizes[0], dtype, 0), stand_in(sizes[1], dtype, 1)


class GraphValue:
    """What stands for a value in a graph: a symbolic tensor or a variable."""

    graph: Graph
    dtype: DType
    _shape: TensorShape
    #: arrays of the type this value would have in either universe; None if it has none there
    _samples: tuple[Array | None, Array | None]

    @property
    def shape(self) -> TensorShape:
        """The sizes as far as they are known."""
        return self._shape

    def get_shape(self) -> TensorShape:
        return self._shape

    @property
    def ndim(self) -> int | None:
        return self._shape.rank

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, computed by ``session`` or the default one."""
        return _session(session, "Cannot evaluate tensor using `eval()`").run(self, feed_dict)

    def numpy(self) -> Any:
        raise TraceNameError("numpy() is not available in a graph", hint="session.run(x), x.eval()")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise DTypeError(f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array.",
                         where=where_now(), hint="session.run(x)")

    def __bool__(self) -> bool:
        raise DTypeError("Using a symbolic `tf.Tensor` as a Python `bool` is not allowed.",
                         where=where_now(), hint="tf.cond, or run it in a session first")

    def __float__(self) -> float:
        raise DTypeError("a symbolic tf.Tensor has no value until a session runs it",
                         where=where_now(), hint="session.run(x)")

    __int__ = __float__  # type: ignore[assignment]

    def __len__(self) -> int:
        size = self._shape[0] if self._shape.rank else None
        if size is None:
            raise DTypeError(f"len is not well defined for a symbolic Tensor ({self.name}) of "
                             f"shape {self._shape}", hint="tf.shape(x)[0]")
        return size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))  # type: ignore[index]

    __array_priority__ = 1000
    __array_ufunc__ = None


class TraceNameError(TricordError, AttributeError):
    """Something that only eager tensors have."""


def _session(session: Any, what: str) -> Any:
    found = session if session is not None else (modes.sessions[-1] if modes.sessions else None)
    if found is None:
        raise ArgumentError(f"{what}: No default session is registered. Use `with "
                            "sess.as_default()` or pass an explicit session", where=where_now(),
                            hint="with tf.compat.v1.Session() as session:")
    return found


class SymbolicTensor(GraphValue):
    """One result of an operation."""

    def __init__(self, op: Operation, index: int, shape: TensorShape, dtype: DType,
                 samples: tuple[Array | None, Array | None]):
        self.op = op
        self.value_index = index
        self.graph = op.graph
        self.dtype = dtype
        self._shape = shape
        self._samples = samples

    @property
    def name(self) -> str:
        return f"{self.op.name}:{self.value_index}"

    def set_shape(self, shape: Any) -> None:
        """Say what the sizes are, where the graph does not know."""
        self._shape = self._shape.merge_with(shape)
        fits = all(s is not None and self._shape.is_compatible_with(s.shape)
                   for s in self._samples)
        if not fits:
            self._samples = stand_ins(self._shape, self.dtype)

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self._shape} dtype={self.dtype.name}>"

    def __hash__(self) -> int:
        return id(self)


class Operation:
    """A function with its arguments; symbolic ones among them are its inputs."""

    def __init__(self, graph: Graph, name: str, spec: Spec, leaves: list[Any], structure: Any):
        self.graph = graph
        self.name = name
        self.spec = spec
        self.leaves = leaves
        self.structure = structure
        self.inputs: list[Any] = [v for v in leaves if isinstance(v, GraphValue)]
        self.after: list[Any] = [v for v in leaves if isinstance(v, Operation)]
        self.control_inputs: list[Operation] = [o for o in graph.control if o is not self]
        self.outputs: list[SymbolicTensor] = []
        #: places among the results that hold plain values
        self.results: list[Any] = []
        self.result_structure: Any = None
        #: xs of a gradient, which must be watched from the start of a run
        self.watched: tuple[Any, ...] = ()
        self.changes_state = any(o.changes_state for o in self.before())

    @property
    def type(self) -> str:
        return self.spec.name

    def before(self) -> list[Operation]:
        """The operations that must have run before this one."""
        owners = [v.op for v in self.inputs if isinstance(v, SymbolicTensor)]
        return [*self.control_inputs, *self.after, *owners]

    def values(self) -> list[SymbolicTensor]:
        return self.outputs

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run it in ``session`` or the default one."""
        _session(session, "Cannot execute operation using `run()`").run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


class Graph:
    """Operations by name, variables, collections.

    >>> from .graph import Graph
    >>> with Graph().as_default() as graph:
    ...     graph.get_operations()
    []
    """

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._counts: dict[str, int] = {}
        self._collections: dict[Any, list[Any]] = {}
        self.scope = ""
        self.variable_scopes: list[Any] = []
        self.named_variables: dict[str, Any] = {}
        self.scope_names: set[str] = set()
        self.control: list[Operation] = []
        self.seed: int | None = None
        self._finalized = False
        modes.lifting = True

    # ---- names

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """The name within the open scopes, numbered if it was given out before."""
        full = f"{self.scope}{name}" if not name.endswith("/") else name[:-1]
        key = full.lower()
        count = self._counts.get(key, 0)
        unique = full
        while count and unique.lower() in self._counts:
            unique = f"{full}_{count}"
            count += 1
        if mark_as_used:
            self._counts[key] = max(count, 1)
            self._counts.setdefault(unique.lower(), 1)
        return unique

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Operations made inside have ``name/`` before their names."""
        before = self.scope
        if not name:
            self.scope = ""
        elif name.endswith("/"):
            self.scope = name
        else:
            self.scope = self.unique_name(name) + "/"
        try:
            yield self.scope
        finally:
            self.scope = before

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Build this graph inside the block."""
        modes.graphs.append(self)
        modes.lifting = True
        try:
            yield self
        finally:
            modes.graphs.remove(self)

    @contextmanager
    def control_dependencies(self, control_inputs: Sequence[Any] | None) -> Iterator[None]:
        """Operations made inside run after ``control_inputs``."""
        before = self.control
        wanted = [as_operation(c) for c in control_inputs or ()]
        self.control = [*before, *(o for o in wanted if o is not None)] if (
            control_inputs is not None) else []
        try:
            yield
        finally:
            self.control = before

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        yield

    @contextmanager
    def at_root(self) -> Iterator[None]:
        """Names given inside stand by themselves, outside of any scope."""
        before, self.scope = self.scope, ""
        try:
            yield
        finally:
            self.scope = before

    # ---- looking things up

    def get_operations(self) -> list[Operation]:
        return list(self._operations.values())

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of this name; KeyError if there is none."""
        found = self._operations.get(name)
        if found is None:
            raise StateError(f"The name '{name}' refers to an Operation not in the graph.",
                             hint=nearest(name, self._operations))
        return found

    def get_tensor_by_name(self, name: str) -> Any:
        """The tensor ``operation:index``."""
        operation, colon, index = name.partition(":")
        if not colon or not index.isdigit():
            raise ArgumentError(f"The name {name!r} looks like an (invalid) Operation name, not a "
                                "Tensor. Tensor names must be of the form \"<op_name>:<output_"
                                "index>\".")
        variable = self.variable_named(operation)
        if variable is not None:
            return variable
        outputs = self.get_operation_by_name(operation).outputs
        if int(index) >= len(outputs):
            raise StateError(f"The name '{name}' refers to a Tensor which does not exist. The "
                             f"operation '{operation}' has {len(outputs)} outputs.")
        return outputs[int(index)]

    def variable_named(self, name: str) -> Any:
        for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
            for v in self._collections.get(key, ()):
                if v.name == f"{name}:0":
                    return v
        return None

    def as_graph_element(self, obj: Any, allow_tensor: bool = True,
                         allow_operation: bool = True) -> Any:
        """The tensor or operation that a name or object stands for."""
        if isinstance(obj, str):
            return self.get_tensor_by_name(obj) if ":" in obj else self.get_operation_by_name(obj)
        return obj

    def add_to_collection(self, name: Any, value: Any) -> None:
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        for name in [names] if isinstance(names, str) else names:
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """What was added under this name; with ``scope``, what has a name that begins so."""
        found = list(self._collections.get(name, ()))
        if scope is None:
            return found
        return [v for v in found if re.match(scope, getattr(v, "name", ""))]

    def get_collection_ref(self, name: Any) -> list[Any]:
        return self._collections.setdefault(name, [])

    def clear_collection(self, name: Any) -> None:
        self._collections.pop(name, None)

    def finalize(self) -> None:
        """Refuse new operations from now on."""
        self._finalized = True

    @property
    def finalized(self) -> bool:
        return self._finalized

    def is_feedable(self, tensor: Any) -> bool:
        return isinstance(tensor, GraphValue)

    # ---- adding

    def add(self, spec: Spec, args: Any, kwargs: Any, name: str | None) -> Any:
        """Note a call; symbolic tensors stand for its results."""
        return self.infer(self.new_operation(spec, args, kwargs, name))

    def infer(self, operation: Operation) -> Any:
        """Find the types of an operation's results; symbolic tensors for them."""
        spec = operation.spec
        found = [_probed(operation, which) for which in (0, 1)]
        errors = [f for f in found if isinstance(f, Exception)]
        results = [f for f in found if isinstance(f, _Probed)]
        if not results:
            results = _other_sizes(operation)
        if not results:
            self._operations.pop(operation.name, None)
            raise _in_graph(errors[0] if errors else DTypeError(f"{spec.name}: cannot be inferred"))
        return self.finish(operation, results, found)

    def new_operation(self, spec: Spec, args: Any, kwargs: Any, name: str | None) -> Operation:
        if self._finalized:
            raise StateError("Graph is finalized and cannot be modified.", where=where_now())
        if name is not None and not _LEGAL_NAME.match(name):
            raise ArgumentError(f"'{name}' is not a valid scope name", where=where_now())
        leaves, structure = flatten((args, kwargs))
        leaves = [v.copy() if isinstance(v, np.ndarray) else v for v in leaves]
        for v in leaves:
            if isinstance(v, GraphValue) and v.graph is not self:
                raise ArgumentError(f"Tensor {v.name} is not an element of this graph: all inputs "
                                    "of an operation must come from one graph", where=where_now())
        operation = Operation(self, self.unique_name(name or spec.name), spec, leaves, structure)
        self._operations[operation.name] = operation
        return operation

    def symbolic(self, operation: Operation, shape: TensorShape, dtype: DType,
                 samples: tuple[Array | None, Array | None]) -> SymbolicTensor:
        """The only result of an operation whose type is given."""
        tensor = SymbolicTensor(operation, 0, shape, dtype, samples)
        operation.outputs = [tensor]
        operation.results = [tensor]
        return tensor

    def finish(self, operation: Operation, results: Sequence[_Probed],
               universes: Sequence[Any] = ()) -> Any:
        """Symbolic tensors for the results, of which examples are known."""
        first = results[0]
        unknown_rank = not universes and any(
            v._shape.rank is None for v in operation.inputs)
        for place, leaf in enumerate(first.leaves):
            if not isinstance(leaf, Array_):
                operation.results.append(leaf)
                continue
            shapes = [r.leaves[place].array.shape for r in results if len(r.leaves) > place]
            shape = joined(shapes)
            if unknown_rank and shapes[0]:
                shape = TensorShape(None)
            samples = tuple(
                u.leaves[place].array if isinstance(u, _Probed) and len(u.leaves) > place else None
                for u in universes) or stand_ins(shape, leaf.dtype)
            tensor = SymbolicTensor(operation, len(operation.outputs), shape, leaf.dtype,
                                    samples)  # type: ignore[arg-type]
            operation.outputs.append(tensor)
            operation.results.append(tensor)
        operation.result_structure = first.structure
        if not operation.outputs:
            return operation
        return unflatten(first.structure, list(operation.results))


class Array_:
    """A stand-in for one result."""

    __slots__ = ("array", "dtype")

    def __init__(self, array: Array, dtype: DType):
        self.array = array
        self.dtype = dtype


class _Probed:
    __slots__ = ("leaves", "structure")

    def __init__(self, leaves: list[Any], structure: Any):
        self.leaves = leaves
        self.structure = structure


class StandIns:
    """Puts stand-ins in the places of symbolic tensors."""

    def __init__(self, which: int, given: dict[int, Array] | None = None):
        self.which = which
        self.given = given or {}
        self.probing = True

    def resolve(self, value: Any) -> Any:
        if isinstance(value, GraphValue):
            array = self.given.get(id(value))
            if array is None:
                array = value._samples[self.which]
            if array is None:
                raise ArgumentError(f"the type of {value!r} is not known here")
            return wrap(np.asarray(array), EagerTensor)
        return value


@contextmanager
def running(run: Any) -> Iterator[None]:
    """Compute values, by ``run``, instead of building graphs."""
    graphs, before = modes.graphs, modes.run
    modes.graphs, modes.run = [], run
    try:
        yield
    finally:
        modes.graphs, modes.run = graphs, before


def _probed(operation: Operation, which: int, given: dict[int, Array] | None = None) -> Any:
    """The types of the results in one universe, or the error that comes instead."""
    run = StandIns(which, given)
    if given is None and any(v._samples[which] is None for v in operation.inputs):
        return None
    spec = operation.spec
    try:
        with aside(), running(run), np.errstate(all="ignore"):
            arguments = [run.resolve(v) for v in operation.leaves]
            args, kwargs = unflatten(operation.structure, arguments)
            result = (spec.probe or spec.function)(*args, **kwargs)
            leaves, structure = flatten(result)
            return _Probed([_example(v, which) if isinstance(v, Handle) else v for v in leaves],
                           structure)
    except (TricordError, NotImplementedError) as error:
        return error


def _example(handle: Any, which: int) -> Array_:
    type = handle._type
    if type.dtype.kind in "iu" and type.size <= _SMALL:
        with contextlib.suppress(TricordError):
            return Array_(np.array(value_of(handle)), type.dtype)
    return Array_(stand_in(type.shape, type.dtype, which), type.dtype)


def _other_sizes(operation: Operation) -> list[_Probed]:
    """Where unknown sizes cannot be just anything: those that occur beside them are tried."""
    inputs = {id(v): v for v in operation.inputs}
    if all(v._shape.is_fully_defined() for v in inputs.values()):
        return []
    numbers = [v for v in operation.leaves if v.__class__ is int and v > 0]
    sizes = {1, *(d for v in inputs.values() if v._shape.rank for d in v._shape if d), *numbers}
    if numbers:
        sizes.add(math.prod(numbers))
    ranks = range(6) if any(v._shape.rank is None for v in inputs.values()) else (0,)
    results: list[_Probed] = []
    for rank in ranks:
        for size in sorted(sizes)[:12]:
            given = {}
            for key, v in inputs.items():
                dims = [None] * rank if v._shape.rank is None else v._shape.as_list()
                given[key] = stand_in([size if d is None else d for d in dims], v.dtype, 0)
            found = _probed(operation, 0, given)
            if isinstance(found, _Probed):
                results.append(found)
    return results


def _in_graph(error: Exception) -> Exception:
    if isinstance(error, TricordError) and error.where is None:
        error.where = where_now()
    return error


# ---- where calls go


def default_graph() -> Graph:
    """The innermost default graph, or the one that is there from the start."""
    if modes.graphs:
        return modes.graphs[-1]
    if modes.root_graph is None:
        modes.root_graph = Graph()
    found: Graph = modes.root_graph
    return found


def reset_default_graph() -> None:
    """Begin with an empty graph.

    Raises:  StateError inside a graph's own block
    """
    if modes.graphs:
        raise StateError("Do not use tf.reset_default_graph() to clear nested graphs. If you need "
                         "a cleared graph, exit the nesting and create a new graph.")
    modes.root_graph = Graph()


def building_graph() -> bool:
    """Whether calls build a graph here."""
    return modes.run is None and (bool(modes.graphs) or not modes.eager)


def current_graph() -> Graph | None:
    """The graph that calls go to, None if they are run."""
    return default_graph() if building_graph() else None


def is_symbolic(value: Any) -> bool:
    return isinstance(value, GraphValue)


def graph_of(values: Any) -> Graph | None:
    """The graph of the first symbolic value."""
    leaves, _ = flatten(values)
    for v in leaves:
        if isinstance(v, (GraphValue, Operation)):
            return v.graph
    return None


def as_operation(value: Any) -> Operation | None:
    """The operation behind what a user passes as a control input; None for a variable."""
    if isinstance(value, Operation):
        return value
    if isinstance(value, SymbolicTensor):
        return value.op
    if isinstance(value, GraphValue):
        return None
    if isinstance(value, Handle):
        return None
    raise DTypeError(f"Control input must be an Operation or a Tensor, got {value!r}",
                     where=where_now())


def _lift(spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None) -> Any:
    run = modes.run
    if run is not None:
        leaves, structure = flatten((args, kwargs))
        if any(isinstance(v, GraphValue) for v in leaves):
            args, kwargs = unflatten(structure, [run.resolve(v) for v in leaves])
        return spec.function(*args, **kwargs)
    graph = default_graph() if modes.graphs or not modes.eager else graph_of((args, kwargs))
    if graph is None:
        return spec.function(*args, **kwargs)
    return graph.add(spec, args, kwargs, name)


lifters.append(_lift)


explain_keywords(globals())
