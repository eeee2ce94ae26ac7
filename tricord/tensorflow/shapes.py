"""``tf.TensorShape``: sizes of which some, or their number, may be unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import ShapeError
from ..ir.shapes import Shape
from ._names import explain_keywords

__all__ = ["Dimension", "TensorShape", "joined"]


class Dimension:
    """A size with a ``value`` (TensorFlow 1)."""

    def __init__(self, value: int | None):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, Dimension) else other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __int__(self) -> int:
        if self.value is None:
            raise ShapeError("the size is not known")
        return self.value

    __index__ = __int__

    def __repr__(self) -> str:
        return f"Dimension({self.value})"


class _ShapeType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, Shape)


class TensorShape(metaclass=_ShapeType):
    """The sizes of a tensor in a graph; None stands for an unknown one.

    ``TensorShape(None)`` does not even know how many there are.

    >>> TensorShape([None, 3]).as_list(), TensorShape(None).rank
    ([None, 3], None)
    """

    __slots__ = ("_dims",)

    def __init__(self, dims: Any = None):
        if isinstance(dims, TensorShape) and not isinstance(dims, Shape):
            self._dims: tuple[int | None, ...] | None = dims._dims
        elif dims is None:
            self._dims = None
        elif isinstance(dims, Iterable):
            self._dims = tuple(None if d is None or (isinstance(d, Dimension) and d.value is None)
                               or d == -1 else int(d) for d in dims)
        else:
            self._dims = (int(dims),)

    @property
    def rank(self) -> int | None:
        return None if self._dims is None else len(self._dims)

    ndims = rank

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    def _known(self) -> tuple[int | None, ...]:
        if self._dims is None:
            raise ShapeError("the shape is not known, not even the number of its axes")
        return self._dims

    def as_list(self) -> list[int | None]:
        """The sizes; raises ValueError if their number is unknown."""
        return list(self._known())

    def is_fully_defined(self) -> bool:
        return self._dims is not None and None not in self._dims

    def num_elements(self) -> int | None:
        return math.prod(self._dims) if self.is_fully_defined() else None  # type: ignore[arg-type]

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some shape is both."""
        theirs = TensorShape(other)._dims
        if self._dims is None or theirs is None:
            return True
        return len(self._dims) == len(theirs) and all(
            a is None or b is None or a == b for a, b in zip(self._dims, theirs, strict=True))

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ShapeError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def merge_with(self, other: Any) -> TensorShape:
        """What is known from either."""
        self.assert_is_compatible_with(other)
        theirs = TensorShape(other)._dims
        if self._dims is None or theirs is None:
            return TensorShape(self._dims if theirs is None else theirs)
        return TensorShape([b if a is None else a
                            for a, b in zip(self._dims, theirs, strict=True)])

    def concatenate(self, other: Any) -> TensorShape:
        theirs = TensorShape(other)._dims
        if self._dims is None or theirs is None:
            return TensorShape(None)
        return TensorShape(self._dims + theirs)

    def with_rank(self, rank: int) -> TensorShape:
        return self.merge_with([None] * rank)

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else None
        item = self._dims[key]
        return TensorShape(item) if isinstance(key, slice) else item

    def __iter__(self) -> Iterator[int | None]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    def __bool__(self) -> bool:
        return self._dims is not None

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (TensorShape, Iterable)) or other is None:
            return self._dims == TensorShape(other)._dims
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        return "(" + ", ".join(map(str, self._dims)) + ("," if len(self._dims) == 1 else "") + ")"

    def __repr__(self) -> str:
        return f"TensorShape({None if self._dims is None else list(self._dims)})"


def joined(shapes: Iterable[Iterable[int]]) -> TensorShape:
    """What several possible shapes have in common.

    >>> joined([(32, 3), (48, 3)]), joined([(), (2,)])
    (TensorShape([None, 3]), TensorShape(None))
    """
    known = [tuple(s) for s in shapes]
    if len({len(s) for s in known}) != 1:
        return TensorShape(None)
    return TensorShape([sizes[0] if len(set(sizes)) == 1 else None
                        for sizes in zip(*known, strict=True)])


explain_keywords(globals())
