"""Boxes whose place is computed: their size is fixed, their start is an operand.

A start is moved so that the box lies inside the operand, as in XLA: there is no out of range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import DType, int32, int64
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, Primitive, Sample, register
from ..samples import uniform
from ..shapes import Shape, TensorType
from . import elementwise as ew
from .indexing import gather, scatter
from .movement import broadcast, broadcast_leading
from .structural import constant, iota

__all__ = ["dynamic_slice", "dynamic_update_slice"]

Array = np.ndarray[Any, Any]


def _check_starts(name: str, x: TensorType, starts: Sequence[TensorType]) -> None:
    if len(starts) != x.ndim:
        raise ShapeError(f"{name}: {len(starts)} starts for an operand of shape {tuple(x.shape)}")
    for start in starts:
        if start.ndim or start.dtype.kind not in "iu":
            raise DTypeError(f"{name}: a start is a 0-d integer, got {start}")


def _check_sizes(name: str, x: TensorType, sizes: Sequence[int]) -> None:
    if len(sizes) != x.ndim or not all(0 <= s <= n for s, n in zip(sizes, x.shape)):
        raise ShapeError(f"{name}: a box of shape {tuple(sizes)} does not fit into "
                         f"{tuple(x.shape)}")


def _box(x: Array, starts: Sequence[Array], sizes: Sequence[int]) -> tuple[slice, ...]:
    firsts = [min(max(int(i), 0), n - s) for i, s, n in zip(starts, sizes, x.shape, strict=True)]
    return tuple(slice(i, i + s) for i, s in zip(firsts, sizes, strict=True))


def _places(sizes: Sequence[int], shape: Sequence[int], starts: Sequence[Node],
            batched: Sequence[bool], size: int) -> list[Node]:
    """For each axis the index of each element of each example's box: (size, *sizes)."""
    found = []
    for axis, (start, is_batched) in enumerate(zip(starts, batched, strict=True)):
        each = ew.cast(start if is_batched else broadcast_leading(start, size), int64)
        last = ew.scalar_like(shape[axis] - sizes[axis], each)
        inside = ew.minimum(ew.maximum(each, ew.zeros_like(each)), last)
        whole = (size, *sizes)
        found.append(broadcast(inside, whole, (0,)) + iota(whole, int64, axis=axis + 1))
    return found


# ---- reading

@dataclass(frozen=True)
class Box:
    sizes: tuple[int, ...]


def _slice_shape(p: Box, x: TensorType, *starts: TensorType) -> Shape:
    _check_starts("dynamic_slice", x, starts)
    _check_sizes("dynamic_slice", x, p.sizes)
    return Shape(p.sizes)


def _slice_vjp(node: Node, g: Node) -> list[Node | None]:
    x, *starts = node.parents
    return [dynamic_update_slice(ew.zeros_like(x), g, starts), *(None for _ in starts)]


def _slice_jvp(node: Node, tangent: Node | None, *_: Node | None) -> Node | None:
    return None if tangent is None else _slice(tangent, *node.parents[1:], sizes=node.params.sizes)


