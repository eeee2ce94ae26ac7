"""Factors of matrices and solutions of linear systems, over stacks of matrices.

Rules of the derivatives: Giles, "An extended collection of matrix derivative results" (2008), in
the form for complex numbers that PyTorch has. Eigenvalues and singular values are in `spectral`.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, GradientError, ShapeError, SingularMatrixError
from ..dtypes import DType, int32
from ..lowering import Host, Kernel
from ..node import Node
from ..record import ErrorSample, Primitive, Sample, register
from ..samples import integers, later, spd, uniform
from ..shapes import Shape, TensorType
from . import elementwise as ew
from .families import INEXACT, accept, rebind
from .matrices import (
    adjoint,
    diagonal_of,
    eye,
    lower_part,
    mapped_conj,
    product,
    rows_times,
    swapped,
    symmetric_part,
    upper_part,
)
from .movement import broadcast, broadcast_leading, concatenate, slice_
from .structural import iota

__all__ = ["cholesky", "lu", "permutation_matrix", "pinv", "qr", "solve", "triangular_solve"]

Array = np.ndarray[Any, Any]


# ---- what they share

def check_matrix(name: str, x: TensorType, *, square: bool = False) -> None:
    """Refuse what is not a stack of (square) matrices of floats of 32 bits or more."""
    accept(name, INEXACT, x.dtype)
    if x.dtype.itemsize < 4:
        raise DTypeError(f"{name}: {x.dtype} is too narrow", hint="cast to float32")
    if x.ndim < 2:
        raise ShapeError(f"{name}: expected a matrix or a stack of them, got shape "
                         f"{tuple(x.shape)}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: expected square matrices, got shape {tuple(x.shape)}")


@contextlib.contextmanager
def converging(name: str) -> Iterator[None]:
    """LAPACK's "did not converge" as an error of ours."""
    try:
        yield
    except np.linalg.LinAlgError:
        raise SingularMatrixError(f"{name}: the iteration did not converge",
                                  hint="is there a NaN or an infinity in the matrix? "
                                       "isfinite(x).all() tells") from None


def symmetrised(x: Array) -> Array:
    """(x + x^H) / 2, halved first, so that large numbers do not overflow."""
    return np.asarray(x * 0.5 + np.conj(np.swapaxes(x, -1, -2)) * 0.5)


def batch_stacked(params: Any, args: Sequence[Node], batched: Sequence[bool], size: int,
                  *, record: Callable[[], Primitive]) -> Any:
    """Batching of what works on stacks anyway: one more leading axis."""
    node = rebind(record(), params, *(a if b else broadcast_leading(a, size)
                                      for a, b in zip(args, batched, strict=True)))
    return node.outputs if node.op.several_outputs else node


@later
def hermitian(*shape: int, size: int = 3) -> Array:
    """Complex positive definite matrices."""
    half = np.asarray(uniform(*shape, size, size, dtype="complex128"))
    return np.asarray(half @ half.conj().swapaxes(-1, -2) + 4 * np.eye(size))


def square_errors(name: str) -> list[ErrorSample]:
    return [ErrorSample((uniform(2, 3),), f"{name}: expected square", error=ShapeError),
            ErrorSample((integers(2, 2),), f"{name}: expected", error=DTypeError),
            ErrorSample((uniform(2, 2, dtype="float16"),), "too narrow", error=DTypeError),
            ErrorSample((uniform(3),), "expected a matrix", error=ShapeError)]


def _half_diagonal(x: Node) -> Node:
    """The lower triangle with half the diagonal."""
    return (lower_part(x) + lower_part(x, strict=True)) * 0.5


def _total(x: Node | None, y: Node | None) -> Node | None:
    return (y if x is None else x) if x is None or y is None else x + y


# ---- cholesky

def _not_definite(p: Any, matrix: int) -> SingularMatrixError:
    return SingularMatrixError("cholesky: a matrix is not positive definite",
                               hint="add a small multiple of the identity")


