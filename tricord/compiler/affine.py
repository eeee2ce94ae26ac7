"""Indices that are affine in the loop variables, and how views of tensors transform them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..ir.lowering import View
from ..ir.node import Node

__all__ = ["ZERO", "Affine", "Index", "domain_index", "flat_index", "row_major", "through_view"]


@dataclass(frozen=True)
class Affine:
    """``constant + sum(coefficient * loop)``; ``terms`` sorted by loop, no zero coefficients."""

    constant: int = 0
    terms: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(constant: int, coefficients: Mapping[int, int]) -> Affine:
        return Affine(constant, tuple(sorted((k, c) for k, c in coefficients.items() if c)))

    def __add__(self, other: Affine) -> Affine:
        if not other.terms:
            return Affine(self.constant + other.constant, self.terms)
        total = dict(self.terms)
        for loop, coefficient in other.terms:
            total[loop] = total.get(loop, 0) + coefficient
        return Affine.of(self.constant + other.constant, total)

    def scaled(self, factor: int) -> Affine:
        if factor == 1:
            return self
        return Affine.of(self.constant * factor, {k: c * factor for k, c in self.terms})

    def shifted(self, by: int) -> Affine:
        return Affine(self.constant + by, self.terms) if by else self

    def coefficient(self, loop: int) -> int:
        return dict(self.terms).get(loop, 0)

    @property
    def loops(self) -> frozenset[int]:
        return frozenset(k for k, _ in self.terms)

    def bounds(self, extents: Sequence[int]) -> tuple[int, int]:
        """The least and the largest value over all rounds of the loops."""
        low = high = self.constant
        for loop, coefficient in self.terms:
            span = coefficient * (extents[loop] - 1)
            low, high = low + min(span, 0), high + max(span, 0)
        return low, high

    def text(self, names: Sequence[str]) -> str:
        parts = [names[k] if c == 1 else f"{c} {names[k]}" for k, c in self.terms]
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts)


ZERO = Affine()
Index = tuple[Affine, ...]


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides, in elements, of a dense tensor.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    strides = []
    total = 1
    for size in reversed(shape):
        strides.append(total)
        total *= size
    return tuple(reversed(strides))


def domain_index(shape: Sequence[int], first: int = 0) -> Index:
    """One loop per axis that is longer than one, numbered from ``first``."""
    index, loop = [], first
    for size in shape:
        if size == 1:
            index.append(ZERO)
        else:
            index.append(Affine(0, ((loop, 1),)))
            loop += 1
    return tuple(index)


def flat_index(index: Sequence[Affine], shape: Sequence[int]) -> Affine:
    """The place in dense memory."""
    total = ZERO
    for part, stride in zip(index, row_major(shape), strict=True):
        total = total + part.scaled(stride)
    return total


def split_flat(flat: Affine, shape: Sequence[int], extents: Sequence[int]) -> Index | None:
    """The index along each axis from a flat one, where it is affine; else None."""
    index: list[Affine] = []
    for size in reversed(shape):
        if size == 1:
            index.append(ZERO)
            continue
        high_constant, low_constant = divmod(flat.constant, size)
        low = Affine(low_constant, tuple((k, c) for k, c in flat.terms if c % size))
        least, most = low.bounds(extents)
        if least < 0 or most >= size:
            return None
        index.append(low)
        flat = Affine(high_constant, tuple((k, c // size) for k, c in flat.terms if c % size == 0))
    return None if flat.terms or flat.constant else tuple(reversed(index))


def through_view(node: Node, index: Index, extents: Sequence[int]) -> Index | None:
    """Where a view reads its operand; None where that is not affine (some reshapes)."""
    assert isinstance(node.op.lower, View)
    return _MAPS[node.op.lower.kind](node.params, node, index, extents)


def _reshape(p: Any, node: Node, index: Index, extents: Sequence[int]) -> Index | None:
    return split_flat(flat_index(index, node.shape), node.parents[0].shape, extents)


def _transpose(p: Any, node: Node, index: Index, extents: Sequence[int]) -> Index:
    result = [ZERO] * len(index)
    for axis, part in zip(p.axes, index, strict=True):
        result[axis] = part
    return tuple(result)


def _broadcast(p: Any, node: Node, index: Index, extents: Sequence[int]) -> Index:
    return tuple(index[axis] for axis in p.axes)


def _slice(p: Any, node: Node, index: Index, extents: Sequence[int]) -> Index:
    return tuple(part.scaled(step).shifted(start)
                 for part, start, step in zip(index, p.start, p.step, strict=True))


def _flip(p: Any, node: Node, index: Index, extents: Sequence[int]) -> Index:
    shape = node.shape
    return tuple(part.scaled(-1).shifted(shape[a] - 1) if a in p.axes else part
                 for a, part in enumerate(index))


_MAPS = {"reshape": _reshape, "transpose": _transpose, "broadcast": _broadcast, "slice": _slice,
         "flip": _flip}
