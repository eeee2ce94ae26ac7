"""Products of matrices, vectors and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ArgumentError
from ..functions import products as fn
from ..functions.einsum import einsum as einsum_nodes
from ..tensor.explain import shown
from ..tensor.recorder import record
from ..tensor.tensor import Tensor
from ._arguments import integer, integers, sequence, tensor_of, where_now

__all__ = ["einsum", "matmul", "matrix_transpose", "outer", "tensordot", "vecdot"]


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Matrix product over the last two axes; leading axes broadcast.

    Shapes:  x1 (..., m, k), x2 (..., k, n) -> (..., m, n); a vector is a row on the left, a column
             on the right
    """
    return record(fn.matmul, (tensor_of(x1), tensor_of(x2)))  # type: ignore[no-any-return]


def matrix_transpose(x: Tensor, /) -> Tensor:
    """The last two axes exchanged."""
    return record(fn.matrix_transpose, (tensor_of(x),))  # type: ignore[no-any-return]


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """All products of the elements of two vectors."""
    return record(fn.outer, (tensor_of(x1), tensor_of(x2)))  # type: ignore[no-any-return]


def tensordot(x1: Tensor, x2: Tensor, /, *,
              axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Sum of products over pairs of axes; n pairs the last n of x1 with the first of x2."""
    pairs: Any = axes if isinstance(axes, int) else tuple(
        integers(sequence(a, "tensordot: axes"), "tensordot")
        for a in sequence(axes, "tensordot: axes"))
    if isinstance(pairs, tuple) and len(pairs) != 2:
        raise ArgumentError("tensordot: axes are a number, or a list for each of the two tensors, "
                            f"got {shown(axes)}", where=where_now())
    return record(fn.tensordot, (tensor_of(x1), tensor_of(x2)), (pairs,))  # type: ignore[no-any-return]


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Sum of ``conj(x1) * x2`` along an axis; the others broadcast."""
    return record(fn.vecdot, (tensor_of(x1), tensor_of(x2)),  # type: ignore[no-any-return]
                  (integer(axis, "vecdot: axis"),))


def einsum(equation: str, /, *operands: Tensor) -> Tensor:
    """Sums of products over named axes, as in ``einsum("ij,jk->ik", a, b)``."""
    if not isinstance(equation, str):
        raise ArgumentError(f'einsum: the first argument is an equation as "ij,jk->ik", got '
                            f"{shown(equation)}", where=where_now())
    return record(_einsum, [tensor_of(o) for o in operands], (equation,))  # type: ignore[no-any-return]


def _einsum(*operands_and_equation: Any) -> Any:
    *operands, equation = operands_and_equation
    return einsum_nodes(equation, *operands)
