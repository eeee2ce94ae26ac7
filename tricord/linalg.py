"""Linear algebra: the ``linalg`` extension of the Python array API standard 2024.12, and more."""

from __future__ import annotations

from typing import Any, NamedTuple

from .errors import ArgumentError, DTypeError
from .functions import linalg as fn
from .functions import reduction as rd
from .ir import arithmetic as ar
from .ir.dtypes import as_dtype, int64
from .ir.node import Node
from .ir.ops.elementwise import cast
from .namespace._arguments import (
    integer,
    integers,
    number,
    refuse_strings,
    sum_dtype,
    tensor_of,
    where_now,
)
from .namespace._results import several
from .namespace.products import matmul, matrix_transpose, outer, tensordot, vecdot
from .tensor.handle import Handle
from .tensor.recorder import record, value_of
from .tensor.tensor import Tensor

__all__ = ["EighResult", "QRResult", "SVDResult", "SlogdetResult", "cholesky", "cond", "cross",
           "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq", "matmul", "matrix_norm",
           "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet",
           "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm"]

Axes = int | tuple[int, ...] | None


class EighResult(NamedTuple):
    """Ascending eigenvalues, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """A matrix with orthonormal columns, and an upper triangular one."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its magnitude."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """Left singular vectors as columns, descending singular values, right ones as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The lower triangular L with ``L @ L^H = x`` (or the upper U with ``U^H @ U = x``)."""
    return record(fn.cholesky, (tensor_of(x),), (bool(upper),))  # type: ignore[no-any-return]


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The vector at right angles to both, along an axis of size 3; other axes broadcast."""
    return record(fn.cross, (tensor_of(x1), tensor_of(x2)),  # type: ignore[no-any-return]
                  (integers(axis, "cross"),))


def det(x: Tensor, /) -> Tensor:
    """The determinant of square matrices."""
    return record(fn.det, (tensor_of(x),))  # type: ignore[no-any-return]


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """A diagonal of the last two axes, as the last axis of the result."""
    return record(fn.diagonal, (tensor_of(x),), (integer(offset, "diagonal: offset"),))  # type: ignore[no-any-return]


def eigh(x: Tensor, /) -> EighResult:
    """Eigenvalues and eigenvectors of symmetric or Hermitian matrices."""
    return EighResult(*several(fn.eigh, (tensor_of(x),)))


def eigvalsh(x: Tensor, /) -> Tensor:
    """The ascending eigenvalues of symmetric or Hermitian matrices."""
    return record(fn.eigvalsh, (tensor_of(x),))  # type: ignore[no-any-return]


def inv(x: Tensor, /) -> Tensor:
    """The inverse of square matrices; an error, when it is computed, if one is singular."""
    return record(fn.inv, (tensor_of(x),))  # type: ignore[no-any-return]


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: float | str | None = "fro",
                ) -> Tensor:
    """A norm of the matrices in the last two axes: fro, nuc, 1, -1, 2, -2, inf, -inf."""
    return record(fn.matrix_norm, (tensor_of(x),),  # type: ignore[no-any-return]
                  ("fro" if ord is None else ord, bool(keepdims)))


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """The product of ``n`` copies of a square matrix; of its inverse if n is negative."""
    return record(fn.matrix_power, (tensor_of(x),), (integer(n, "matrix_power: n"),))  # type: ignore[no-any-return]


def _above(values: Node, rtol: Node) -> Node:
    """How many singular values are above a tolerance of each matrix's own."""
    if not values.shape[-1]:
        return rd.sum(cast(values, int64), -1)
    largest = rd.max(values, -1, True)
    tolerance = largest * cast(rtol, values.dtype)
    return rd.sum(ar.compare["greater"](values, tolerance), -1)


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """How many singular values are above ``rtol`` times the largest, as int64."""
    x = tensor_of(x)
    if isinstance(rtol, Handle) and rtol.ndim:
        values = svdvals(x)
        return record(_above, (values, record(_column, (rtol,))))  # type: ignore[no-any-return]
    return record(fn.matrix_rank, (x,), (_number(rtol),))  # type: ignore[no-any-return]


def _column(x: Node) -> Node:
    return fn.mv.expand_dims(x, -1)


