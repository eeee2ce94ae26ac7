"""Eigenvalues and singular values of stacks of matrices.

Vectors are free up to a sign (a phase), and within the space of equal values altogether. Their
derivatives assume distinct values; between equal ones the share of the vectors is taken as zero, so
that functions of the values alone, or of the whole space, stay finite.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError, GradientError, ShapeError
from ..dtypes import DType, complex64, complex128, float32
from ..lowering import Host
from ..node import Node
from ..record import ErrorSample, NoGradient, Primitive, Sample, register
from ..samples import spd, uniform
from ..shapes import Shape, TensorType
from . import elementwise as ew
from .linalg import (
    batch_stacked,
    check_matrix,
    columns,
    converging,
    hermitian,
    square_errors,
    symmetrised,
)
from .matrices import (
    adjoint,
    columns_times,
    diagonal_of,
    eye,
    product,
    rows_times,
    symmetric_part,
)
from .movement import broadcast, slice_

__all__ = ["eig", "eigh", "svd"]

Array = np.ndarray[Any, Any]


def _difference(values: Node) -> Node:
    """D[i, j] = 1 / (values[j] - values[i]), zero where the two are equal."""
    rank = values.ndim
    square = (*values.shape, values.shape[-1])
    gap = broadcast(values, square, (*range(rank - 1), rank)) - broadcast(
        values, square, range(rank))
    equal = ew.equal(gap, ew.zeros_like(gap))
    return ew.where(equal, ew.zeros_like(gap), 1 / ew.where(equal, ew.scalar_like(1, gap), gap))


def _as(x: Node, dtype: DType) -> Node:
    return ew.cast(x, dtype)


def _on_diagonal(values: Node, like: Node) -> Node:
    return rows_times(eye(values.shape[-1], like.dtype, like), _as(values, like.dtype))


# ---- eigh

def _eigh_shape(p: Any, x: TensorType) -> list[Shape]:
    check_matrix("eigh", x, square=True)
    return [x.shape[:-1], x.shape]


def _eigh_reference(p: Any, x: Array) -> tuple[Array, Array]:
    with converging("eigh"):
        values, vectors = np.linalg.eigh(symmetrised(x))
    return values, vectors


def _eigh_vjp(node: Node, gw: Node | None, gv: Node | None) -> list[Node | None]:
    w, v = node.outputs
    inner: Node | None = None
    if gw is not None:
        inner = _on_diagonal(gw, v)
    if gv is not None:
        turned = product(adjoint(v), gv) * _as(_difference(w), v.dtype)
        inner = turned if inner is None else inner + turned
    assert inner is not None
    return [symmetric_part(product(v, inner, adjoint(v)))]


def _eigh_jvp(node: Node, tangent: Node) -> tuple[Node, Node]:
    w, v = node.outputs
    inner = product(adjoint(v), symmetric_part(tangent), v)
    diagonal = diagonal_of(inner)
    return (ew.real(diagonal) if inner.dtype.is_complex else diagonal,
            product(v, inner * _as(_difference(w), v.dtype)))


#: Ascending eigenvalues, and eigenvectors as columns, of (x + x^H) / 2.
eigh = register(Primitive(
    "eigh", lower=Host("LAPACK heevd"),
    shape_rule=_eigh_shape, dtype_rule=lambda p, x: [x.dtype.real, x.dtype],
    vjp=_eigh_vjp, jvp=_eigh_jvp, batch=functools.partial(batch_stacked, record=lambda: eigh),
    reference=_eigh_reference, several_outputs=True,
    samples=[Sample((spd(size=3, dtype="float64"),)), Sample((spd(2, size=3),)),
             Sample((hermitian(),), differentiable=False), Sample((spd(0, size=2),))],
    errors=square_errors("eigh")))


# ---- svd

@dataclass(frozen=True)
class SVD:
    """``full_matrices``: U and V^H are square, else they have min(m, n) columns and rows."""

    full_matrices: bool = False


def _svd_shape(p: SVD, x: TensorType) -> list[Shape]:
    check_matrix("svd", x)
    stack, (m, n) = x.shape[:-2], x.shape[-2:]
    k = min(m, n)
    rows, cols = (m, n) if p.full_matrices else (k, k)
    return [Shape((*stack, m, rows)), Shape((*stack, k)), Shape((*stack, cols, n))]


def _svd_reference(p: SVD, x: Array) -> tuple[Array, Array, Array]:
    with converging("svd"):
        u, s, vh = np.linalg.svd(x, full_matrices=p.full_matrices)
    return u, s, vh


def _thin(node: Node, vectors_wanted: bool) -> tuple[Node, Node, Node]:
    u, s, vh = node.outputs
    k = s.shape[-1]
    if u.shape[-1] == k and vh.shape[-2] == k:
        return u, s, vh
    if vectors_wanted:
        raise GradientError("svd: the additional vectors of full_matrices=True are free, so they "
                            "have no derivative", hint="full_matrices=False")
    last = vh.ndim - 1
    thin = slice_(vh, [0] * (last + 1), [*vh.shape[:-2], k, vh.shape[-1]])
    return columns(u, 0, k), s, thin


def _refuse_complex(x: Node) -> None:
    if x.dtype.is_complex:
        raise GradientError("svd: the derivative of complex singular vectors is not offered; that "
                            "of the singular values is", hint="use real matrices, or the values")


def _svd_vjp(node: Node, gu: Node | None, gs: Node | None, gvh: Node | None
             ) -> list[Node | None]:
    vectors = gu is not None or gvh is not None
    u, s, vh = _thin(node, vectors)
    inner = None if gs is None else _on_diagonal(gs, product(vh, adjoint(vh)))
    if not vectors:
        assert inner is not None
        return [product(u, inner, vh)]
    _refuse_complex(u)
    gap = _difference(s * s)
    terms = [] if inner is None else [inner]
    if gu is not None:
        turn = product(adjoint(u), gu)
        terms.append(columns_times((turn - adjoint(turn)) * gap, s))
    if gvh is not None:
        turn = product(vh, adjoint(gvh))
        terms.append(rows_times((turn - adjoint(turn)) * gap, s))
    total = product(u, functools.reduce(lambda x, y: x + y, terms), vh)
    m, n, k = u.shape[-2], vh.shape[-1], s.shape[-1]
    if gu is not None and m > k:  # what leaves the space of U
        scaled = columns_times(gu, 1 / s)
        total = total + product(scaled - product(u, adjoint(u), scaled), vh)
    if gvh is not None and n > k:
        scaled = rows_times(gvh, 1 / s)
        total = total + product(u, scaled - product(scaled, adjoint(vh), vh))
    return [total]


def _svd_jvp(node: Node, tangent: Node) -> tuple[Node | None, Node, Node | None]:
    u, s, vh = _thin(node, not node.parents[0].dtype.is_complex)
    v = adjoint(vh)
    inner = product(adjoint(u), tangent, v)
    if u.dtype.is_complex:
        return None, ew.real(diagonal_of(inner)), None
    gap = _difference(s * s)
    back = adjoint(inner)
    tu = product(u, gap * (columns_times(inner, s) + rows_times(back, s)))
    tv = product(v, gap * (rows_times(inner, s) + columns_times(back, s)))
    m, n, k = u.shape[-2], v.shape[-2], s.shape[-1]
    if m > k:
        moved = columns_times(product(tangent, v), 1 / s)
        tu = tu + moved - product(u, adjoint(u), moved)
    if n > k:
        moved = columns_times(product(adjoint(tangent), u), 1 / s)
        tv = tv + moved - product(v, vh, moved)
    return tu, diagonal_of(inner), adjoint(tv)


_svd = register(Primitive(
    "svd", lower=Host("LAPACK gesdd"), params=SVD, shape_rule=_svd_shape,
    dtype_rule=lambda p, x: [x.dtype, x.dtype.real, x.dtype], vjp=_svd_vjp, jvp=_svd_jvp,
    batch=functools.partial(batch_stacked, record=lambda: _svd), reference=_svd_reference,
    several_outputs=True,
    samples=[Sample((uniform(3, 3, dtype="float64"),)), Sample((uniform(4, 2, dtype="float64"),)),
             Sample((uniform(2, 2, 3),)), Sample((spd(size=2),), {"full_matrices": True}),
             Sample((uniform(4, 2),), {"full_matrices": True}, differentiable=False),
             Sample((uniform(3, 2, dtype="complex64"),), differentiable=False),
             Sample((uniform(0, 2, 2),), differentiable=False)],
    errors=[ErrorSample((uniform(3),), "expected a matrix", error=ShapeError),
            ErrorSample((uniform(2, 2, dtype="float16"),), "too narrow", error=DTypeError)]))


def svd(x: Node, full_matrices: bool = False) -> tuple[Node, Node, Node]:
    """x = U diag(S) V^H, singular values descending.

    Shapes:  x (..., m, n) -> (..., m, k), (..., k), (..., k, n), k = min(m, n); with
             ``full_matrices`` U is (..., m, m) and V^H (..., n, n)
    """
    u, s, vh = _svd(x, full_matrices=full_matrices).outputs
    return u, s, vh


# ---- eig

def _eig_shape(p: Any, x: TensorType) -> list[Shape]:
    check_matrix("eig", x, square=True)
    return [x.shape[:-1], x.shape]


def _eig_dtype(p: Any, x: TensorType) -> list[DType]:
    return [complex64 if x.dtype in (float32, complex64) else complex128] * 2


def _eig_reference(p: Any, x: Array) -> tuple[Array, Array]:
    wide = np.complex64 if x.dtype.itemsize == 4 or x.dtype == np.complex64 else np.complex128
    with converging("eig"):
        values, vectors = np.linalg.eig(x)
    return values.astype(wide), vectors.astype(wide)


_FREE = NoGradient("eigenvectors of a general matrix need not exist; eigh has a derivative")

#: Complex eigenvalues, in no order, and eigenvectors as columns.
eig = register(Primitive(
    "eig", lower=Host("LAPACK geev"),
    shape_rule=_eig_shape, dtype_rule=_eig_dtype, vjp=_FREE, jvp=_FREE,
    batch=functools.partial(batch_stacked, record=lambda: eig), reference=_eig_reference,
    several_outputs=True,
    samples=[Sample((uniform(3, 3),)), Sample((uniform(2, 2, 2, dtype="float64"),)),
             Sample((uniform(3, 3, dtype="complex64"),))],
    errors=square_errors("eig")))
