"""Primitives that move elements and compute nothing: reshape, transpose, broadcast, slice, pad,
flip, concatenate. All are linear, so each record is its transpose and little else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import DType, float32
from ..lowering import Regions, View
from ..node import Node, operators
from ..record import ErrorSample, Primitive, Sample, register
from ..samples import uniform
from ..shapes import Shape, TensorType
from .families import linear_unary
from .structural import constant

__all__ = ["broadcast", "broadcast_leading", "broadcast_to", "concatenate", "expand_dims", "flip",
           "move_axis", "pad", "reshape", "slice_", "squeeze", "transpose"]

Array = np.ndarray[Any, Any]


# ---- reshape

@dataclass(frozen=True)
class Reshape:
    shape: Shape


def _reshape_shape(p: Reshape, x: TensorType) -> Shape:
    if math.prod(p.shape) != x.size or any(s < 0 for s in p.shape):
        raise ShapeError(f"reshape: cannot turn shape {tuple(x.shape)} ({x.size} elements) into "
                         f"{tuple(p.shape)} ({math.prod(p.shape)} elements)")
    return p.shape


_reshape = linear_unary(
    "reshape", lower=View("reshape"), params=Reshape, shape_rule=_reshape_shape,
    transpose=lambda node, g: reshape(g, node.parents[0].shape),
    batch=lambda p, args, batched, size: reshape(args[0], (size, *p.shape)),
    reference=lambda p, x: np.reshape(x, p.shape),
    samples=[Sample((uniform(2, 6),), {"shape": Shape((3, 4))}),
             Sample((uniform(1),), {"shape": Shape(())}),
             Sample((uniform(0, 3),), {"shape": Shape((3, 0, 2))}),
             Sample((uniform(4, dtype="complex64"),), {"shape": Shape((2, 2))})],
    errors=[ErrorSample((uniform(2, 3),), "(2, 3) (6 elements) into (4,)",
                        {"shape": Shape((4,))}, ShapeError)])


def reshape(x: Node, shape: Sequence[int]) -> Node:
    """The same elements in row-major order under another shape; one size may be -1."""
    sizes = tuple(int(s) for s in shape)
    if -1 in sizes:
        known = math.prod(s for s in sizes if s != -1)
        if sizes.count(-1) > 1 or known == 0 or x.size % known:
            raise ShapeError(f"reshape: cannot turn shape {tuple(x.shape)} ({x.size} elements) "
                             f"into {sizes}", hint="at most one size may be -1, and the others "
                             "must divide the number of elements")
        sizes = tuple(x.size // known if s == -1 else s for s in sizes)
    return x if sizes == x.shape else _reshape(x, shape=Shape(sizes))


def expand_dims(x: Node, *axes: int) -> Node:
    """Axes of size one at the given positions of the result."""
    rank = x.ndim + len(axes)
    at = {a % rank for a in axes}
    sizes = iter(x.shape)
    return reshape(x, [1 if a in at else next(sizes) for a in range(rank)])


def squeeze(x: Node, axes: Sequence[int]) -> Node:
    """Without the given axes, whose size must be one."""
    return reshape(x, [s for a, s in enumerate(x.shape) if a not in axes])


# ---- transpose

@dataclass(frozen=True)
class Transpose:
    """Axis i of the result is axis ``axes[i]`` of the operand."""

    axes: tuple[int, ...]


def _transpose_shape(p: Transpose, x: TensorType) -> Shape:
    if sorted(p.axes) != list(range(x.ndim)):
        raise ShapeError(f"transpose: {p.axes} is not a permutation of the {x.ndim} axes of "
                         f"shape {tuple(x.shape)}")
    return Shape(x.shape[a] for a in p.axes)


_transpose = linear_unary(
    "transpose", lower=View("transpose"), params=Transpose, shape_rule=_transpose_shape,
    transpose=lambda node, g: transpose(g, tuple(int(a) for a in np.argsort(node.params.axes))),
    batch=lambda p, args, batched, size: transpose(args[0], (0, *(a + 1 for a in p.axes))),
    reference=lambda p, x: np.transpose(x, p.axes),
    samples=[Sample((uniform(2, 3, 4),), {"axes": (2, 0, 1)}), Sample((uniform(),), {"axes": ()}),
             Sample((uniform(3, 0),), {"axes": (1, 0)})],
    errors=[ErrorSample((uniform(2, 3),), "not a permutation", {"axes": (0, 0)}, ShapeError)])


def transpose(x: Node, axes: Sequence[int]) -> Node:
    """Axes in another order."""
    axes = tuple(axes)
    return x if axes == tuple(range(x.ndim)) else _transpose(x, axes=axes)


def move_axis(x: Node, source: int, destination: int) -> Node:
    """One axis moved to another place, the others in their order."""
    source, destination = source % x.ndim, destination % x.ndim
    axes = [a for a in range(x.ndim) if a != source]
    axes.insert(destination, source)
    return transpose(x, axes)


# ---- broadcast

@dataclass(frozen=True)
class Broadcast:
    """Axis i of the operand becomes axis ``axes[i]`` of the result; all others repeat."""

    shape: Shape
    axes: tuple[int, ...]


def _broadcast_shape(p: Broadcast, x: TensorType) -> Shape:
    fits = len(p.axes) == x.ndim and list(p.axes) == sorted(set(p.axes)) and all(
        0 <= a < len(p.shape) and p.shape[a] == s for a, s in zip(p.axes, x.shape, strict=True))
    if not fits:
        raise ShapeError(f"broadcast: axes {p.axes} of shape {tuple(p.shape)} do not hold an "
                         f"operand of shape {tuple(x.shape)}")
    return p.shape


def _broadcast_reference(p: Broadcast, x: Array) -> Array:
    aligned = [1] * len(p.shape)
    for axis, size in zip(p.axes, x.shape, strict=True):
        aligned[axis] = size
    return np.broadcast_to(x.reshape(aligned), p.shape)


def _broadcast_transposed(node: Node, g: Node) -> Node:
    repeated = tuple(a for a in range(g.ndim) if a not in node.params.axes)
    return operators.reduce_sum(g, repeated)


_broadcast = linear_unary(
    "broadcast", lower=View("broadcast"),
    params=Broadcast, shape_rule=_broadcast_shape, transpose=_broadcast_transposed,
    batch=lambda p, args, batched, size: broadcast(
        args[0], (size, *p.shape), (0, *(a + 1 for a in p.axes))),
    reference=_broadcast_reference,
    samples=[Sample((uniform(3),), {"shape": Shape((2, 3, 4)), "axes": (1,)}),
             Sample((uniform(),), {"shape": Shape((2, 2)), "axes": ()}),
             Sample((uniform(2),), {"shape": Shape((0, 2)), "axes": (1,)})],
    errors=[ErrorSample((uniform(3),), "do not hold", {"shape": Shape((2, 4)), "axes": (1,)},
                        ShapeError)])


def broadcast(x: Node, shape: Sequence[int], axes: Sequence[int]) -> Node:
    """Repeat ``x``, whose axes become ``axes`` of the result."""
    return x if tuple(shape) == x.shape else _broadcast(x, shape=Shape(shape), axes=tuple(axes))


def broadcast_leading(x: Node, size: int) -> Node:
    """Repeat ``x`` along a new leading axis."""
    return broadcast(x, (size, *x.shape), range(1, x.ndim + 1))


def broadcast_to(x: Node, shape: Sequence[int]) -> Node:
    """Stretch by numpy's rule: axes aligned at the end, sizes of one repeat."""
    shape = tuple(shape)
    if shape == x.shape:
        return x
    offset = len(shape) - x.ndim
    if offset < 0 or any(s not in (1, shape[a + offset]) for a, s in enumerate(x.shape)):
        raise ShapeError(f"broadcast_to: shape {tuple(x.shape)} does not stretch to {shape}")
    kept = [a for a, s in enumerate(x.shape) if s == shape[a + offset]]
    return broadcast(squeeze(x, [a for a in range(x.ndim) if a not in kept]), shape,
                     [a + offset for a in kept])


