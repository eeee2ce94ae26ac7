"""Operands that kernels of their own shape know from the graph, and do not read from memory.

One number repeated, a count along an axis, indices that are the same for all of a batch: the zeros
that a scatter adds to, the axes that `take_along_axis` leaves alone. Nobody has to write them down
then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..ir.lowering import Kernel, View
from ..ir.node import Node
from ..ir.ops.structural import constant_value

__all__ = ["Counter", "Known", "Number", "Repeated", "in_memory", "known"]

_INDEXED = ("gather", "scatter", "scatter_add", "scatter_max", "scatter_min", "scatter_mul")
_BOXES = ("dynamic_slice", "dynamic_update_slice")


@dataclass(frozen=True)
class Number:
    """The same everywhere."""

    value: Any


@dataclass(frozen=True)
class Counter:
    """At flat place i, ``i // inner % size``."""

    inner: int
    size: int


@dataclass(frozen=True)
class Repeated:
    """At flat place i, what memory holds at ``i % size``. The memory is that of the node below."""

    size: int


Known = Number | Counter | Repeated


def known(node: Node, number: int) -> Known | None:
    """What is known of an operand of a node, by its number; None if it lies in memory."""
    way = node.op.lower
    name = way.name if isinstance(way, Kernel) else ""
    operand = node.parents[number]
    if name in _INDEXED:
        first = 1 if name == "gather" else 2
        found = _known(operand)
        if number >= first:
            return found
        return found if isinstance(found, Number) and name != "gather" else None
    if name in _BOXES:
        box = 1 if name == "dynamic_update_slice" else 0  # the operand that is moved
        found = None if number == box else _known(operand)
        return found if isinstance(found, Number) else None
    return None


def in_memory(node: Node) -> tuple[Node, ...]:
    """What a step of its own reads from memory, operand by operand."""
    found = []
    for number, operand in enumerate(node.parents):
        fact = known(node, number)
        if fact is None:
            found.append(operand)
        elif isinstance(fact, Repeated):
            found.append(operand.parents[0])
    return tuple(found)


def _known(node: Node) -> Known | None:
    if node.op.name == "iota":
        axis, size = node.params.axis, node.shape[node.params.axis]
        kind, bits = node.dtype.kind, 8 * node.dtype.itemsize
        if kind not in "iu" or size > 2 ** (bits - (kind == "i")):
            return None
        return Counter(math.prod(node.shape[axis + 1:]), max(size, 1))
    source = node.parents[0] if node.op.lower == View("broadcast") else node
    number = source
    while number.op.lower == View("broadcast"):
        number = number.parents[0]
    value = constant_value(number)
    if value is not None and value.size == 1:
        return Number(value.reshape(-1)[0])
    if source is not node and source.size and tuple(source.shape) == tuple(
            node.shape[node.ndim - source.ndim:]) and node.params.axes == tuple(
                range(node.ndim - source.ndim, node.ndim)):
        return Repeated(source.size)
    return None
