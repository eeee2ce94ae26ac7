"""Linear algebra over stacks of matrices: factors, solutions, norms, and the products.

Integers and bools are computed in the default floating dtype. Names and shapes are those of the
array API's linalg extension.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import ArgumentError, ShapeError, TricordError
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, finfo, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops import linalg as la
from ..ir.ops import matrices as mx
from ..ir.ops import movement as mv
from ..ir.ops import reduce as rd
from ..ir.ops import spectral as sp
from ..ir.ops.structural import iota
from ..ir.shapes import broadcast_shapes, normalise_axis
from .einsum import einsum
from .elementwise import floating
from .manipulation import diagonal, narrow
from .products import (
    _here,
    inner,
    kron,
    matmul,
    matrix_transpose,
    multi_dot,
    outer,
    promoted,
    tensordot,
    vecdot,
)
from .reduction import norm

__all__ = ["cholesky", "cholesky_solve", "cond", "cross", "det", "diagonal", "eig", "eigh",
           "eigvals", "eigvalsh", "einsum", "inner", "inv", "kron", "lstsq", "lu", "lu_factor",
           "matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose",
           "multi_dot", "outer", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
           "svdvals", "tensordot", "trace", "vecdot", "vector_norm"]


def _square(what: str, x: Node) -> Node:
    """``x`` as floats, after checking that it holds square matrices."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise _here(ShapeError(f"{what}: expected square matrices, got shape {tuple(x.shape)}"))
    return floating(x)


def _together(what: str, a: Node, b: Node) -> tuple[Node, Node]:
    """A matrix and right-hand sides in one dtype, with their leading axes stretched."""
    a, b = promoted(what, floating(a), floating(b))
    try:
        stack = broadcast_shapes(a.shape[:-2], b.shape[:-2], what=f"{what}: leading axes")
    except TricordError as error:
        raise _here(error) from None
    return (mv.broadcast_to(a, (*stack, *a.shape[-2:])),
            mv.broadcast_to(b, (*stack, *b.shape[-2:])))


# ---- factors

def cholesky(x: Node, upper: bool = False) -> Node:
    """The triangular L with ``L @ L^H = x``, or with ``upper`` the U with ``U^H @ U = x``.

    Shapes:  (..., n, n) -> (..., n, n)
    Raises:  SingularMatrixError when it runs, if a matrix is not positive definite
    """
    lower = la.cholesky(_square("cholesky", x))
    return mx.adjoint(lower) if upper else lower


def qr(x: Node, mode: str = "reduced") -> tuple[Node, Node]:
    """Q with orthonormal columns and upper triangular R; ``mode`` is reduced or complete.

    Shapes:  (..., m, n) -> (..., m, k), (..., k, n), k = min(m, n), or m when complete
    """
    if mode not in ("reduced", "complete"):
        raise _here(ArgumentError(f'qr: mode is "reduced" or "complete", got {mode!r}'))
    return la.qr(floating(x), mode == "complete")


def lu_factor(x: Node) -> tuple[Node, Node]:
    """L and U in one matrix, and the pivots, counted from 0.

    Shapes:  (..., m, n) -> (..., m, n), (..., min(m, n)) int32
    """
    packed, pivots, _ = la.lu(floating(x)).outputs
    return packed, pivots


def lu(x: Node) -> tuple[Node, Node, Node]:
    """``x = P @ L @ U``, rows exchanged for stability.

    Shapes:  (..., m, n) -> (..., m, m), (..., m, k), (..., k, n), k = min(m, n)
    """
    packed, _, order = la.lu(floating(x)).outputs
    k = min(x.shape[-2:])
    below = mx.lower_part(la.columns(packed, 0, k), strict=True)
    ones = ew.cast(_is_diagonal(below), packed.dtype)
    upper = narrow(mx.upper_part(packed), -2, 0, k)
    return mx.swapped(la.permutation_matrix(order, packed.dtype)), below + ones, upper


def _is_diagonal(x: Node) -> Node:
    last = x.ndim - 1
    return ew.equal(iota(x.shape, axis=last - 1), iota(x.shape, axis=last))


def svd(x: Node, full_matrices: bool = True) -> tuple[Node, Node, Node]:
    """U, the singular values in descending order, and V^H.

    Shapes:  (..., m, n) -> (..., m, m), (..., k), (..., n, n), k = min(m, n); without
             ``full_matrices`` U has k columns and V^H k rows
    """
    return sp.svd(floating(x), full_matrices)


def svdvals(x: Node) -> Node:
    """The singular values, descending."""
    return sp.svd(floating(x))[1]


def eigh(x: Node) -> tuple[Node, Node]:
    """Ascending eigenvalues, and eigenvectors as columns, of symmetric or Hermitian matrices.

    What is not symmetric in ``x`` is averaged away.

    Shapes:  (..., n, n) -> (..., n), (..., n, n)
    """
    values, vectors = sp.eigh(_square("eigh", x)).outputs
    return values, vectors


