"""Small graphs over stacks of matrices, the words of the linear algebra records' rules."""

from __future__ import annotations

from ..dtypes import DType
from ..node import Node
from . import elementwise as ew
from .contraction import dot_general
from .movement import broadcast, transpose
from .reduce import reduce_sum
from .structural import iota

__all__ = ["adjoint", "columns_times", "diagonal_of", "eye", "lower_part", "mapped_conj", "product",
           "rows_times", "swapped", "symmetric_part", "upper_part"]


def product(*factors: Node) -> Node:
    """The matrix product of stacks of equal leading axes."""
    total = factors[0]
    for factor in factors[1:]:
        rank = total.ndim
        stack = tuple(range(rank - 2))
        total = dot_general(total, factor, ((rank - 1,), (rank - 2,)), (stack, stack))
    return total


def swapped(x: Node) -> Node:
    """The transpose of each matrix."""
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def mapped_conj(x: Node) -> Node:
    return ew.conj(x) if x.dtype.is_complex else x


def adjoint(x: Node) -> Node:
    """The conjugate transpose of each matrix."""
    return swapped(mapped_conj(x))


def symmetric_part(x: Node) -> Node:
    return (x + adjoint(x)) * 0.5


def eye(size: int, dtype: DType, like: Node | None = None) -> Node:
    """The identity, repeated over the leading axes of ``like``."""
    square = (size, size)
    one = ew.cast(ew.equal(iota(square, axis=0), iota(square, axis=1)), dtype)
    if like is None:
        return one
    rank = like.ndim
    return broadcast(one, (*like.shape[:-2], size, size), (rank - 2, rank - 1))


def _kept(x: Node, difference: int, lower: bool) -> Node:
    """``x`` where row - column >= difference (or <= for the upper part), zero elsewhere."""
    row, column = iota(x.shape, axis=x.ndim - 2), iota(x.shape, axis=x.ndim - 1)
    distance = row - column
    bound = ew.scalar_like(difference, distance)
    mask = ew.greater_equal(distance, bound) if lower else ew.less_equal(distance, bound)
    return ew.where(mask, x, ew.zeros_like(x))


def lower_part(x: Node, strict: bool = False) -> Node:
    """The lower triangle; ``strict`` leaves the diagonal out."""
    return _kept(x, 1 if strict else 0, lower=True)


def upper_part(x: Node, strict: bool = False) -> Node:
    return _kept(x, -1 if strict else 0, lower=False)


def diagonal_of(x: Node) -> Node:
    """The main diagonal of each matrix."""
    size = min(x.shape[-2:])
    row, column = iota(x.shape, axis=x.ndim - 2), iota(x.shape, axis=x.ndim - 1)
    masked = ew.where(ew.equal(row, column), x, ew.zeros_like(x))
    # Summing over the longer axis leaves the shorter one, whose length the diagonal has.
    axis = x.ndim - 1 if x.shape[-2] == size else x.ndim - 2
    return reduce_sum(masked, (axis,))


def rows_times(x: Node, factors: Node) -> Node:
    """Row i of each matrix times ``factors[..., i]``."""
    return x * broadcast(factors, x.shape, range(x.ndim - 1))


def columns_times(x: Node, factors: Node) -> Node:
    """Column j of each matrix times ``factors[..., j]``."""
    return x * broadcast(factors, x.shape, (*range(x.ndim - 2), x.ndim - 1))
