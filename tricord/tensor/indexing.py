"""Indexing: ``x[...]`` and ``x[...] = v`` with everything numpy's indexing takes.

Integers, slices, ellipsis and None make a view. Integer arrays and boolean masks gather, which
copies; a mask's True positions are looked up first, because they decide the result's shape.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, IndexRangeError
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..ir.ops.indexing import gather, scatter
from ..ir.ops.movement import broadcast_to, reshape, transpose
from ..ir.shapes import Shape
from ..ir.source import user_location
from .explain import shown
from .handle import Handle
from .operators import operand
from .recorder import record, value_of, wrap
from .views import IndexBox, replace, view, write

__all__ = ["Indexable"]


def _where() -> str | None:
    return str(user_location() or "") or None


class _Truth:
    """A single truth value as an index: a new axis, of which it takes all or nothing."""

    def __init__(self, value: Any):
        self.places = np.zeros(int(bool(value)), np.int64)


def _is_array(item: Any) -> bool:
    return isinstance(item, (Handle, np.ndarray, list, _Truth)) and not (
        isinstance(item, Handle) and not item.ndim and item.dtype.kind in "iu")


def _expanded(key: Any, rank: int) -> list[Any]:
    """The key as a list with one entry per axis (None entries extra), the ellipsis filled in."""
    items = list(key) if isinstance(key, tuple) else [key]
    used = 0
    dots = None
    for at, item in enumerate(items):
        if item is None:
            continue
        if item is Ellipsis:
            if dots is not None:
                raise ArgumentError("index: an index can have one ellipsis ('...') only",
                                    where=_where())
            dots = at
        elif _is_array(item) and _dtype_kind(item) == "b":
            used += np.ndim(item) if not isinstance(item, Handle) else item.ndim
        elif isinstance(item, (bool, np.bool_)):
            continue
        else:
            used += 1
    if used > rank:
        raise IndexRangeError(f"index: too many indices for a tensor of rank {rank}: got {used}",
                              where=_where())
    fill = [slice(None)] * (rank - used)
    if dots is None:
        return items + fill
    return [*items[:dots], *fill, *items[dots + 1:]]


def _dtype_kind(item: Any) -> str:
    if isinstance(item, Handle):
        return item.dtype.kind
    try:
        return np.asarray(item).dtype.kind
    except ValueError:
        raise ArgumentError(f"index: {item!r} is no index: its rows have different lengths",
                            where=_where()) from None


def _integer(item: Any) -> int | None:
    if isinstance(item, (bool, np.bool_)):
        return None
    try:
        return operator.index(item)
    except TypeError:
        return None


def _box(shape: Shape, items: list[Any]) -> tuple[IndexBox, list[int]]:
    """The view that integers, slices and None make; array entries take a whole axis meanwhile.

    Returns the view, and for each array entry the axis of the view it indexes.
    """
    start, stop, step, flipped, sizes, array_axes = [], [], [], [], [], []
    axis = 0
    for item in items:
        if item is None:
            sizes.append(1)
            continue
        if isinstance(item, _Truth):
            array_axes.append(len(sizes))
            sizes.append(1)
            continue
        if axis >= len(shape):
            raise IndexRangeError(f"index: too many indices for shape {tuple(shape)}",
                                  where=_where())
        size = shape[axis]
        if isinstance(item, slice):
            first, last, stride = item.indices(size)
            count = len(range(first, last, stride))
            if stride < 0:
                flipped.append(axis)
                first, stride = first + (count - 1) * stride if count else 0, -stride
            last = first + (count - 1) * stride + 1 if count else first
            first, last = (0, 0) if not count else (first, last)
            sizes.append(count)
        elif _is_array(item):
            first, last, stride = 0, size, 1
            array_axes.append(len(sizes))
            sizes.append(size)
        else:
            index = _integer(item)
            if index is None:
                raise ArgumentError(
                    "index: only integers, slices, ellipsis, None and integer or boolean tensors "
                    f"are indices, got {type(item).__name__}", where=_where())
            if not -size <= index < size:
                raise IndexRangeError(f"index: index {index} is out of bounds for dimension {axis}"
                                      f" with size {size}", where=_where())
            first, stride = index % size, 1
            last = first + 1
        start.append(first)
        stop.append(last)
        step.append(stride)
        axis += 1
    box = IndexBox(tuple(start), tuple(stop), tuple(step), tuple(flipped), Shape(sizes))
    return box, array_axes


def _split_masks(items: list[Any]) -> list[Any]:
    """Boolean arrays replaced by the integer positions of their True elements."""
    found: list[Any] = []
    for item in items:
        if isinstance(item, (bool, np.bool_)):
            found.append(_Truth(item))
            continue
        if _is_array(item) and _dtype_kind(item) == "b":
            mask = value_of(item) if isinstance(item, Handle) else np.asarray(item)
            if not mask.ndim:
                found.append(_Truth(mask))
            else:
                found.append(_MaskShape(mask.shape))
                found.extend(np.nonzero(mask))
            continue
        found.append(item)
    return found


class _MaskShape:
    """Marks the axes that a mask covers, so that its shape can be checked."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape


