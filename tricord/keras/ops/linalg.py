"""keras.ops: linear algebra, and special functions of keras.ops.math."""

from __future__ import annotations

from typing import Any

from ...functions import elementwise as ew
from ...functions import fft as transforms
from ...functions import linalg, special
from ...tensor import record
from ...tensor.handle import Handle
from ...tensor.recorder import pending, record_nodes
from .._operation import as_tensor, op
from .elementwise import floats

__all__ = ["cdist", "cholesky", "cholesky_inverse", "det", "eig", "eigh", "erf", "erfc", "erfinv",
           "fft", "fft2", "ifft2", "inv", "logdet", "lstsq", "lu_factor", "matrix_rank", "norm",
           "pinv", "qr", "rsqrt", "slogdet", "solve", "solve_triangular", "svd"]


def _pair(function: Any, x: Any, static: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    return tuple(pending(n, Handle._result_class) for n in record_nodes(function, (x,), static))


def _unary(name: str, composite: Any, doc: str, module: str = "linalg") -> Any:
    def function(x: Any) -> Any:
        return record(composite, (floats(x),))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return op(1, module)(function)


det = _unary("det", linalg.det, "The determinant.")
inv = _unary("inv", linalg.inv, "The inverse.")
pinv = _unary("pinv", linalg.pinv, "The pseudo-inverse.")
erf = _unary("erf", ew.erf, "The error function.", "math")
erfc = _unary("erfc", ew.erfc, "One minus the error function.", "math")
erfinv = _unary("erfinv", ew.erfinv, "The inverse of the error function.", "math")
rsqrt = _unary("rsqrt", ew.rsqrt, "``1 / sqrt(x)``.", "math")


@op(1, "linalg")
def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangular factor of a positive definite matrix."""
    return record(linalg.cholesky, (floats(x),), (upper,))


@op(1, "linalg")
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of the matrix that has this factor."""
    x = floats(x)
    factor = x.swapaxes(-1, -2) if upper else x
    return inv(factor @ factor.swapaxes(-1, -2))


@op(1, "linalg")
def qr(x: Any, mode: str = "reduced") -> Any:
    """An orthogonal and a triangular factor."""
    return _pair(linalg.qr, floats(x), (mode,))


@op(1, "linalg")
def eig(x: Any) -> Any:
    """Eigenvalues and eigenvectors."""
    return _pair(linalg.eig, floats(x))


@op(1, "linalg")
def eigh(x: Any) -> Any:
    """Eigenvalues and eigenvectors of a symmetric matrix."""
    return _pair(linalg.eigh, floats(x))


@op(1, "linalg")
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular vectors and values."""
    if not compute_uv:
        return record(linalg.svdvals, (floats(x),))
    return _pair(linalg.svd, floats(x), (full_matrices,))


@op(1, "linalg")
def lu_factor(x: Any) -> Any:
    """Triangular factors in one matrix, and the rows exchanged."""
    return _pair(linalg.lu_factor, floats(x))


@op(1, "linalg")
def slogdet(x: Any) -> Any:
    """Sign and logarithm of the determinant."""
    return _pair(linalg.slogdet, floats(x))


@op(1, "linalg")
def logdet(x: Any) -> Any:
    """The logarithm of the determinant of a positive definite matrix."""
    return slogdet(x)[1]


@op(2, "linalg")
def solve(a: Any, b: Any) -> Any:
    """``x`` with ``a @ x = b``."""
    return record(linalg.solve, (floats(a), floats(b)))


@op(2, "linalg")
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """``x`` with ``a @ x = b`` for a triangular a."""
    return record(linalg.solve_triangular, (floats(a), floats(b)), (not lower,))


@op(2, "linalg")
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x that brings ``a @ x`` nearest to b."""
    return record(linalg.lstsq, (floats(a), floats(b)), (rcond,))


@op(1, "linalg")
def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The number of singular values that are not zero."""
    return record(linalg.matrix_rank, (floats(x),), (tol,))


@op(1, "linalg")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm over one axis, over two (of matrices), or of all elements."""
    x = floats(x)
    axis = tuple(axis) if isinstance(axis, list) else axis
    matrix = (isinstance(axis, tuple) and len(axis) == 2) or (axis is None and x.ndim == 2)
    if ord is None or not matrix or (ord == "fro" and axis is None):
        order = 2.0 if ord in (None, "fro", "euclidean") else ord
        return record(linalg.vector_norm, (x,), (axis, keepdims, order))
    if isinstance(axis, tuple) and axis not in ((-2, -1), (x.ndim - 2, x.ndim - 1)):
        x = x.moveaxis(axis, (-2, -1))
    return record(linalg.matrix_norm, (x,), (ord, keepdims))


@op(2, "math")
def cdist(x1: Any, x2: Any, p: float = 2.0) -> Any:
    """Distances between all pairs of rows."""
    return record(special.cdist, (floats(x1), floats(x2)), (float(p),))


def _complex(x: Any) -> Any:
    re, im = (as_tensor(p) for p in x)
    return record(ew.complex_of, (re, im))


def _parts(x: Any) -> tuple[Any, Any]:
    return record(ew.real, (x,)), record(ew.imag, (x,))


def fft(x: Any) -> Any:
    """The Fourier transform along the last axis; real and imaginary parts in and out."""
    return _parts(record(transforms.fft, (_complex(x),)))


def fft2(x: Any) -> Any:
    """The Fourier transform along the last two axes."""
    return _parts(record(transforms.fftn, (_complex(x),), (None, (-2, -1))))


def ifft2(x: Any) -> Any:
    """The inverse of `fft2`."""
    return _parts(record(transforms.ifftn, (_complex(x),), (None, (-2, -1))))
