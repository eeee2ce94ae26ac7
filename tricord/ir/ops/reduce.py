"""Reductions along axes, which disappear; and cumulative operations, where they stay."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import DType, bool_, int64
from ..lowering import Kernel, Reduction
from ..node import Node, operators
from ..record import ErrorSample, NoGradient, Primitive, Sample, register
from ..samples import boolean, distinct, integers, positive, uniform
from ..shapes import Shape, TensorType
from . import elementwise as ew
from .families import NUMERIC, accept, linear_unary
from .movement import broadcast, flip, move_axis, pad, reshape, transpose
from .structural import constant, iota

__all__ = ["argmax", "argmin", "cumulative_max", "cumulative_min", "cumulative_prod",
           "cumulative_sum", "reduce_all", "reduce_any", "reduce_max", "reduce_min", "reduce_prod",
           "reduce_sum", "restore"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Reduce:
    """``axes``: sorted, not negative."""

    axes: tuple[int, ...]


def _reduced_shape(name: str, p: Reduce, x: TensorType, *, empty: bool = True) -> Shape:
    if list(p.axes) != sorted(set(p.axes)) or not all(0 <= a < x.ndim for a in p.axes):
        raise ShapeError(f"{name}: axes {p.axes} of a tensor of shape {tuple(x.shape)}")
    if not empty and any(x.shape[a] == 0 for a in p.axes):
        raise ShapeError(f"{name}: the reduced axes {p.axes} of shape {tuple(x.shape)} are empty, "
                         "and an empty maximum or minimum has no value")
    return Shape(s for a, s in enumerate(x.shape) if a not in p.axes)


def restore(reduced: Node, like: Node, axes: Sequence[int]) -> Node:
    """A reduced node repeated over the axes it had lost."""
    return broadcast(reduced, like.shape, [a for a in range(like.ndim) if a not in axes])


def _shifted(p: Reduce) -> tuple[int, ...]:
    return tuple(a + 1 for a in p.axes)


_ERRORS = [ErrorSample((uniform(2, 3),), "axes (2,)", {"axes": (2,)}, ShapeError)]


def _axes_samples(make: Callable[..., Any], *more: Sample) -> list[Sample]:
    return [Sample((make(2, 3, 4),), {"axes": (1,)}), Sample((make(2, 3),), {"axes": (0, 1)}),
            Sample((make(3),), {"axes": ()}), *more]


_sum = linear_unary(
    "reduce_sum", lower=Reduction("add"),
    params=Reduce, shape_rule=lambda p, x: _reduced_shape("sum", p, x),
    dtype_rule=lambda p, x: (accept("sum", NUMERIC, x.dtype), x.dtype)[1],
    transpose=lambda node, g: restore(g, node.parents[0], node.params.axes),
    batch=lambda p, args, batched, size: reduce_sum(args[0], _shifted(p)),
    reference=lambda p, x: _sum_reference(p, x),
    samples=_axes_samples(uniform, Sample((uniform(0, 2),), {"axes": (0,)}),
                          Sample((integers(4, 3),), {"axes": (1,)}),
                          Sample((uniform(4, dtype="complex64"),), {"axes": (0,)}),
                          Sample((uniform(40, dtype="float16"),), {"axes": (0,)})),
    errors=[*_ERRORS, ErrorSample((boolean(2),), "sum: expected", {"axes": (0,)}, DTypeError)])


def _sum_reference(p: Reduce, x: Array) -> Array:
    # Narrow floats are accumulated in float32 and rounded once.
    wide = np.float32 if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x.dtype
    return np.asarray(np.sum(x, axis=p.axes, dtype=wide)).astype(x.dtype)


def reduce_sum(x: Node, axes: Sequence[int]) -> Node:
    """Sum over ``axes``."""
    return _sum(x, axes=tuple(axes)) if tuple(axes) else x


def _prod_vjp(node: Node, g: Node) -> list[Node | None]:
    """Product of all others, from both sides, so that zeros are right."""
    x, axes = node.parents[0], node.params.axes
    kept = [a for a in range(x.ndim) if a not in axes]
    order = (*kept, *axes)
    lead = [x.shape[a] for a in kept]
    flat = reshape(transpose(x, order), (*lead, -1 if x.size else math.prod(
        x.shape[a] for a in axes)))
    others = _others(flat)
    others = ew.conj(others) if x.dtype.is_complex else others
    spread = broadcast(g, flat.shape, range(len(lead))) * others
    inverse = tuple(int(a) for a in np.argsort(order))
    return [transpose(reshape(spread, [x.shape[a] for a in order]), inverse)]


def _others(flat: Node) -> Node:
    """For each element along the last axis, the product of all the others."""
    last = flat.ndim - 1
    one = constant(1, flat.dtype)
    shift = {"low": [0] * last + [1], "high": [0] * last + [-1]}
    before = cumulative_prod(pad(flat, one, **shift), axis=last)
    mirrored = flip(flat, axes=(last,))
    after = flip(cumulative_prod(pad(mirrored, one, **shift), axis=last), axes=(last,))
    return before * after


def _prod_jvp(node: Node, tangent: Node) -> Node:
    others = _prod_vjp(node, broadcast(constant(1, node.dtype), node.shape, ()))[0]
    assert others is not None
    others = ew.conj(others) if node.dtype.is_complex else others
    return reduce_sum(tangent * others, node.params.axes)


reduce_prod = register(Primitive(
    "reduce_prod", lower=Reduction("multiply"),
    params=Reduce, shape_rule=lambda p, x: _reduced_shape("prod", p, x),
    dtype_rule=lambda p, x: (accept("prod", NUMERIC, x.dtype), x.dtype)[1],
    vjp=_prod_vjp, jvp=_prod_jvp,
    batch=lambda p, args, batched, size: reduce_prod(args[0], axes=_shifted(p)),
    reference=lambda p, x: np.asarray(np.prod(x, axis=p.axes, dtype=x.dtype)),
    samples=_axes_samples(uniform, Sample((np.array([0.0, 2.0, 3.0], np.float32),),
                                          {"axes": (0,)})),
    errors=_ERRORS))


def _extreme_vjp(node: Node, g: Node) -> list[Node | None]:
    """Ties share the gradient evenly (as PyTorch's amax does)."""
    x, axes = node.parents[0], node.params.axes
    mask = ew.cast(ew.equal(x, restore(node, x, axes)), x.dtype)
    share = mask / restore(reduce_sum(mask, axes), x, axes)
    return [restore(g, x, axes) * share]


def _extreme_jvp(node: Node, tangent: Node) -> Node:
    one = broadcast(constant(1, node.dtype), node.shape, ())
    share = _extreme_vjp(node, one)[0]
    assert share is not None
    return reduce_sum(tangent * share, node.params.axes)


def _extreme(name: str, reference: Callable[..., Any]) -> Primitive:
    primitive = register(Primitive(
        f"reduce_{name}", lower=Reduction(f"{name}imum"), params=Reduce,
        shape_rule=lambda p, x: _reduced_shape(name, p, x, empty=False),
        dtype_rule=lambda p, x: (accept(name, "biuf", x.dtype), x.dtype)[1],
        vjp=_extreme_vjp, jvp=_extreme_jvp,
        batch=lambda p, args, batched, size: primitive(args[0], axes=_shifted(p)),
        reference=lambda p, x: np.asarray(reference(x, axis=p.axes)),
        samples=_axes_samples(distinct, Sample((integers(4, 3),), {"axes": (1,)}),
                              Sample((np.array([1, np.nan, 2], np.float32),), {"axes": (0,)},
                                     differentiable=False)),
        errors=[*_ERRORS, ErrorSample((uniform(0, 2),), "empty", {"axes": (0,)}, ShapeError)]))
    return primitive


reduce_max = _extreme("max", np.max)
reduce_min = _extreme("min", np.min)


def _truth(name: str, reference: Callable[..., Any]) -> Primitive:
    def dtype_rule(p: Reduce, x: TensorType) -> DType:
        accept(name, "b", x.dtype)
        return bool_

    primitive = register(Primitive(
        f"reduce_{name}", lower=Reduction("bitwise_or" if name == "any" else "bitwise_and"),
        params=Reduce, shape_rule=lambda p, x: _reduced_shape(name, p, x),
        dtype_rule=dtype_rule, vjp=NoGradient("truth values"), jvp=NoGradient("truth values"),
        batch=lambda p, args, batched, size: primitive(args[0], axes=_shifted(p)),
        reference=lambda p, x: np.asarray(reference(x, axis=p.axes)),
        samples=_axes_samples(boolean, Sample((boolean(0, 2),), {"axes": (0,)})),
        errors=[*_ERRORS, ErrorSample((uniform(2),), f"{name}: expected", {"axes": (0,)},
                                      DTypeError)]))
    return primitive


reduce_any = _truth("any", np.any)
reduce_all = _truth("all", np.all)


@dataclass(frozen=True)
class AlongAxis:
    axis: int


def _axis_shape(name: str, p: AlongAxis, x: TensorType) -> None:
    if not 0 <= p.axis < x.ndim:
        raise ShapeError(f"{name}: axis {p.axis} of a tensor of shape {tuple(x.shape)}")


def _position(name: str, reference: Callable[..., Any]) -> Primitive:
    def shape_rule(p: AlongAxis, x: TensorType) -> Shape:
        _axis_shape(name, p, x)
        return _reduced_shape(name, Reduce((p.axis,)), x, empty=False)

    def dtype_rule(p: AlongAxis, x: TensorType) -> DType:
        accept(name, "biuf", x.dtype)
        return int64

    primitive = register(Primitive(
        name, lower=Kernel(name), params=AlongAxis, shape_rule=shape_rule, dtype_rule=dtype_rule,
        vjp=NoGradient("a position"), jvp=NoGradient("a position"),
        batch=lambda p, args, batched, size: primitive(args[0], axis=p.axis + 1),
        reference=lambda p, x: np.asarray(reference(x, axis=p.axis)).astype(np.int64),
        samples=[Sample((distinct(2, 3),), {"axis": 1}), Sample((integers(9),), {"axis": 0})],
        errors=[ErrorSample((uniform(2),), "axis 1", {"axis": 1}, ShapeError),
                ErrorSample((uniform(0),), "empty", {"axis": 0}, ShapeError)]))
    return primitive


#: The position of the first largest (smallest) element along an axis, as int64.
argmax = _position("argmax", np.argmax)
argmin = _position("argmin", np.argmin)


# ---- cumulative

def _cumulative_shape(name: str) -> Callable[..., Shape]:
    def rule(p: AlongAxis, x: TensorType) -> Shape:
        _axis_shape(name, p, x)
        return x.shape

    return rule


_AXIS_ERRORS = [ErrorSample((uniform(2),), "axis 1", {"axis": 1}, ShapeError)]

cumulative_sum = linear_unary(
    "cumulative_sum", lower=Kernel("cumulative_sum"),
    params=AlongAxis, shape_rule=_cumulative_shape("cumulative_sum"),
    dtype_rule=lambda p, x: (accept("cumulative_sum", NUMERIC, x.dtype), x.dtype)[1],
    transpose=lambda node, g: _reverse(cumulative_sum, g, node.params.axis),
    batch=lambda p, args, batched, size: cumulative_sum(args[0], axis=p.axis + 1),
    reference=lambda p, x: np.cumsum(x, axis=p.axis, dtype=x.dtype),
    samples=[Sample((uniform(3, 4),), {"axis": 1}), Sample((integers(5),), {"axis": 0}),
             Sample((uniform(0),), {"axis": 0})],
    errors=_AXIS_ERRORS)


def _reverse(primitive: Callable[..., Node], x: Node, axis: int) -> Node:
    return flip(primitive(flip(x, axes=(axis,)), axis=axis), axes=(axis,))


def _cumulative_prod_jacobian(node: Node) -> Node:
    """d out[i] / d x[j] on the last two axes (i, j), the axis moved to the end; zeros are right."""
    x, axis = move_axis(node.parents[0], node.params.axis, -1), node.ndim - 1
    n = x.shape[-1]
    square = (*x.shape, n)
    # Row i of `others`: x with everything after i, and j itself, replaced by one.
    shape = (*x.shape[:-1], n, n, n)
    i, j, k = (iota(shape, axis=axis + o) for o in range(3))
    kept = ew.bitwise_and(ew.less_equal(k, i), ew.not_equal(k, j))
    spread = broadcast(x, shape, [*range(axis), axis + 2])
    others = reduce_prod(ew.where(kept, spread, ew.scalar_like(1, spread)), axes=(axis + 2,))
    below = ew.less_equal(iota(square, axis=axis + 1), iota(square, axis=axis))
    return ew.where(below, others, ew.zeros_like(others))


def _cumulative_prod_vjp(node: Node, g: Node) -> list[Node | None]:
    jacobian = _cumulative_prod_jacobian(node)
    jacobian = ew.conj(jacobian) if g.dtype.is_complex else jacobian
    moved = move_axis(g, node.params.axis, -1)
    last = g.ndim - 1
    spread = broadcast(moved, jacobian.shape, range(g.ndim))
    return [move_axis(reduce_sum(spread * jacobian, (last,)), -1, node.params.axis)]


def _cumulative_prod_jvp(node: Node, tangent: Node) -> Node:
    jacobian = _cumulative_prod_jacobian(node)
    moved = move_axis(tangent, node.params.axis, -1)
    last = tangent.ndim - 1
    spread = broadcast(moved, jacobian.shape, [*range(last), last + 1])
    return move_axis(reduce_sum(spread * jacobian, (last + 1,)), -1, node.params.axis)


cumulative_prod = register(Primitive(
    "cumulative_prod", lower=Kernel("cumulative_prod"),
    params=AlongAxis, shape_rule=_cumulative_shape("cumulative_prod"),
    dtype_rule=lambda p, x: (accept("cumulative_prod", NUMERIC, x.dtype), x.dtype)[1],
    vjp=_cumulative_prod_vjp, jvp=_cumulative_prod_jvp,
    batch=lambda p, args, batched, size: cumulative_prod(args[0], axis=p.axis + 1),
    reference=lambda p, x: np.cumprod(x, axis=p.axis, dtype=x.dtype),
    samples=[Sample((positive(3, 4),), {"axis": 1}), Sample((integers(5),), {"axis": 0}),
             Sample((np.array([2.0, 0.0, 3.0, 1.5], np.float32),), {"axis": 0})],
    errors=_AXIS_ERRORS))


def _running(name: str, reference: Callable[[Array, int], Array]) -> Primitive:
    def gains(node: Node) -> Node:
        """One-hot over j: which element each result was taken from (the last of equals)."""
        x, axis = move_axis(node.parents[0], node.params.axis, -1), node.ndim - 1
        out = move_axis(node, node.params.axis, -1)
        square = (*x.shape, x.shape[-1])
        i, j = iota(square, axis=axis), iota(square, axis=axis + 1)
        same = ew.equal(broadcast(out, square, range(axis + 1)),
                        broadcast(x, square, [*range(axis), axis + 1]))
        hit = ew.bitwise_and(same, ew.less_equal(j, i))
        last = reduce_max(ew.where(hit, j, ew.scalar_like(-1, j)), axes=(axis + 1,))
        taken = ew.equal(j, broadcast(last, square, range(axis + 1)))
        return ew.cast(taken, x.dtype)

    def vjp(node: Node, g: Node) -> list[Node | None]:
        one_hot, last = gains(node), g.ndim - 1
        moved = broadcast(move_axis(g, node.params.axis, -1), one_hot.shape, range(g.ndim))
        return [move_axis(reduce_sum(moved * one_hot, (last,)), -1, node.params.axis)]

    def jvp(node: Node, tangent: Node) -> Node:
        one_hot, last = gains(node), tangent.ndim - 1
        moved = broadcast(move_axis(tangent, node.params.axis, -1), one_hot.shape,
                          [*range(last), last + 1])
        return move_axis(reduce_sum(moved * one_hot, (last + 1,)), -1, node.params.axis)

    primitive = register(Primitive(
        name, lower=Kernel(name), params=AlongAxis, shape_rule=_cumulative_shape(name),
        dtype_rule=lambda p, x: (accept(name, "biuf", x.dtype), x.dtype)[1], vjp=vjp, jvp=jvp,
        batch=lambda p, args, batched, size: primitive(args[0], axis=p.axis + 1),
        reference=lambda p, x: reference(x, p.axis),
        samples=[Sample((distinct(3, 4),), {"axis": 1}), Sample((integers(5),), {"axis": 0})],
        errors=_AXIS_ERRORS))
    return primitive


cumulative_max = _running("cumulative_max", lambda x, axis: np.maximum.accumulate(x, axis=axis))
cumulative_min = _running("cumulative_min", lambda x, axis: np.minimum.accumulate(x, axis=axis))

operators.reduce_sum = reduce_sum
