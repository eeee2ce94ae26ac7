"""Reading and writing at computed places: gather, the scatters, and slices that start anywhere.

``gather(x, i, j, axes=(0, 2))`` is ``x[i, :, j]`` with the axes of the indices first. That one
primitive is `take`, embedding look-up, `take_along_axis` and advanced indexing; its transpose is
`scatter_add`. What happens to an index outside its axis is said by ``mode``:

========= ======================================================================================
raise     an error when the program runs; -size ... -1 count from the end
clip      the nearest legal index
wrap      the index modulo the size
fill      gather reads zero there, scatter leaves the update out; negative indices are outside too
========= ======================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError, IndexRangeError, ShapeError, nearest
from ..dtypes import DType, int32
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, Primitive, Sample, register
from ..samples import distinct, integers, positive, uniform
from ..shapes import Shape, TensorType, broadcast_shapes, normalise_axis
from ..source import user_location
from . import elementwise as ew
from .families import NUMERIC, accept
from .indexing_reference import gather_reference, scatter_reference
from .movement import broadcast, broadcast_leading, broadcast_to, move_axis, reshape, transpose
from .structural import constant, iota

__all__ = ["MODES", "Index", "gather", "index_arrays", "put_along_axis", "put_arrays", "scatter",
           "take", "take_along_axis"]

Array = np.ndarray[Any, Any]

MODES = ("raise", "clip", "wrap", "fill")


@dataclass(frozen=True)
class Index:
    """``axes[i]`` is the axis that index operand i runs over."""

    axes: tuple[int, ...]
    mode: str = "raise"


def _index_shape(name: str, p: Index, x: TensorType, *indices: TensorType) -> Shape:
    """The common shape of the indices, after all checks."""
    if p.mode not in MODES:
        raise ArgumentError(f"{name}: mode {p.mode!r} is not one of {', '.join(MODES)}",
                            hint=nearest(p.mode, MODES))
    if not indices or len(indices) != len(p.axes):
        raise ShapeError(f"{name}: {len(indices)} indices for the axes {p.axes}")
    if len(set(p.axes)) != len(p.axes) or not all(0 <= a < x.ndim for a in p.axes):
        raise ShapeError(f"{name}: axes {p.axes} of a tensor of shape {tuple(x.shape)}")
    first = indices[0]
    for index, axis in zip(indices, p.axes, strict=True):
        if index.dtype.kind not in "iu":
            raise DTypeError(f"{name}: indices must be integers, got {index.dtype}",
                             hint="cast them to int64")
        if index.shape != first.shape:
            raise ShapeError(f"{name}: indices have one shape, got {tuple(first.shape)} and "
                             f"{tuple(index.shape)}")
        if not x.shape[axis] and index.size and p.mode != "fill":
            raise IndexRangeError(f"{name}: axis {axis} of shape {tuple(x.shape)} is empty, no "
                                  "index is in range")
    return first.shape


def _rest(p: Index, x: TensorType) -> tuple[int, ...]:
    """Sizes of the axes that are not indexed."""
    return tuple(s for a, s in enumerate(x.shape) if a not in p.axes)


def _zeros(shape: Sequence[int], dtype: DType) -> Node:
    return broadcast(constant(0, dtype), shape, ())


def _zero_if_none(tangent: Node | None, like: Node) -> Node:
    return ew.zeros_like(like) if tangent is None else tangent


# ---- gather

def _gather_shape(p: Index, x: TensorType, *indices: TensorType) -> Shape:
    return Shape((*_index_shape("gather", p, x, *indices), *_rest(p, x)))


def _gather_vjp(node: Node, g: Node) -> list[Node | None]:
    x, *indices = node.parents
    into = _scatter_add(ew.zeros_like(x), g, *indices, **vars(node.params))
    return [into, *(None for _ in indices)]


def _gather_jvp(node: Node, tangent: Node | None, *_: Node | None) -> Node | None:
    return None if tangent is None else _gather(tangent, *node.parents[1:], **vars(node.params))


def _counted(indices: Sequence[Node], batched: Sequence[bool], size: int) -> list[Node]:
    """All indices batched."""
    return [i if b else broadcast_leading(i, size) for i, b in zip(indices, batched, strict=True)]


def _with_example(p: Index, indices: Sequence[Node]) -> tuple[list[Node], Index]:
    """Batched indices into a batched operand: the example's number is one more index."""
    number = iota(indices[0].shape, int32, axis=0)
    return [number, *indices], Index((0, *(a + 1 for a in p.axes)), p.mode)


