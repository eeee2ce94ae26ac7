"""The general dot product: batch axes kept, contracting axes summed, in one primitive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import DType
from ..lowering import Kernel
from ..node import Node
from ..record import ErrorSample, Primitive, Sample, register
from ..samples import boolean, integers, uniform
from ..shapes import Shape, TensorType
from . import elementwise as ew
from .families import NUMERIC, accept
from .movement import broadcast_leading, move_axis, transpose

__all__ = ["Dot", "dot_general"]

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


@dataclass(frozen=True)
class Dot:
    """Pairs of axes, left and right: ``contract`` are summed, ``batch`` stay and come first.

    Result axes: batch, then the left operand's free axes, then the right operand's.
    """

    left_contract: Axes
    right_contract: Axes
    left_batch: Axes = ()
    right_batch: Axes = ()


def _free(rank: int, contract: Axes, batch: Axes) -> Axes:
    return tuple(a for a in range(rank) if a not in contract and a not in batch)


def _dot_shape(p: Dot, x: TensorType, y: TensorType) -> Shape:
    for what, left, right in (("inner", p.left_contract, p.right_contract),
                              ("batch", p.left_batch, p.right_batch)):
        if len(left) != len(right):
            raise ShapeError(f"dot: {what} axes {left} and {right} are not pairs")
        for a, b in zip(left, right, strict=True):
            if not (0 <= a < x.ndim and 0 <= b < y.ndim):
                raise ShapeError(f"dot: {what} axes {a}, {b} are out of range for shapes "
                                 f"{tuple(x.shape)} and {tuple(y.shape)}")
            if x.shape[a] != y.shape[b]:
                raise ShapeError(f"dot: {what} sizes differ, {x.shape[a]} against {y.shape[b]}: "
                                 f"left {tuple(x.shape)}, right {tuple(y.shape)}")
    return Shape([*(x.shape[a] for a in p.left_batch),
                  *(x.shape[a] for a in _free(x.ndim, p.left_contract, p.left_batch)),
                  *(y.shape[a] for a in _free(y.ndim, p.right_contract, p.right_batch))])


def _dot_dtype(p: Dot, x: TensorType, y: TensorType) -> DType:
    accept("dot", NUMERIC, x.dtype)
    if x.dtype is not y.dtype:
        raise DTypeError(f"dot: operands have one dtype, got {x.dtype} and {y.dtype}",
                         hint=f"cast one, e.g. to {x.dtype}")
    return x.dtype


def _as_matrices(x: Array, order: Axes, batch: int, rows: int) -> Array:
    """Axes in order, then flattened to (batch, rows, columns)."""
    shape = x.transpose(order).shape
    size = [int(np.prod(shape[:batch])), int(np.prod(shape[batch:batch + rows])),
            int(np.prod(shape[batch + rows:]))]
    return x.transpose(order).reshape(size)


def _dot_reference(p: Dot, x: Array, y: Array) -> Array:
    left_free = _free(x.ndim, p.left_contract, p.left_batch)
    right_free = _free(y.ndim, p.right_contract, p.right_batch)
    batch = len(p.left_batch)
    a = _as_matrices(x, (*p.left_batch, *left_free, *p.left_contract), batch, len(left_free))
    b = _as_matrices(y, (*p.right_batch, *p.right_contract, *right_free), batch,
                     len(p.right_contract))
    shape = [*(x.shape[i] for i in p.left_batch), *(x.shape[i] for i in left_free),
             *(y.shape[i] for i in right_free)]
    if x.dtype.itemsize == 2 and x.dtype.kind not in "iu":  # narrow floats: sum in float32
        wide: Array = np.matmul(a.astype(np.float32), b.astype(np.float32))
        return wide.astype(x.dtype).reshape(shape)
    product: Array = np.matmul(a, b) if batch else np.matmul(a[0], b[0])
    return product.reshape(shape)


def _operand_cotangent(g: Node, other: Node, p: Dot, mine: TensorType, left: bool) -> Node:
    """Contract the cotangent with the other operand's free axes; put the axes back in order."""
    if left:
        my_contract, my_batch = p.left_contract, p.left_batch
        its_contract, its_batch = p.right_contract, p.right_batch
    else:
        my_contract, my_batch = p.right_contract, p.right_batch
        its_contract, its_batch = p.left_contract, p.left_batch
    batch = len(my_batch)
    mine_free = _free(mine.ndim, my_contract, my_batch)
    its_free = _free(other.ndim, its_contract, its_batch)
    first = batch + (len(mine_free) if left else 0)
    g_contract = tuple(range(first, first + len(its_free)))
    product = dot_general(g, other, (g_contract, its_free), (tuple(range(batch)), its_batch))
    # Axes of the product: batch, my free axes, then the contracted ones in the other's order.
    by_its_order = [my_contract[its_contract.index(a)] for a in sorted(its_contract)]
    order = (*my_batch, *mine_free, *by_its_order)
    return transpose(product, tuple(int(a) for a in np.argsort(order)))


