"""The axes that windows slide over, and where in memory a window and its elements are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir.ops.window import Window
from ..llvm import Function, Value

__all__ = ["WindowAxis", "located", "window_axes"]


@dataclass(frozen=True)
class WindowAxis:
    """One axis, or neighbouring ones on which nothing happens as one.

    ``n`` elements and ``m`` windows of ``size`` elements each; ``x_stride`` and ``y_stride`` are
    from one element, and from one window, to the next in memory; ``number``: by how much the
    number of an element in its window grows from one place along this axis to the next.
    """

    n: int
    m: int
    size: int
    step: int
    dilation: int
    low: int
    x_stride: int
    y_stride: int
    number: int

    @property
    def plain(self) -> bool:
        """Whether windows are single elements, one after another."""
        return self.size == 1 and self.step == 1 and self.low == 0 and self.n == self.m

    @property
    def padded(self) -> bool:
        """Whether some window reaches out of the operand."""
        last = (self.m - 1) * self.step + (self.size - 1) * self.dilation
        return self.low > 0 or last - self.low >= self.n

    def inside(self, place: int, lanes: int = 1) -> bool:
        """Whether windows ``place`` ... ``place + lanes - 1`` lie in the operand."""
        first = place * self.step - self.low
        last = first + (lanes - 1) * self.step + (self.size - 1) * self.dilation
        return first >= 0 and last < self.n

    def position(self, f: Function, place: Value | int) -> Value:
        """Of the first element of a window; negative in the padding."""
        return f.sub(f.mul(f.index(place), self.step), self.low)

    def taps(self, f: Function, position: Value) -> tuple[Value, Value]:
        """Which places of a window that begins at ``position`` hold elements: the first, and one
        behind the last."""
        if not self.padded:
            return f.index(0), f.index(self.size)
        before = f.maximum_index(f.neg(position), 0)
        behind = f.maximum_index(f.sub(self.n, position), 0)
        if self.dilation > 1:
            before, behind = (f.binary("udiv", f.add(v, self.dilation - 1), self.dilation)
                              for v in (before, behind))
        return before, f.minimum_index(behind, self.size)


def window_axes(window: Window, x_shape: Sequence[int], y_shape: Sequence[int]) -> list[WindowAxis]:
    """At least one axis; no two neighbours are plain."""
    merged: list[tuple[int, ...]] = []
    for n, m, size, step, dilation, low in zip(
            x_shape, y_shape, window.size, window.strides, window.dilation, window.low,
            strict=True):
        entry = (n, m, size, step, dilation if size > 1 else 1, low)
        if n == m and size == step == 1 and low == 0 and merged and (
                merged[-1][0] == merged[-1][1] and merged[-1][2:] == (1, 1, 1, 0)):
            entry = (merged[-1][0] * n, merged[-1][1] * m, *entry[2:])
            merged.pop()
        merged.append(entry)
    axes: list[WindowAxis] = []
    x_stride = y_stride = number = 1
    for n, m, size, step, dilation, low in reversed(merged or [(1, 1, 1, 1, 1, 0)]):
        axes.append(WindowAxis(n, m, size, step, dilation, low, x_stride, y_stride, number))
        x_stride, y_stride, number = x_stride * n, y_stride * m, number * size
    return axes[::-1]


def located(f: Function, axes: Sequence[WindowAxis], row: Value) -> list[Value]:
    """The place along each axis of a window, from its number among all."""
    places = []
    for axis in reversed(axes):
        places.append(f.binary("urem", row, axis.m) if axis.m > 1 else f.index(0))
        row = f.binary("udiv", row, axis.m)
    return places[::-1]
