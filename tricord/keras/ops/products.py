"""keras.ops: products of tensors."""

from __future__ import annotations

from typing import Any

from ...functions import linalg, products
from ...functions.einsum import einsum as _einsum
from ...tensor import record
from .._operation import as_tensor, op
from ..graph import any_symbolic
from .shapes import ravel


@op(2)
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product over the last two axes."""
    return record(products.matmul, (as_tensor(x1), as_tensor(x2)))


@op(2)
def dot(x1: Any, x2: Any) -> Any:
    """The sum over the last axis of one and the second-last of the other."""
    a, b = as_tensor(x1), as_tensor(x2)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim == 1:
        return record(products.tensordot, (a, b), (((a.ndim - 1,), (0,)),))
    return record(products.tensordot, (a, b), (((a.ndim - 1,), (b.ndim - 2,)),))


@op(2)
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum over pairs of axes."""
    if not isinstance(axes, int):
        axes = tuple(tuple(a) if isinstance(a, (list, tuple)) else (a,) for a in axes)
    return record(products.tensordot, (as_tensor(x1), as_tensor(x2)), (axes,))


@op(2)
def outer(x1: Any, x2: Any) -> Any:
    """All products of an element of each."""
    return record(products.outer, (ravel(x1), ravel(x2)))


@op(2)
def inner(x1: Any, x2: Any) -> Any:
    """Sums of products over the last axes."""
    return record(products.inner, (as_tensor(x1), as_tensor(x2)))


@op(2)
def vdot(x1: Any, x2: Any) -> Any:
    """The sum of all products; the first is conjugated."""
    return record(products.vecdot, (ravel(x1), ravel(x2)), (-1,))


@op(2)
def kron(x1: Any, x2: Any) -> Any:
    """The Kronecker product."""
    return record(products.kron, (as_tensor(x1), as_tensor(x2)))


@op(2)
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1,
          axis: int | None = None) -> Any:
    """The cross product of vectors of three elements."""
    return record(linalg.cross, (as_tensor(x1), as_tensor(x2)),
                  (axisa if axis is None else axis,))


def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's sum convention: ``einsum("ij,jk->ik", a, b)``."""
    if any_symbolic(operands):
        return _einsum_of(list(operands), subscripts)
    return record(_einsum, [as_tensor(o) for o in operands], (subscripts,))


@op(1, "numpy", "Einsum")
def _einsum_of(operands: Any, subscripts: str) -> Any:
    return record(_einsum, [as_tensor(o) for o in operands], (subscripts,))
