"""Functions that move elements: shapes, axes, joining, splitting, padding, diagonals, windows.

Axes may be negative. Sizes, axes and counts are static.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import movement as mv
from ..ir.ops.structural import constant, iota
from ..ir.shapes import Shape, broadcast_shapes, normalise_axes, normalise_axis

__all__ = ["atleast", "broadcast_to", "broadcast_together", "chunk", "concat", "diag", "diagonal",
           "diagonal_embed", "expand_dims", "flatten", "flip", "full_shape", "meshgrid",
           "moveaxis", "narrow", "pad", "permute_dims", "repeat", "reshape", "roll", "rot90",
           "sliding_windows", "split", "squeeze", "stack", "swapaxes", "tile", "tril", "triu",
           "unflatten", "unstack"]

Axes = int | tuple[int, ...] | None
PAD_MODES = ("constant", "reflect", "replicate", "circular", "symmetric")


# ---- shapes and axes

def reshape(x: Node, shape: Sequence[int]) -> Node:
    """The same elements in row-major order; one size may be -1."""
    return mv.reshape(x, shape)


def full_shape(old: Sequence[int], new: Sequence[int]) -> Shape:
    """The new shape with its -1, if there is one, worked out from the old shape.

    >>> full_shape((2, 6), (-1, 3))
    (4, 3)
    """
    size, known = math.prod(old), math.prod(s for s in new if s != -1)
    fits = size % known == 0 if known and -1 in new else size == known and -1 not in new
    if not fits or list(new).count(-1) > 1 or any(s < -1 for s in new):
        raise ShapeError(f"reshape: cannot turn shape {tuple(old)} ({size} elements) into "
                         f"{tuple(new)}")
    return Shape(size // known if s == -1 else s for s in new)


def flatten(x: Node, start: int = 0, end: int = -1) -> Node:
    """Axes ``start`` to ``end`` (included) made one."""
    if not x.ndim:
        return mv.reshape(x, (1,))
    first, last = (normalise_axis(a, x.ndim, "flatten") for a in (start, end))
    if first > last:
        raise ShapeError(f"flatten: start axis {start} comes after end axis {end}")
    return mv.reshape(x, (*x.shape[:first], math.prod(x.shape[first:last + 1]),
                          *x.shape[last + 1:]))


def unflatten(x: Node, axis: int, sizes: Sequence[int]) -> Node:
    """One axis made several of these sizes, one of which may be -1."""
    at = normalise_axis(axis, x.ndim, "unflatten")
    known = math.prod(s for s in sizes if s != -1)
    filled = [x.shape[at] // known if s == -1 and known else s for s in sizes]
    if math.prod(filled) != x.shape[at]:
        raise ShapeError(f"unflatten: {tuple(sizes)} does not make up axis {axis} of size "
                         f"{x.shape[at]}")
    return mv.reshape(x, (*x.shape[:at], *filled, *x.shape[at + 1:]))


def expand_dims(x: Node, axes: int | tuple[int, ...]) -> Node:
    """Axes of size one at these positions of the result."""
    listed = (axes,) if isinstance(axes, int) else tuple(axes)
    return mv.expand_dims(x, *normalise_axes(listed, x.ndim + len(listed), "expand_dims"))


def squeeze(x: Node, axes: Axes = None) -> Node:
    """Without these axes, or without all axes, of size one.

    Raises:  ShapeError if one of the named axes has another size
    """
    if axes is None:
        return mv.squeeze(x, [a for a, s in enumerate(x.shape) if s == 1])
    found = normalise_axes(axes, x.ndim, "squeeze")
    wrong = [a for a in found if x.shape[a] != 1]
    if wrong:
        raise ShapeError(f"squeeze: axis {wrong[0]} has size {x.shape[wrong[0]]}, not 1; the "
                         f"shape is {tuple(x.shape)}")
    return mv.squeeze(x, found)


def permute_dims(x: Node, axes: Sequence[int]) -> Node:
    """Axis i of the result is axis ``axes[i]`` of ``x``."""
    if len(axes) != x.ndim:
        raise ShapeError(f"permute_dims: {len(axes)} axes for a tensor of shape {tuple(x.shape)}")
    return mv.transpose(x, [normalise_axis(a, x.ndim, "permute_dims") for a in axes])


def moveaxis(x: Node, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """Axes moved to other positions, the others staying in their order."""
    pairs = [[v] if isinstance(v, int) else list(v) for v in (source, destination)]
    if len(pairs[0]) != len(pairs[1]):
        raise ShapeError(f"moveaxis: {len(pairs[0])} sources and {len(pairs[1])} destinations")
    origin, target = ([normalise_axis(a, x.ndim, "moveaxis") for a in p] for p in pairs)
    if len(set(origin)) != len(origin) or len(set(target)) != len(target):
        raise ShapeError(f"moveaxis: an axis named twice in {source} or {destination}")
    order = [a for a in range(x.ndim) if a not in origin]
    for to, of in sorted(zip(target, origin, strict=True)):
        order.insert(to, of)
    return mv.transpose(x, order)


def swapaxes(x: Node, first: int, second: int) -> Node:
    """Two axes exchanged."""
    order = list(range(x.ndim))
    i, j = (normalise_axis(a, x.ndim, "swapaxes") for a in (first, second))
    order[i], order[j] = order[j], order[i]
    return mv.transpose(x, order)


def broadcast_to(x: Node, shape: Sequence[int]) -> Node:
    """Stretched to a shape by numpy's rule; -1 keeps a size."""
    sizes = list(shape)
    offset = len(sizes) - x.ndim
    for a, size in enumerate(sizes):
        if size == -1 and a >= offset:
            sizes[a] = x.shape[a - offset]
    return mv.broadcast_to(x, sizes)


