"""Products of vectors and matrices, and what is made from them."""

from __future__ import annotations

from typing import Any

from ...errors import ShapeError
from ...functions import products as fn
from ...ir.node import Node
from ..handle import Handle
from ..recorder import record
from ..views import write

__all__ = ["ProductMethods"]


def _ranks(name: str, x: Any, y: Any, left: int, right: int) -> None:
    if x.ndim != left or y.ndim != right:
        words = {1: "a vector", 2: "a matrix", 3: "a batch of matrices"}
        raise ShapeError(f"{name}: expected {words[left]} and {words[right]}, got shapes "
                         f"{tuple(x.shape)} and {tuple(y.shape)}", hint="matmul takes any ranks")


def _add_product(x: Node, a: Node, b: Node, beta: Any, alpha: Any) -> Node:
    product = fn.matmul(a, b)
    product = product * alpha if alpha != 1 else product
    return product + (x * beta if beta != 1 else x)


class ProductMethods(Handle):
    """Products, as PyTorch names them."""

    def matmul(self, other: Any) -> Any:
        """Matrix product over the last two axes; leading axes broadcast."""
        return record(fn.matmul, (self, other))

    def mm(self, mat2: Any) -> Any:
        """The product of two matrices."""
        _ranks("mm", self, mat2, 2, 2)
        return record(fn.matmul, (self, mat2))

    def bmm(self, mat2: Any) -> Any:
        """Products of two batches of matrices."""
        _ranks("bmm", self, mat2, 3, 3)
        return record(fn.matmul, (self, mat2))

    def mv(self, vec: Any) -> Any:
        """The product of a matrix and a vector."""
        _ranks("mv", self, vec, 2, 1)
        return record(fn.matmul, (self, vec))

    def dot(self, tensor: Any) -> Any:
        """The product of two vectors."""
        _ranks("dot", self, tensor, 1, 1)
        return record(fn.matmul, (self, tensor))

    def vdot(self, other: Any) -> Any:
        return record(fn.vecdot, (self, other))

    def inner(self, other: Any) -> Any:
        """Sum of products over the last axis of both."""
        if not self.ndim or not other.ndim:
            return self * other  # type: ignore[operator]
        return record(fn.tensordot, (self, other), (((-1,), (-1,)),))

    def outer(self, vec2: Any) -> Any:
        """All products of two vectors' elements."""
        return record(fn.outer, (self, vec2))

    ger = outer

    def addmm(self, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        """``beta * self + alpha * (mat1 @ mat2)``."""
        _ranks("addmm", mat1, mat2, 2, 2)
        return record(_add_product, (self, mat1, mat2), (beta, alpha))

    def addmm_(self, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        return write(self, _add_product, (mat1, mat2), (beta, alpha))

    def addmv(self, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        return record(_add_product, (self, mat, vec), (beta, alpha))

    def baddbmm(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        return record(_add_product, (self, batch1, batch2), (beta, alpha))

    def addbmm(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        product = batch1.bmm(batch2).sum(0)
        return self * beta + product * alpha  # type: ignore[operator]

    def addr(self, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        return self * beta + vec1.outer(vec2) * alpha  # type: ignore[operator]

    def kron(self, other: Any) -> Any:
        """Every element of this tensor times the whole of the other."""
        return record(fn.kron, (self, other))

    def dist(self, other: Any, p: float = 2) -> Any:
        """The p-norm of the difference."""
        return (self - other).norm(p)  # type: ignore[operator]
