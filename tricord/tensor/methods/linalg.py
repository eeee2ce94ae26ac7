"""Methods of matrices: factors, solutions, determinants, as PyTorch names them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...functions import linalg as fn
from ...functions.manipulation import swapaxes
from ...functions.products import matmul
from ...ir.node import Node
from ...ir.ops import elementwise as ew
from ..handle import Handle
from ..recorder import pending, record, record_nodes

__all__ = ["EighResult", "LinalgMethods", "QRResult", "SVDResult", "SlogdetResult", "several"]


class QRResult(NamedTuple):
    """Orthonormal columns, and an upper triangular matrix."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Singular vectors as columns, singular values, and vectors as columns again."""

    U: Any
    S: Any
    V: Any


class EighResult(NamedTuple):
    """Ascending eigenvalues, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its magnitude."""

    sign: Any
    logabsdet: Any


def several(function: Any, operands: tuple[Any, ...], static: tuple[Any, ...] = ()) -> list[Any]:
    """Handles on a function's several results."""
    nodes = record_nodes(function, operands, static)
    return [pending(n, operands[0]._result_class) for n in nodes]


def _logdet(x: Node) -> Node:
    sign, logarithm = fn.slogdet(x)
    return ew.where(ew.less(sign, ew.zeros_like(sign)),
                       ew.scalar_like(float("nan"), sign), logarithm)


def _svd(x: Node, some: bool) -> list[Node]:
    u, s, vh = fn.svd(x, not some)
    return [u, s, swapaxes(vh, -1, -2)]


def _matrix_exp(x: Node) -> Node:
    """Scaling and squaring: a Taylor polynomial of degree 18 of x / 2**10.

    Its error is far below rounding for norms up to about 2000.
    """
    scaled = x * 2.0 ** -10
    result = term = fn.matrix_power(x, 0) + x * 0.0
    for k in range(1, 19):
        term = matmul(term, scaled) * (1 / k)
        result = result + term
    for _ in range(10):
        result = matmul(result, result)
    return result


class LinalgMethods(Handle):
    """Linear algebra, as PyTorch names it."""

    def trace(self) -> Any:
        """The sum of a matrix's diagonal."""
        return record(fn.trace, (self,))

    def det(self) -> Any:
        """The determinant of square matrices."""
        return record(fn.det, (self,))

    def logdet(self) -> Any:
        """The logarithm of the determinant; NaN if that is negative."""
        return record(_logdet, (self,))

    def slogdet(self) -> Any:
        """Sign and logarithm of the determinant."""
        return SlogdetResult(*several(fn.slogdet, (self,)))

    def inverse(self) -> Any:
        """The inverse of square matrices; an error, when it is computed, if one is singular."""
        return record(fn.inv, (self,))

    def pinverse(self, rcond: float = 1e-15) -> Any:
        """The Moore-Penrose inverse."""
        return record(fn.pinv, (self,), (rcond,))

    def cholesky(self, upper: bool = False) -> Any:
        """The lower triangular L with ``L @ L^H = x``."""
        return record(fn.cholesky, (self,), (upper,))

    def qr(self, some: bool = True) -> Any:
        """Orthonormal columns times an upper triangular matrix."""
        return QRResult(*several(fn.qr, (self,), ("reduced" if some else "complete",)))

    def svd(self, some: bool = True, compute_uv: bool = True) -> Any:
        """Singular values and vectors; V as columns (`torch.linalg.svd` gives rows)."""
        return SVDResult(*several(_svd, (self,), (some,)))

    def matrix_exp(self) -> Any:
        """The exponential of square matrices."""
        return record(_matrix_exp, (self,))

    def matrix_power(self, n: int) -> Any:
        """The product of ``n`` copies of a square matrix; of its inverse if n is negative."""
        return record(fn.matrix_power, (self,), (int(n),))

    def cross(self, other: Any, dim: int | None = None) -> Any:
        """The vector at right angles to both, along ``dim`` or the first axis of size 3."""
        if dim is None:
            dim = next((a for a, size in enumerate(self.shape) if size == 3), -1)
        return record(fn.cross, (self, other), (dim,))
