"""What every kernel is: a function over memory that divides into tasks."""

from __future__ import annotations

from typing import Protocol

from ..llvm import Module

__all__ = ["KernelCode"]


class KernelCode(Protocol):
    """Machine code for one step of a program.

    `emit` defines ``void @name(ptr operand..., ptr result..., ptr scratch, i64 first, i64 last)``
    in the module, unless a function of that name is there: the name says everything that shapes
    the code. It does the tasks ``first <= t < last``, and any partition of ``range(tasks)`` over
    threads and calls gives the same bits. Operands and results are row-major and dense, 64-byte
    aligned only where the program owns them; results never overlap operands.
    """

    @property
    def name(self) -> str: ...

    @property
    def tasks(self) -> int:
        """How many parts there are, from shapes alone; at least 1."""
        ...

    @property
    def scratch(self) -> int:
        """Bytes of 64-byte aligned working memory that each thread needs."""
        ...

    @property
    def flops(self) -> int:
        """Floating-point operations, for reports and for the choice of threads."""
        ...

    def emit(self, module: Module) -> None: ...