def _cholesky_reference(p: Any, x: Array) -> Array:
    try:
        return np.linalg.cholesky(symmetrised(x))
    except np.linalg.LinAlgError:
        raise _not_definite(p, 0) from None


def _cholesky_vjp(node: Node, g: Node) -> list[Node | None]:
    inner = _half_diagonal(product(adjoint(node), lower_part(g)))
    # L^-H inner L^-1, by two triangular solves.
    left = triangular_solve(mapped_conj(node), inner, lower=True, transposed=True)
    both = adjoint(triangular_solve(mapped_conj(node), adjoint(left), lower=True, transposed=True))
    return [symmetric_part(both)]


def _cholesky_jvp(node: Node, tangent: Node) -> Node:
    left = triangular_solve(node, symmetric_part(tangent), lower=True)
    both = adjoint(triangular_solve(node, adjoint(left), lower=True))
    return product(node, _half_diagonal(both))


def _square_shape(name: str) -> Callable[..., Shape]:
    def rule(p: Any, x: TensorType) -> Shape:
        check_matrix(name, x, square=True)
        return x.shape

    return rule


#: The lower triangular L with L L^H = (x + x^H) / 2.
cholesky = register(Primitive(
    "cholesky", lower=Kernel("cholesky", _not_definite),
    shape_rule=_square_shape("cholesky"), dtype_rule=lambda p, x: x.dtype,
    vjp=_cholesky_vjp, jvp=_cholesky_jvp,
    batch=functools.partial(batch_stacked, record=lambda: cholesky), reference=_cholesky_reference,
    samples=[Sample((spd(size=3),)), Sample((spd(2, size=4, dtype="float64"),)),
             Sample((hermitian(),)), Sample((spd(0, size=2),))],
    errors=square_errors("cholesky")))


# ---- triangular_solve

@dataclass(frozen=True)
class Triangular:
    """Only the lower (upper) triangle of the matrix is looked at, and it is transposed then."""

    lower: bool = True
    transposed: bool = False
    unit_diagonal: bool = False


def _solve_shape(name: str) -> Callable[..., Shape]:
    def rule(p: Any, a: TensorType, b: TensorType) -> Shape:
        check_matrix(name, a, square=True)
        check_matrix(name, b)
        if a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
            raise ShapeError(f"{name}: left {tuple(a.shape)} and right {tuple(b.shape)} do not "
                             "fit; there must be as many rows, and equal leading axes")
        if a.dtype is not b.dtype:
            raise DTypeError(f"{name}: operands have one dtype, got {a.dtype} and {b.dtype}")
        return b.shape

    return rule


def _triangular_reference(p: Triangular, a: Array, b: Array) -> Array:
    a = np.tril(a) if p.lower else np.triu(a)
    if p.transposed:
        a = np.swapaxes(a, -1, -2)
    forward = p.lower != p.transposed
    x = np.array(b)
    rows = range(a.shape[-1])
    with np.errstate(all="ignore"):
        for i in rows if forward else reversed(rows):
            done = slice(0, i) if forward else slice(i + 1, None)
            x[..., i, :] -= (a[..., i, None, done] @ x[..., done, :])[..., 0, :]
            if not p.unit_diagonal:
                x[..., i, :] /= a[..., i, i, None]
    return x


def _triangle(x: Node, p: Triangular) -> Node:
    """The part of the matrix that counts."""
    return (lower_part if p.lower else upper_part)(x, strict=p.unit_diagonal)


def _triangular_vjp(node: Node, g: Node) -> list[Node | None]:
    a, p = node.parents[0], node.params
    back = _triangular(mapped_conj(a), g, lower=p.lower, transposed=not p.transposed,
                       unit_diagonal=p.unit_diagonal)
    outer = (product(mapped_conj(node), swapped(back)) if p.transposed
             else product(back, adjoint(node)))
    return [-_triangle(outer, p), back]