def broadcast_together(*parts: Node) -> tuple[Node, ...]:
    """All stretched to their common shape."""
    shape = broadcast_shapes(*(p.shape for p in parts), what="broadcast_arrays")
    return tuple(mv.broadcast_to(p, shape) for p in parts)


def atleast(x: Node, rank: int) -> Node:
    """Axes of size one added in front until there are ``rank``."""
    return mv.reshape(x, (1,) * max(rank - x.ndim, 0) + x.shape)


def _rank(x: Node, what: str) -> Node:
    if not x.ndim:
        raise ShapeError(f"{what}: needs at least one axis, got a 0-d tensor")
    return x


# ---- joining and splitting

def concat(*parts_and_axis: Any) -> Node:
    """``concat(a, b, ..., axis)``: one after another along an axis; None flattens them first.

    Dtypes:  promoted to a common one
    """
    *parts, axis = parts_and_axis
    if not parts:
        raise ArgumentError("concat: needs at least one tensor")
    if axis is None:
        parts = [mv.reshape(p, (p.size,)) for p in parts]
        axis = 0
    dtype = ar.common_dtype("concat", *parts)
    at = normalise_axis(axis, parts[0].ndim, "concat")
    return mv.concatenate([ew.cast(p, dtype) for p in parts], at)


def stack(*parts_and_axis: Any) -> Node:
    """``stack(a, b, ..., axis)``: tensors of one shape along a new axis."""
    *parts, axis = parts_and_axis
    if not parts:
        raise ArgumentError("stack: needs at least one tensor")
    for p in parts:
        if p.shape != parts[0].shape:
            raise ShapeError("stack: tensors have one shape, got " + ", ".join(
                str(tuple(q.shape)) for q in parts[:8]))
    at = normalise_axis(axis, parts[0].ndim + 1, "stack")
    return concat(*(mv.expand_dims(p, at) for p in parts), at)


def narrow(x: Node, axis: int, start: int, stop: int, step: int = 1) -> Node:
    """Elements ``start`` up to ``stop`` of one axis."""
    at = normalise_axis(axis, x.ndim, "narrow")
    if not 0 <= start <= stop <= x.shape[at]:
        raise ShapeError(f"narrow: {start}:{stop} is outside axis {axis} of size {x.shape[at]}")
    return mv.slice_(x, [start if a == at else 0 for a in range(x.ndim)],
                     [stop if a == at else s for a, s in enumerate(x.shape)],
                     [step if a == at else 1 for a in range(x.ndim)])


