"""Loop IR: one kernel as a nest of loops over values, with a printed form.

::

    nest    = "nest" NAME "(" buffers ")" "-> (" buffers ")"  loops  statement*
    loops   = "for i0 < 32, i1 < 10"            kept loops first, then "| reduce i1" ones
    value   = "%3 = load b0[10 i0 + i1]"        one element of a buffer, per round
            | "%3 = constant 2.5"
            | "%3 = index 2 i0 + 1"             an affine index as a number
            | "%3 = exp %2"                     a scalar function of values of the same round
            | "%3 = reduce maximum %2"          over the reduced loops; a value of the kept ones
            | "%3 = given"                      handed in by the kernel around it (an epilogue)
    store   = "store %3 -> b2[10 i0 + i1]"

A value lives as far out as it can: it is computed in the innermost loop that it depends on. The
last loop of the domain is the *lane* loop: it is taken in steps of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..ir.dtypes import DType
from .affine import Affine

__all__ = ["Apply", "Buffer", "Given", "Load", "Nest", "Number", "Position", "Reduce", "Store",
           "Value"]


@dataclass(frozen=True)
class Buffer:
    """A tensor in memory, by its place among the kernel's pointers."""

    number: int
    dtype: DType


@dataclass(frozen=True)
class Load:
    buffer: int
    at: Affine
    dtype: DType


@dataclass(frozen=True)
class Number:
    """``text``: as Python writes the number, which tells 0.0 and -0.0 apart."""

    text: str
    dtype: DType

    @property
    def value(self) -> Any:
        return float(self.text) if self.dtype.kind == "f" else (
            self.text == "True" if self.dtype.kind == "b" else int(self.text))


@dataclass(frozen=True)
class Position:
    at: Affine
    dtype: DType


@dataclass(frozen=True)
class Apply:
    """A scalar function of earlier values, by their numbers."""

    function: str
    params: Any
    operands: tuple[int, ...]
    dtype: DType


@dataclass(frozen=True)
class Reduce:
    combine: str
    operand: int
    dtype: DType


@dataclass(frozen=True)
class Given:
    dtype: DType


Value = Load | Number | Position | Apply | Reduce | Given


@dataclass(frozen=True)
class Store:
    value: int
    buffer: int
    at: Affine


@dataclass(frozen=True)
class Nest:
    """``extents``: of all loops, ``reduced``: which of them are reduced over. Values refer to
    earlier ones. ``buffers``: dtypes of all pointers, those read first, then those written."""

    extents: tuple[int, ...]
    reduced: tuple[int, ...]
    buffers: tuple[DType, ...]
    reads: int
    values: tuple[Value, ...]
    stores: tuple[Store, ...]

    @property
    def kept(self) -> tuple[int, ...]:
        return tuple(i for i in range(len(self.extents)) if i not in self.reduced)

    def places(self) -> Iterator[Affine]:
        """Every affine index in the nest."""
        for value in self.values:
            if isinstance(value, (Load, Position)):
                yield value.at
        for store in self.stores:
            yield store.at

    def with_places(self, change: Callable[[Affine], Affine], extents: Sequence[int],
                    reduced: Sequence[int]) -> Nest:
        """The nest over other loops, every index rewritten."""
        values = tuple(replace(v, at=change(v.at)) if isinstance(v, (Load, Position)) else v
                       for v in self.values)
        stores = tuple(replace(s, at=change(s.at)) for s in self.stores)
        return replace(self, extents=tuple(extents), reduced=tuple(reduced), values=values,
                       stores=stores)

    def collapsed(self) -> Nest:
        """Neighbouring loops joined where every index walks through them as through one.

        before:  for i < 4, j < 8: store load b0[8 i + j] -> b1[8 i + j]
        after:   for i < 32:       store load b0[i] -> b1[i]
        """
        nest = self
        loop = len(nest.extents) - 2
        while loop >= 0:
            if nest._joins(loop):
                nest = nest._joined(loop)
            loop -= 1
        return nest

    def _joins(self, loop: int) -> bool:
        if (loop in self.reduced) != (loop + 1 in self.reduced):
            return False
        size = self.extents[loop + 1]
        return all(at.coefficient(loop) == size * at.coefficient(loop + 1)
                   for at in self.places())

    def _joined(self, loop: int) -> Nest:
        def change(at: Affine) -> Affine:
            return Affine(at.constant, tuple(
                (k if k < loop else k - 1, c) for k, c in at.terms if k != loop))

        extents = [*self.extents[:loop], self.extents[loop] * self.extents[loop + 1],
                   *self.extents[loop + 2:]]
        reduced = [r if r <= loop else r - 1 for r in self.reduced if r != loop + 1]
        return self.with_places(change, extents, reduced)

    def text(self) -> str:
        """The printed form: equal nests, equal text."""
        names = [f"i{k}" for k in range(len(self.extents))]
        loops = ", ".join(f"{n} < {e}" for n, e in zip(names, self.extents, strict=True))
        over = f" | reduce {', '.join(names[r] for r in self.reduced)}" if self.reduced else ""
        pointers = [f"b{i}: {d.name}" for i, d in enumerate(self.buffers)]
        lines = [f"nest ({', '.join(pointers[:self.reads])}) -> "
                 f"({', '.join(pointers[self.reads:])})", f"  for {loops}{over}:"]
        lines += [f"    %{i} {v.dtype.name} = {_describe(v, names)}"
                  for i, v in enumerate(self.values)]
        lines += [f"    store %{s.value} -> b{s.buffer}[{s.at.text(names)}]" for s in self.stores]
        return "\n".join(lines)


def _describe(value: Value, names: Sequence[str]) -> str:
    if isinstance(value, Load):
        return f"load b{value.buffer}[{value.at.text(names)}]"
    if isinstance(value, Number):
        return f"constant {value.text}"
    if isinstance(value, Position):
        return f"index {value.at.text(names)}"
    if isinstance(value, Reduce):
        return f"reduce {value.combine} %{value.operand}"
    if isinstance(value, Given):
        return "given"
    operands = "".join(f" %{o}" for o in value.operands)
    return f"{value.function}{operands}"