def _triangular_jvp(node: Node, ta: Node | None, tb: Node | None) -> Node | None:
    p = node.params
    moved = None
    if ta is not None:
        part = _triangle(ta, p)
        moved = -product(swapped(part) if p.transposed else part, node)
    total = _total(moved, tb)
    return None if total is None else rebind(node.op, p, node.parents[0], total)


_pair = (spd(size=3, dtype="float64"), uniform(3, 2, dtype="float64"))
_solve_errors = [
    ErrorSample((uniform(3, 3), uniform(2, 3)), "do not fit", error=ShapeError),
    ErrorSample((uniform(2, 3), uniform(3, 3)), "expected square", error=ShapeError),
    ErrorSample((uniform(3, 3), uniform(3, 3, dtype="float64")), "one dtype", error=DTypeError)]

_triangular = register(Primitive(
    "triangular_solve", lower=Kernel("triangular_solve"),
    params=Triangular, shape_rule=_solve_shape("triangular_solve"),
    dtype_rule=lambda p, a, b: b.dtype, vjp=_triangular_vjp, jvp=_triangular_jvp,
    batch=functools.partial(batch_stacked, record=lambda: _triangular),
    reference=_triangular_reference,
    samples=[Sample(_pair), Sample(_pair, {"lower": False}), Sample(_pair, {"transposed": True}),
             Sample(_pair, {"lower": False, "transposed": True, "unit_diagonal": True}),
             Sample((spd(2, size=3), uniform(2, 3, 1)), {"unit_diagonal": True}),
             Sample((hermitian(), uniform(3, 2, dtype="complex128"))),
             Sample((hermitian(), uniform(3, 2, dtype="complex128")), {"transposed": True})],
    errors=_solve_errors))


def triangular_solve(a: Node, b: Node, *, lower: bool, transposed: bool = False,
                     unit_diagonal: bool = False) -> Node:
    """x with ``a x = b`` for triangular a; the other triangle of a is not looked at.

    Shapes:  a (..., n, n), b (..., n, k) -> (..., n, k)
    """
    return _triangular(a, b, lower=lower, transposed=transposed, unit_diagonal=unit_diagonal)


# ---- solve

def _solve_reference(p: Any, a: Array, b: Array) -> Array:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise SingularMatrixError("solve: a matrix is singular",
                                  hint="use lstsq or pinv for the least squares solution") from None


def _solve_vjp(node: Node, g: Node) -> list[Node | None]:
    back = solve(adjoint(node.parents[0]), g)
    return [-product(back, adjoint(node)), back]


def _solve_jvp(node: Node, ta: Node | None, tb: Node | None) -> Node | None:
    total = _total(None if ta is None else -product(ta, node), tb)
    return None if total is None else solve(node.parents[0], total)


#: x with a x = b, for square matrices and a stack of as many right-hand sides.
solve = register(Primitive(
    "solve", lower=Host("LAPACK gesv"),
    shape_rule=_solve_shape("solve"), dtype_rule=lambda p, a, b: b.dtype, vjp=_solve_vjp,
    jvp=_solve_jvp, batch=functools.partial(batch_stacked, record=lambda: solve),
    reference=_solve_reference,
    samples=[Sample(_pair), Sample((spd(2, size=2), uniform(2, 2, 3))),
             Sample((hermitian(), uniform(3, 2, dtype="complex128")))],
    errors=_solve_errors))


# ---- lu

def _lu_shape(p: Any, x: TensorType) -> list[Shape]:
    check_matrix("lu", x)
    stack, (m, n) = x.shape[:-2], x.shape[-2:]
    return [x.shape, Shape((*stack, min(m, n))), Shape((*stack, m))]


