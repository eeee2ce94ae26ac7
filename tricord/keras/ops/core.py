"""keras.ops: conversion, shapes, control flow, scatter."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...functions import blocks as indexing
from ...functions import elementwise as ew
from ...ir.dtypes import as_dtype
from ...tensor import control, custom_gradients, record, transforms
from ...tensor.handle import Handle
from ...tensor.recorder import value_of
from .. import config
from .._operation import as_tensor, op
from ..graph import KerasTensor, known_shape, map_leaves

__all__ = ["cast", "cond", "convert_to_numpy", "convert_to_tensor", "custom_gradient", "dtype",
           "fori_loop", "get_item", "is_tensor", "map", "saturate_cast", "scan", "scatter",
           "scatter_update", "shape", "slice", "slice_update", "stop_gradient", "switch",
           "unstack", "vectorized_map", "while_loop"]


@op(1, "core")
def cast(x: Any, dtype: Any) -> Any:
    """The same numbers in another dtype."""
    return record(ew.cast, (as_tensor(x),), (as_dtype(config.standardize_dtype(dtype)),))


@op(1, "core")
def saturate_cast(x: Any, dtype: Any) -> Any:
    """`cast`, numbers that do not fit clipped to the limits."""
    wanted = as_dtype(config.standardize_dtype(dtype))
    return record(indexing.saturated, (as_tensor(x),), (wanted,))


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    """A tensor of an array, numbers or nested lists."""
    found = as_tensor(x)
    if dtype is not None and found.dtype.name != config.standardize_dtype(dtype):
        return cast(found, dtype)
    return found


def convert_to_numpy(x: Any) -> np.ndarray[Any, Any]:
    """The values as a numpy array."""
    if isinstance(x, Handle):
        return value_of(x).copy()
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor with values."""
    return isinstance(x, Handle)


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return x.dtype if isinstance(x, KerasTensor) else as_tensor(x).dtype.name


def shape(x: Any) -> tuple[int | None, ...]:
    """The sizes, a tuple; None where a symbolic tensor's is not known."""
    if isinstance(x, KerasTensor):
        return x.shape
    found = tuple(as_tensor(x).shape)
    return found if isinstance(x, Handle) else known_shape(found)


@op(1, "core")
def stop_gradient(variable: Any) -> Any:
    """The same value; no gradient flows through it."""
    return transforms.stop_gradient(as_tensor(variable))


@op(1, "numpy", "GetItem")
def get_item(x: Any, key: Any) -> Any:
    """``x[key]``."""
    return as_tensor(x)[key]


@op(2, "core")
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of this shape with values added at the indices."""
    return record(indexing.scatter_new, (as_tensor(indices), as_tensor(values)), (tuple(shape),))


@op(3, "core")
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """``inputs`` with updates at the indices."""
    how = {None: "set", "add": "add", "mul": "mul", "max": "max", "min": "min"}
    if reduction not in how:
        raise ArgumentError(f"scatter_update: reduction {reduction!r}; known are "
                            f"{', '.join(map(str, how))}")
    return record(indexing.scatter_into, (as_tensor(inputs), as_tensor(indices),
                                          as_tensor(updates)), (how[reduction],))


@op(1, "core")
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A block of this shape that starts at these indices."""
    starts = [int(i) for i in np.asarray(start_indices)]
    x = as_tensor(inputs)
    return x[tuple(_slice(a, a + n) for a, n in zip(starts, shape, strict=True))]


_slice = builtins.slice


@op(2, "core")
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """``inputs`` with a block that starts at these indices replaced."""
    starts = tuple(int(i) for i in np.asarray(start_indices))
    return record(indexing.block_replaced, (as_tensor(inputs), as_tensor(updates)), (starts,))


@op(1, "core")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """The parts along an axis, a list."""
    x = as_tensor(x)
    axis = axis % x.ndim
    return [x[(_slice(None),) * axis + (i,)] for i in range(x.shape[axis])]


# ---- control flow

def _tensors(tree: Any) -> Any:
    return map_leaves(as_tensor, tree)


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """``true_fn()`` or ``false_fn()``, chosen when it runs."""
    return control.cond(as_tensor(pred), lambda: _tensors(true_fn()), lambda: _tensors(false_fn()))


def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """``branches[index](*operands)``; an index out of range means the nearest branch."""
    place = int(np.clip(np.asarray(index), 0, len(branches) - 1))
    return branches[place](*operands)


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any,
               maximum_iterations: int | None = None) -> Any:
    """``loop_vars = body(*loop_vars)`` as long as ``cond(*loop_vars)``."""
    several = isinstance(loop_vars, (list, tuple))
    start = tuple(as_tensor(v) for v in loop_vars) if several else (as_tensor(loop_vars),)

    def step(values: Any) -> Any:
        found = body(*values)
        found = tuple(found) if several else (found,)
        return tuple(cast(as_tensor(f), s.dtype) for f, s in zip(found, start, strict=True))

    result = control.while_loop(lambda values: as_tensor(cond(*values)), step, start,
                                maximum_iterations)
    if not several:
        return result[0]
    return list(result) if isinstance(loop_vars, list) else tuple(result)


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """``value = body_fun(i, value)`` for i from lower to upper - 1."""
    _, _, found = while_loop(lambda i, end, v: i < end,
                             lambda i, end, v: (i + 1, end, body_fun(i, v)),
                             (as_tensor(lower), as_tensor(upper), init_val))
    return found


def scan(f: Callable[[Any, Any], Any], init: Any, xs: Any = None, length: int | None = None,
         reverse: bool = False, unroll: int | bool = 1) -> Any:
    """``carry, y = f(carry, x)`` along the first axis: the last carry, and all y stacked."""
    def step(carry: Any, x: Any) -> Any:
        new, y = f(carry, x)
        return _tensors(new), (None if y is None else _tensors(y))

    return control.scan(step, _tensors(init), None if xs is None else _tensors(xs), length,
                        reverse)


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """``f`` of each element along the first axis, stacked."""
    return scan(lambda _, x: (_, f(x)), np.zeros((), "float32"), xs)[1]


def vectorized_map(function: Callable[..., Any], elements: Any) -> Any:
    """``function`` of each element along the first axis, computed together."""
    return transforms.vmap(lambda x: _tensors(function(x)))(_tensors(elements))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f`` returns its result and a function from the result's gradient to the inputs'."""
    plain = custom_gradients.custom_gradient(f)

    def call(*args: Any, **kwargs: Any) -> Any:
        return plain(*[as_tensor(a) for a in args], **kwargs)

    return call

