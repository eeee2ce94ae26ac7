"""tricord in one file: what the real thing does, without everything that makes it fast or complete.

Read it top to bottom. Each part names the file where its grown-up form lives. The examples run as
tests.

>>> w, x = Tensor(2.0), Tensor(3.0)
>>> loss = sin(w * x) + w          # recorded, not computed
>>> loss.value is None
True
>>> d_w, = grad(loss, [w])         # more recording: gradients are nodes too
>>> d_w2, = grad(d_w, [w])         # so they have gradients
>>> [round(t.item(), 6) for t in (loss, d_w, d_w2)]
[1.720585, 3.880511, 2.514739]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# ---- records (ir/record.py): everything known about one operation, in one place


@dataclass(frozen=True)
class Primitive:
    name: str
    reference: Callable[..., float]  # what it computes, on plain numbers
    vjp: Callable[..., tuple[Node, ...]]  # cotangent, result, operands -> operands' cotangents

    def __call__(self, *parents: Node) -> Node:
        return node(self, parents)


# ---- nodes (ir/node.py): immutable and hash-consed, so equal structure is the same object


@dataclass(frozen=True, eq=False)
class Node:
    op: Primitive | None
    parents: tuple[Node, ...]
    constant: float = 0.0

    def __add__(self, other: Node) -> Node:
        return ADD(self, other)

    def __mul__(self, other: Node) -> Node:
        return MUL(self, other)

    def __neg__(self) -> Node:
        return MUL(self, number(-1.0))


_table: dict[tuple[object, ...], Node] = {}


def node(op: Primitive | None, parents: tuple[Node, ...], constant: float = 0.0) -> Node:
    return _table.setdefault((op, parents, constant), Node(op, parents, constant))


def number(value: float) -> Node:
    return node(None, (), value)


ADD = Primitive("add", lambda x, y: x + y, lambda g, out, x, y: (g, g))
MUL = Primitive("mul", lambda x, y: x * y, lambda g, out, x, y: (g * y, g * x))
SIN = Primitive("sin", math.sin, lambda g, out, x: (g * COS(x),))
COS = Primitive("cos", math.cos, lambda g, out, x: (g * -SIN(x),))


# ---- walks (ir/graph.py): with a stack of our own, because graphs are deeper than Python's


def toposort(targets: Iterable[Node]) -> list[Node]:
    order: list[Node] = []
    done: set[Node] = set()
    stack = [(t, False) for t in targets]
    while stack:
        n, ready = stack.pop()
        if n in done:
            continue
        if ready or not n.parents:
            done.add(n)
            order.append(n)
        else:
            stack.append((n, True))
            stack.extend((p, False) for p in n.parents)
    return order


# ---- reverse mode (autodiff/reverse.py): asks each record, knows no operation by name


def gradients(output: Node, wrt: list[Node]) -> list[Node]:
    total = {output: number(1.0)}
    for n in reversed(toposort([output])):
        if n.op is not None and n in total:
            for parent, part in zip(n.parents, n.op.vjp(total[n], n, *n.parents)):
                total[parent] = total[parent] + part if parent in total else part
    return [total.get(n, number(0.0)) for n in wrt]


# ---- the interpreter (runtime/interpreter.py)


def evaluate(targets: list[Node], leaves: dict[Node, float]) -> list[float]:
    values = dict(leaves)
    for n in toposort(targets):
        if n not in values:
            values[n] = n.constant if n.op is None else n.op.reference(
                *(values[p] for p in n.parents))
    return [values[t] for t in targets]


# ---- tensors (tensor/recorder.py): handles that record, and evaluate when they are looked at


@dataclass(eq=False)
class Segment:
    leaves: dict[Node, float] = field(default_factory=dict)


segment = Segment()


class Tensor:
    """A handle: a value, or a node that stands for one."""

    def __init__(self, value: float | None = None, node: Node | None = None):
        self.value = value
        self.node = node if node is not None else self._leaf(value)

    def _leaf(self, value: float | None) -> Node:
        assert value is not None
        leaf = Node(None, ())  # its own node: a leaf is equal to itself only
        segment.leaves[leaf] = value
        return leaf

    def item(self) -> float:
        if self.value is None:  # the cut: what was recorded is evaluated now
            (self.value,) = evaluate([self.node], segment.leaves)
        return self.value

    def __add__(self, other: Tensor) -> Tensor:
        return Tensor(node=self.node + other.node)

    def __mul__(self, other: Tensor) -> Tensor:
        return Tensor(node=self.node * other.node)


def sin(x: Tensor) -> Tensor:
    return Tensor(node=SIN(x.node))


def grad(output: Tensor, wrt: list[Tensor]) -> list[Tensor]:
    return [Tensor(node=g) for g in gradients(output.node, [t.node for t in wrt])]
