"""Products of tensors: matrix, inner, outer and general ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import DTypeError, ShapeError
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, bool_
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import broadcast_to, reshape, transpose
from ..ir.shapes import broadcast_shapes, normalise_axis

__all__ = ["dot", "matmul", "outer", "tensordot", "vecdot"]


def _common(what: str, x: Node, y: Node) -> tuple[Node, Node, DType]:
    """Both in one dtype; bools are refused."""
    dtype = ar.common_dtype(what, x, y)
    if dtype is bool_:
        raise DTypeError(f"{what}: is not defined for bool", hint="cast to an integer dtype")
    return ew.cast(x, dtype), ew.cast(y, dtype), dtype


def _inner_sizes_differ(x: Node, y: Node) -> ShapeError:
    hint = None
    if y.ndim >= 2 and y.shape[-1] == x.shape[-1]:
        hint = f"the right operand transposed has shape {(*y.shape[:-2], *y.shape[:-3:-1])}"
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0]
    return ShapeError(f"matmul: inner sizes differ, {x.shape[-1]} against {inner}: left "
                      f"{tuple(x.shape)}, right {tuple(y.shape)}", hint=hint)


def matmul(x: Node, y: Node) -> Node:
    """Matrix product over the last two axes; leading axes broadcast.

    A 1-d operand is a row on the left, a column on the right, and its axis is not in the result.

    Shapes:  x (..., m, k), y (..., k, n) -> (..., m, n)
    Dtypes:  promoted to a common one; integers stay integers
    Raises:  ShapeError if the two k differ or an operand is 0-d; DTypeError for bool
    Cost:    2*m*n*k flops per leading index
    """
    if not x.ndim or not y.ndim:
        raise ShapeError(f"matmul: operands need at least one axis, got shapes {tuple(x.shape)} "
                         f"and {tuple(y.shape)}", hint="use * with a 0-d tensor")
    x, y, _ = _common("matmul", x, y)
    if x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        raise _inner_sizes_differ(x, y)
    if y.ndim <= 2:  # the right operand has no leading axes: one product, whatever the left has
        return dot_general(x, y, ((x.ndim - 1,), (0,)))
    if x.ndim == 1:
        return reshape(_batched(reshape(x, (1, x.size)), y), (*y.shape[:-2], y.shape[-1]))
    return _batched(x, y)


def _batched(x: Node, y: Node) -> Node:
    lead = broadcast_shapes(x.shape[:-2], y.shape[:-2], what="matmul")
    if math.prod(y.shape[:-2]) == 1 and len(lead) == x.ndim - 2:
        return dot_general(x, reshape(y, y.shape[-2:]), ((x.ndim - 1,), (0,)))
    x = broadcast_to(x, (*lead, *x.shape[-2:]))
    y = broadcast_to(y, (*lead, *y.shape[-2:]))
    batch = tuple(range(len(lead)))
    return dot_general(x, y, ((len(lead) + 1,), (len(lead),)), (batch, batch))


def vecdot(x: Node, y: Node, axis: int = -1) -> Node:
    """Sum of ``conj(x) * y`` along an axis; the others broadcast.

    Raises:  ShapeError if the two sizes of the axis differ
    """
    x, y, dtype = _common("vecdot", x, y)
    if not x.ndim or not y.ndim:
        raise ShapeError("vecdot: operands need at least one axis")
    rank = max(x.ndim, y.ndim)
    # A negative axis counts from the end of both operands; others from the broadcast result.
    i = normalise_axis(axis, x.ndim if axis < 0 else rank, "vecdot") - (
        0 if axis < 0 else rank - x.ndim)
    j = normalise_axis(axis, y.ndim if axis < 0 else rank, "vecdot") - (
        0 if axis < 0 else rank - y.ndim)
    if i < 0 or j < 0 or x.shape[i] != y.shape[j]:
        raise ShapeError(f"vecdot: axis {axis} has different sizes in shapes {tuple(x.shape)} and "
                         f"{tuple(y.shape)}")
    x = transpose(x, [*(a for a in range(x.ndim) if a != i), i])
    y = transpose(y, [*(a for a in range(y.ndim) if a != j), j])
    lead = broadcast_shapes(x.shape[:-1], y.shape[:-1], what="vecdot")
    x, y = (broadcast_to(o, (*lead, o.shape[-1])) for o in (x, y))
    batch, last = tuple(range(len(lead))), (len(lead),)
    return dot_general(ew.conj(x) if dtype.is_complex else x, y, (last, last), (batch, batch))


def tensordot(x: Node, y: Node, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Node:
    """Sum of products over pairs of axes; a number n pairs the last n of x with the first n of y.

    Shapes:  the free axes of x, then those of y
    """
    if isinstance(axes, int):
        if not 0 <= axes <= min(x.ndim, y.ndim):
            raise ShapeError(f"tensordot: cannot contract {axes} axes of shapes {tuple(x.shape)} "
                             f"and {tuple(y.shape)}")
        pairs = tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes))
    else:
        left, right = axes
        pairs = (tuple(normalise_axis(a, x.ndim, "tensordot") for a in left),
                 tuple(normalise_axis(a, y.ndim, "tensordot") for a in right))
    x, y, _ = _common("tensordot", x, y)
    return dot_general(x, y, pairs)


def outer(x: Node, y: Node) -> Node:
    """All products of the elements of two vectors.

    Shapes:  (m,), (n,) -> (m, n)
    """
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(f"outer: takes two vectors, got shapes {tuple(x.shape)} and "
                         f"{tuple(y.shape)}")
    x, y, _ = _common("outer", x, y)
    return dot_general(x, y, ((), ()))


def dot(x: Node, y: Node) -> Node:
    """Sum of products of the last axis of x and the second last (or only) axis of y; no conjugate.

    Source:  numpy.dot
    """
    if not x.ndim or not y.ndim:
        return ar.multiply(x, y)
    x, y, _ = _common("dot", x, y)
    return dot_general(x, y, ((x.ndim - 1,), (max(y.ndim - 2, 0),)))