def _lu_reference(p: Any, x: Array) -> tuple[Array, Array, Array]:
    """Gaussian elimination by columns, the largest element as pivot."""
    stack, (m, n) = x.shape[:-2], x.shape[-2:]
    count = math.prod(stack)
    work, which = np.array(x.reshape(count, m, n)), np.arange(count)
    pivots = np.zeros((count, min(m, n)), np.int32)
    order = np.tile(np.arange(m, dtype=np.int32), (count, 1))
    with np.errstate(all="ignore"):
        for k in range(min(m, n)):
            best = k + np.argmax(np.abs(work[:, k:, k]), axis=1) if count else which
            pivots[:, k] = best
            work[which, k], work[which, best] = work[which, best], work[which, k].copy()
            order[which, k], order[which, best] = order[which, best], order[which, k].copy()
            column = work[:, k + 1:, k]
            # A column of zeros has nothing to eliminate; the pivot stays zero.
            column[:] = np.where(work[:, k, k, None] == 0, 0, column / work[:, k, k, None])
            work[:, k + 1:, k + 1:] -= column[:, :, None] * work[:, None, k, k + 1:]
    return (work.reshape(x.shape), pivots.reshape((*stack, min(m, n))),
            order.reshape((*stack, m)))


def permutation_matrix(order: Node, dtype: DType) -> Node:
    """The P with ``(P x)[i] = x[order[i]]``."""
    size, last = order.shape[-1], order.ndim
    square = (*order.shape, size)
    row = broadcast(order, square, range(last))
    return ew.cast(ew.equal(row, iota(square, axis=last)), dtype)


def _unpacked(node: Node) -> tuple[Node, Node, Node]:
    """L, U and P of a square factorisation."""
    packed, _, order = node.outputs
    lower = lower_part(packed, strict=True) + eye(packed.shape[-1], packed.dtype, packed)
    return lower, upper_part(packed), permutation_matrix(order, packed.dtype)


def _lu_square(node: Node) -> None:
    if node.shape[-1] != node.shape[-2]:
        raise GradientError(f"lu: the derivative is offered for square matrices, got shape "
                            f"{tuple(node.shape)}", hint="use qr")


def _lu_vjp(node: Node, g: Node | None, *_: None) -> list[Node | None]:
    _lu_square(node)
    if g is None:
        return [None]
    lower, upper, order = _unpacked(node)
    inner = (lower_part(product(adjoint(lower), lower_part(g, strict=True)), strict=True)
             + upper_part(product(upper_part(g), adjoint(upper))))
    # P^T L^-H inner U^-H
    left = triangular_solve(mapped_conj(lower), inner, lower=True, transposed=True,
                            unit_diagonal=True)
    both = adjoint(triangular_solve(upper, adjoint(left), lower=False))
    return [product(swapped(order), both)]


def _lu_jvp(node: Node, tangent: Node) -> tuple[Node | None, ...]:
    _lu_square(node)
    lower, upper, order = _unpacked(node)
    left = triangular_solve(lower, product(order, tangent), lower=True, unit_diagonal=True)
    inner = swapped(triangular_solve(upper, swapped(left), lower=False, transposed=True))
    return (product(lower, lower_part(inner, strict=True)) + product(upper_part(inner), upper),
            None, None)


#: x[order] = L U. Outputs: L below and U on and above the diagonal in one matrix; the pivot of each
#: column, as LAPACK has it but counted from 0; the order of the rows.
lu = register(Primitive(
    "lu", lower=Host("LAPACK getrf"),
    shape_rule=_lu_shape, dtype_rule=lambda p, x: [x.dtype, int32, int32], vjp=_lu_vjp,
    jvp=_lu_jvp, batch=functools.partial(batch_stacked, record=lambda: lu),
    reference=_lu_reference, several_outputs=True,
    samples=[Sample((uniform(3, 3, dtype="float64"),)), Sample((uniform(2, 4, 4),)),
             Sample((uniform(3, 3, dtype="complex128"),)),
             Sample((uniform(2, 3),), differentiable=False),
             Sample((uniform(3, 2, seed=1),), differentiable=False),
             Sample((uniform(0, 2, 2),), differentiable=False),
             Sample((uniform(2, 0, 0),), differentiable=False)],
    errors=square_errors("lu")[1:]))


