"""Moving elements: loops over axes with strides, runs of neighbours as vectors, kernels that leave
out the operands they know."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...ir.dtypes import DType
from ...ir.node import Node
from ..llvm import Function, Module, Value, vector
from ..operands import Repeated, in_memory, known
from ..target import Target
from .generated import Generated

__all__ = ["Axis", "Mover", "along", "copy_box", "merged", "moved", "nested", "span"]

#: Vectors that are written one after another; longer runs get a loop.
_STRAIGHT = 8
_UNROLL = 4


def moved(dtype: DType) -> str:
    """The type that elements are copied as: their bits."""
    return f"i{8 * dtype.itemsize}"


@dataclass(frozen=True)
class Axis:
    """A loop, and what a step of it adds to each place, in elements."""

    size: int
    steps: tuple[int, ...]


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """The same loops with those of one round left out and neighbours made one where they are."""
    found: list[Axis] = []
    for axis in axes:
        if axis.size == 1:
            continue
        if found and all(outer == inner * axis.size for outer, inner in zip(
                found[-1].steps, axis.steps, strict=True)):
            found[-1] = Axis(found[-1].size * axis.size, axis.steps)
        else:
            found.append(axis)
    return found


def nested(f: Function, axes: Sequence[Axis], places: Sequence[Value],
           body: Callable[[Sequence[Value]], None],
           first: tuple[Value, Value] | None = None) -> None:
    """Loops over axes; ``first``: the part of the first axis to go over, instead of all."""
    if not axes:
        body(places)
        return
    axis = axes[0]

    def inside(i: Value) -> None:
        here = [f.add(p, f.mul(i, s)) for p, s in zip(places, axis.steps, strict=True)]
        nested(f, axes[1:], here, body)

    start, stop = first or (f.index(0), f.index(axis.size))
    if first is None:
        f.loop(0, axis.size, inside)
    else:
        f.loop(start, stop, inside)


def along(f: Function, length: int, lanes: int, body: Callable[[Value, int], None]) -> None:
    """``body(place, lanes)`` for neighbours 0 to ``length``: vectors, then halves of them."""
    whole = length // lanes
    looped = 0 if whole <= _STRAIGHT else whole // _UNROLL * _UNROLL

    def several(i: Value) -> None:
        for j in range(_UNROLL):
            body(f.add(i, j * lanes), lanes)

    f.loop(0, looped * lanes, several, step=_UNROLL * lanes)
    at = looped * lanes
    while at < length:
        while lanes > length - at:
            lanes //= 2
        body(f.index(at), lanes)
        at += lanes


def span(f: Function, start: Value, stop: Value, lanes: int,
         body: Callable[[Value, int], None]) -> None:
    """``body(place, lanes)`` for neighbours from ``start`` to ``stop``: vectors, then scalars."""
    width = lanes * _UNROLL
    count = f.sub(stop, start)
    middle = f.sub(stop, f.binary("urem", count, width))

    def several(i: Value) -> None:
        for j in range(_UNROLL):
            body(f.add(i, j * lanes), lanes)

    f.loop(start, middle, several, step=width)
    f.loop(middle, stop, lambda i: body(i, 1))


def copy_box(f: Function, axes: Sequence[Axis], source: tuple[Value, Value],
             to: tuple[Value, Value], element: str, lanes: int,
             first: tuple[Value, Value] | None = None) -> None:
    """Copy along loops with two places, of source and target: pointers with a place each."""
    dense = bool(axes) and axes[-1].steps == (1, 1) and (first is None or len(axes) > 1)
    outer, length = (axes[:-1], axes[-1].size) if dense else (axes, 1)

    def run(places: Sequence[Value]) -> None:
        read, write = (f.offset(p, i, element)
                       for (p, _), i in zip((source, to), places, strict=True))

        def piece(i: Value, count: int) -> None:
            value = f.load(f.offset(read, i, element), vector(count, element))
            f.store(value, f.offset(write, i, element))

        along(f, length, lanes, piece)

    nested(f, outer, (source[1], to[1]), run, first)


class Mover(Generated):
    """A kernel that knows some of its operands (`operands.known`): it has no pointers to them.

    ``in_place``: numbers of operands that may lie where the result does. ``bytes``: how much
    memory it touches, where that is not all of its operands.
    """

    reports = False
    in_place: tuple[int, ...] = ()

    def __init__(self, node: Node, target: Target, facts: str = ""):
        super().__init__(node, target)
        self.known = [known(node, i) for i in range(len(node.parents))]
        numbers = [i for i, k in enumerate(self.known) if k is None or isinstance(k, Repeated)]
        self.pointers = [*(f"x{i}" for i in numbers), "y0"]
        said = facts or f"{node.params}"
        facts = f"{said}|{[p.type for p in node.parents]}|{self.known}|{node.type}|{target.name}"
        self.name = f"{node.op.name}_{hashlib.sha256(facts.encode()).hexdigest()[:16]}"
        self.itemsize = node.dtype.itemsize
        self.lanes = target.lanes(self.itemsize)

    @property
    def bytes(self) -> int:
        return sum(p.type.nbytes for p in in_memory(self.node)) + self.node.type.nbytes

    def emit(self, module: Module) -> None:
        if self.name in module:
            return
        names = [*self.pointers, *(["status"] if self.reports else []), "scratch"]
        f = module.function(self.name, [*(("ptr", n) for n in names), ("i64", "first"),
                                        ("i64", "last")], attributes="nounwind noinline")
        self.body(f)
        f.ret()