def _gather_batch(p: Index, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, indices = args[0], list(args[1:])
    if not any(batched[1:]):
        result = _gather(x, *indices, axes=tuple(a + 1 for a in p.axes), mode=p.mode)
        return move_axis(result, indices[0].ndim, 0)
    indices = _counted(indices, batched[1:], size)
    if batched[0]:
        indices, p = _with_example(p, indices)
    return _gather(x, *indices, **vars(p))


# Indices of the samples, within -size and size of an axis of three.
_I = np.array([2, 0, 1, 0], np.int64)
_J = np.array([1, -2, 0, -1], np.int32)
_OUTSIDE = np.array([[-7, 1], [2, 9]], np.int32)


def _gather_samples() -> list[Sample]:
    return [
        Sample((uniform(3, 2), _I), {"axes": (0,)}),
        Sample((uniform(2, 3, 5), _I.reshape(2, 2)), {"axes": (1,)}),
        Sample((uniform(3, 5, 2), _I, _J), {"axes": (0, 2)}),
        Sample((uniform(3, 2), _J, _I), {"axes": (1, 0)}),
        Sample((uniform(4), np.int64(2)), {"axes": (0,)}),
        Sample((uniform(3, 2), np.zeros((0, 2), np.int32)), {"axes": (0,)}),
        Sample((uniform(0, 2), np.zeros(0, np.int32)), {"axes": (0,)}),
        *(Sample((uniform(4, 3), _OUTSIDE), {"axes": (0,), "mode": mode})
          for mode in ("clip", "wrap", "fill")),
        Sample((uniform(0, 2), _OUTSIDE), {"axes": (0,), "mode": "fill"}),
        Sample((uniform(3, 2, dtype="complex64"), _I), {"axes": (0,)}),
        Sample((integers(3, 2), _I.astype(np.uint8)), {"axes": (0,)}),
    ]


def _index_errors(name: str, *updates: Any) -> list[ErrorSample]:
    def bad(says: str, error: type[Exception], *indices: Any, **fields: Any) -> ErrorSample:
        return ErrorSample((uniform(3, 4), *updates, *indices), f"{name}: {says}", fields, error)

    return [
        bad("indices must be integers, got float32", DTypeError, uniform(2), axes=(0,)),
        bad("indices have one shape", ShapeError, _I, _I[:2], axes=(0, 1)),
        bad("axes (2,) of a tensor of shape (3, 4)", ShapeError, _I, axes=(2,)),
        bad("1 indices for the axes (0, 1)", ShapeError, _I, axes=(0, 1)),
        bad("mode 'wrapp' is not one of raise, clip, wrap, fill", ArgumentError, _I, axes=(0,),
            mode="wrapp"),
    ]


_gather = register(Primitive(
    "gather", lower=Kernel("gather"),
    params=Index, shape_rule=_gather_shape, dtype_rule=lambda p, x, *indices: x.dtype,
    vjp=_gather_vjp, jvp=_gather_jvp, batch=_gather_batch,
    reference=lambda p, x, *indices: gather_reference(p.axes, p.mode, x, indices),
    samples=_gather_samples(),
    errors=[*_index_errors("gather"),
            ErrorSample((uniform(0, 2), _I), "is empty, no index", {"axes": (0,)},
                        IndexRangeError)]))


# ---- scatter: what all of them share

def _scatter_shape(name: str) -> Callable[..., Shape]:
    def rule(p: Index, x: TensorType, updates: TensorType, *indices: TensorType) -> Shape:
        expected = (*_index_shape(name, p, x, *indices), *_rest(p, x))
        if updates.shape != expected:
            raise ShapeError(f"{name}: updates have shape {tuple(updates.shape)}, the indexed part "
                             f"has {expected}")
        return x.shape

    return rule


def _scatter_dtype(name: str, kinds: str) -> Callable[..., DType]:
    def rule(p: Index, x: TensorType, updates: TensorType, *indices: TensorType) -> DType:
        accept(name, kinds, x.dtype)
        if x.dtype is not updates.dtype:
            raise DTypeError(f"{name}: operand is {x.dtype}, updates are {updates.dtype}")
        return x.dtype

    return rule


def _scatter_batch(primitive: Primitive, p: Index, args: Sequence[Node], batched: Sequence[bool],
                   size: int) -> Node:
    x, updates = (a if b else broadcast_leading(a, size) for a, b in zip(args[:2], batched[:2]))
    indices = list(args[2:])
    if not any(batched[2:]):
        return primitive(x, move_axis(updates, 0, indices[0].ndim), *indices,
                         axes=tuple(a + 1 for a in p.axes), mode=p.mode)
    indices, p = _with_example(p, _counted(indices, batched[2:], size))
    return primitive(x, updates, *indices, **vars(p))


def _scatter_family(name: str, kinds: str, ufunc: np.ufunc | None, vjp: Callable[..., Any],
                    jvp: Callable[..., Any], make: Callable[..., Any] = uniform) -> Primitive:
    def reference(p: Index, x: Array, updates: Array, *indices: Array) -> Array:
        return scatter_reference(name, p.axes, p.mode, ufunc, x, updates, indices)

    # Places 1 and 2 are written twice: sums add up, and the last write stays.
    twice = np.array([1, 2, 1, 2], np.int64)
    primitive = register(Primitive(
        name, lower=Kernel(name), params=Index, shape_rule=_scatter_shape(name),
        dtype_rule=_scatter_dtype(name, kinds), vjp=vjp, jvp=jvp,
        batch=lambda *a: _scatter_batch(primitive, *a), reference=reference,
        samples=[
            Sample((make(3, 2), make(4, 2, seed=1), twice), {"axes": (0,)}),
            Sample((make(4), make(4, seed=1), twice), {"axes": (0,)}),
            Sample((make(2, 3, 2), make(2, 2, 2, 2, seed=1), twice.reshape(2, 2)), {"axes": (1,)}),
            Sample((make(3, 2, 2), make(4, 2, seed=1), twice, _J), {"axes": (0, 2)}),
            Sample((make(3, 2), make(2, seed=1), np.int32(-1)), {"axes": (0,)}),
            Sample((make(3, 2), make(0, 2), np.zeros(0, np.int32)), {"axes": (0,)}),
            *(Sample((make(4, 3), make(2, 2, 3, seed=1), _OUTSIDE), {"axes": (0,), "mode": mode})
              for mode in ("clip", "wrap", "fill")),
            Sample((integers(3), integers(4, seed=1), twice), {"axes": (0,)}),
            Sample((make(3, 2, dtype="bfloat16"), make(4, 2, seed=1, dtype="bfloat16"), twice),
                   {"axes": (0,)}, differentiable=False),
        ],
        errors=[*_index_errors(name, uniform(2, 4)),
                ErrorSample((uniform(3, 4), uniform(2, 3), np.zeros(2, np.int32)),
                            "updates have shape (2, 3), the indexed part has (2, 4)",
                            {"axes": (0,)}, ShapeError),
                ErrorSample((uniform(3), uniform(2, dtype="float64"), np.zeros(2, np.int32)),
                            "operand is float32, updates are float64", {"axes": (0,)},
                            DTypeError)]))
    return primitive


def _taken(node: Node, values: Node) -> Node:
    """What lies in ``values`` where the updates of a scatter went."""
    return _gather(values, *node.parents[2:], **vars(node.params))


# ---- scatter_add: the transpose of gather

def _add_vjp(node: Node, g: Node) -> list[Node | None]:
    x, updates, *indices = node.parents
    return [g if x.needs_grad else None, _taken(node, g) if updates.needs_grad else None,
            *(None for _ in indices)]


def _add_jvp(node: Node, tx: Node | None, tu: Node | None, *_: Node | None) -> Node | None:
    if tx is None and tu is None:
        return None
    if tu is None:
        return tx
    return _scatter_add(_zero_if_none(tx, node), tu, *node.parents[2:], **vars(node.params))


_scatter_add = _scatter_family("scatter_add", NUMERIC, np.add, _add_vjp, _add_jvp)


# ---- scatter: the last write stays

def _written_last(node: Node) -> Node:
    """For each update, whether it is the one that stays: true over the rest of its row."""
    p, x, updates = node.params, node.parents[0], node.parents[1]
    indices = node.parents[2:]
    places = [x.shape[a] for a in p.axes]
    size = math.prod(indices[0].shape)
    number = reshape(iota((size,), int32), indices[0].shape)
    flat = Index(tuple(range(len(places))), p.mode)
    owner = _scatter(_zeros(places, int32), number, *indices, **vars(flat))
    stays = ew.equal(_gather(owner, *indices, **vars(flat)), number)
    return broadcast(stays, updates.shape, range(stays.ndim))


def _set_vjp(node: Node, g: Node) -> list[Node | None]:
    x, updates, *indices = node.parents
    into_x = into_updates = None
    if x.needs_grad:
        into_x = _scatter(g, ew.zeros_like(updates), *indices, **vars(node.params))
    if updates.needs_grad:
        taken = _taken(node, g)
        into_updates = ew.where(_written_last(node), taken, ew.zeros_like(taken))
    return [into_x, into_updates, *(None for _ in indices)]


def _set_jvp(node: Node, tx: Node | None, tu: Node | None, *_: Node | None) -> Node | None:
    if tx is None and tu is None:
        return None
    x, updates, *indices = node.parents
    return _scatter(_zero_if_none(tx, x), _zero_if_none(tu, updates), *indices,
                    **vars(node.params))


_scatter = _scatter_family("scatter", "biufc", None, _set_vjp, _set_jvp)


# ---- scatter_max, scatter_min: those that are equal share the gradient evenly, as in PyTorch

def _extreme_masks(node: Node) -> tuple[Node, Node, Node]:
    """1 where operand and updates equal the result, and how many do at each place."""
    x, updates, *indices = node.parents
    mine = ew.cast(ew.equal(x, node), x.dtype)
    theirs = ew.cast(ew.equal(updates, _taken(node, node)), x.dtype)
    return mine, theirs, _scatter_add(mine, theirs, *indices, **vars(node.params))


def _extreme_vjp(node: Node, g: Node) -> list[Node | None]:
    mine, theirs, count = _extreme_masks(node)
    share = g / count
    return [share * mine, _taken(node, share) * theirs, *(None for _ in node.parents[2:])]


def _extreme_jvp(node: Node, tx: Node | None, tu: Node | None, *_: Node | None) -> Node | None:
    if tx is None and tu is None:
        return None
    x, updates, *indices = node.parents
    mine, theirs, count = _extreme_masks(node)
    total = _scatter_add(mine * _zero_if_none(tx, x), theirs * _zero_if_none(tu, updates),
                         *indices, **vars(node.params))
    return total / count


_scatter_max = _scatter_family("scatter_max", "biuf", np.maximum, _extreme_vjp, _extreme_jvp,
                               distinct)
_scatter_min = _scatter_family("scatter_min", "biuf", np.minimum, _extreme_vjp, _extreme_jvp,
                               distinct)


# ---- scatter_mul

def _factors(node: Node) -> tuple[Node, Node]:
    """For operand and updates the product of all the others at their place.

    Zeros are set aside and counted, so that one of them does not divide by zero. Where two or more
    meet, the first derivative is right (zero) and the second is taken as zero.
    """
    x, updates, *indices = node.parents
    fields = vars(node.params)

    def parted(value: Node) -> tuple[Node, Node]:
        zero = ew.equal(value, ew.zeros_like(value))
        return zero, ew.where(zero, ew.scalar_like(1, value), value)

    (no_x, safe_x), (no_u, safe_u) = parted(x), parted(updates)
    product = _scatter_mul(safe_x, safe_u, *indices, **fields)
    zeros = _scatter_add(ew.cast(no_x, int32), ew.cast(no_u, int32), *indices, **fields)

    def others(zero: Node, safe: Node, product: Node, zeros: Node) -> Node:
        alone = ew.equal(zeros, ew.cast(zero, int32))
        return ew.where(alone, product / safe, ew.zeros_like(product))

    return (others(no_x, safe_x, product, zeros),
            others(no_u, safe_u, _taken(node, product), _taken(node, zeros)))


def _mul_vjp(node: Node, g: Node) -> list[Node | None]:
    mine, theirs = _factors(node)
    if g.dtype.is_complex:
        mine, theirs = ew.conj(mine), ew.conj(theirs)
    return [g * mine, _taken(node, g) * theirs, *(None for _ in node.parents[2:])]


def _mul_jvp(node: Node, tx: Node | None, tu: Node | None, *_: Node | None) -> Node | None:
    if tx is None and tu is None:
        return None
    x, updates, *indices = node.parents
    mine, theirs = _factors(node)
    return _scatter_add(mine * _zero_if_none(tx, x), theirs * _zero_if_none(tu, updates), *indices,
                        **vars(node.params))


_scatter_mul = _scatter_family("scatter_mul", NUMERIC, np.multiply, _mul_vjp, _mul_jvp, positive)

_REDUCTIONS = {"set": _scatter, "add": _scatter_add, "mul": _scatter_mul, "min": _scatter_min,
               "max": _scatter_max}


# ---- builders

def _refused(error: type[Any], message: str, hint: str | None = None) -> Exception:
    refusal: Exception = error(message, hint=hint, where=str(user_location() or "") or None)
    return refusal


def _together(what: str, indices: Sequence[Node]) -> list[Node]:
    """Indices broadcast to one shape."""
    shape = broadcast_shapes(*(i.shape for i in indices), what=what)
    return [broadcast_to(i, shape) for i in indices]


def gather(x: Node, *indices: Node, axes: Sequence[int], mode: str = "raise") -> Node:
    """Elements at computed places; the axes of the indices come first.

    Shapes:  indices broadcast to I; the result is I and then the axes of x that are not in ``axes``
    Dtypes:  indices any integer; the result that of x
    Raises:  IndexRangeError when it runs, in mode ``"raise"``, naming index and size
    """
    return _gather(x, *_together("gather", indices), mode=mode,
                   axes=tuple(normalise_axis(a, x.ndim, "gather") for a in axes))


def scatter(x: Node, updates: Node, *indices: Node, axes: Sequence[int], mode: str = "raise",
            reduce: str = "set") -> Node:
    """``x`` with ``updates`` written, added, multiplied in, or kept if smaller or larger.

    Shapes:  updates broadcast to what `gather` with the same indices gives
    Dtypes:  updates that of x
    Raises:  ArgumentError for a ``reduce`` other than set, add, mul, min, max

    Where several updates go to one place they are combined in their order; ``"set"`` keeps the
    last one. Its gradient goes to the update that stayed.
    """
    if reduce not in _REDUCTIONS:
        raise _refused(ArgumentError, f"scatter: reduce {reduce!r} is not one of "
                       f"{', '.join(_REDUCTIONS)}", nearest(reduce, _REDUCTIONS))
    places = tuple(normalise_axis(a, x.ndim, "scatter") for a in axes)
    indices = tuple(_together("scatter", indices))
    expected = (*indices[0].shape, *_rest(Index(places), x.type))
    return _REDUCTIONS[reduce](x, broadcast_to(updates, expected), *indices, axes=places,
                               mode=mode)


def take(x: Node, indices: Node, axis: int = 0, mode: str = "raise") -> Node:
    """``x`` at ``indices`` along one axis, whose place the axes of the indices take.

    Shapes:  x (a, n, b), indices I -> (a, *I, b)
    """
    axis = normalise_axis(axis, x.ndim, "take")
    return _index_axes_at(gather(x, indices, axes=(axis,), mode=mode), indices.ndim, axis)


def _index_axes_at(gathered: Node, count: int, place: int) -> Node:
    """Move the first ``count`` axes behind ``place`` of the others."""
    others = range(count, gathered.ndim)
    return transpose(gathered, (*others[:place], *range(count), *others[place:]))


def _index_axes_first(x: Node, count: int, place: int) -> Node:
    """Undo `_index_axes_at`."""
    moved = range(place, place + count)
    return transpose(x, (*moved, *(a for a in range(x.ndim) if a not in moved)))


def _along_axis(what: str, x: Node, indices: Node, axis: int) -> list[Node]:
    if indices.ndim != x.ndim:
        raise _refused(ShapeError, f"{what}: indices of shape {tuple(indices.shape)} and operand "
                       f"of shape {tuple(x.shape)} must have as many axes")
    for a, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True)):
        if a != axis and n > m:
            raise _refused(ShapeError, f"{what}: indices of shape {tuple(indices.shape)} are "
                           f"longer than the operand of shape {tuple(x.shape)} on axis {a}")
    return [indices if a == axis else iota(indices.shape, int32, axis=a)
            for a in range(x.ndim)]


