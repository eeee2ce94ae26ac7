"""Symbolic tensors and the graph of layer calls that made them.

A `KerasTensor` has a shape, with None where a size is not known yet, and remembers which call of
which operation made it. No shape rule lives here: what an operation makes of symbolic tensors is
found by recording it on placeholders, twice, with another number in the place of None each time.
What differs then depends on what is not known.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..errors import ArgumentError, DTypeError, TricordError
from ..ir.dtypes import as_dtype
from ..ir.shapes import Shape, TensorType
from ..tensor.handle import Handle
from ..tensor.recorder import recording_gradients
from ..tensor.transforms import trace
from ..tensor.trees import flatten, unflatten
from . import config
from ._names import auto_name

__all__ = [
    "History",
    "KerasTensor",
    "Node",
    "any_symbolic",
    "is_keras_tensor",
    "known_shape",
    "leaves_of",
    "map_leaves",
    "output_spec",
]

#: what stands for an unknown size while an operation is recorded on placeholders
_SIZES = (1009, 1013)


class History(NamedTuple):
    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor:
    """A tensor that has a shape and a dtype but no value yet: the result of ``keras.Input``.

    >>> KerasTensor((None, 3), "float32", name="x")
    <KerasTensor shape=(None, 3), dtype=float32, sparse=False, ragged=False, name=x>
    """

    #: numpy must not take it apart when it stands left of one
    __array_ufunc__ = None
    _keras_mask: Any = None
    _keras_history: History | None = None

    def __init__(self, shape: Sequence[int | None], dtype: Any = "float32", sparse: bool = False,
                 ragged: bool = False, record_history: bool = True, name: str | None = None):
        self.shape = tuple(None if n is None else int(n) for n in shape)
        self.dtype = config.standardize_dtype(dtype)
        self.sparse = bool(sparse)
        self.ragged = bool(ragged)
        self.name = name or auto_name("keras_tensor")

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    rank = ndim

    def reshape(self, newshape: Any) -> Any:
        """The same elements in another shape."""
        return _operators["reshape"](self, newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of size one."""
        return _operators["squeeze"](self, axis)

    def __repr__(self) -> str:
        return (f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse={self.sparse}, "
                f"ragged={self.ragged}, name={self.name}>")

    def _no_value(self, *args: Any, **kwargs: Any) -> Any:
        raise DTypeError(
            f"{self!r} is symbolic: it has no value. It stands for the data that the model will be "
            "called with", hint="put the computation into a Layer, or use keras.ops; call the "
            "model on an array to get values")

    numpy = item = tolist = __array__ = __bool__ = __float__ = __int__ = __len__ = _no_value
    __iter__ = __index__ = _no_value

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, key: Any) -> Any:
        return _operators["get_item"](self, key)

    def __neg__(self) -> Any:
        return _operators["negative"](self)

    def __abs__(self) -> Any:
        return _operators["absolute"](self)

    def __invert__(self) -> Any:
        return _operators["logical_not"](self)


#: the functions behind the operators, set by `use_operators`
_operators: dict[str, Callable[..., Any]] = {}
_BINARY = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
           "floordiv": "floor_divide", "mod": "mod", "pow": "power", "matmul": "matmul",
           "and": "logical_and", "or": "logical_or", "xor": "logical_xor"}
_COMPARE = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
            "ge": "greater_equal"}


def _binary(name: str, reverse: bool = False) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return (_operators[name](other, self) if reverse else _operators[name](self, other))
    return operator


for _python, _name in _BINARY.items():
    setattr(KerasTensor, f"__{_python}__", _binary(_name))
    setattr(KerasTensor, f"__r{_python}__", _binary(_name, reverse=True))
for _python, _name in _COMPARE.items():
    setattr(KerasTensor, f"__{_python}__", _binary(_name))


def use_operators(functions: dict[str, Callable[..., Any]]) -> None:
    """Tell symbolic tensors what their operators do (the ops stand on this module)."""
    _operators.update(functions)


def is_keras_tensor(x: Any) -> bool:
    """Whether x is symbolic."""
    return isinstance(x, KerasTensor)


