"""Functions of `tf.linalg`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError
from ..functions import einsum as _einsum
from ..functions import linalg as la
from ..functions import manipulation as mv
from ..functions import places, products, reduction
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from . import array_ops, math_ops
from ._op import op
from .tensors import apply, apply_all, convert, pair, static_ints, where_now


def _matrix(name: str, function: Callable[..., Node], op_name: str | None = None) -> Any:
    def call(input: Any) -> Any:
        return apply(function, (convert(input),))

    call.__name__ = name
    call.__doc__ = function.__doc__
    return op(call, name=op_name or name)


cholesky = _matrix("cholesky", la.cholesky, "Cholesky")
det = _matrix("det", la.det, "MatrixDeterminant")
trace = _matrix("trace", la.trace)
pinv = _matrix("pinv", la.pinv)
eigvals = _matrix("eigvals", la.eigvals)
eigvalsh = _matrix("eigvalsh", la.eigvalsh)
matrix_rank = _matrix("matrix_rank", la.matrix_rank)


def _log_det(x: Node) -> Node:
    return la.slogdet(x)[1]


logdet = _matrix("logdet", _log_det)


@op(name="MatrixInverse")
def inv(input: Any, adjoint: bool = False) -> Any:
    """The inverse of square matrices."""
    x = convert(input)
    return apply(la.inv, (matrix_transpose(x) if adjoint else x,))


@op(name="MatrixSolve")
def solve(matrix: Any, rhs: Any, adjoint: bool = False) -> Any:
    """The x of ``matrix @ x = rhs``."""
    a, b = pair("MatrixSolve", matrix, rhs)
    return apply(la.solve, (matrix_transpose(a) if adjoint else a, b))


@op(name="MatrixTriangularSolve")
def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False) -> Any:
    """The x of ``matrix @ x = rhs`` for a triangular matrix."""
    a, b = pair("MatrixTriangularSolve", matrix, rhs)
    if adjoint:
        a, lower = matrix_transpose(a), not lower
    return apply(la.solve_triangular, (a, b), not lower)


@op
def cholesky_solve(chol: Any, rhs: Any) -> Any:
    """The x of ``L @ L.T @ x = rhs``."""
    factor, b = pair("CholeskySolve", chol, rhs)
    return apply(la.cholesky_solve, (b, factor))


@op
def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True) -> Any:
    """The x with the least squares error of ``matrix @ x = rhs``."""
    if l2_regularizer:
        raise ArgumentError("lstsq: l2_regularizer is not supported", where=where_now())
    return apply(la.lstsq, pair("MatrixSolveLs", matrix, rhs))


@op
def qr(input: Any, full_matrices: bool = False) -> Any:
    """An orthogonal and an upper triangular factor."""
    q, r = apply_all(la.qr, (convert(input),), "complete" if full_matrices else "reduced")
    return q, r


@op
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True) -> Any:
    """Singular values, and (u, v) with ``tensor = u @ diag(s) @ v.T``."""
    x = convert(tensor)
    if not compute_uv:
        return apply(la.svdvals, (x,))
    s, u, v = apply_all(_svd, (x,), bool(full_matrices))
    return s, u, v


def _svd(x: Node, full_matrices: bool) -> tuple[Node, Node, Node]:
    u, s, vh = la.svd(x, full_matrices)
    v = products.matrix_transpose(vh)
    return s, u, ew.conj(v) if v.dtype.is_complex else v


@op
def eigh(tensor: Any) -> Any:
    """Eigenvalues and eigenvectors of symmetric matrices."""
    values, vectors = apply_all(la.eigh, (convert(tensor),))
    return values, vectors


@op
def eig(tensor: Any) -> Any:
    """Eigenvalues and eigenvectors."""
    values, vectors = apply_all(la.eig, (convert(tensor),))
    return values, vectors


@op
def slogdet(input: Any) -> Any:
    """Sign and logarithm of the determinant."""
    sign, log = apply_all(la.slogdet, (convert(input),))
    return sign, log


@op(name="matrix_transpose")
def matrix_transpose(a: Any, conjugate: bool = False) -> Any:
    """The last two axes exchanged."""
    return apply(products.matrix_transpose, (convert(a),))


@op
def adjoint(matrix: Any) -> Any:
    """The last two axes exchanged, complex numbers conjugated."""
    return math_ops._unary.made["conj"](matrix_transpose(matrix))


@op
def diag(diagonal: Any, k: int = 0, num_rows: int = -1, num_cols: int = -1,
         padding_value: float = 0) -> Any:
    """Matrices with these diagonals."""
    if num_rows != -1 or num_cols != -1 or padding_value:
        raise ArgumentError("diag: num_rows, num_cols and padding_value are not supported",
                            where=where_now(), hint="tf.pad")
    return apply(mv.diagonal_embed, (convert(diagonal),), int(k))


@op
def diag_part(input: Any, k: int = 0, padding_value: float = 0) -> Any:
    """The diagonals of matrices."""
    return apply(mv.diagonal, (convert(input),), int(k))


tensor_diag, tensor_diag_part = diag, diag_part


@op
def set_diag(input: Any, diagonal: Any, k: int = 0) -> Any:
    """Matrices with their diagonals replaced."""
    return apply(_with_diagonal, pair("MatrixSetDiag", input, diagonal), int(k))


def _with_diagonal(x: Node, diagonal: Node, k: int) -> Node:
    return places.with_diagonal(x, diagonal, k)


@op
def band_part(input: Any, num_lower: Any, num_upper: Any) -> Any:
    """The matrices with zeros outside of a band; -1 keeps a whole side."""
    return apply(places.band_part, (convert(input),), static_ints(num_lower, "band_part"),
                 static_ints(num_upper, "band_part"))


@op
def matvec(a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False) -> Any:
    """Matrices times vectors."""
    x, y = pair("MatVec", a, b)
    product = math_ops.matmul(x, array_ops.expand_dims(y, -1), transpose_a=transpose_a,
                              adjoint_a=adjoint_a)
    return array_ops.squeeze(product, -1)


@op
def cross(a: Any, b: Any) -> Any:
    """The cross product of vectors of three."""
    return apply(la.cross, pair("Cross", a, b))


@op(name="norm")
def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = False,
         keep_dims: Any = None) -> Any:
    """The norm over all elements, or of vectors or matrices along axes."""
    x = convert(tensor)
    axes = static_ints(axis, "norm")
    axes = axes if axes is None or isinstance(axes, int) else tuple(axes)
    keep = bool(keepdims if keep_dims is None else keep_dims)
    if ord == "fro" and (isinstance(axes, int)):
        raise ArgumentError("'ord' must be a supported vector norm for one axis, got 'fro'",
                            where=where_now(), hint="axis=[-2, -1]")
    if ord in ("euclidean", "fro", 2) and not (ord == 2 and isinstance(axes, tuple)):
        return apply(_norm, (x,), axes, 2, keep)
    if isinstance(axes, tuple) and len(axes) == 2:
        return apply(_matrix_norm, (x,), axes, ord, keep)
    if not isinstance(ord, (int, float)):
        raise ArgumentError(f"'ord' must be a supported norm, got {ord!r}", where=where_now())
    return apply(_norm, (x,), axes, float(ord), keep)


def _norm(x: Node, axes: Any, order: float, keepdims: bool) -> Node:
    return reduction.norm(x, axes, order, keepdims)


def _matrix_norm(x: Node, axes: tuple[int, int], order: Any, keepdims: bool) -> Node:
    found = la.matrix_norm(mv.moveaxis(x, axes, (-2, -1)), order, keepdims)
    return mv.moveaxis(found, (-2, -1), axes) if keepdims else found


@op(name="Einsum")
def einsum(equation: str, *inputs: Any, optimize: str = "greedy") -> Any:
    """Products summed over letters: ``"ij,jk->ik"``."""
    first = convert(inputs[0])
    parts = [first, *(pair("Einsum", first, v)[1] for v in inputs[1:])]
    return apply(_einsum.einsum, parts, equation)


@op
def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = "float32"
        ) -> Any:
    """The identity matrix."""
    return array_ops.eye(num_rows, num_columns, batch_shape, dtype)


matmul, tensordot = math_ops.matmul, math_ops.tensordot
l2_normalize, global_norm = math_ops.l2_normalize, math_ops.global_norm


@op
def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None) -> Any:
    """The tensor divided by its norm, and the norm."""
    x = convert(tensor)
    length = norm(x, ord, axis, keepdims=True)
    return math_ops.truediv(x, length), length
