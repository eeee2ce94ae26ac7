"""What kernels that are made from one node share: their name, their memory, their frame."""

from __future__ import annotations

import hashlib

from ...ir.dtypes import DType, bool_
from ...ir.node import Node
from .. import scalars
from ..llvm import Function, Module, Value, element_of
from ..target import Target

__all__ = ["Generated", "read", "row_start", "write"]


class Generated:
    """A kernel whose operands are the node's parents, its results the node's outputs.

    Operands are called ``x0, x1, ...`` in the function, results ``y0, y1, ...``. See
    `kernels.kernel.KernelCode`.
    """

    #: bytes of working memory per thread; how many floating-point operations, roughly
    scratch = 0
    flops = 0
    tasks = 1
    #: whether there is one more pointer, before ``scratch``: to the status, two words, the first
    #: not 0 where a value is refused
    reports = False

    def __init__(self, node: Node, target: Target):
        self.node = node
        self.target = target
        facts = f"{node.params}|{[p.type for p in node.parents]}|{node.types}|{target.name}"
        digest = hashlib.sha256(facts.encode()).hexdigest()[:16]
        self.name = f"{node.op.name}_{digest}"

    def emit(self, module: Module) -> None:
        if self.name in module:
            return
        pointers = [f"x{i}" for i in range(len(self.node.parents))]
        pointers += [f"y{i}" for i in range(len(self.node.types))]
        pointers += ["status", "scratch"] if self.reports else ["scratch"]
        f = module.function(self.name, [*(("ptr", n) for n in pointers), ("i64", "first"),
                                        ("i64", "last")], attributes="nounwind noinline")
        self.body(f)
        f.ret()

    def body(self, f: Function) -> None:
        """All tasks from ``first`` to ``last``."""
        f.loop(f["first"], f["last"], lambda task: self.task(f, task))

    def task(self, f: Function, task: Value) -> None:
        raise NotImplementedError


def read(f: Function, pointer: Value, at: Value | int, dtype: DType, lanes: int = 1,
         mask: Value | None = None) -> Value:
    """Neighbouring elements from memory to a register: a bool becomes one bit."""
    element = scalars.memory_of(dtype)
    type = element if lanes == 1 else f"<{lanes} x {element}>"
    value = f.load(f.offset(pointer, at, element), type, mask=mask)
    return f.compare("ne", value, 0) if dtype is bool_ else value


def write(f: Function, value: Value, pointer: Value, at: Value | int,
          mask: Value | None = None) -> None:
    """Neighbouring elements from a register to memory: a bit becomes a byte."""
    if element_of(value.type) == "i1":
        value = f.convert(value, "i8")
    f.store(value, f.offset(pointer, at, element_of(value.type)), mask=mask)


def row_start(f: Function, row: Value, length: int, inner: int) -> Value:
    """The index of the first element of a row along an axis of ``length`` whose elements are
    ``inner`` apart."""
    outer, place = f.binary("udiv", row, inner), f.binary("urem", row, inner)
    return f.add(f.mul(outer, length * inner), place)