# ---- slice and pad, each other's transposes

@dataclass(frozen=True)
class Slice:
    """Elements ``start, start + step, ...`` before ``stop`` on each axis; steps are positive."""

    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]


def _slice_shape(p: Slice, x: TensorType) -> Shape:
    if not len(p.start) == len(p.stop) == len(p.step) == x.ndim:
        raise ShapeError(f"slice: bounds for {len(p.start)} axes, operand of shape "
                         f"{tuple(x.shape)}")
    for start, stop, step, size in zip(p.start, p.stop, p.step, x.shape, strict=True):
        if not (0 <= start <= stop <= size and step > 0):
            raise ShapeError(f"slice: {start}:{stop}:{step} is outside an axis of size {size}")
    return Shape(-(-(b - a) // s) for a, b, s in zip(p.start, p.stop, p.step, strict=True))


def _slice_transposed(node: Node, g: Node) -> Node:
    p, x = node.params, node.parents[0]
    high = [size - start - (1 + (n - 1) * step if n else 0)
            for size, start, step, n in zip(x.shape, p.start, p.step, g.shape, strict=True)]
    return pad(g, constant(0, g.dtype), low=p.start, high=high,
               interior=[s - 1 for s in p.step])


_slice = linear_unary(
    "slice", lower=View("slice"),
    params=Slice, shape_rule=_slice_shape, transpose=_slice_transposed,
    batch=lambda p, args, batched, size: slice_(
        args[0], (0, *p.start), (size, *p.stop), (1, *p.step)),
    reference=lambda p, x: x[tuple(map(slice, p.start, p.stop, p.step))],
    samples=[Sample((uniform(5, 7),), {"start": (1, 0), "stop": (4, 7), "step": (1, 3)}),
             Sample((uniform(5),), {"start": (2,), "stop": (2,), "step": (1,)}),
             Sample((uniform(6),), {"start": (1,), "stop": (6,), "step": (2,)})],
    errors=[ErrorSample((uniform(5),), "outside an axis of size 5",
                        {"start": (1,), "stop": (6,), "step": (1,)}, ShapeError)])


def slice_(x: Node, start: Sequence[int], stop: Sequence[int],
           step: Sequence[int] | None = None) -> Node:
    """A box of elements, with positive steps."""
    step = (1,) * x.ndim if step is None else tuple(step)
    whole = tuple(stop) == x.shape and not any(start) and set(step) <= {1}
    return x if whole else _slice(x, start=tuple(start), stop=tuple(stop), step=step)


@dataclass(frozen=True)
class Pad:
    """``interior`` elements between neighbours, ``low`` before, ``high`` after; the outer two may
    be negative, which cuts off."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    interior: tuple[int, ...]


def _pad_shape(p: Pad, x: TensorType, value: TensorType) -> Shape:
    if not len(p.low) == len(p.high) == len(p.interior) == x.ndim:
        raise ShapeError(f"pad: widths for {len(p.low)} axes, operand of shape {tuple(x.shape)}")
    if value.ndim:
        raise ShapeError(f"pad: the value must be 0-d, got shape {tuple(value.shape)}")
    shape = Shape(low + high + n + max(n - 1, 0) * inner for low, high, inner, n in zip(
        p.low, p.high, p.interior, x.shape, strict=True))
    if any(s < 0 for s in shape) or any(i < 0 for i in p.interior):
        raise ShapeError(f"pad: low {p.low}, high {p.high}, interior {p.interior} do not fit an "
                         f"operand of shape {tuple(x.shape)}")
    return shape


def _pad_dtype(p: Pad, x: TensorType, value: TensorType) -> DType:
    if x.dtype is not value.dtype:
        raise DTypeError(f"pad: operand is {x.dtype}, value is {value.dtype}")
    return x.dtype


def _pad_reference(p: Pad, x: Array, value: Array) -> Array:
    grown = tuple(n + max(n - 1, 0) * inner for n, inner in zip(x.shape, p.interior, strict=True))
    outer = tuple(g + max(lo, 0) + max(hi, 0) for g, lo, hi in zip(grown, p.low, p.high,
                                                                  strict=True))
    result = np.full(outer, value, x.dtype)
    result[tuple(slice(max(lo, 0), max(lo, 0) + g, inner + 1) for lo, g, inner in zip(
        p.low, grown, p.interior, strict=True))] = x
    return result[tuple(slice(max(-lo, 0), o - max(-hi, 0)) for lo, hi, o in zip(
        p.low, p.high, outer, strict=True))]


def _unpad(g: Node, p: Pad, shape: Shape) -> Node:
    """Take out of ``g`` what `pad` had put there from an operand of ``shape``."""
    grown = [n + max(n - 1, 0) * i for n, i in zip(shape, p.interior, strict=True)]
    back = pad(g, constant(0, g.dtype), low=[-w for w in p.low], high=[-w for w in p.high])
    return slice_(back, [0] * g.ndim, grown, [i + 1 for i in p.interior])


def _pad_vjp(node: Node, g: Node) -> list[Node | None]:
    x, value = node.parents
    inside = _unpad(g, node.params, x.shape)
    everywhere = tuple(range(g.ndim))
    outside = None
    if value.needs_grad:
        outside = operators.reduce_sum(g, everywhere) - operators.reduce_sum(inside, everywhere)
    return [inside, outside]


def _pad_jvp(node: Node, tangent: Node | None, value: Node | None) -> Node | None:
    x = node.parents[0]
    zero = constant(0, x.dtype)
    if tangent is None:
        tangent = broadcast(zero, x.shape, ())
    p = node.params
    return pad(tangent, zero if value is None else value, low=p.low, high=p.high,
               interior=p.interior)


def _pad_batch(p: Pad, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, value = args
    if batched[1]:
        # Pad with zero, then put each example's value where a mask of ones was padded with zero.
        x = x if batched[0] else broadcast_leading(x, size)
        zero = constant(0, x.dtype)
        ones = broadcast(constant(1, float32), x.shape, ())
        widths = {"low": (0, *p.low), "high": (0, *p.high), "interior": (0, *p.interior)}
        inside = pad(ones, constant(0, float32), **widths)
        stretched = broadcast(value, inside.shape, (0,))
        return operators.where(inside > 0.5, pad(x, zero, **widths), stretched)
    return pad(x, value, (0, *p.low), (0, *p.high), (0, *p.interior))


_pad = register(Primitive(
    "pad", lower=Regions("pad"),
    params=Pad, shape_rule=_pad_shape, dtype_rule=_pad_dtype, vjp=_pad_vjp, jvp=_pad_jvp,
    batch=_pad_batch, reference=_pad_reference,
    samples=[Sample((uniform(2, 3), uniform(seed=1)),
                    {"low": (1, 0), "high": (2, 1), "interior": (0, 2)}),
             Sample((uniform(4), uniform(seed=1)), {"low": (-1,), "high": (2,), "interior": (0,)}),
             Sample((uniform(4), uniform(seed=1)), {"low": (-1,), "high": (-2,),
                                                    "interior": (1,)}),
             Sample((uniform(0), uniform(seed=1)), {"low": (1,), "high": (1,), "interior": (0,)})],
    errors=[ErrorSample((uniform(4), uniform(seed=1)), "do not fit",
                        {"low": (-3,), "high": (-3,), "interior": (0,)}, ShapeError),
            ErrorSample((uniform(4), np.float64(0)), "operand is float32, value is float64",
                        {"low": (1,), "high": (1,), "interior": (0,)}, DTypeError)]))


def pad(x: Node, value: Node, low: Sequence[int], high: Sequence[int],
        interior: Sequence[int] | None = None) -> Node:
    """``x`` with ``value`` around it and, if ``interior`` says so, between its elements."""
    interior = (0,) * x.ndim if interior is None else tuple(interior)
    if not (any(low) or any(high) or any(interior)):
        return x
    return _pad(x, value, low=tuple(low), high=tuple(high), interior=interior)


# ---- flip

@dataclass(frozen=True)
class Flip:
    axes: tuple[int, ...]


def _flip_shape(p: Flip, x: TensorType) -> Shape:
    if not all(0 <= a < x.ndim for a in p.axes):
        raise ShapeError(f"flip: axes {p.axes} of an operand of shape {tuple(x.shape)}")
    return x.shape


flip = linear_unary(
    "flip", lower=View("flip"), params=Flip, shape_rule=_flip_shape,
    transpose=lambda node, g: flip(g, axes=node.params.axes),
    batch=lambda p, args, batched, size: flip(args[0], axes=tuple(a + 1 for a in p.axes)),
    reference=lambda p, x: np.flip(x, p.axes),
    samples=[Sample((uniform(2, 3),), {"axes": (1,)}), Sample((uniform(2, 3),), {"axes": (0, 1)}),
             Sample((uniform(0),), {"axes": (0,)})],
    errors=[ErrorSample((uniform(2),), "flip: axes (1,)", {"axes": (1,)}, ShapeError)])


# ---- concatenate

@dataclass(frozen=True)
class Concatenate:
    axis: int


def _concatenate_shape(p: Concatenate, *types: TensorType) -> Shape:
    if not types:
        raise ShapeError("concatenate: needs at least one tensor")
    first = types[0].shape
    if not 0 <= p.axis < len(first):
        raise ShapeError(f"concatenate: axis {p.axis} is out of range for shape {tuple(first)}")
    for other in types[1:]:
        same = [s for a, s in enumerate(other.shape) if a != p.axis]
        if len(other.shape) != len(first) or same != [
                s for a, s in enumerate(first) if a != p.axis]:
            raise ShapeError(f"concatenate: shapes {tuple(first)} and {tuple(other.shape)} differ "
                             f"on other axes than {p.axis}")
    total = sum(t.shape[p.axis] for t in types)
    return Shape(total if a == p.axis else s for a, s in enumerate(first))


def _concatenate_dtype(p: Concatenate, *types: TensorType) -> DType:
    if any(t.dtype is not types[0].dtype for t in types):
        raise DTypeError("concatenate: operands have dtypes "
                         + ", ".join(t.dtype.name for t in types))
    return types[0].dtype


def _concatenate_vjp(node: Node, g: Node) -> list[Node | None]:
    axis, offset, parts = node.params.axis, 0, []
    for x in node.parents:
        start, stop = [0] * g.ndim, list(g.shape)
        start[axis], stop[axis] = offset, offset + x.shape[axis]
        parts.append(slice_(g, start, stop) if x.needs_grad else None)
        offset += x.shape[axis]
    return parts


def _concatenate_jvp(node: Node, *tangents: Node | None) -> Node:
    return concatenate([broadcast(constant(0, x.dtype), x.shape, ()) if t is None else t
                        for t, x in zip(tangents, node.parents, strict=True)], node.params.axis)


def _concatenate_batch(p: Concatenate, args: Sequence[Node], batched: Sequence[bool],
                       size: int) -> Node:
    return concatenate([a if b else broadcast_leading(a, size)
                        for a, b in zip(args, batched, strict=True)], p.axis + 1)


_concatenate = register(Primitive(
    "concatenate", lower=Regions("concatenate"), params=Concatenate, shape_rule=_concatenate_shape,
    dtype_rule=_concatenate_dtype, vjp=_concatenate_vjp, jvp=_concatenate_jvp,
    batch=_concatenate_batch, reference=lambda p, *arrays: np.concatenate(arrays, p.axis),
    samples=[Sample((uniform(2, 3), uniform(2, 1, seed=1)), {"axis": 1}),
             Sample((uniform(2), uniform(0, seed=1), uniform(3, seed=2)), {"axis": 0})],
    errors=[ErrorSample((uniform(2, 3), uniform(3, 3)), "differ on other axes than 1",
                        {"axis": 1}, ShapeError),
            ErrorSample((uniform(2), uniform(2, dtype="float64")), "dtypes float32, float64",
                        {"axis": 0}, DTypeError)]))


def concatenate(parts: Sequence[Node], axis: int) -> Node:
    """Tensors one after another along an axis they have."""
    if not parts:
        raise ShapeError("concatenate: needs at least one tensor")
    return parts[0] if len(parts) == 1 else _concatenate(*parts, axis=axis % parts[0].ndim)
