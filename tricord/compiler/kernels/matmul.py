"""Matrix products: which way a shape is computed, and the kernel object.

Two ways. By *columns* (`matmul_columns`): a tile of rows times vectors of columns, one broadcast
of the left operand per row and step; operands whose strides do not suit are packed first by a
kernel of their own, once for all tasks. By *inner products* (`matmul_inner`): where both operands
are dense along the inner axis, vectors run along it and nothing is packed.

The sum over the inner axis is never split, so that its order depends on the way alone, and the way
on shapes and strides alone.
"""

from __future__ import annotations

from ..llvm.values import BITS
from ..target import Target
from .matmul_base import Epilogue, Matmul, MatmulShape, Matrix
from .matmul_columns import ColumnsMatmul
from .matmul_inner import InnerMatmul

__all__ = ["Epilogue", "Matmul", "Matrix", "matmul"]

#: Rows up to which packing a right operand costs more than it saves.
_FEW_ROWS = 64


def matmul(m: int, n: int, k: int, left: Matrix, right: Matrix, out_element: str,
           target: Target, *, batch: int = 1, batch_strides: tuple[int, int, int] = (0, 0, 0),
           epilogue: Epilogue | None = None) -> Matmul:
    """The kernel for ``out[b, i, j] = sum over p of left[b, i, p] * right[b, p, j]``.

    Its pointers are left, right, out, those of the epilogue, and packed memory if `prepare` is
    not None. All elements have one type: float, double or an integer.
    """
    assert left.element == right.element == out_element
    shape = MatmulShape(m, n, k, left, right, batch, batch_strides)
    lanes = target.lanes(BITS[out_element] // 8)
    # Packing the right operand pays off once it is used for many rows; a few columns do not fill
    # the vectors of the other way.
    few = m <= _FEW_ROWS or n <= 2 * lanes
    inner = (left.column_stride == 1 and right.row_stride == 1 and right.column_stride != 1
             and k >= 4 * lanes and few)
    return InnerMatmul(shape, target, epilogue) if inner else ColumnsMatmul(shape, target, epilogue)
