"""Primitives that carry the graph itself: constants, roots of gradients, counting.

Inputs are in `ir.graph`, below all records, so that control records may hold graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import GradientError
from ..dtypes import DType, as_dtype, float32, int32
from ..lowering import Alias, Leaf, View
from ..node import Node
from ..record import NoBatching, NoGradient, Primitive, Sample, register
from ..samples import uniform
from ..shapes import Shape

__all__ = ["attach_gradient", "constant", "constant_value", "custom_gradient", "iota", "root",
           "stop_gradient"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Constant:
    """A constant written out: ``data`` is its bytes, so that NaN and -0.0 are told apart."""

    shape: Shape
    dtype: DType
    data: bytes


def _constant_value(params: Constant) -> Array:
    return np.frombuffer(params.data, params.dtype.numpy).reshape(params.shape)


_constant = register(Primitive(
    "constant", lower=Leaf(),
    params=Constant, shape_rule=lambda p: p.shape, dtype_rule=lambda p: p.dtype,
    vjp=NoGradient("constant"), jvp=NoGradient("constant"),
    batch=NoBatching("a constant has no batched parent"), reference=_constant_value,
    samples=(Sample((), {"shape": Shape((2,)), "dtype": int32, "data": b"\1\0\0\0\2\0\0\0"}),
             Sample((), {"shape": Shape(()), "dtype": float32, "data": b"\0\0\0\x80"})),
    errors=()))


def constant(value: Any, dtype: DType | str) -> Node:
    """A number, or a small array, written into the program.

    >>> constant(2.5, "float32")
    <constant float32[]>
    """
    dtype = as_dtype(dtype)
    array = np.asarray(value, dtype=dtype.numpy)
    return _constant(shape=Shape(array.shape), dtype=dtype, data=array.tobytes())


def constant_value(node: Node) -> Array | None:
    """The value of a constant node, None for any other."""
    return _constant_value(node.params) if node.op is _constant else None


@dataclass(frozen=True)
class Iota:
    shape: Shape
    dtype: DType
    axis: int


def _iota(params: Iota) -> Array:
    ramp = np.arange(params.shape[params.axis]).astype(params.dtype.numpy)
    column = ramp.reshape([-1 if a == params.axis else 1 for a in range(len(params.shape))])
    return np.broadcast_to(column, params.shape)


_iota_primitive = register(Primitive(
    "iota", lower=View("iota"),
    params=Iota, shape_rule=lambda p: p.shape, dtype_rule=lambda p: p.dtype,
    vjp=NoGradient("counting"), jvp=NoGradient("counting"),
    batch=NoBatching("iota has no parents"), reference=_iota,
    samples=(Sample((), {"shape": Shape((2, 3)), "dtype": int32, "axis": 1}),
             Sample((), {"shape": Shape((4,)), "dtype": float32, "axis": 0}),
             Sample((), {"shape": Shape((0, 2)), "dtype": float32, "axis": 0})),
    errors=()))


def iota(shape: Sequence[int], dtype: DType | str = int32, axis: int = 0) -> Node:
    """Counts 0, 1, 2, ... along ``axis``, the same along all others."""
    return _iota_primitive(shape=Shape(shape), dtype=as_dtype(dtype), axis=axis)


def _batch_first(params: Any, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    return args[0]


stop_gradient = register(Primitive(
    "stop_gradient", lower=Alias(),
    shape_rule=lambda p, x: x.shape, dtype_rule=lambda p, x: x.dtype,
    vjp=NoGradient("asked for"), jvp=NoGradient("asked for"),
    batch=lambda p, args, batched, size: stop_gradient(args[0]),
    reference=lambda p, x: x, samples=(Sample((uniform(2, 3),)),), errors=()))


@dataclass(frozen=True)
class Root:
    """``ordinal`` tells roots over the same value apart."""

    ordinal: int
    requires_grad: bool = True


root = Primitive(
    "root", lower=Alias(),
    params=Root, shape_rule=lambda p, x: x.shape, dtype_rule=lambda p, x: x.dtype,
    vjp=NoGradient("gradients end here, and are handed out"), jvp=NoGradient("a root"),
    batch=_batch_first, reference=lambda p, x: x, samples=(Sample((uniform(2),)),), errors=(),
    follows_parents=False)


@dataclass(frozen=True)
class CustomGradient:
    """``backward(cotangent, value, *inputs) -> cotangents of inputs``, on nodes."""

    backward: Callable[..., Sequence[Node | None]]


def _custom_vjp(node: Node, cotangent: Node) -> Sequence[Node | None]:
    return [None, *node.params.backward(cotangent, *node.parents)]


def _attach_zero(cotangent: Node, value: Node, *inputs: Node) -> list[Node | None]:
    return [None for _ in inputs]


def _custom_jvp(node: Node, *tangents: Node | None) -> Node | None:
    from_value = tangents[0]
    if any(t is not None for t in tangents[1:]):
        raise GradientError("custom gradient: forward mode needs a forward rule, and this function "
                            "gives a backward one", hint="use reverse mode: grad, vjp")
    return from_value


custom_gradient = register(Primitive(
    "custom_gradient", lower=Alias(),
    params=CustomGradient, shape_rule=lambda p, value, *inputs: value.shape,
    dtype_rule=lambda p, value, *inputs: value.dtype, vjp=_custom_vjp, jvp=_custom_jvp,
    batch=NoBatching("the backward function was written for one example; use vmap inside it"),
    reference=lambda p, value, *inputs: value,
    samples=(Sample((uniform(2), uniform(2, seed=1)), {"backward": _attach_zero},
                    differentiable=False),),
    errors=()))


def attach_gradient(value: Node, inputs: Sequence[Node],
                    backward: Callable[..., Sequence[Node | None]]) -> Node:
    """``value``, with the gradient to ``inputs`` that ``backward`` gives instead of its own.

    ``backward(cotangent, value, *inputs)`` returns one node or None per input.
    """
    return custom_gradient(stop_gradient(value), *inputs, backward=backward)
