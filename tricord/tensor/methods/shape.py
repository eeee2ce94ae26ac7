"""Shapes and places: view, reshape, transpose, squeeze, gather, scatter, sort and the like."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...functions import manipulation as fn
from ...ir.dtypes import as_dtype
from ...ir.node import Node
from ...ir.ops import indexing as ix
from ...ir.ops.elementwise import cast
from ...ir.ops.movement import broadcast_to, slice_
from ...ir.ops.structural import constant
from ...ir.shapes import Shape, normalise_axes, normalise_axis
from ..handle import Handle
from ..recorder import pending, record, record_nodes, value_of, wrap
from ..views import Expand, Permute, Reshape, view, write

__all__ = ["ShapeMethods", "sizes"]


def sizes(args: Sequence[Any]) -> tuple[int, ...]:
    """Sizes given one by one or as one sequence."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = args[0]
    return tuple(operator.index(a) for a in args)


def _completed(shape: tuple[int, ...], size: int, what: tuple[int, ...]) -> Shape:
    if -1 in shape:
        known = int(np.prod([s for s in shape if s != -1]))
        if shape.count(-1) > 1 or not known or size % known:
            raise ShapeError(f"reshape: shape {shape} is invalid for input of size {size}, shape "
                             f"{what}")
        shape = tuple(size // known if s == -1 else s for s in shape)
    return Shape(shape)


def _several(handle: Any, function: Any, static: tuple[Any, ...]) -> tuple[Any, ...]:
    nodes = record_nodes(function, (handle,), static)
    return tuple(pending(n, handle._result_class) for n in nodes)


def _scatter_along(x: Node, index: Node, source: Node, axis: int, reduce: str) -> Node:
    source = cast(source, x.dtype)
    if source.shape != index.shape:  # PyTorch lets the source be larger than the index
        source = slice_(source, (0,) * source.ndim, index.shape)
    return ix.put_along_axis(x, index, source, axis, reduce=reduce)


def _scatter_number(x: Node, index: Node, number: Any, axis: int, reduce: str) -> Node:
    value = broadcast_to(constant(number, x.dtype), index.shape)
    return ix.put_along_axis(x, index, value, axis, reduce=reduce)


def _index_add(x: Node, index: Node, source: Node, axis: int, alpha: Any) -> Node:
    return _index_put(x, index, source * alpha if alpha != 1 else source, axis, "add")


def _index_put(x: Node, index: Node, source: Node, axis: int, reduce: str) -> Node:
    front = fn.moveaxis(cast(source, x.dtype), axis, 0)
    moved = fn.moveaxis(x, axis, 0)
    return fn.moveaxis(ix.scatter(moved, front, index, axes=(0,), reduce=reduce), 0, axis)


def _take_along(x: Node, index: Node, axis: int) -> Node:
    """PyTorch's gather: the index may be smaller than x on the other axes."""
    if not x.ndim:
        return x
    at = axis % x.ndim
    kept = [i if a != at else s for a, (i, s) in enumerate(zip(index.shape, x.shape, strict=True))]
    return ix.take_along_axis(slice_(x, (0,) * x.ndim, kept), index, at)


class ShapeMethods(Handle):
    """Movement of elements, as PyTorch names it. Reshapes and transposes are views."""

    def reshape(self, *shape: Any) -> Any:
        """The same elements in row-major order; one size may be -1."""
        wanted = _completed(sizes(shape), self._type.size, self.shape)
        if wanted.numel() != self._type.size:
            raise ShapeError(f"reshape: shape {tuple(wanted)} is invalid for input of size "
                             f"{self._type.size}, shape {tuple(self.shape)}")
        return view(self, Reshape(wanted))

    def view(self, *shape: Any) -> Any:
        """Like `reshape`; with a dtype, the same bits as another type."""
        if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list, np.integer)):
            return self.to(as_dtype(shape[0]))  # type: ignore[attr-defined]
        return self.reshape(*shape)

    def view_as(self, other: Any) -> Any:
        return self.reshape(other.shape)

    reshape_as = view_as

    def contiguous(self, memory_format: Any = None) -> Any:
        return self

    def is_contiguous(self, memory_format: Any = None) -> bool:
        return True

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Neighbouring axes as one."""
        if not self.ndim:
            return self.reshape(1)
        first = normalise_axis(start_dim, self.ndim, "flatten")
        last = normalise_axis(end_dim, self.ndim, "flatten")
        if first > last:
            raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
        return self.reshape(*self.shape[:first], -1 if self._type.size else int(
            np.prod(self.shape[first:last + 1])), *self.shape[last + 1:])

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Any:
        return record(fn.unflatten, (self,), (dim, tuple(sizes)))

    def ravel(self) -> Any:
        return self.reshape(-1) if self._type.size else self.reshape(0)

    def transpose(self, dim0: int, dim1: int) -> Any:
        """Two axes exchanged."""
        rank = max(self.ndim, 1)
        first, second = (normalise_axis(d, rank, "transpose") for d in (dim0, dim1))
        axes = list(range(self.ndim))
        if axes:
            axes[first], axes[second] = axes[second], axes[first]
        return view(self, Permute(tuple(axes)))

    swapaxes = transpose
    swapdims = transpose

    def t(self) -> Any:
        """The transpose of a matrix."""
        if self.ndim > 2:
            raise ShapeError(f"t() expects a tensor with <= 2 dimensions, but self is "
                             f"{self.ndim}D", hint="x.transpose(0, 1) or x.mT")
        return self.transpose(0, 1) if self.ndim == 2 else self

    def permute(self, *dims: Any) -> Any:
        """Axes in another order."""
        axes = sizes(dims)
        if len(axes) != self.ndim:
            raise ShapeError(f"permute: {axes} does not name the {self.ndim} axes of shape "
                             f"{tuple(self.shape)}")
        return view(self, Permute(tuple(normalise_axis(a, self.ndim, "permute") for a in axes)))

    def movedim(self, source: Any, destination: Any) -> Any:
        return record(fn.moveaxis, (self,), (source, destination))

    moveaxis = movedim

    def unsqueeze(self, dim: int) -> Any:
        """A new axis of size one."""
        at = normalise_axis(dim, self.ndim + 1, "unsqueeze")
        return self.reshape(*self.shape[:at], 1, *self.shape[at:])

    def squeeze(self, dim: Any = None) -> Any:
        """Without axes of size one: all, or those named (others of the named ones stay)."""
        rank = max(self.ndim, 1)
        named = normalise_axes(dim, rank, "squeeze")
        return self.reshape(tuple(s for a, s in enumerate(self.shape)
                                  if s != 1 or a not in named))

    def expand(self, *shape: Any) -> Any:
        """Axes of size one repeated, without copying; -1 keeps a size."""
        wanted = list(sizes(shape))
        offset = len(wanted) - self.ndim
        if offset < 0:
            raise ShapeError(f"expand: the number of sizes provided ({len(wanted)}) must be at "
                             f"least the number of dimensions in the tensor ({self.ndim})")
        for axis in range(len(wanted)):
            if wanted[axis] == -1:
                if axis < offset:
                    raise ShapeError("expand: -1 is not allowed for a new leading axis")
                wanted[axis] = self.shape[axis - offset]
        return view(self, Expand(Shape(wanted)))

    def expand_as(self, other: Any) -> Any:
        return self.expand(*other.shape)

    def broadcast_to(self, shape: Any) -> Any:
        return self.expand(*shape)

    def repeat(self, *counts: Any) -> Any:
        """Copies side by side along each axis."""
        return record(fn.tile, (self,), (sizes(counts),))

    def tile(self, *dims: Any) -> Any:
        return record(fn.tile, (self,), (sizes(dims),))

    def repeat_interleave(self, repeats: Any, dim: int | None = None) -> Any:
        """Each element several times in a row."""
        if isinstance(repeats, Handle):
            counts = value_of(repeats)
            if counts.size > 1:
                source = self.flatten() if dim is None else self
                at = np.repeat(np.arange(source.shape[dim or 0]), counts)
                return source.index_select(dim or 0, wrap(at))
            repeats = int(counts)
        return record(fn.repeat, (self,), (repeats, dim))

    def flip(self, *dims: Any) -> Any:
        return record(fn.flip, (self,), (sizes(dims),))

    def fliplr(self) -> Any:
        return self.flip(1)

    def flipud(self) -> Any:
        return self.flip(0)

    def roll(self, shifts: Any, dims: Any = None) -> Any:
        as_tuple = tuple if isinstance(shifts, (list, tuple)) else (lambda v: v)
        return record(fn.roll, (self,), (as_tuple(shifts), None if dims is None
                                         else as_tuple(dims)))

    def rot90(self, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
        return record(fn.rot90, (self,), (k, tuple(dims)))

    def narrow(self, dim: int, start: int, length: int) -> Any:
        at = normalise_axis(dim, self.ndim, "narrow")
        return self[(slice(None),) * at + (slice(start, start + length),)]  # type: ignore[index]

    def select(self, dim: int, index: int) -> Any:
        at = normalise_axis(dim, self.ndim, "select")
        return self[(slice(None),) * at + (index,)]  # type: ignore[index]

    def split(self, split_size: Any, dim: int = 0) -> Any:
        """Parts of the given size (the last may be smaller), or of the given sizes."""
        at = normalise_axis(dim, self.ndim, "split")
        total = self.shape[at]
        if isinstance(split_size, (list, tuple)):
            parts = list(split_size)
            if sum(parts) != total:
                raise ShapeError(f"split: the sizes {parts} add up to {sum(parts)}, the axis has "
                                 f"{total}")
        else:
            if split_size <= 0:
                raise ArgumentError(f"split: split_size must be positive, got {split_size}")
            parts = [min(split_size, total - s) for s in range(0, total, split_size)] or [0]
        starts = np.cumsum([0, *parts[:-1]])
        return tuple(self.narrow(at, int(s), n) for s, n in zip(starts, parts, strict=True))

    def chunk(self, chunks: int, dim: int = 0) -> Any:
        """At most that many parts of equal size."""
        if chunks <= 0:
            raise ArgumentError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
        size = -(-self.shape[dim] // chunks)
        return self.split(max(size, 1), dim)

    def unbind(self, dim: int = 0) -> Any:
        """The slices along an axis."""
        return tuple(self.select(dim, i) for i in range(self.shape[dim]))

    def tril(self, diagonal: int = 0) -> Any:
        return record(fn.tril, (self,), (diagonal,))

    def triu(self, diagonal: int = 0) -> Any:
        return record(fn.triu, (self,), (diagonal,))

    def diag(self, diagonal: int = 0) -> Any:
        return record(fn.diag, (self,), (diagonal,))

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
        return record(fn.diagonal, (self,), (offset, dim1, dim2))

    def diag_embed(self, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
        return record(fn.diagonal_embed, (self,), (offset, dim1, dim2))

    def unfold(self, dimension: int, size: int, step: int) -> Any:
        return record(fn.sliding_windows, (self,), (dimension, size, step))

    # ---- by index

    def index_select(self, dim: int, index: Any) -> Any:
        """The slices along ``dim`` that a 1-d index names."""
        return record(ix.take, (self, index), (dim,))

    def gather(self, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
        """``out[i][j] = self[index[i][j]][j]`` for dim 0."""
        if index.ndim != self.ndim:
            raise ShapeError(f"gather: Index tensor must have the same number of dimensions as "
                             f"input tensor, got {tuple(index.shape)} for {tuple(self.shape)}")
        return record(_take_along, (self, index), (normalise_axis(dim, max(self.ndim, 1)),))

    def take(self, index: Any) -> Any:
        """Elements of the flattened tensor."""
        return record(ix.take, (self.flatten(), index), (0,))

    def take_along_dim(self, indices: Any, dim: int | None = None) -> Any:
        if dim is None:
            return self.flatten().take(indices.flatten())
        return record(ix.take_along_axis, (self, indices), (dim,))

    def _scatter(self, dim: int, index: Any, src: Any, reduce: str, in_place: bool) -> Any:
        at = normalise_axis(dim, max(self.ndim, 1), "scatter")
        if isinstance(src, Handle):
            function, operands, static = _scatter_along, (index, src), (at, reduce)
        else:
            function, operands, static = _scatter_number, (index,), (src, at, reduce)  # type: ignore[assignment]
        if in_place:
            return write(self, function, operands, static)
        return record(function, (self, *operands), static)

    def scatter(self, dim: int, index: Any, src: Any = None, *, value: Any = None,
                reduce: str | None = None) -> Any:
        """``self`` with ``src`` written at the places that ``index`` names along ``dim``."""
        how = {None: "set", "add": "add", "multiply": "mul"}[reduce]
        return self._scatter(dim, index, value if src is None else src, how, False)

    def scatter_(self, dim: int, index: Any, src: Any = None, *, value: Any = None,
                 reduce: str | None = None) -> Any:
        how = {None: "set", "add": "add", "multiply": "mul"}[reduce]
        return self._scatter(dim, index, value if src is None else src, how, True)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        return self._scatter(dim, index, src, "add", False)

    def scatter_add_(self, dim: int, index: Any, src: Any) -> Any:
        return self._scatter(dim, index, src, "add", True)

    def index_add(self, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        return record(_index_add, (self, index, source), (dim, alpha))

    def index_add_(self, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        return write(self, _index_add, (index, source), (dim, alpha))

    def index_copy_(self, dim: int, index: Any, source: Any) -> Any:
        return write(self, _index_put, (index, source), (dim, "set"))

    def index_fill_(self, dim: int, index: Any, value: Any) -> Any:
        at = normalise_axis(dim, self.ndim, "index_fill")
        self[(slice(None),) * at + (index,)] = value  # type: ignore[index]
        return self

    def masked_select(self, mask: Any) -> Any:
        return self[mask.expand(*self.shape)]  # type: ignore[index]

    def nonzero(self, *, as_tuple: bool = False) -> Any:
        """The places of what is not zero, one row each (observes the values)."""
        found = np.nonzero(np.atleast_1d(value_of(self)))
        if as_tuple:
            return tuple(wrap(f) for f in found)
        rows = np.stack(found, axis=1) if found else np.zeros((1, 0), np.int64)
        return wrap(rows if self.ndim else rows[:, :0])

    def argwhere(self) -> Any:
        return self.nonzero()

    # ---- creation from this tensor

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Any:
        return self.new_full(sizes(size), 0, dtype=dtype, requires_grad=requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Any:
        return self.new_full(sizes(size), 1, dtype=dtype, requires_grad=requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Any:
        return self.new_full(sizes(size), 0, dtype=dtype, requires_grad=requires_grad)

    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Any:
        wanted = self.dtype if dtype is None else as_dtype(dtype)
        made = wrap(np.full(tuple(size), fill_value, wanted.numpy), self._result_class)
        return made.requires_grad_(True) if requires_grad else made

    def new_tensor(self, data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
        wanted = self.dtype if dtype is None else as_dtype(dtype)
        made = wrap(np.array(data).astype(wanted.numpy), self._result_class)
        return made.requires_grad_(True) if requires_grad else made

    # ---- facts

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._type.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self._type.nbytes

    def stride(self, dim: int | None = None) -> Any:
        """Elements to step over for the next one along each axis, in row-major order."""
        steps = [1] * self.ndim
        for axis in range(self.ndim - 2, -1, -1):
            steps[axis] = steps[axis + 1] * max(self.shape[axis + 1], 1)
        return tuple(steps) if dim is None else steps[dim]

    def storage_offset(self) -> int:
        return 0

    def data_ptr(self) -> int:
        """The address of the (evaluated) value."""
        return int(value_of(self).ctypes.data)

    def is_same_size(self, other: Any) -> bool:
        return bool(self.shape == other.shape)

    def get_shape(self) -> Shape:
        """TensorFlow's name for ``shape``."""
        return self.shape