def _number(rtol: Any) -> float | None:
    """A relative tolerance as a Python number."""
    if rtol is None or isinstance(rtol, (int, float)):
        return rtol
    value = value_of(tensor_of(rtol))
    if value.dtype.kind not in "biuf":
        raise ArgumentError(f"rtol: expected a real number, got {value.dtype}", where=where_now())
    if value.size != 1:
        raise ArgumentError(f"rtol: one number is expected here, got shape {value.shape}",
                            where=where_now())
    return float(value.reshape(()))


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The Moore-Penrose inverse; singular values up to ``rtol`` times the largest count as zero."""
    x = tensor_of(x)
    if isinstance(rtol, Handle) and rtol.ndim:
        return record(_pinv_each, (x, rtol))  # type: ignore[no-any-return]
    return record(fn.pinv, (x,), (_number(rtol),))  # type: ignore[no-any-return]


def _pinv_each(x: Node, rtol: Node) -> Node:
    """The inverse through singular values, cut off matrix by matrix."""
    u, s, vh = fn.svd(x, False)
    if not s.shape[-1]:
        return fn.matmul(fn.mx.adjoint(vh), fn.mx.adjoint(u))
    limit = rd.max(s, -1, True) * cast(fn.mv.expand_dims(rtol, -1), s.dtype)
    kept = ar.compare["greater"](s, limit)
    inverse = ar.select(kept, 1 / ar.select(kept, s, 1), 0)
    scaled = fn.mx.adjoint(vh) * cast(fn.mv.expand_dims(inverse, inverse.ndim - 1), x.dtype)
    return fn.matmul(scaled, fn.mx.adjoint(u))


def qr(x: Tensor, /, *, mode: str = "reduced") -> QRResult:
    """Q with orthonormal columns and upper triangular R; ``mode`` is reduced or complete."""
    refuse_strings("qr", mode, ("reduced", "complete"))
    return QRResult(*several(fn.qr, (tensor_of(x),), (mode,)))


def slogdet(x: Tensor, /) -> SlogdetResult:
    """The sign of the determinant, and the logarithm of its magnitude."""
    return SlogdetResult(*several(fn.slogdet, (tensor_of(x),)))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The x with ``x1 @ x = x2``; a vector ``x2`` is one right-hand side."""
    return record(fn.solve, (tensor_of(x1), tensor_of(x2)))  # type: ignore[no-any-return]


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    """Singular value decomposition, ``x = U @ diag(S) @ Vh``."""
    return SVDResult(*several(fn.svd, (tensor_of(x),), (bool(full_matrices),)))


def svdvals(x: Tensor, /) -> Tensor:
    """The singular values, descending."""
    return record(fn.svdvals, (tensor_of(x),))  # type: ignore[no-any-return]


def trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sum of a diagonal of the last two axes; integers in int64 (unsigned: uint64)."""
    x = tensor_of(x)
    wanted = sum_dtype(x, dtype)
    return record(fn.trace, (x,),  # type: ignore[no-any-return]
                  (integer(offset, "trace: offset"), as_dtype(wanted)))


def vector_norm(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False,
                ord: float = 2) -> Tensor:
    """The norm of that order over the axes taken together."""
    x = tensor_of(x)
    if not x.dtype.is_inexact:
        raise DTypeError(f"vector_norm: expected a floating dtype, got {x.dtype}",
                         where=where_now(), hint="x.astype(tricord.float32)")
    return record(fn.vector_norm, (x,),  # type: ignore[no-any-return]
                  (integers(axis, "vector_norm"), bool(keepdims),
                   number(ord, "vector_norm: ord")))


def cond(x: Tensor, /, *, ord: float | str | None = None) -> Tensor:
    """The condition number of square matrices: how much solving with them magnifies errors."""
    return record(fn.cond, (tensor_of(x),), (ord,))  # type: ignore[no-any-return]


def lstsq(x1: Tensor, x2: Tensor, /, *, rtol: float | None = None) -> Tensor:
    """The x of least norm among those that make ``x1 @ x - x2`` smallest."""
    return record(fn.lstsq, (tensor_of(x1), tensor_of(x2)),  # type: ignore[no-any-return]
                  (_number(rtol),))