def _checked_masks(shape: Shape, items: list[Any]) -> list[Any]:
    result, axis = [], 0
    for item in items:
        if isinstance(item, _MaskShape):
            covered = tuple(shape[axis:axis + len(item.shape)])
            fits = covered == item.shape or (0 in item.shape and all(
                m in (n, 0) for m, n in zip(item.shape, covered, strict=True)))
            if not fits:
                raise IndexRangeError(f"index: the shape of the mask {item.shape} does not match "
                                      f"the shape {covered} of the indexed axes", where=_where())
            continue
        result.append(item)
        if item is not None and not isinstance(item, _Truth):
            axis += 1
    return result


def _index_handle(item: Any) -> Handle:
    if isinstance(item, Handle):
        if item.dtype.kind not in "iu":
            raise DTypeError(f"index: tensors used as indices must be integer or bool, this one is "
                             f"{item.dtype}", where=_where(), hint="x.long()")
        return item
    array = item.places if isinstance(item, _Truth) else np.asarray(item)
    if array.dtype.kind not in "iu":
        if array.size:
            raise DTypeError(f"index: arrays used as indices must be integer or bool, this one is "
                             f"{array.dtype}", where=_where())
        array = array.astype(np.int64)
    result: Handle = wrap(array.copy())
    return result


def _front(axes: tuple[int, ...], index_rank: int) -> int:
    """Where the axes of the indices go: in place of adjacent axes, in front of separated ones."""
    adjacent = list(axes) == list(range(axes[0], axes[0] + len(axes)))
    return axes[0] if adjacent and index_rank else 0


def _move_block(rank: int, count: int, source: int, target: int) -> list[int]:
    """The permutation that moves ``count`` neighbouring axes to begin at ``target``."""
    block = list(range(source, source + count))
    rest = [a for a in range(rank) if a not in block]
    return [*rest[:target], *block, *rest[target:]]


def _take(x: Node, *rest: Any) -> Node:
    """Gather with index arrays on ``axes``, which are the last entry of ``rest``."""
    *indices, axes = rest
    taken = gather(x, *indices, axes=axes)
    count = taken.ndim - (x.ndim - len(axes))
    return transpose(taken, _move_block(taken.ndim, count, 0, _front(axes, count)))


def _get(handle: Handle, key: Any) -> Any:
    items = _checked_masks(handle.shape, _split_masks(_expanded(key, handle.ndim)))
    box, axes = _box(handle.shape, items)
    if not axes:
        return view(handle, box)
    indices = [_index_handle(i) for i in items if _is_array(i)]
    trivial = box.shape == handle.shape and not box.flipped
    base = handle if trivial else view(handle, box)
    return record(_take, (base, *indices), (tuple(axes),))


def _fit(value: Node, rank: int) -> Node:
    """Leading axes of size one may be missing in the target: x[0] = v with v of shape (1, n)."""
    while value.ndim > rank and value.shape[0] == 1:
        value = reshape(value, value.shape[1:])
    return value


def _put(x: Node, value: Node, *rest: Any) -> Node:
    """The counterpart of `_take`: ``x`` with ``value`` written there."""
    *indices, axes = rest
    like = _take(x, *rest)
    value = broadcast_to(_fit(cast(value, x.dtype), like.ndim), like.shape)
    count = like.ndim - (x.ndim - len(axes))
    moved = transpose(value, _move_block(like.ndim, count, _front(axes, count), 0))
    return scatter(x, moved, *indices, axes=axes)


class Indexable(Handle):
    """``x[key]`` and ``x[key] = value``."""

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is int and self.ndim:  # the commonest case, by itself
            size = self._type.shape[0]
            if -size <= key < size:
                key = key % size
                rest = self._type.shape[1:]
                box = IndexBox((key, *(0 for _ in rest)), (key + 1, *rest),
                               (1,) * (1 + len(rest)), (), rest)
                return view(self, box)
        return _get(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        given = operand(value)
        if given is None:
            given = wrap(_array(value))
        if not isinstance(given, Handle):
            given = wrap(np.asarray(given, np.asarray(given).dtype if self.dtype.kind == "b"
                                    else _number_dtype(self, given)))
        items = _checked_masks(self.shape, _split_masks(_expanded(key, self.ndim)))
        box, axes = _box(self.shape, items)
        trivial = box.shape == self.shape and not box.flipped
        if not axes:
            target = self if trivial and box.start == (0,) * self.ndim else view(self, box)
            write(target, _assigned, (given,))
            return
        indices = [_index_handle(i) for i in items if _is_array(i)]
        target = self if trivial else view(self, box)
        replace(target, record(_put, (target, given, *indices), (tuple(axes),)))


def _array(value: Any) -> Any:
    """A list as an array that can be written into a tensor."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biufcV":
        raise DTypeError(f"index: cannot write {shown(value)} into a tensor", where=_where(),
                         hint="numbers, nested lists of one length per level, or arrays")
    return array


def _number_dtype(handle: Handle, number: Any) -> Any:
    if isinstance(number, complex) and not handle.dtype.is_complex:
        raise DTypeError(f"index: {number} does not fit into a tensor of {handle.dtype}",
                         where=_where())
    if isinstance(number, float) and handle.dtype.kind in "iu":
        return np.asarray(number).astype(handle.dtype.numpy).dtype
    return handle.dtype.numpy


def _assigned(x: Node, value: Node) -> Node:
    return cast(_fit(value, x.ndim), x.dtype)
