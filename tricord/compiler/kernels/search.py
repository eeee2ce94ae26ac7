"""Places of values in a sorted axis, by bisection without branches."""

from __future__ import annotations

from ...ir.node import Node
from ..llvm import Function, Value
from ..target import Target
from .generated import Generated
from .order_keys import read_key

__all__ = ["SearchSorted"]

#: Values of one task.
_TASK = 256


class SearchSorted(Generated):
    """Tasks are pieces of the values of one row."""

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        ordered, values = node.parents
        self.dtype = ordered.dtype
        self.length = ordered.shape[-1]
        self.count = values.shape[-1]
        self.pieces = max(-(-self.count // _TASK), 1)
        self.tasks = max(ordered.shape[:-1].numel() * self.pieces, 1)
        # Each step waits for the one before.
        self.flops = 64 * values.size * max(self.length.bit_length(), 1)

    def task(self, f: Function, task: Value) -> None:
        row, piece = f.binary("udiv", task, self.pieces), f.binary("urem", task, self.pieces)
        first = f.mul(piece, _TASK)
        last = f.minimum_index(f.add(first, _TASK), self.count)
        start = f.mul(row, self.length)
        to = f.mul(row, self.count)

        def one(i: Value) -> None:
            at = f.add(to, i)
            f.store(self._place(f, start, read_key(f, f["x1"], at, self.dtype)),
                    f.offset(f["y0"], at, "i64"))

        f.loop(first, last, one)

    def _place(self, f: Function, start: Value, key: Value) -> Value:
        """How many elements of the row from ``start`` on come before the key.

        They are at least as many as ``place``, which moves on by halves of what is left: the
        number of steps follows from the length, whatever the elements are.
        """
        predicate = "slt" if self.node.params.side == "left" else "sle"
        place, left = f.index(0), self.length
        while left:
            half = (left + 1) // 2
            middle = f.add(f.add(start, place), half - 1)
            found = read_key(f, f["x0"], middle, self.dtype)
            place = f.select(f.compare(predicate, found, key), f.add(place, half), place)
            left -= half
        return place
