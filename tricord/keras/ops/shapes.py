"""keras.ops: other shapes, parts, and joining."""

from __future__ import annotations

import builtins
import itertools
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...functions import elementwise as ew
from ...functions import manipulation, searching
from ...ir.dtypes import promote
from ...tensor import record
from ...tensor.handle import Handle
from ...tensor.recorder import pending, record_nodes, wrap
from .._operation import as_tensor, op
from .reductions import _axes, sum


@op(1)
def reshape(x: Any, newshape: Any) -> Any:
    """The same elements in another shape; one size may be -1."""
    shape = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    shape = tuple(-1 if n is None else int(n) for n in shape)
    return record(manipulation.reshape, (as_tensor(x),), (shape,))


@op(1)
def ravel(x: Any) -> Any:
    """All elements in one axis."""
    return reshape(x, (-1,))


@op(1)
def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in another order, by default reversed."""
    x = as_tensor(x)
    axes = tuple(reversed(range(x.ndim))) if axes is None else tuple(axes)
    return record(manipulation.permute_dims, (x,), (axes,))


@op(1)
def expand_dims(x: Any, axis: Any) -> Any:
    """Axes of size one put in."""
    return record(manipulation.expand_dims, (as_tensor(x),), (_axes(axis),))


@op(1)
def squeeze(x: Any, axis: Any = None) -> Any:
    """Without axes of size one."""
    return record(manipulation.squeeze, (as_tensor(x),), (_axes(axis),))


@op(1)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return record(manipulation.swapaxes, (as_tensor(x),), (axis1, axis2))


@op(1)
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes put to other places."""
    return record(manipulation.moveaxis, (as_tensor(x),), (_axes(source), _axes(destination)))


@op(1)
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeated to this shape."""
    return record(manipulation.broadcast_to, (as_tensor(x),), (tuple(shape),))


@op(1)
def tile(x: Any, repeats: Any) -> Any:
    """Repeated as a whole along each axis."""
    repeats = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    return record(manipulation.tile, (as_tensor(x),), (repeats,))


@op(1)
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated."""
    x = as_tensor(x)
    counts = np.asarray(repeats)
    if counts.ndim == 0 or counts.size == 1:
        return record(manipulation.repeat, (x,), (int(counts.reshape(())), axis))
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    return record(searching.repeat_by, (x, wrap(counts.astype(np.int64))),
                  (int(counts.sum()), axis))


@op(1)
def flip(x: Any, axis: Any = None) -> Any:
    """Reversed along axes."""
    return record(manipulation.flip, (as_tensor(x),), (_axes(axis),))


@op(1)
def fliplr(x: Any) -> Any:
    """Reversed along the second axis."""
    return flip(x, 1)


@op(1)
def flipud(x: Any) -> Any:
    """Reversed along the first axis."""
    return flip(x, 0)


@op(1)
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Moved along axes, what falls off coming in at the other end."""
    return record(manipulation.roll, (as_tensor(x),), (_axes(shift), _axes(axis)))


@op(1)
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by quarters."""
    return record(manipulation.rot90, (as_tensor(array),), (k, tuple(axes)))


@op(1)
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Widened at both ends of each axis."""
    x = as_tensor(x)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    widths = tuple((int(a), int(b)) for a, b in widths)
    return record(manipulation.pad, (x,), (widths, mode, constant_values or 0))


@op(1)
def tril(x: Any, k: int = 0) -> Any:
    """The lower triangle, zeros above."""
    return record(manipulation.tril, (as_tensor(x),), (k,))


@op(1)
def triu(x: Any, k: int = 0) -> Any:
    """The upper triangle, zeros below."""
    return record(manipulation.triu, (as_tensor(x),), (k,))


@op(1)
def diag(x: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or a matrix with this diagonal."""
    return record(manipulation.diag, (as_tensor(x),), (k,))


@op(1)
def diagflat(x: Any, k: int = 0) -> Any:
    """A matrix with all elements on its diagonal."""
    return diag(ravel(x), k)


@op(1)
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements on a diagonal of two axes."""
    return record(manipulation.diagonal, (as_tensor(x),), (offset, axis1, axis2))


@op(1)
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum over a diagonal."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def _several(function: Any, operands: Any, static: tuple[Any, ...]) -> list[Any]:
    nodes = record_nodes(function, operands, static)
    return [pending(n, Handle._result_class) for n in nodes]


@op(1)
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis: a number of equal ones, or cut at these indices."""
    x = as_tensor(x)
    size = x.shape[axis]
    if isinstance(indices_or_sections, int):
        if size % indices_or_sections:
            raise ArgumentError(f"split: axis {axis} of size {size} cannot be cut into "
                                f"{indices_or_sections} equal parts")
        sizes = [size // indices_or_sections] * indices_or_sections
    else:
        ends = [0, *[int(i) for i in indices_or_sections], size]
        sizes = [b - a for a, b in itertools.pairwise(ends)]
    return _several(manipulation.split, (x,), (tuple(sizes), axis))


@op(1)
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`split` into parts that need not be equal."""
    x = as_tensor(x)
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    count, size = indices_or_sections, x.shape[axis]
    sizes = [size // count + (i < size % count) for i in range(count)]
    return _several(manipulation.split, (x,), (tuple(sizes), axis))


def _joined_dtype(parts: list[Any]) -> list[Any]:
    dtype = parts[0].dtype
    for p in parts[1:]:
        dtype = promote(dtype, p.dtype)
    return [p if p.dtype is dtype else record(ew.cast, (p,), (dtype,)) for p in parts]


@op(1)
def concatenate(xs: Any, axis: int = 0) -> Any:
    """Joined along an axis."""
    parts = _joined_dtype([as_tensor(x) for x in xs])
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    return record(manipulation.concat, parts, (axis,))


@op(1)
def stack(x: Any, axis: int = 0) -> Any:
    """Joined along a new axis."""
    return record(manipulation.stack, _joined_dtype([as_tensor(v) for v in x]), (axis,))


def _at_least(x: Any, rank: int) -> Any:
    return record(manipulation.atleast, (as_tensor(x),), (rank,))


@op(1)
def vstack(xs: Any) -> Any:
    """Joined along the first axis."""
    return concatenate([_at_least(x, 2) for x in xs], 0)


@op(1)
def hstack(xs: Any) -> Any:
    """Joined along the second axis; vectors along the first."""
    parts = [_at_least(x, 1) for x in xs]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1)


@op(1)
def dstack(xs: Any) -> Any:
    """Joined along the third axis."""
    return concatenate([p if p.ndim > 2 else reshape(_at_least(p, 2), (*_at_least(p, 2).shape, 1))
                        for p in builtins.map(as_tensor, xs)], 2)


@op(2)
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """The second after the first."""
    if axis is None:
        return concatenate([ravel(x1), ravel(x2)], 0)
    return concatenate([x1, x2], axis)


def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """Coordinates of the grid of these points."""
    return _several(manipulation.meshgrid, [as_tensor(v) for v in x], (indexing,))
