"""The first few of a long axis: a short sorted list, against whose last entry vectors of elements
are compared. Almost none gets in."""

from __future__ import annotations

from ...ir.node import Node
from ..llvm import Function, Value
from ..target import Target
from .sort import Sort, aligned

__all__ = ["FewOfMany", "top_k"]

#: The longest list that is quicker than sorting.
_FEW = 64


def top_k(node: Node, target: Target) -> Sort:
    """The kernel for a ``top_k``."""
    whole = Sort(node, target)
    if whole.short or whole.wanted > _FEW:
        return whole
    return FewOfMany(node, target)


class FewOfMany(Sort):
    """Tasks are rows along the axis.

    The list is in scratch memory: keys, and behind them positions. Before the first key stands one
    that nothing goes before.
    """

    def __init__(self, node: Node, target: Target):
        super().__init__(node, target)
        self.list_bytes = aligned((self.wanted + 1) * self.bits // 8)
        self.scratch = self.list_bytes + aligned(8 * (self.wanted + 1))
        self.flops = 8 * node.parents[0].size

    def task(self, f: Function, task: Value) -> None:
        start, to = self.starts(f, task)
        element = f"i{self.bits}"
        f.store(f.constant(-1 << (self.bits - 1), element), f["scratch"])
        f.loop(0, self.wanted, lambda i: self._insert(f, self.key(f, start, i), i, i))
        if self.wanted:
            self._rest(f, start)

        def result(i: Value) -> None:
            position = f.load(f.offset(self._positions(f), f.add(i, 1), "i64"), "i64")
            self.copy(f, start, position, to, i)

        f.loop(0, self.wanted, result)

    def _positions(self, f: Function) -> Value:
        return f.offset(f["scratch"], self.list_bytes, "i8")

    def _last(self, f: Function) -> Value:
        element = f"i{self.bits}"
        return f.load(f.offset(f["scratch"], self.wanted, element), element)

    def _insert(self, f: Function, key: Value, position: Value, count: Value | int) -> None:
        """Behind all of the first ``count`` entries that are not greater."""
        element, positions = f"i{self.bits}", self._positions(f)

        def entry(place: Value) -> Value:
            return f.load(f.offset(f["scratch"], place, element), element)

        def move(place: Value) -> list[Value]:
            up = f.add(place, 1)
            f.store(entry(place), f.offset(f["scratch"], up, element))
            position = f.load(f.offset(positions, place, "i64"), "i64")
            f.store(position, f.offset(positions, up, "i64"))
            return [f.sub(place, 1)]

        place, = f.while_([f.index(count)], lambda p: f.compare("sgt", entry(p), key), move)
        up = f.add(place, 1)
        f.store(key, f.offset(f["scratch"], up, element))
        f.store(position, f.offset(positions, up, "i64"))

    def _rest(self, f: Function, start: Value) -> None:
        """Elements behind the first ``wanted``: the last entry falls out for one that gets in."""
        def one(i: Value, last: Value) -> list[Value]:
            key = self.key(f, start, i)

            def enter() -> list[Value]:
                self._insert(f, key, i, self.wanted - 1)
                return [self._last(f)]

            return f.if_(f.compare("slt", key, last), enter, lambda: [last])

        def some(i: Value, last: Value) -> list[Value]:
            before = f.compare("slt", self.key(f, start, i, self.lanes), last)
            found = f.compare("ne", f.bitcast(before, f"i{self.lanes}"), 0)
            return f.if_(found, lambda: f.loop(i, f.add(i, self.lanes), one, carried=[last]),
                         lambda: [last])

        last = self._last(f)
        whole = self.wanted
        if self.inner == 1:
            whole += (self.length - self.wanted) // self.lanes * self.lanes
            last, = f.loop(self.wanted, whole, some, step=self.lanes, carried=[last])
        f.loop(whole, self.length, one, carried=[last])