def take_along_axis(x: Node, indices: Node, axis: int, mode: str = "raise") -> Node:
    """``out[..., i, ...] = x[..., indices[..., i, ...], ...]`` along one axis (torch.gather).

    Shapes:  indices of the rank of x, on other axes no longer than x; the result has their shape
    """
    axis = normalise_axis(axis, x.ndim, "take_along_axis")
    return _gather(x, *_along_axis("take_along_axis", x, indices, axis), mode=mode,
                   axes=tuple(range(x.ndim)))


def put_along_axis(x: Node, indices: Node, updates: Node, axis: int, mode: str = "raise",
                   reduce: str = "set") -> Node:
    """The counterpart of `take_along_axis` (torch.scatter); updates have the indices' shape."""
    axis = normalise_axis(axis, x.ndim, "put_along_axis")
    return scatter(x, updates, *_along_axis("put_along_axis", x, indices, axis), mode=mode,
                   axes=tuple(range(x.ndim)), reduce=reduce)


def _placed(indices: Sequence[Node | None]) -> tuple[list[int], list[Node], int]:
    """Indexed axes, their indices, and where numpy puts the axes of the indices: in place of the
    indexed ones if these are neighbours, else first."""
    axes = [a for a, i in enumerate(indices) if i is not None]
    neighbours = bool(axes) and axes == list(range(axes[0], axes[-1] + 1))
    return axes, [i for i in indices if i is not None], axes[0] if neighbours else 0


def index_arrays(x: Node, indices: Sequence[Node | None], mode: str = "raise") -> Node:
    """``x[i, :, j, ...]``: an index, or None for a whole axis, for each of the leading axes."""
    axes, given, place = _placed(indices)
    if not given:
        return x
    given = _together("index", given)
    return _index_axes_at(gather(x, *given, axes=axes, mode=mode), given[0].ndim, place)


def put_arrays(x: Node, indices: Sequence[Node | None], updates: Node, mode: str = "raise",
               reduce: str = "set") -> Node:
    """``x`` after ``x[i, :, j, ...] = updates``, which broadcast to the indexed part."""
    axes, given, place = _placed(indices)
    if not given:
        given, axes = [iota((x.shape[0],), int32)], [0]
    given = _together("index", given)
    rest = _rest(Index(tuple(axes)), x.type)
    stretched = broadcast_to(updates, (*rest[:place], *given[0].shape, *rest[place:]))
    return scatter(x, _index_axes_first(stretched, given[0].ndim, place), *given, axes=axes,
                   mode=mode, reduce=reduce)
