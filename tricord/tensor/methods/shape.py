"""Shapes and places: view, reshape, transpose, squeeze, gather, scatter, sort and the like."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, NotSupportedError, ShapeError
from ...functions import manipulation as fn
from ...functions import reduction as rd
from ...functions import scattering as sc
from ...functions.searching import take_along_axis
from ...ir.dtypes import DType, as_dtype, int64
from ...ir.memory import check_shape
from ...ir.node import Node
from ...ir.ops import elementwise as ew
from ...ir.ops import indexing as ix
from ...ir.ops.elementwise import bitcast
from ...ir.ops.movement import broadcast_to
from ...ir.ops.structural import constant, iota
from ...ir.shapes import Shape, normalise_axes, normalise_axis
from ...ir.source import user_location
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
                             f"{tuple(what)}", where=_where())
        shape = tuple(size // known if s == -1 else s for s in shape)
    return Shape(shape)


def _where() -> str | None:
    return str(user_location() or "") or None


def replaced(handle: Any, new: Any) -> Any:
    """Let a handle stand for another shape of itself."""
    if handle._link is not None or handle._wants_grad:
        raise NotSupportedError("a view or a leaf with a gradient cannot change its shape in place",
                                hint="x = x.unsqueeze(0)")
    handle.data = new
    return handle


def _diagonal_filled(x: Node, value: Any) -> Node:
    rows, columns = (iota(x.shape, int64, a) for a in (0, 1))
    on = ew.equal(rows, columns)
    return ew.where(on, broadcast_to(constant(value, x.dtype), x.shape), x)


def _put_added(x: Node, values: Node, *indices: Node) -> Node:
    places: list[Node | None] = list(indices)
    like = ix.gather(x, *indices, axes=tuple(range(len(indices))))
    return ix.put_arrays(x, places, broadcast_to(ew.cast(values, x.dtype), like.shape),
                         reduce="add")


def _several(handle: Any, function: Any, static: tuple[Any, ...]) -> tuple[Any, ...]:
    nodes = record_nodes(function, (handle,), static)
    return tuple(pending(n, handle._result_class) for n in nodes)


def _index_add(x: Node, index: Node, source: Node, axis: int, alpha: Any) -> Node:
    return sc.index_put(x, index, source * alpha if alpha != 1 else source, axis, "add")


def _viewed(x: Node, dtype: DType) -> Node:
    return bitcast(x, dtype=dtype)


#: Parts that a tensor is split into at most: each is a tensor of its own.
_MOST_PARTS = 100_000
_KINDS = {None: "set", "add": "add", "multiply": "mul"}


def _kind(reduce: str | None) -> str:
    if reduce not in _KINDS:
        raise ArgumentError(f"scatter: reduce argument must be either add or multiply, got "
                            f"{reduce!r}", hint="scatter_reduce knows sum, prod, mean, amax, amin")
    return _KINDS[reduce]


class ShapeMethods(Handle):
    """Movement of elements, as PyTorch names it. Reshapes and transposes are views."""

    def reshape(self, *shape: Any) -> Any:
        """The same elements in row-major order; one size may be -1."""
        wanted = _completed(sizes(shape), self._type.size, self.shape)
        if wanted.numel() != self._type.size:
            raise ShapeError(f"reshape: shape {tuple(wanted)} is invalid for input of size "
                             f"{self._type.size}, shape {tuple(self.shape)}", where=_where())
        return view(self, Reshape(wanted))

    def view(self, *shape: Any) -> Any:
        """Like `reshape`; with a dtype, the same bits as another type."""
        if len(shape) == 1 and isinstance(shape[0], (DType, type, np.dtype)):
            return record(_viewed, (self,), (as_dtype(shape[0]),))
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
        return record(fn.repeat, (self,), (operator.index(repeats), dim))

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
        count = self.shape[normalise_axis(dim, self.ndim, "unbind")]
        return tuple(self.select(dim, i) for i in range(count))

    def tril(self, diagonal: int = 0) -> Any:
        return record(fn.tril, (self,), (diagonal,))

    def triu(self, diagonal: int = 0) -> Any:
        return record(fn.triu, (self,), (diagonal,))

    def diag(self, diagonal: int = 0) -> Any:
        return record(fn.diag, (self,), (operator.index(diagonal),))

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
        return record(fn.diagonal, (self,), (operator.index(offset), dim1, dim2))

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
        return record(sc.gather_along, (self, index), (normalise_axis(dim, max(self.ndim, 1)),))

    def take(self, index: Any) -> Any:
        """Elements of the flattened tensor."""
        return record(ix.take, (self.flatten(), index), (0,))

    def take_along_dim(self, indices: Any, dim: int | None = None) -> Any:
        if dim is None:
            return self.flatten().take(indices.flatten())
        return record(take_along_axis, (self, indices), (dim,))

    def _scatter(self, dim: int, index: Any, src: Any, reduce: str, in_place: bool) -> Any:
        at = normalise_axis(dim, max(self.ndim, 1), "scatter")
        if isinstance(src, Handle):
            function, operands, static = sc.scatter_along, (index, src), (at, reduce)
        else:
            function, operands, static = sc.scatter_number, (index,), (src, at, reduce)  # type: ignore[assignment]
        if in_place:
            return write(self, function, operands, static)
        return record(function, (self, *operands), static)

    def scatter(self, dim: int, index: Any, src: Any = None, *, value: Any = None,
                reduce: str | None = None) -> Any:
        """``self`` with ``src`` written at the places that ``index`` names along ``dim``."""
        return self._scatter(dim, index, value if src is None else src, _kind(reduce), False)

    def scatter_(self, dim: int, index: Any, src: Any = None, *, value: Any = None,
                 reduce: str | None = None) -> Any:
        return self._scatter(dim, index, value if src is None else src, _kind(reduce), True)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        return self._scatter(dim, index, src, "add", False)

    def scatter_add_(self, dim: int, index: Any, src: Any) -> Any:
        return self._scatter(dim, index, src, "add", True)

    def index_add(self, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        return record(_index_add, (self, index, source), (dim, alpha))

    def index_add_(self, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        return write(self, _index_add, (index, source), (dim, alpha))

    def index_copy_(self, dim: int, index: Any, source: Any) -> Any:
        return write(self, sc.index_put, (index, source), (dim, "set"))

    def index_copy(self, dim: int, index: Any, source: Any) -> Any:
        """The slices that a 1-d index names, replaced by those of ``source``."""
        return record(sc.index_put, (self, index, source), (dim, "set"))

    def index_fill_(self, dim: int, index: Any, value: Any) -> Any:
        """The slices that a 1-d index names become ``value``."""
        at = normalise_axis(dim, self.ndim, "index_fill")
        self[(slice(None),) * at + (index,)] = value  # type: ignore[index]
        return self

    def index_fill(self, dim: int, index: Any, value: Any) -> Any:
        return self.clone().index_fill_(dim, index, value)  # type: ignore[attr-defined]

    def index_put_(self, indices: Any, values: Any, accumulate: bool = False) -> Any:
        """``x[indices] = values``, or added there, equal places adding up."""
        placed = [i.nonzero(as_tuple=True)[0] if i.dtype.kind == "b" and i.ndim == 1 else i
                  for i in indices]
        if accumulate:
            return write(self, _put_added, (values, *placed))
        self[tuple(placed)] = values  # type: ignore[index]
        return self

    def index_put(self, indices: Any, values: Any, accumulate: bool = False) -> Any:
        return self.clone().index_put_(indices, values, accumulate)  # type: ignore[attr-defined]

    def scatter_reduce(self, dim: int, index: Any, src: Any, reduce: str, *,
                       include_self: bool = True) -> Any:
        """Sources that meet in one place are reduced: sum, prod, mean, amax, amin."""
        return record(sc.scatter_reduce, (self, index, src),
                      (normalise_axis(dim, max(self.ndim, 1)), reduce, include_self))

    def scatter_reduce_(self, dim: int, index: Any, src: Any, reduce: str, *,
                        include_self: bool = True) -> Any:
        return write(self, sc.scatter_reduce, (index, src),
                     (normalise_axis(dim, max(self.ndim, 1)), reduce, include_self))

    def masked_scatter(self, mask: Any, source: Any) -> Any:
        """The elements of ``source``, in order, where the mask holds."""
        return record(sc.masked_scatter, (self, mask, source))

    def masked_scatter_(self, mask: Any, source: Any) -> Any:
        return write(self, sc.masked_scatter, (mask, source))

    def put_(self, index: Any, source: Any, accumulate: bool = False) -> Any:
        """Writes into the flattened tensor."""
        self.view(-1).index_put_((index.reshape(-1),), source.reshape(-1), accumulate)
        return self

    def put(self, index: Any, source: Any, accumulate: bool = False) -> Any:
        return self.clone().put_(index, source, accumulate)  # type: ignore[attr-defined]

    def tensor_split(self, indices_or_sections: Any, dim: int = 0) -> Any:
        """Nearly equal parts, or parts between the given places."""
        total = self.shape[dim]
        if isinstance(indices_or_sections, Handle):
            indices_or_sections = value_of(indices_or_sections).tolist()
        if isinstance(indices_or_sections, int):
            if not 1 <= indices_or_sections <= _MOST_PARTS:
                raise ArgumentError(f"tensor_split: the number of parts must be from 1 to "
                                    f"{_MOST_PARTS}, got {indices_or_sections}")
            small, more = divmod(total, indices_or_sections)
            parts = [small + (i < more) for i in range(indices_or_sections)]
            ends = [int(e) for e in np.cumsum(parts)[:-1]]
        else:
            ends = [min(max(e + total if e < 0 else e, 0), total) for e in indices_or_sections]
        return tuple(self.narrow(dim, a, max(b - a, 0)) for a, b in zip(
            [0, *ends], [*ends, total], strict=True))

    def split_with_sizes(self, split_sizes: Sequence[int], dim: int = 0) -> Any:
        return self.split(list(split_sizes), dim)

    def select_scatter(self, src: Any, dim: int, index: int) -> Any:
        """A copy in which ``src`` stands at one place of an axis."""
        made = self.clone()  # type: ignore[attr-defined]
        made.select(dim, index).copy_(src)
        return made

    def slice_scatter(self, src: Any, dim: int = 0, start: int | None = None,
                      end: int | None = None, step: int = 1) -> Any:
        """A copy in which ``src`` stands at a slice of an axis."""
        made = self.clone()  # type: ignore[attr-defined]
        at = normalise_axis(dim, self.ndim, "slice_scatter")
        made[(slice(None),) * at + (slice(start, end, step),)] = src
        return made

    def as_strided(self, size: Sequence[int], stride: Sequence[int],
                   storage_offset: int | None = 0) -> Any:
        """Elements of the flattened tensor at regular distances; a copy, not a view."""
        check_shape("as_strided", size, int64)
        places = np.full((), storage_offset or 0, np.int64)
        for n, step in zip(size, stride, strict=True):
            places = places[..., None] + np.arange(n) * step
        return record(ix.take, (self.flatten(), wrap(places)), (0,))

    def sum_to_size(self, *size: Any) -> Any:
        """Summed so that it has a size that would broadcast to its own."""
        wanted = sizes(size)
        lead = self.ndim - len(wanted)
        if lead < 0:
            raise ShapeError(f"sum_to_size: {tuple(wanted)} has more axes than "
                             f"{tuple(self.shape)}", where=_where())
        stretched = tuple(a for a, (s, w) in enumerate(zip(
            self.shape, (1,) * lead + wanted, strict=True)) if a < lead or (w == 1 and s != 1))
        total = self.sum(stretched, keepdim=True) if stretched else self  # type: ignore[attr-defined]
        return total.reshape(*wanted)

    def diagflat(self, offset: int = 0) -> Any:
        """A matrix with all elements on a diagonal."""
        return self.flatten().diag(offset)

    def vsplit(self, indices_or_sections: Any) -> Any:
        return self.tensor_split(indices_or_sections, 0)

    def hsplit(self, indices_or_sections: Any) -> Any:
        return self.tensor_split(indices_or_sections, 1 if self.ndim > 1 else 0)

    def dsplit(self, indices_or_sections: Any) -> Any:
        return self.tensor_split(indices_or_sections, 2)

    def diff(self, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
        """Differences of neighbours along an axis, ``n`` times."""
        given = [t for t in (prepend, self, append) if t is not None]
        source = record(fn.concat, given, (dim,)) if len(given) > 1 else self
        return record(rd.diff, (source,), (n, dim))

    def resize_(self, *shape: Any) -> Any:
        raise NotSupportedError("resize_: a tensor does not change its size",
                                hint="x = x.reshape(...), or torch.empty(...)")

    def unsqueeze_(self, dim: int) -> Any:
        return replaced(self, self.unsqueeze(dim))

    def squeeze_(self, dim: Any = None) -> Any:
        return replaced(self, self.squeeze(dim))

    def t_(self) -> Any:
        return replaced(self, self.t())

    def transpose_(self, dim0: int, dim1: int) -> Any:
        return replaced(self, self.transpose(dim0, dim1))

    def tril_(self, diagonal: int = 0) -> Any:
        return write(self, fn.tril, (), (diagonal,))

    def triu_(self, diagonal: int = 0) -> Any:
        return write(self, fn.triu, (), (diagonal,))

    def fill_diagonal_(self, fill_value: Any, wrap: bool = False) -> Any:
        """The main diagonal of a matrix becomes ``fill_value``."""
        return write(self, _diagonal_filled, (), (fill_value,))

    def adjoint(self) -> Any:
        """The last two axes exchanged, conjugated."""
        return self.mH  # type: ignore[attr-defined]

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
