"""Device one: numpy, node by node. The oracle for every other device, and the debugger's friend."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.evaluate import Program, evaluate_node
from ..ir.node import Node
from ..ir.ops.control import merge_scans
from .executable import Array, Donated

__all__ = ["Interpreter", "evaluate_node"]


class Interpreter:
    """A program ready to run in numpy: arguments by slot in, values of the outputs out."""

    def __init__(self, outputs: Sequence[Node]):
        self.program = Program(merge_scans(outputs))

    def __call__(self, arguments: Sequence[Array],
                 donated: Donated = ()) -> list[Array]:
        return self.program(arguments)
