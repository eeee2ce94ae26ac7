"""``torch.linalg``."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import ArgumentError, SingularMatrixError
from ..functions import linalg as fn
from ..functions import products as pr
from ..functions import special
from ..functions.manipulation import moveaxis
from ..ir.dtypes import as_dtype, int32
from ..ir.node import Node
from ..tensor import record
from ..tensor.handle import Handle
from ..tensor.methods.linalg import EighResult, QRResult, SlogdetResult, several
from ..tensor.recorder import value_of
from ._names import unknown_name
from .creation import zeros
from .functions import tensordot

__all__ = ["LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig",
           "eigh", "eigvals", "eigvalsh", "inv", "inv_ex", "lstsq", "lu", "lu_factor", "matmul",
           "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv",
           "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "tensordot", "vander",
           "vecdot", "vector_norm"]

LinAlgError = SingularMatrixError


class SVDResult(NamedTuple):
    """Left vectors as columns, descending singular values, right vectors as rows."""

    U: Any
    S: Any
    Vh: Any


class EigResult(NamedTuple):
    eigenvalues: Any
    eigenvectors: Any


class LstsqResult(NamedTuple):
    """``residuals`` is empty unless there are more equations than unknowns and full rank."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


class LUResult(NamedTuple):
    P: Any
    L: Any
    U: Any


class LUFactorResult(NamedTuple):
    LU: Any
    pivots: Any


class WithInfo(NamedTuple):
    """A result, and zeros: failures raise."""

    result: Any
    info: Any


def cholesky(A: Any, *, upper: bool = False, out: Any = None) -> Any:
    """The lower triangular L with ``L @ L^H = A``."""
    return record(fn.cholesky, (A,), (upper,))


def _info(A: Any) -> Any:
    return zeros(tuple(A.shape[:-2]), dtype=int32)


def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """`cholesky`; raises in any case where it fails."""
    return WithInfo(cholesky(A, upper=upper), _info(A))


def inv(A: Any, *, out: Any = None) -> Any:
    """The inverse; an error, when it is computed, if a matrix is singular."""
    return record(fn.inv, (A,))


def inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """`inv`; raises in any case where it fails."""
    return WithInfo(inv(A), _info(A))


def det(A: Any, *, out: Any = None) -> Any:
    """The determinant."""
    return record(fn.det, (A,))


def slogdet(A: Any, *, out: Any = None) -> Any:
    """Sign and logarithm of the determinant."""
    return SlogdetResult(*several(fn.slogdet, (A,)))


def solve(A: Any, B: Any, *, left: bool = True, out: Any = None) -> Any:
    """The X with ``A @ X = B`` (or ``X @ A = B``)."""
    return record(fn.solve if left else _solve_from_right, (A, B))


def _solve_from_right(a: Node, b: Node) -> Node:
    return fn.matrix_transpose(fn.solve(fn.matrix_transpose(a), fn.matrix_transpose(b)))


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True,
                     unitriangular: bool = False, out: Any = None) -> Any:
    """The X with ``A @ X = B`` for triangular A."""
    return record(fn.solve_triangular, (A, B), (upper, left, False, unitriangular))


def qr(A: Any, mode: str = "reduced", *, out: Any = None) -> Any:
    """Orthonormal columns times an upper triangular matrix; mode reduced or complete."""
    return QRResult(*several(fn.qr, (A,), (mode,)))


def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Any:
    """``A = U @ diag(S) @ Vh``."""
    return SVDResult(*several(fn.svd, (A,), (full_matrices,)))


def svdvals(A: Any, *, driver: str | None = None, out: Any = None) -> Any:
    """Singular values, descending."""
    return record(fn.svdvals, (A,))


