"""Shapes, the types of tensors, and the arithmetic on both."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

from ..errors import AxisError, ShapeError
from .dtypes import DType

__all__ = ["Shape", "TensorType", "broadcast_shapes", "normalise_axes", "normalise_axis",
           "tensor_type"]


class Shape(tuple[int, ...]):
    """A tuple of sizes that also answers what PyTorch's and TensorFlow's shape classes answer."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)

    num_elements = numel

    def as_list(self) -> list[int]:
        return list(self)

    @property
    def rank(self) -> int:
        return len(self)

    @property
    def ndims(self) -> int:
        return len(self)

    @property
    def dims(self) -> list[int]:
        return list(self)

    def is_fully_defined(self) -> bool:
        return True

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Shape(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Shape:
        return Shape(tuple(self) + tuple(other))


class TensorType:
    """Shape and dtype of a tensor; compared by value."""

    __slots__ = ("_hash", "dtype", "ndim", "shape", "size")

    def __init__(self, shape: Iterable[int], dtype: DType):
        self.shape = Shape(shape)
        self.dtype = dtype
        self.ndim = len(self.shape)
        self.size = math.prod(self.shape)
        self._hash = hash((tuple(self.shape), dtype))

    @property
    def nbytes(self) -> int:
        total: int = self.size * self.dtype.itemsize
        return total

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, TensorType) and self.shape == other.shape
                                 and self.dtype is other.dtype)

    def __repr__(self) -> str:
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"


def tensor_type(shape: Iterable[int], dtype: DType) -> TensorType:
    """The type of a tensor with this shape and dtype.

    >>> from .dtypes import float32
    >>> tensor_type((2, 3), float32)
    float32[2,3]
    """
    return TensorType(shape, dtype)


def broadcast_shapes(*shapes: Sequence[int], what: str = "broadcast") -> Shape:
    """The common shape that all shapes stretch to, by numpy's rule.

    >>> broadcast_shapes((3, 1), (2,))
    (3, 2)
    """
    rank = max(map(len, shapes), default=0)
    result = [1] * rank
    for shape in shapes:
        for axis, size in enumerate(shape, start=rank - len(shape)):
            if size != 1 and result[axis] not in (1, size):
                listed = " and ".join(str(tuple(s)) for s in shapes)
                raise ShapeError(
                    f"{what}: shapes {listed} do not broadcast together: "
                    f"axis {axis - rank} has sizes {result[axis]} and {size}")
            if size != 1:
                result[axis] = size
    return Shape(result)


def normalise_axis(axis: SupportsIndex, rank: int, what: str = "axis") -> int:
    """A negative axis counted from the end, made positive; out of range is an error.

    >>> normalise_axis(-1, 3)
    2
    """
    try:
        index = operator.index(axis)
    except TypeError:
        raise ShapeError(f"{what}: axis must be an integer, got {axis!r}") from None
    if not -rank <= index < rank:
        # A 0-d tensor takes axes 0 and -1, as PyTorch has it: callers pass max(rank, 1) for that.
        raise AxisError(f"{what}: axis {index} is out of range for a tensor of rank {rank}",
                        hint=f"axes go from {-rank} to {rank - 1}" if rank else
                        "a 0-d tensor has no axes")
    return index % rank


def normalise_axes(axes: SupportsIndex | Iterable[SupportsIndex] | None, rank: int,
                   what: str = "axis") -> tuple[int, ...]:
    """Axes as a sorted tuple without repeats; None means all of them."""
    if axes is None:
        return tuple(range(rank))
    listed = axes if isinstance(axes, Iterable) else (axes,)
    found = [normalise_axis(axis, rank, what) for axis in listed]
    if len(set(found)) != len(found):
        raise ShapeError(f"{what}: axis named twice in {tuple(found)}")
    return tuple(sorted(found))