# ---- qr

@dataclass(frozen=True)
class QR:
    """``complete``: Q is square, else it has as many columns as the smaller of the two sizes."""

    complete: bool = False


def _qr_shape(p: QR, x: TensorType) -> list[Shape]:
    check_matrix("qr", x)
    stack, (m, n) = x.shape[:-2], x.shape[-2:]
    k = m if p.complete else min(m, n)
    return [Shape((*stack, m, k)), Shape((*stack, k, n))]


def _qr_reference(p: QR, x: Array) -> tuple[Array, Array]:
    with converging("qr"):
        q, r = np.linalg.qr(x, "complete" if p.complete else "reduced")
    return q, r


def _qr_parts(node: Node) -> tuple[Node, Node, Node]:
    """Q, the square part of R, and what of x lies right of it."""
    (x,), (q, r) = node.parents, node.outputs
    (m, n), k = x.shape[-2:], q.shape[-1]
    if k != min(m, n):
        raise GradientError(f"qr: the additional columns of a complete Q of shape {tuple(q.shape)} "
                            "are free, so they have no derivative", hint='use mode="reduced"')
    return q, columns(r, 0, k), columns(x, k, n)


def _qr_vjp(node: Node, gq: Node | None, gr: Node | None) -> list[Node | None]:
    q, r, right = _qr_parts(node)
    k = r.shape[-1]
    outside = None
    if right.shape[-1] and gr is not None:  # R = (R1 | Q^H X2): its right part is a product
        beside = columns(gr, k, gr.shape[-1])
        outside = product(q, beside)
        gq = _total(gq, product(right, adjoint(beside)))
        gr = columns(gr, 0, k)
    inner: Node | None = None
    if gr is not None:
        inner = product(upper_part(gr), adjoint(r))
    if gq is not None:
        inner = _total(inner, -product(adjoint(q), gq))
    assert inner is not None
    # Upper triangle and its mirror image, the real diagonal once.
    lower = lower_part(adjoint(inner), strict=True)
    diagonal = ew.cast(ew.real(diagonal_of(inner)), inner.dtype) if (
        inner.dtype.is_complex) else diagonal_of(inner)
    mirrored = lower + adjoint(lower) + rows_times(eye(k, inner.dtype, inner), diagonal)
    total = _total(gq, product(q, mirrored))
    assert total is not None
    found = adjoint(triangular_solve(r, adjoint(total), lower=False))
    if right.shape[-1]:
        outside = ew.zeros_like(right) if outside is None else outside
        found = concatenate([found, outside], found.ndim - 1)
    return [found]


def _qr_jvp(node: Node, tangent: Node) -> tuple[Node, Node]:
    q, r, right = _qr_parts(node)
    k = r.shape[-1]
    scaled = swapped(triangular_solve(r, swapped(columns(tangent, 0, k)), lower=False,
                                      transposed=True))
    inner = product(adjoint(q), scaled)
    below = lower_part(inner, strict=True)
    turn = below - adjoint(below)
    if inner.dtype.is_complex:  # the diagonal of R stays real
        angle = ew.imag(diagonal_of(inner))
        turn = turn + rows_times(eye(k, inner.dtype, inner),
                                 ew.complex_of(ew.zeros_like(angle), angle))
    tq = product(q, turn) + scaled - product(q, inner)
    tr = product(upper_part(inner - turn), r)
    if right.shape[-1]:
        beside = product(adjoint(tq), right) + product(
            adjoint(q), columns(tangent, k, tangent.shape[-1]))
        tr = concatenate([tr, beside], tr.ndim - 1)
    return tq, tr


def columns(x: Node, start: int, stop: int) -> Node:
    """Some columns of each matrix."""
    last = x.ndim - 1
    return slice_(x, [0] * last + [start], [*x.shape[:-1], stop])


