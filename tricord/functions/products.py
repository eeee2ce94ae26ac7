"""Products of tensors: all of them are one dot_general between some reshaping.

Dtypes are promoted to a common one, as in the array API. Integers stay integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ArgumentError, DTypeError, ShapeError, TricordError
from ..ir import arithmetic as ar
from ..ir.dtypes import bool_
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import movement as mv
from ..ir.ops.contraction import dot_general
from ..ir.shapes import broadcast_shapes, normalise_axis
from ..ir.source import user_location

__all__ = ["inner", "kron", "matmul", "matrix_transpose", "multi_dot", "outer", "tensordot",
           "vecdot"]


def _here(error: TricordError) -> TricordError:
    """The error with the user's line on it."""
    error.where = error.where or str(user_location() or "") or None
    return error


def promoted(what: str, *operands: Node) -> list[Node]:
    """All operands in their common dtype, which is not bool."""
    dtype = ar.common_dtype(what, *operands)
    if dtype is bool_:
        raise _here(DTypeError(f"{what}: is not defined for bool", hint="cast, e.g. to int32"))
    return [ew.cast(o, dtype) for o in operands]


def _check_inner(x: Node, y: Node) -> None:
    for side, operand in (("left", x), ("right", y)):
        if not operand.ndim:
            raise _here(ShapeError(f"matmul: the {side} operand is 0-d", hint="use *"))
    rows = y.shape[-2] if y.ndim > 1 else y.shape[0]
    if x.shape[-1] == rows:
        return
    hint = None
    if y.ndim == 2 and y.shape[-1] == x.shape[-1]:
        hint = f"right.T has shape {tuple(y.shape[::-1])}"
    elif x.ndim == 2 and x.shape[0] == rows:
        hint = f"left.T has shape {tuple(x.shape[::-1])}"
    raise _here(ShapeError(f"matmul: inner sizes differ, left {tuple(x.shape)} against right "
                           f"{tuple(y.shape)}", hint=hint))


def matmul(x: Node, y: Node) -> Node:
    """Matrix product over the last two axes; leading axes broadcast, a 1-d operand is a vector.

    Shapes:  x (..., m, k), y (..., k, n) -> (..., m, n); (k,) stands for a row on the left and a
             column on the right, and that axis is left out of the result
    Dtypes:  promoted to the wider of the two; integers stay integers
    Raises:  ShapeError if the two k differ; DTypeError for bool
    Cost:    2*m*n*k flops per leading index
    Source:  numpy.matmul

    >>> from ..ir.graph import make_input
    >>> from ..ir.shapes import tensor_type
    >>> from ..ir.dtypes import float32
    >>> x = make_input(0, tensor_type((5, 2, 3), float32))
    >>> w = make_input(1, tensor_type((3, 4), float32))
    >>> matmul(x, w).shape
    (5, 2, 4)
    """
    _check_inner(x, y)
    x, y = promoted("matmul", x, y)
    if y.ndim <= 2:  # one matrix for all: its rows meet the last axis of x
        return dot_general(x, y, ((x.ndim - 1,), (0,)))
    if x.ndim == 1:
        return dot_general(x, y, ((0,), (y.ndim - 2,)))
    try:
        stack = broadcast_shapes(x.shape[:-2], y.shape[:-2], what="matmul: leading axes")
    except TricordError as error:
        raise _here(error) from None
    x = mv.broadcast_to(x, (*stack, *x.shape[-2:]))
    y = mv.broadcast_to(y, (*stack, *y.shape[-2:]))
    axes, rank = tuple(range(len(stack))), len(stack)
    return dot_general(x, y, ((rank + 1,), (rank,)), (axes, axes))


def matrix_transpose(x: Node) -> Node:
    """The last two axes swapped.

    Shapes:  (..., m, n) -> (..., n, m)
    """
    if x.ndim < 2:
        raise _here(ShapeError(f"matrix_transpose: needs two axes, got shape {tuple(x.shape)}"))
    return mv.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def vecdot(x: Node, y: Node, axis: int = -1) -> Node:
    """Sum of ``conj(x) * y`` along an axis, which counts from the end; other axes broadcast.

    Source:  array API, linalg.vecdot
    """
    x, y = promoted("vecdot", x, y)
    if axis >= 0 and x.ndim != y.ndim:
        raise _here(ArgumentError(f"vecdot: with operands of rank {x.ndim} and {y.ndim} the axis "
                                  f"counts from the end, got {axis}", hint="give a negative axis"))
    x = mv.move_axis(x, normalise_axis(axis, x.ndim, "vecdot"), -1)
    y = mv.move_axis(y, normalise_axis(axis, y.ndim, "vecdot"), -1)
    if x.shape[-1] != y.shape[-1]:
        raise _here(ShapeError(f"vecdot: sizes along the axis differ, {x.shape[-1]} against "
                               f"{y.shape[-1]}"))
    stack = broadcast_shapes(x.shape[:-1], y.shape[:-1], what="vecdot")
    x = mv.broadcast_to(x, (*stack, x.shape[-1]))
    y = mv.broadcast_to(y, (*stack, y.shape[-1]))
    if x.dtype.is_complex:
        x = ew.conj(x)
    axes, last = tuple(range(len(stack))), len(stack)
    return dot_general(x, y, ((last,), (last,)), (axes, axes))