def _dot_vjp(node: Node, g: Node) -> list[Node | None]:
    x, y = node.parents
    conj = ew.conj if node.dtype.is_complex else (lambda n: n)
    return [_operand_cotangent(g, conj(y), node.params, x.type, True) if x.needs_grad else None,
            _operand_cotangent(g, conj(x), node.params, y.type, False) if y.needs_grad else None]


def _dot_jvp(node: Node, tx: Node | None, ty: Node | None) -> Node | None:
    x, y = node.parents
    p = node.params
    contract, batch = (p.left_contract, p.right_contract), (p.left_batch, p.right_batch)
    parts = []
    if tx is not None:
        parts.append(dot_general(tx, y, contract, batch))
    if ty is not None:
        parts.append(dot_general(x, ty, contract, batch))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _plus(axes: Axes) -> Axes:
    return tuple(a + 1 for a in axes)


def _dot_batch(p: Dot, args: Sequence[Node], batched: Sequence[bool], size: int) -> Node:
    x, y = args
    if all(batched):
        return dot_general(x, y, (_plus(p.left_contract), _plus(p.right_contract)),
                           ((0, *_plus(p.left_batch)), (0, *_plus(p.right_batch))))
    if p.left_batch:
        x, y = (a if b else broadcast_leading(a, size)
                for a, b in zip(args, batched, strict=True))
        return _dot_batch(p, (x, y), (True, True), size)
    if batched[0]:  # the new axis is a free axis of the left operand, and already first
        return dot_general(x, y, (_plus(p.left_contract), p.right_contract))
    product = dot_general(x, y, (p.left_contract, _plus(p.right_contract)))
    return move_axis(product, x.ndim - len(p.left_contract), 0)


_dot = register(Primitive(
    "dot", lower=Kernel("dot"),
    params=Dot, shape_rule=_dot_shape, dtype_rule=_dot_dtype, vjp=_dot_vjp, jvp=_dot_jvp,
    batch=_dot_batch, reference=_dot_reference,
    samples=[
        Sample((uniform(3, 4), uniform(4, 5, seed=1)),
               {"left_contract": (1,), "right_contract": (0,)}),
        Sample((uniform(4, 3), uniform(5, 4, seed=1)),
               {"left_contract": (0,), "right_contract": (1,)}),
        Sample((uniform(2, 3, 4), uniform(4, 2, 5, seed=1)),
               {"left_contract": (2,), "right_contract": (0,), "left_batch": (0,),
                "right_batch": (1,)}),
        Sample((uniform(2, 3, 4), uniform(4, 3, seed=1)),
               {"left_contract": (2, 1), "right_contract": (0, 1)}),
        Sample((uniform(3), uniform(3, seed=1)), {"left_contract": (0,), "right_contract": (0,)}),
        Sample((uniform(2, 0), uniform(0, 3)), {"left_contract": (1,), "right_contract": (0,)}),
        Sample((uniform(2), uniform(3, seed=1)), {"left_contract": (), "right_contract": ()}),
        Sample((integers(2, 3), integers(3, 2, seed=1)),
               {"left_contract": (1,), "right_contract": (0,)}),
        Sample((uniform(2, 3, dtype="complex64"), uniform(3, 2, dtype="complex64", seed=1)),
               {"left_contract": (1,), "right_contract": (0,)}),
        Sample((uniform(2, 3, dtype="bfloat16"), uniform(3, 2, dtype="bfloat16", seed=1)),
               {"left_contract": (1,), "right_contract": (0,)}),
    ],
    errors=[
        ErrorSample((uniform(32, 784), uniform(10, 784)), "inner sizes differ, 784 against 10",
                    {"left_contract": (1,), "right_contract": (0,)}, ShapeError),
        ErrorSample((uniform(2, 2), uniform(2, 2, dtype="float64")), "float32 and float64",
                    {"left_contract": (1,), "right_contract": (0,)}, DTypeError),
        ErrorSample((boolean(2, 2), boolean(2, 2)), "dot: expected",
                    {"left_contract": (1,), "right_contract": (0,)}, DTypeError)]))


def dot_general(x: Node, y: Node, contract: tuple[Sequence[int], Sequence[int]],
                batch: tuple[Sequence[int], Sequence[int]] = ((), ())) -> Node:
    """Sum of products over paired axes.

    Shapes:  result axes are batch, free axes of x, free axes of y
    Dtypes:  equal, and the result's
    Cost:    2 flops per product
    """
    return _dot(x, y, left_contract=tuple(contract[0]), right_contract=tuple(contract[1]),
                left_batch=tuple(batch[0]), right_batch=tuple(batch[1]))