_qr = register(Primitive(
    "qr", lower=Host("LAPACK geqrf"),
    params=QR, shape_rule=_qr_shape, dtype_rule=lambda p, x: [x.dtype, x.dtype],
    vjp=_qr_vjp, jvp=_qr_jvp, batch=functools.partial(batch_stacked, record=lambda: _qr),
    reference=_qr_reference, several_outputs=True,
    samples=[Sample((uniform(4, 3, dtype="float64"),)), Sample((uniform(2, 3, 3),)),
             Sample((uniform(3, 5, dtype="float64"),)),
             Sample((uniform(3, 3),), {"complete": True}),
             Sample((uniform(4, 2),), {"complete": True}, differentiable=False),
             Sample((uniform(3, 2, dtype="complex128"),))],
    errors=square_errors("qr")[1:]))


def qr(x: Node, complete: bool = False) -> tuple[Node, Node]:
    """x = Q R with orthonormal columns of Q and upper triangular R.

    Shapes:  x (..., m, n) -> (..., m, k), (..., k, n), k = min(m, n), or m when complete
    """
    q, r = _qr(x, complete=complete).outputs
    return q, r


# ---- pinv

@dataclass(frozen=True)
class PseudoInverse:
    """Singular values below ``rcond`` times the largest count as zero."""

    rcond: float


def _pinv_shape(p: PseudoInverse, x: TensorType) -> Shape:
    check_matrix("pinv", x)
    return Shape((*x.shape[:-2], x.shape[-1], x.shape[-2]))


def _pinv_terms(node: Node) -> tuple[Node, Node, Node, Node]:
    """x^+ (x^+)^H, 1 - x x^+, (x^+)^H x^+, 1 - x^+ x."""
    x = node.parents[0]
    left, right = product(x, node), product(node, x)
    return (product(node, adjoint(node)), eye(left.shape[-1], x.dtype, left) - left,
            product(adjoint(node), node), eye(right.shape[-1], x.dtype, right) - right)


def _pinv_vjp(node: Node, g: Node) -> list[Node | None]:
    # Golub & Pereyra (1973), transposed; holds where the rank does not change.
    before, outside_left, after, outside_right = _pinv_terms(node)
    back = adjoint(g)
    return [-product(adjoint(node), g, adjoint(node)) + product(outside_left, back, before)
            + product(after, back, outside_right)]


def _pinv_jvp(node: Node, tangent: Node) -> Node:
    before, outside_left, after, outside_right = _pinv_terms(node)
    back = adjoint(tangent)
    return (-product(node, tangent, node) + product(before, back, outside_left)
            + product(outside_right, back, after))


def _pinv_reference(p: PseudoInverse, x: Array) -> Array:
    with converging("pinv"):
        return np.linalg.pinv(x, rcond=p.rcond)


_pinv = register(Primitive(
    "pinv", lower=Host("LAPACK gesdd"),
    params=PseudoInverse, shape_rule=_pinv_shape, dtype_rule=lambda p, x: x.dtype,
    vjp=_pinv_vjp, jvp=_pinv_jvp, batch=functools.partial(batch_stacked, record=lambda: _pinv),
    reference=_pinv_reference,
    samples=[Sample((uniform(4, 2, dtype="float64"),), {"rcond": 1e-15}),
             Sample((uniform(2, 2, 3),), {"rcond": 1e-6}),
             Sample((uniform(3, 3, dtype="complex128"),), {"rcond": 1e-15})],
    errors=[ErrorSample((uniform(3),), "expected a matrix", {"rcond": 1e-6}, ShapeError),
            ErrorSample((integers(2, 2),), "pinv: expected", {"rcond": 1e-6}, DTypeError)]))


def pinv(x: Node, rcond: float) -> Node:
    """The Moore-Penrose inverse.

    Shapes:  x (..., m, n) -> (..., n, m)
    """
    return _pinv(x, rcond=float(rcond))