def eigvalsh(x: Node) -> Node:
    """The ascending eigenvalues of symmetric or Hermitian matrices."""
    return eigh(x)[0]


def eig(x: Node) -> tuple[Node, Node]:
    """Complex eigenvalues and eigenvectors of general square matrices; without a derivative."""
    values, vectors = sp.eig(_square("eig", x)).outputs
    return values, vectors


def eigvals(x: Node) -> Node:
    """The complex eigenvalues of general square matrices; without a derivative."""
    return eig(x)[0]


# ---- solutions

def solve(a: Node, b: Node) -> Node:
    """x with ``a @ x = b``; a 1-d ``b`` is one right-hand side.

    Shapes:  a (..., n, n), b (..., n, k) or (n,) -> as b, leading axes stretched
    Raises:  SingularMatrixError when it runs, if a matrix is singular
    """
    a = _square("solve", a)
    if b.ndim == 0:
        raise _here(ShapeError("solve: the right-hand side is 0-d"))
    vector = b.ndim == 1
    a, b = _together("solve", a, mv.expand_dims(b, -1) if vector else b)
    x = la.solve(a, b)
    return mv.squeeze(x, (x.ndim - 1,)) if vector else x


def solve_triangular(a: Node, b: Node, upper: bool = False, left: bool = True,
                     transposed: bool = False, unitriangular: bool = False) -> Node:
    """x with ``a @ x = b`` (or ``x @ a = b`` when not ``left``), of a one triangle being used.

    Shapes:  a (..., n, n), b (..., n, k) -> (..., n, k)
    """
    a = _square("solve_triangular", a)
    if b.ndim < 2:
        raise _here(ShapeError(f"solve_triangular: the right-hand side is a matrix, got shape "
                               f"{tuple(b.shape)}"))
    a, b = _together("solve_triangular", a, b)
    if left:
        return la.triangular_solve(a, b, lower=not upper, transposed=transposed,
                                   unit_diagonal=unitriangular)
    turned = la.triangular_solve(a, mx.swapped(b), lower=not upper, transposed=not transposed,
                                 unit_diagonal=unitriangular)
    return mx.swapped(turned)


def cholesky_solve(b: Node, factor: Node, upper: bool = False) -> Node:
    """x with ``L @ L^H @ x = b``, for a factor that `cholesky` gave."""
    factor, b = _together("cholesky_solve", _square("cholesky_solve", factor), b)
    lower = mx.adjoint(factor) if upper else factor
    half = la.triangular_solve(lower, b, lower=True)
    return la.triangular_solve(mx.mapped_conj(lower), half, lower=True, transposed=True)


def inv(x: Node) -> Node:
    """The inverse of square matrices.

    Raises:  SingularMatrixError when it runs, if a matrix is singular
    """
    x = _square("inv", x)
    return la.solve(x, mx.eye(x.shape[-1], x.dtype, x))


def _tolerance(x: Node, rtol: float | None) -> float:
    return max(x.shape[-2:]) * finfo(x.dtype).eps if rtol is None else float(rtol)


def pinv(x: Node, rtol: float | None = None) -> Node:
    """The Moore-Penrose inverse; singular values up to ``rtol`` times the largest count as zero.

    Shapes:  (..., m, n) -> (..., n, m)
    """
    x = floating(x)
    return la.pinv(x, _tolerance(x, rtol))


def lstsq(a: Node, b: Node, rtol: float | None = None) -> Node:
    """The x of least norm among those that make ``a @ x - b`` smallest."""
    vector = b.ndim == 1
    a, b = _together("lstsq", a, mv.expand_dims(b, -1) if vector else b)
    x = matmul(la.pinv(a, _tolerance(a, rtol)), b)
    return mv.squeeze(x, (x.ndim - 1,)) if vector else x


def _lu_signs(x: Node) -> tuple[Node, Node]:
    """The diagonal of U, and the sign of the exchange of rows."""
    packed, pivots, _ = la.lu(x).outputs
    counting = iota(pivots.shape, axis=pivots.ndim - 1)
    moved = ew.cast(ew.not_equal(pivots, counting), x.dtype)
    sign = rd.reduce_prod(1 - 2 * moved, axes=(pivots.ndim - 1,))
    return diagonal(packed), sign


def det(x: Node) -> Node:
    """The determinant of square matrices. Its derivative assumes that they are not singular.

    Shapes:  (..., n, n) -> (...)
    """
    factors, sign = _lu_signs(_square("det", x))
    return rd.reduce_prod(factors, axes=(factors.ndim - 1,)) * sign


def slogdet(x: Node) -> tuple[Node, Node]:
    """The sign of the determinant, and the logarithm of its magnitude."""
    factors, sign = _lu_signs(_square("slogdet", x))
    last = (factors.ndim - 1,)
    return (rd.reduce_prod(ew.sign(factors), axes=last) * sign,
            rd.reduce_sum(ew.log(ew.absolute(factors)), last))


