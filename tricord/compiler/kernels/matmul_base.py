"""What the two ways of a matrix product share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..llvm import Function, Module, Value
from ..llvm.values import BITS
from ..target import Target

__all__ = ["Epilogue", "Matmul", "MatmulShape", "Matrix", "even_panels", "panel_start"]


@dataclass(frozen=True)
class Matrix:
    """An operand in memory: its elements, and strides counted in them."""

    element: str
    row_stride: int
    column_stride: int


class Epilogue(Protocol):
    """What is done with the result while it is in registers. It stores the results itself."""

    key: str
    operands: int

    def apply(self, f: Function, value: Value, row: Value, column: Value, lanes: int,
              mask: Value | None, pointers: Sequence[Value]) -> None:
        """``value``: ``lanes`` neighbouring columns of one row, those of ``mask`` existing."""
        ...


@dataclass(frozen=True)
class MatmulShape:
    """Everything that shapes the code of a product, but its epilogue."""

    m: int
    n: int
    k: int
    left: Matrix
    right: Matrix
    batch: int
    batch_strides: tuple[int, int, int]

    @property
    def element(self) -> str:
        return self.left.element


class Matmul:
    """What both ways share. See `kernels.kernel.KernelCode`."""

    #: packs operands, or None; run before, on left, right and the packed memory
    prepare: Matmul | None = None
    packed_bytes = 0
    scratch = 0

    def __init__(self, shape: MatmulShape, target: Target, epilogue: Epilogue | None):
        self.shape = shape
        self.target = target
        self.epilogue = epilogue
        self.itemsize = BITS[shape.element] // 8
        self.lanes = target.lanes(self.itemsize)
        facts = f"{type(self).__name__}|{shape}|{epilogue.key if epilogue else ''}|{target.name}"
        self.digest = hashlib.sha256(facts.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        return f"matmul_{self.digest}"

    @property
    def flops(self) -> int:
        s = self.shape
        return 2 * s.batch * s.m * s.n * s.k

    @property
    def tasks(self) -> int:
        raise NotImplementedError

    def emit(self, module: Module) -> None:
        raise NotImplementedError

    # ---- for the writers of both ways

    def arguments(self, packed: bool) -> list[tuple[str, str]]:
        more = self.epilogue.operands if self.epilogue else 0
        names = ["left", "right", "out", *(f"e{i}" for i in range(more))]
        names += ["packed"] if packed else []
        return [*(("ptr", n) for n in names), ("ptr", "scratch"), ("i64", "first"),
                ("i64", "last")]

    def epilogue_pointers(self, f: Function) -> list[Value]:
        return [f[f"e{i}"] for i in range(self.epilogue.operands if self.epilogue else 0)]

    def finish(self, f: Function, value: Value, row: Value, column: Value, lanes: int,
               mask: Value | None) -> None:
        """Hand a finished vector to the epilogue, or store it."""
        if self.epilogue is not None:
            self.epilogue.apply(f, value, row, column, lanes, mask, self.epilogue_pointers(f))
            return
        at = f.add(f.mul(row, self.shape.n), column)
        f.store(value, f.offset(f["out"], at, self.shape.element), mask=mask)

    def multiply_add(self, f: Function, a: Value, b: Value, total: Value) -> Value:
        if self.shape.element[0] == "i":
            return f.add(total, f.mul(a, b))
        return f.fma(a, b, total)

    def batched(self, f: Function, number: Value) -> dict[str, Value]:
        """The operands of one matrix of the batch."""
        s = self.shape
        return {name: f.offset(f[name], f.mul(number, stride), s.element)
                for name, stride in zip(("left", "right", "out"), s.batch_strides, strict=True)}


def even_panels(size: int, most: int) -> tuple[int, int, int]:
    """Rows cut into as few panels as possible of at most ``most``, as even as possible.

    Returns the number of panels, the rows of the first ones, and how many have that many; the
    others have one less.

    >>> even_panels(128, 14)
    (10, 13, 8)
    """
    if not size:
        return 0, 0, 0
    count = -(-size // most)
    rows = -(-size // count)
    return count, rows, count - (count * rows - size)


def panel_start(f: Function, panel: Value, rows: int, full: int, count: int) -> Value:
    """The first row of a panel."""
    start = f.mul(panel, rows)
    if full == count:
        return start
    return f.sub(start, f.maximum_index(f.sub(panel, full), 0))