def _slice_batch(p: Box, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, *starts = args
    if not any(batched[1:]):
        zero = constant(0, starts[0].dtype if starts else int32)
        return _slice(x, zero, *starts, sizes=(size, *p.sizes))
    shape = x.shape[1:] if batched[0] else x.shape
    places = _places(p.sizes, shape, starts, batched[1:], size)
    if batched[0]:
        places = [iota(places[0].shape, int64, axis=0), *places]
    return gather(x, *places, axes=range(x.ndim), mode="clip")


_TWO, _FAR, _BEFORE = np.int32(2), np.int64(9), np.int32(-3)

_slice = register(Primitive(
    "dynamic_slice", lower=Kernel("dynamic_slice"), params=Box, shape_rule=_slice_shape,
    dtype_rule=lambda p, x, *starts: x.dtype, vjp=_slice_vjp, jvp=_slice_jvp, batch=_slice_batch,
    reference=lambda p, x, *starts: x[_box(x, starts, p.sizes)],
    samples=[Sample((uniform(5, 4), _TWO, _FAR), {"sizes": (2, 3)}),
             Sample((uniform(5), _BEFORE), {"sizes": (5,)}),
             Sample((uniform(5, 3), _TWO, _TWO), {"sizes": (0, 1)}),
             Sample((uniform(),), {"sizes": ()})],
    errors=[ErrorSample((uniform(5), _TWO), "a box of shape (6,) does not fit into (5,)",
                        {"sizes": (6,)}, ShapeError),
            ErrorSample((uniform(5, 2), _TWO), "1 starts for an operand of shape (5, 2)",
                        {"sizes": (1, 1)}, ShapeError),
            ErrorSample((uniform(5), uniform()), "a start is a 0-d integer, got float32[]",
                        {"sizes": (1,)}, DTypeError)]))


def dynamic_slice(x: Node, starts: Sequence[Node], sizes: Sequence[int]) -> Node:
    """The box of ``sizes`` that begins at ``starts``, moved inside where it would stick out.

    Shapes:  starts: one 0-d integer per axis of x; the result has ``sizes``
    """
    return _slice(x, *starts, sizes=tuple(sizes))


# ---- writing

def _update_shape(p: Any, x: TensorType, updates: TensorType, *starts: TensorType) -> Shape:
    _check_starts("dynamic_update_slice", x, starts)
    _check_sizes("dynamic_update_slice", x, updates.shape)
    return x.shape


def _update_dtype(p: Any, x: TensorType, updates: TensorType, *starts: TensorType) -> DType:
    if x.dtype is not updates.dtype:
        raise DTypeError(f"dynamic_update_slice: operand is {x.dtype}, update is {updates.dtype}")
    return x.dtype


def _update_reference(p: Any, x: Array, updates: Array, *starts: Array) -> Array:
    result = x.copy()
    result[_box(x, starts, updates.shape)] = updates
    return result


def _update_vjp(node: Node, g: Node) -> list[Node | None]:
    _, updates, *starts = node.parents
    return [_update(g, ew.zeros_like(updates), *starts), _slice(g, *starts, sizes=updates.shape),
            *(None for _ in starts)]


def _update_jvp(node: Node, tx: Node | None, tu: Node | None, *_: Node | None) -> Node | None:
    if tx is None and tu is None:
        return None
    x, updates, *starts = node.parents
    return _update(ew.zeros_like(x) if tx is None else tx,
                   ew.zeros_like(updates) if tu is None else tu, *starts)


def _update_batch(p: Any, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    starts = args[2:]
    x, updates = (a if b else broadcast_leading(a, size) for a, b in zip(args[:2], batched[:2]))
    if not any(batched[2:]):
        zero = constant(0, starts[0].dtype if starts else int32)
        return _update(x, updates, zero, *starts)
    places = _places(updates.shape[1:], x.shape[1:], starts, batched[2:], size)
    example = iota(places[0].shape, int64, axis=0)
    return scatter(x, updates, example, *places, axes=range(x.ndim), mode="clip")


_update = register(Primitive(
    "dynamic_update_slice", lower=Kernel("dynamic_update_slice"),
    shape_rule=_update_shape, dtype_rule=_update_dtype, vjp=_update_vjp,
    jvp=_update_jvp, batch=_update_batch, reference=_update_reference,
    samples=[Sample((uniform(5, 4), uniform(2, 3, seed=1), _TWO, _FAR)),
             Sample((uniform(5), uniform(5, seed=1), _BEFORE)),
             Sample((uniform(), uniform(seed=1)))],
    errors=[ErrorSample((uniform(5), uniform(6), _TWO), "a box of shape (6,) does not fit into",
                        error=ShapeError),
            ErrorSample((uniform(5), uniform(2, dtype="float64"), _TWO),
                        "operand is float32, update is float64", error=DTypeError)]))


def dynamic_update_slice(x: Node, updates: Node, starts: Sequence[Node]) -> Node:
    """``x`` with the box that begins at ``starts`` replaced by ``updates``, moved inside where it
    would stick out.

    Shapes:  updates no larger than x on any axis; starts: one 0-d integer per axis of x
    """
    return _update(x, updates, *starts)