def matrix_power(x: Node, exponent: int) -> Node:
    """The product of ``exponent`` copies of a square matrix; of its inverse if negative."""
    x = _square("matrix_power", x) if exponent < 0 else x
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        _square("matrix_power", x)
    if exponent == 0:
        return mx.eye(x.shape[-1], x.dtype, x)
    power = inv(x) if exponent < 0 else x
    result: Node | None = None
    n = abs(exponent)
    while n:
        if n & 1:
            result = power if result is None else matmul(result, power)
        n >>= 1
        power = matmul(power, power) if n else power
    assert result is not None
    return result


# ---- numbers that describe a matrix

def trace(x: Node, offset: int = 0, dtype: DType | None = None) -> Node:
    """The sum of a diagonal of the last two axes."""
    values = diagonal(x, offset)
    values = values if dtype is None else ew.cast(values, dtype)
    return rd.reduce_sum(values, (values.ndim - 1,))


def vector_norm(x: Node, axes: Any = None, keepdims: bool = False, order: float = 2) -> Node:
    """The norm of that order over the axes taken together, see `reduction.norm`."""
    return norm(x, axes, order, keepdims)


def matrix_norm(x: Node, order: float | str = "fro", keepdims: bool = False) -> Node:
    """A norm of the matrices in the last two axes.

    ``order``: "fro" (root of the sum of squares), "nuc" (sum of singular values), 2 and -2 (largest
    and smallest singular value), 1 and -1 (largest and smallest column sum), inf and -inf (row sum)
    """
    if x.ndim < 2:
        raise _here(ShapeError(f"matrix_norm: needs two axes, got shape {tuple(x.shape)}"))
    x = floating(x)
    rows, columns = x.ndim - 2, x.ndim - 1
    if order == "fro":
        return norm(x, (rows, columns), 2, keepdims)
    if order in ("nuc", 2, -2):
        values = svdvals(x)
        last = (values.ndim - 1,)
        result = (rd.reduce_sum(values, last) if order == "nuc" else
                  (rd.reduce_max if order == 2 else rd.reduce_min)(values, axes=last))
    elif order in (1, -1, math.inf, -math.inf):
        first = rows if abs(order) == 1 else columns  # type: ignore[arg-type]
        sums = rd.reduce_sum(ew.absolute(x), (first,))
        pick = rd.reduce_max if order > 0 else rd.reduce_min  # type: ignore[operator]
        result = pick(sums, axes=(sums.ndim - 1,))
    else:
        raise _here(ArgumentError(f'matrix_norm: order is "fro", "nuc", inf, 1, 2 or a negative '
                                  f"one of them, got {order!r}"))
    return mv.reshape(result, (*result.shape, 1, 1)) if keepdims else result


def cond(x: Node, order: float | str | None = None) -> Node:
    """The condition number: of the largest singular value to the smallest, or norm times norm of
    the inverse, in another ``order``."""
    if order in (None, 2, -2):
        values = svdvals(x)
        last = (values.ndim - 1,)
        large, small = rd.reduce_max(values, axes=last), rd.reduce_min(values, axes=last)
        return small / large if order == -2 else large / small
    assert order is not None
    return matrix_norm(x, order) * matrix_norm(inv(x), order)


def matrix_rank(x: Node, rtol: float | None = None) -> Node:
    """How many singular values are above ``rtol`` times the largest, as int64."""
    if x.ndim < 2:
        raise _here(ShapeError(f"matrix_rank: needs two axes, got shape {tuple(x.shape)}"))
    values = svdvals(x)
    last = values.ndim - 1
    if not values.shape[last]:
        return rd.reduce_sum(ew.cast(values, int64), (last,))
    bound = rd.reduce_max(values, axes=(last,)) * _tolerance(floating(x), rtol)
    above = ew.greater(values, mv.broadcast(bound, values.shape, range(last)))
    return rd.reduce_sum(ew.cast(above, int64), (last,))


def cross(x: Node, y: Node, axis: int = -1) -> Node:
    """The vector at right angles to both, along an axis of size 3; other axes broadcast."""
    x, y = promoted("cross", x, y)
    first, second = (normalise_axis(axis, o.ndim, "cross") for o in (x, y))
    from_end = min(first - x.ndim, second - y.ndim)  # broadcasting aligns axes at the end
    if x.shape[first] != 3 or y.shape[second] != 3:
        raise _here(ShapeError(f"cross: the axis {axis} must have size 3, got shapes "
                               f"{tuple(x.shape)} and {tuple(y.shape)}"))
    x, y = ar.promoted("cross", x, y)
    at = x.ndim + from_end
    a = [narrow(x, at, i, i + 1) for i in range(3)]
    b = [narrow(y, at, i, i + 1) for i in range(3)]
    return mv.concatenate([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                           a[0] * b[1] - a[1] * b[0]], at)