def split(x: Node, sizes: Sequence[int], axis: int = 0) -> tuple[Node, ...]:
    """Parts of these sizes along an axis, which they must make up."""
    at = normalise_axis(axis, _rank(x, "split").ndim, "split")
    if sum(sizes) != x.shape[at]:
        raise ShapeError(f"split: sizes {tuple(sizes)} add up to {sum(sizes)}, axis {axis} has "
                         f"{x.shape[at]}")
    ends = np.cumsum([0, *sizes]).tolist()
    return tuple(narrow(x, at, a, b) for a, b in itertools.pairwise(ends))


def chunk(x: Node, chunks: int, axis: int = 0) -> tuple[Node, ...]:
    """At most ``chunks`` parts of equal size, the last one possibly smaller.

    Source: torch.chunk
    """
    if chunks < 1:
        raise ArgumentError(f"chunk: the number of chunks must be positive, got {chunks}")
    n = x.shape[normalise_axis(axis, _rank(x, "chunk").ndim, "chunk")]
    size = -(-n // chunks)
    sizes = [size] * (n // size) + ([n % size] if n % size else []) if size else [0] * chunks
    return split(x, sizes, axis)


def unstack(x: Node, axis: int = 0) -> tuple[Node, ...]:
    """One tensor per position along an axis, without that axis."""
    at = normalise_axis(axis, _rank(x, "unstack").ndim, "unstack")
    return tuple(mv.squeeze(narrow(x, at, i, i + 1), (at,)) for i in range(x.shape[at]))


# ---- repetition and order

def tile(x: Node, counts: Sequence[int]) -> Node:
    """The whole tensor repeated, ``counts[i]`` times along axis i (aligned at the end)."""
    rank = max(x.ndim, len(counts))
    if any(c < 0 for c in counts):
        raise ArgumentError(f"tile: counts must not be negative, got {tuple(counts)}")
    times = (1,) * (rank - len(counts)) + tuple(counts)
    x = atleast(x, rank)
    shape = [s for t, n in zip(times, x.shape, strict=True) for s in (t, n)]
    spread = mv.broadcast(x, shape, range(1, 2 * rank, 2))
    return mv.reshape(spread, [t * n for t, n in zip(times, x.shape, strict=True)])


def repeat(x: Node, count: int, axis: int | None = None) -> Node:
    """Each element repeated ``count`` times along an axis; None flattens first."""
    if axis is None:
        x, axis = mv.reshape(x, (x.size,)), 0
    if count < 0:
        raise ArgumentError(f"repeat: the count must not be negative, got {count}")
    at = normalise_axis(axis, x.ndim, "repeat")
    spread = mv.broadcast(x, (*x.shape[:at + 1], count, *x.shape[at + 1:]),
                          [a for a in range(x.ndim + 1) if a != at + 1])
    return mv.reshape(spread, (*x.shape[:at], x.shape[at] * count, *x.shape[at + 1:]))


def flip(x: Node, axes: Axes = None) -> Node:
    """The other way round along these axes, or all."""
    found = normalise_axes(axes, x.ndim, "flip")
    return mv.flip(x, axes=found) if found else x


def roll(x: Node, shifts: int | tuple[int, ...], axes: Axes = None) -> Node:
    """Elements moved on by ``shifts``, those leaving at the end coming back at the start."""
    if axes is None:
        if not isinstance(shifts, int):
            if len(shifts) != 1:
                raise ArgumentError("roll: several shifts need as many axes")
            shifts = shifts[0]
        return mv.reshape(roll(mv.reshape(x, (x.size,)), shifts, 0), x.shape)
    listed = (axes,) if isinstance(axes, int) else tuple(axes)
    moves = (shifts,) * len(listed) if isinstance(shifts, int) else tuple(shifts)
    if len(moves) != len(listed):
        raise ArgumentError(f"roll: {len(moves)} shifts for {len(listed)} axes")
    for shift, axis in zip(moves, listed, strict=True):
        at = normalise_axis(axis, x.ndim, "roll")
        n = x.shape[at]
        cut = (n - shift) % n if n else 0
        if cut:
            x = mv.concatenate([narrow(x, at, cut, n), narrow(x, at, 0, cut)], at)
    return x


def rot90(x: Node, turns: int = 1, axes: tuple[int, int] = (0, 1)) -> Node:
    """Turned by 90 degrees in the plane of two axes, from the first towards the second."""
    first, second = (normalise_axis(a, x.ndim, "rot90") for a in axes)
    if first == second:
        raise ShapeError(f"rot90: needs two different axes, got {axes}")
    turns %= 4
    if turns == 0:
        return x
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second)


def meshgrid(*parts_and_indexing: Any) -> tuple[Node, ...]:
    """``meshgrid(a, b, ..., indexing)``: coordinates of a grid, ``"ij"`` or ``"xy"`` ordered."""
    *parts, indexing = parts_and_indexing
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing is 'ij' or 'xy', got {indexing!r}")
    lines = [mv.reshape(p, (p.size,)) for p in parts]
    order = list(range(len(lines)))
    if indexing == "xy" and len(lines) > 1:
        order[0], order[1] = 1, 0
    shape = [0] * len(lines)
    for line, at in zip(lines, order, strict=True):
        shape[at] = line.size
    return tuple(mv.broadcast(line, shape, (at,)) for line, at in zip(lines, order, strict=True))


# ---- triangles and diagonals

def _matrix(x: Node, what: str) -> tuple[int, int]:
    if x.ndim < 2:
        raise ShapeError(f"{what}: needs at least two axes, got shape {tuple(x.shape)}")
    return x.shape[-2], x.shape[-1]


def _below(x: Node, offset: int) -> Node:
    row, column = (iota(x.shape, int64, a) for a in (x.ndim - 2, x.ndim - 1))
    return ew.less_equal(column, ar.add(row, offset))


def tril(x: Node, offset: int = 0) -> Node:
    """Zeros above the diagonal ``offset`` of the last two axes."""
    _matrix(x, "tril")
    return ew.where(_below(x, offset), x, ew.zeros_like(x))


def triu(x: Node, offset: int = 0) -> Node:
    """Zeros below the diagonal ``offset`` of the last two axes."""
    _matrix(x, "triu")
    return ew.where(_below(x, offset - 1), ew.zeros_like(x), x)


def _diagonal_run(rows: int, columns: int, offset: int) -> tuple[int, int]:
    """Where a diagonal starts in the flattened matrix, and its length."""
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    return (offset if offset >= 0 else -offset * columns), length


def diagonal(x: Node, offset: int = 0, first: int = -2, second: int = -1) -> Node:
    """The diagonal of two axes, as the last axis of the result."""
    _matrix(x, "diagonal")
    i, j = (normalise_axis(a, x.ndim, "diagonal") for a in (first, second))
    if i == j:
        raise ShapeError(f"diagonal: needs two different axes, got {first} and {second}")
    x = mv.transpose(x, [a for a in range(x.ndim) if a not in (i, j)] + [i, j])
    rows, columns = x.shape[-2:]
    start, length = _diagonal_run(rows, columns, offset)
    lead = x.shape[:-2]
    flat = mv.reshape(x, (*lead, rows * columns))
    if not length:
        return mv.slice_(flat, (0,) * flat.ndim, (*lead, 0))
    stop = start + (length - 1) * (columns + 1) + 1
    return mv.slice_(flat, (0,) * len(lead) + (start,), (*lead, stop),
                     (1,) * len(lead) + (columns + 1,))


def diagonal_embed(x: Node, offset: int = 0, first: int = -2, second: int = -1) -> Node:
    """Zeros, with the last axis of ``x`` on the diagonal ``offset`` of two new axes."""
    length = _rank(x, "diagonal_embed").shape[-1]
    n = length + abs(offset)
    lead = x.shape[:-1]
    start, _ = _diagonal_run(n, n, offset)
    used = 1 + (length - 1) * (n + 1) if length else 0
    zero = (0,) * len(lead)
    flat = mv.pad(x, constant(0, x.dtype), (*zero, start), (*zero, n * n - start - used),
                  (*zero, n))
    square = mv.reshape(flat, (*lead, n, n))
    return moveaxis(square, (-2, -1), (first, second))


def diag(x: Node, offset: int = 0) -> Node:
    """A matrix with this diagonal, or the diagonal of a matrix."""
    if x.ndim not in (1, 2):
        raise ShapeError(f"diag: takes a vector or a matrix, got shape {tuple(x.shape)}")
    return diagonal_embed(x, offset) if x.ndim == 1 else diagonal(x, offset)


# ---- padding

def pad(x: Node, widths: Sequence[tuple[int, int]], mode: str = "constant",
        value: ar.Operand = 0) -> Node:
    """Each axis made longer at both ends by ``widths[axis]``; negative widths cut off.

    ``constant`` writes ``value``; ``replicate`` the border; ``reflect`` mirrors without the border,
    ``symmetric`` with it; ``circular`` goes on at the other end.
    """
    if len(widths) != x.ndim:
        raise ShapeError(f"pad: {len(widths)} pairs of widths for shape {tuple(x.shape)}")
    if mode not in PAD_MODES:
        raise ArgumentError(f"pad: mode is one of {', '.join(PAD_MODES)}, got {mode!r}")
    if mode == "constant":
        return mv.pad(x, ar.as_node(value, x.dtype), [low for low, _ in widths],
                      [high for _, high in widths])
    for axis, (low, high) in enumerate(widths):
        x = _pad_axis(x, axis, low, high, mode)
    return x


def _pad_axis(x: Node, axis: int, low: int, high: int, mode: str) -> Node:
    if low < 0 or high < 0:
        x = narrow(x, axis, max(-low, 0), x.shape[axis] - max(-high, 0))
        low, high = max(low, 0), max(high, 0)
    if not (low or high):
        return x
    n = x.shape[axis]
    limit = {"reflect": n - 1, "symmetric": n, "circular": n}.get(mode)
    if not n or (limit is not None and max(low, high) > limit):
        raise ShapeError(f"pad: {mode} padding of ({low}, {high}) does not fit axis {axis} of "
                         f"size {n}", hint=f"at most {max(limit or 0, 0)} on each side")
    if mode == "replicate":
        before = repeat(narrow(x, axis, 0, 1), low, axis)
        after = repeat(narrow(x, axis, n - 1, n), high, axis)
    elif mode == "circular":
        before, after = narrow(x, axis, n - low, n), narrow(x, axis, 0, high)
    else:
        skip = 1 if mode == "reflect" else 0
        before = flip(narrow(x, axis, skip, low + skip), axis)
        after = flip(narrow(x, axis, n - high - skip, n - skip), axis)
    return mv.concatenate([p for p in (before, x, after) if p.shape[axis]], axis)


# ---- windows

def sliding_windows(x: Node, axis: int, size: int, step: int = 1) -> Node:
    """All stretches of ``size`` elements along an axis, ``step`` apart, on a new last axis.

    Shapes:  (..., n, ...) -> (..., (n - size) // step + 1, ..., size)
    Source:  torch.Tensor.unfold
    """
    if not x.ndim and axis in (0, -1):
        x = mv.reshape(x, (1,))
    at = normalise_axis(axis, x.ndim, "unfold")
    n = x.shape[at]
    if not 0 <= size <= n or step < 1:
        raise ShapeError(f"unfold: windows of size {size}, {step} apart, on axis {axis} of size "
                         f"{n}")
    count = (n - size) // step + 1
    if not size:
        empty = mv.slice_(x, (0,) * x.ndim, [0 if a == at else s for a, s in enumerate(x.shape)])
        return mv.reshape(empty, (*x.shape[:at], count, *x.shape[at + 1:], 0))
    if count < size:
        return moveaxis(stack(*(narrow(x, at, i * step, i * step + size) for i in range(count)),
                              at), at + 1, -1)
    return stack(*(narrow(x, at, i, i + (count - 1) * step + 1, step) for i in range(size)), -1)