def inner(x: Node, y: Node) -> Node:
    """Sum of products over the last axis of both, without conjugation.

    Shapes:  x (*left, k), y (*right, k) -> (*left, *right)
    Source:  numpy.inner
    """
    if not x.ndim or not y.ndim:
        return x * y
    if x.shape[-1] != y.shape[-1]:
        raise _here(ShapeError(f"inner: last axes differ, {tuple(x.shape)} against "
                               f"{tuple(y.shape)}"))
    x, y = promoted("inner", x, y)
    return dot_general(x, y, ((x.ndim - 1,), (y.ndim - 1,)))


def tensordot(x: Node, y: Node, axes: int | Sequence[Any] = 2) -> Node:
    """Sum of products over pairs of axes.

    ``axes``: how many, the last of x with the first of y; or two sequences of axes.

    Raises:  ShapeError if the sizes of a pair differ
    Source:  numpy.tensordot

    >>> from ..ir.graph import make_input
    >>> from ..ir.shapes import tensor_type
    >>> from ..ir.dtypes import float32
    >>> x = make_input(0, tensor_type((2, 3, 4), float32))
    >>> tensordot(x, x, ((0, 2), (0, 2))).shape
    (3, 3)
    """
    if isinstance(axes, int):
        if not 0 <= axes <= min(x.ndim, y.ndim):
            raise _here(ShapeError(f"tensordot: {axes} axes of tensors of rank {x.ndim} and "
                                   f"{y.ndim}"))
        left, right = tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes))
    else:
        first, second = ((a,) if isinstance(a, int) else tuple(a) for a in axes)
        left = tuple(normalise_axis(a, x.ndim, "tensordot") for a in first)
        right = tuple(normalise_axis(a, y.ndim, "tensordot") for a in second)
    pairs = [(x.shape[a], y.shape[b]) for a, b in zip(left, right)]
    if len(left) != len(right) or any(a != b for a, b in pairs):
        raise _here(ShapeError(f"tensordot: axes {left} of shape {tuple(x.shape)} do not pair with "
                               f"axes {right} of shape {tuple(y.shape)}"))
    x, y = promoted("tensordot", x, y)
    return dot_general(x, y, (left, right))


def outer(x: Node, y: Node) -> Node:
    """All products of two vectors; operands of more axes are flattened.

    Shapes:  (m,), (n,) -> (m, n)
    """
    x, y = ar.promoted("outer", *(mv.reshape(o, shape) for o, shape in (
        (x, (x.size, 1)), (y, (1, y.size)))))
    return x * y


def kron(x: Node, y: Node) -> Node:
    """The Kronecker product: each element of x replaced by itself times y.

    Shapes:  (..., m, n), (..., p, q) -> (..., m*p, n*q)
    """
    rank = max(x.ndim, y.ndim)
    left, right = ((1,) * (rank - o.ndim) + tuple(o.shape) for o in (x, y))
    spread = [s for a in left for s in (a, 1)], [s for b in right for s in (1, b)]
    product = mv.reshape(x, spread[0]) * mv.reshape(y, spread[1])
    return mv.reshape(product, [a * b for a, b in zip(left, right, strict=True)])


def multi_dot(*factors: Node) -> Node:
    """The product of several matrices, in the order that needs the fewest multiplications.

    The first and the last may be vectors.

    Source:  Cormen, Leiserson, Rivest, Stein: "Introduction to Algorithms", section 15.2
    """
    if len(factors) < 2:
        raise _here(ArgumentError(f"multi_dot: takes two factors or more, got {len(factors)}"))
    sizes = _chain_sizes(factors)
    split = _best_splits(sizes)
    # Evaluate the tree from the leaves, with a stack instead of recursion.
    results: list[Node] = []
    work: list[tuple[int, int, bool]] = [(0, len(factors) - 1, False)]
    while work:
        first, last, parts_done = work.pop()
        if first == last:
            results.append(factors[first])
        elif parts_done:
            right, left = results.pop(), results.pop()
            results.append(matmul(left, right))
        else:
            cut = split[first, last]
            work += [(first, last, True), (cut + 1, last, False), (first, cut, False)]
    return results[0]


def _chain_sizes(factors: Sequence[Node]) -> list[int]:
    """The sizes s with factor i of shape (s[i], s[i + 1])."""
    ends = (0, len(factors) - 1)
    for i, f in enumerate(factors):
        if f.ndim != 2 and not (f.ndim == 1 and i in ends):
            raise _here(ShapeError(f"multi_dot: factor {i} has shape {tuple(f.shape)}; all are "
                                   "matrices, the first and the last may be vectors"))
    start = 1 if factors[0].ndim == 1 else factors[0].shape[0]
    sizes = [start, factors[0].shape[-1]]
    return sizes + [f.shape[1] if f.ndim == 2 else 1 for f in factors[1:]]


def _best_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """For each run of factors, after which one to split it."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            best = min(range(i, j), key=lambda k, i=i, j=j: (  # type: ignore[misc]
                cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]))
            split[i, j] = best
            cost[i, j] = (cost[i, best] + cost[best + 1, j]
                          + sizes[i] * sizes[best + 1] * sizes[j + 1])
    return split