def leaves_of(tree: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts."""
    if tree.__class__ in (list, tuple, dict) or isinstance(tree, (list, tuple, dict)):
        return flatten(tree)[0]
    return [tree]


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with the function applied to every leaf."""
    if not isinstance(tree, (list, tuple, dict)):
        return function(tree)
    leaves, structure = flatten(tree)
    return unflatten(structure, [function(v) for v in leaves])


def any_symbolic(args: Any, kwargs: Any = ()) -> bool:
    """Whether there is a KerasTensor among the arguments, lists and dicts looked into."""
    for a in args:
        kind = a.__class__
        if kind is KerasTensor or (kind in (list, tuple, dict) and any(
                isinstance(v, KerasTensor) for v in flatten(a)[0])):
            return True
    return bool(kwargs) and any_symbolic(list(kwargs.values()))


class Node:
    """One call of an operation on symbolic tensors."""

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
                 outputs: Any, is_input: bool = False):
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.outputs = leaves_of(outputs)
        self.is_input = is_input
        self.inputs = [] if is_input else [
            t for t in flatten((args, kwargs))[0] if isinstance(t, KerasTensor)]
        index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for place, tensor in enumerate(self.outputs):
            tensor._keras_history = History(operation, index, place)

    @property
    def input_tensors(self) -> list[KerasTensor]:
        return self.inputs

    @property
    def output_tensors(self) -> list[KerasTensor]:
        return self.outputs

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes that made the inputs."""
        found = []
        for t in self.inputs:
            history = t._keras_history
            if history is not None:
                parent = history.operation._inbound_nodes[history.node_index]
                if parent not in found:
                    found.append(parent)
        return found


# ---- what comes out of an operation

class _Tracing(threading.local):
    def __init__(self) -> None:
        self.size: int | None = None


_tracing = _Tracing()


@contextmanager
def _unknown_is(size: int) -> Iterator[None]:
    before = _tracing.size
    _tracing.size = size
    try:
        yield
    finally:
        _tracing.size = before


def known_shape(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """The shape with None for what is not known while an operation is recorded on placeholders."""
    size = _tracing.size
    return tuple(shape) if size is None else tuple(None if n == size else n for n in shape)


def is_tracing() -> bool:
    """Whether an operation is being recorded on placeholders for its shapes."""
    return _tracing.size is not None


def output_spec(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``function(*args, **kwargs)`` gives, KerasTensors standing for tensors on both sides.

    Masks travel with the tensors. Errors speak of None where a size is not known.
    """
    first = _traced(function, args, kwargs, _SIZES[0])
    flat = leaves_of((args, kwargs))
    symbolic = [t for t in flat if isinstance(t, KerasTensor)]
    if all(n is not None for t in symbolic for n in t.shape):
        types, masks, structure = first
        shapes: list[tuple[int | None, ...]] = [tuple(t.shape) for t in types]
        mask_shapes: list[Any] = [None if m is None else tuple(m.shape) for m in masks]
    else:
        types, masks, structure = first
        others, other_masks, _ = _traced(function, args, kwargs, _SIZES[1])
        shapes = [_agreed(a.shape, b.shape) for a, b in zip(types, others, strict=True)]
        mask_shapes = [None if a is None else _agreed(a.shape, b.shape)
                       for a, b in zip(masks, other_masks, strict=True)]
    outputs = []
    for type_, shape, mask in zip(types, shapes, mask_shapes, strict=True):
        made = KerasTensor(shape, type_.dtype.name)
        if mask is not None:
            made._keras_mask = KerasTensor(mask, "bool")
        outputs.append(made)
    return unflatten(structure, outputs)


def _agreed(a: Sequence[int], b: Sequence[int]) -> tuple[int | None, ...]:
    if len(a) != len(b):
        raise ArgumentError("the rank of the result depends on the size of the data")
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


def _traced(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
            size: int) -> tuple[list[TensorType], list[TensorType | None], Any]:
    leaves, structure = flatten((args, kwargs))
    places = [i for i, v in enumerate(leaves) if isinstance(v, KerasTensor)]
    masked = [i for i in places if isinstance(leaves[i]._keras_mask, KerasTensor)]
    types = [_type(leaves[i], size) for i in places]
    types += [_type(leaves[i]._keras_mask, size) for i in masked]
    seen: dict[str, Any] = {}

    def run(*holders: Any) -> Any:
        filled = list(leaves)
        for place, holder in zip(places, holders, strict=False):
            filled[place] = holder
        for place, holder in zip(masked, holders[len(places):], strict=True):
            filled[place]._keras_mask = holder
        given, keywords = unflatten(structure, filled)
        with _unknown_is(size):
            result = function(*given, **keywords)
        flat, seen["structure"] = flatten(result)
        if not all(isinstance(v, Handle) for v in flat):
            bad = next(v for v in flat if not isinstance(v, Handle))
            raise ArgumentError("a layer called on symbolic tensors must return tensors, it "
                                f"returned {type(bad).__name__}")
        masks = [getattr(v, "_keras_mask", None) for v in flat]
        seen["count"], seen["masks"] = len(flat), [m is not None for m in masks]
        return [*flat, *[m for m in masks if m is not None]]

    try:
        with recording_gradients(False):
            graph = trace(run, types).graph
    except TricordError as error:
        error.message = re.sub(rf"\b{size}\b", "None", error.message)
        if error.hint:
            error.hint = re.sub(rf"\b{size}\b", "None", error.hint)
        error.args = (error.message,)
        raise
    results = [n.type for n in graph.outputs]
    rest = iter(results[seen["count"]:])
    return (results[:seen["count"]], [next(rest) if there else None for there in seen["masks"]],
            seen["structure"])


def _type(tensor: KerasTensor, size: int) -> TensorType:
    return TensorType(Shape(size if n is None else n for n in tensor.shape),
                      as_dtype(tensor.dtype))