def _lower(A: Any, UPLO: str) -> Any:
    if UPLO not in ("L", "U"):
        raise ArgumentError(f"eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
    return A if UPLO == "L" else A.mH


def eigh(A: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """Ascending eigenvalues, and eigenvectors as columns, of symmetric or Hermitian matrices."""
    return EighResult(*several(fn.eigh, (_lower(A, UPLO),)))


def eigvalsh(A: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """Ascending eigenvalues of symmetric or Hermitian matrices."""
    return record(fn.eigvalsh, (_lower(A, UPLO),))


def eig(A: Any, *, out: Any = None) -> Any:
    """Complex eigenvalues, and eigenvectors as columns, of square matrices."""
    return EigResult(*several(fn.eig, (A,)))


def eigvals(A: Any, *, out: Any = None) -> Any:
    """Complex eigenvalues of square matrices."""
    return record(fn.eigvals, (A,))


def lu(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """``A = P @ L @ U``."""
    _refuse_without_pivots(pivot)
    return LUResult(*several(fn.lu, (A,)))


def lu_factor(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """L and U in one matrix, and the row exchanged with each (counted from one)."""
    _refuse_without_pivots(pivot)
    return LUFactorResult(*several(_lu_factor, (A,)))


def _refuse_without_pivots(pivot: bool) -> None:
    if not pivot:
        raise ArgumentError("lu: pivot=False is not supported")


def _lu_factor(x: Node) -> list[Node]:
    packed, pivots = fn.lu_factor(x)
    return [packed, pivots + 1]


def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X that makes ``|A @ X - B|`` least."""
    solution = record(fn.lstsq, (A, B), (rcond,))
    empty = zeros(0, dtype=solution.dtype)
    return LstsqResult(solution, empty, record(fn.matrix_rank, (A,), (rcond,)), empty)


def pinv(A: Any, *, atol: Any = None, rtol: Any = None, hermitian: bool = False,
         out: Any = None) -> Any:
    """The Moore-Penrose inverse; singular values below ``rtol`` times the largest count as 0."""
    _refuse_atol("pinv", atol)
    return record(fn.pinv, (A,), (_number(rtol),))


def matrix_rank(A: Any, *, atol: Any = None, rtol: Any = None, hermitian: bool = False,
                out: Any = None) -> Any:
    """How many singular values are above ``rtol`` times the largest."""
    _refuse_atol("matrix_rank", atol)
    return record(fn.matrix_rank, (A,), (_number(rtol),))


def _refuse_atol(name: str, atol: Any) -> None:
    if atol is not None:
        raise ArgumentError(f"{name}: atol is not supported", hint="rtol")


def _number(value: Any) -> float | None:
    return float(value_of(value)) if isinstance(value, Handle) else value


def matrix_power(A: Any, n: int, *, out: Any = None) -> Any:
    """The product of ``n`` copies; of the inverse if n is negative."""
    return record(fn.matrix_power, (A,), (int(n),))


def matrix_exp(A: Any) -> Any:
    """The exponential of square matrices."""
    return A.matrix_exp()


def vander(x: Any, *, N: int | None = None) -> Any:
    """Powers of the elements along the last axis, increasing."""
    return record(special.vander, (x,), (N, True))


def cond(A: Any, p: Any = None, *, out: Any = None) -> Any:
    """The condition number in a norm."""
    return record(fn.cond, (A,), (p,))


def _axes(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *,
                dtype: Any = None, out: Any = None) -> Any:
    """The p-norm over some axes, all by default."""
    source = x if dtype is None else x.to(as_dtype(dtype))
    return record(fn.vector_norm, (source,), (_axes(dim), keepdim, ord))


def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
                dtype: Any = None, out: Any = None) -> Any:
    """A norm of matrices: fro, nuc, 1, -1, 2, -2, inf, -inf."""
    source = A if dtype is None else A.to(as_dtype(dtype))
    first, second = (d % source.ndim for d in dim)
    return record(_matrix_norm, (source,), (ord, first, second, keepdim))


def _matrix_norm(x: Node, order: Any, first: int, second: int, keepdim: bool) -> Node:
    moved = moveaxis(x, (first, second), (-2, -1))
    found = fn.matrix_norm(moved, order, keepdim)
    return moveaxis(found, (-2, -1), (first, second)) if keepdim else found


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Any = None,
         dtype: Any = None) -> Any:
    """A vector norm over one axis (or over everything), or a matrix norm over two."""
    two = isinstance(dim, (tuple, list)) and len(dim) == 2
    if ord is not None and (two or (dim is None and A.ndim == 2)):
        return matrix_norm(A, ord, dim or (-2, -1), keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


def cross(input: Any, other: Any, *, dim: int = -1, out: Any = None) -> Any:
    """The vector at right angles to both."""
    return record(fn.cross, (input, other), (dim,))


def matmul(input: Any, other: Any, *, out: Any = None) -> Any:
    """The matrix product."""
    return record(pr.matmul, (input, other))


def vecdot(x: Any, y: Any, *, dim: int = -1, out: Any = None) -> Any:
    """Products of vectors along an axis."""
    return record(pr.vecdot, (x, y), (dim,))


def multi_dot(tensors: Any, *, out: Any = None) -> Any:
    """The product of a row of matrices, in the cheapest order."""
    return record(pr.multi_dot, tuple(tensors))


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """A diagonal of two axes, as the last one."""
    return A.diagonal(offset, dim1, dim2)


__getattr__ = unknown_name("torch.linalg", lambda: globals())
