"""The one node type: immutable, hash-consed, with the user's line beside it.

Equal structure means the same object, so a node is its own key: finding out whether something was
recorded before is one dictionary look-up on ``(primitive, parameters, parents)``. Each thread has
tables of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .dtypes import DType
from .shapes import Shape, TensorType
from .source import Location, user_location

if TYPE_CHECKING:
    from .record import Primitive

__all__ = ["Node", "clear_nodes", "intern_node", "node_count", "operators", "rewriting"]


class _Operators:
    """Python's operators on nodes; `ir.arithmetic` fills them in, being on top of the records."""

    binary: dict[str, Callable[[Any, Any], Node]] = {}  # noqa: RUF012 - filled once, at import
    unary: dict[str, Callable[[Any], Node]] = {}  # noqa: RUF012
    where: Callable[[Node, Node, Node], Node]
    reduce_sum: Callable[[Node, tuple[int, ...]], Node]


operators = _Operators()


class Node:
    """One application of a primitive.

    ``types`` has one entry per output. A node with several outputs is never an operand itself:
    ``node.outputs`` gives one single-output node for each of them.
    """

    __slots__ = ("__weakref__", "needs_grad", "op", "params", "parents", "type", "types", "where")

    op: Primitive
    params: Any
    parents: tuple[Node, ...]
    types: tuple[TensorType, ...]
    type: TensorType
    needs_grad: bool
    where: Location | None

    @property
    def shape(self) -> Shape:
        return self.type.shape

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return self.type.ndim

    @property
    def size(self) -> int:
        return self.type.size

    @property
    def outputs(self) -> tuple[Node, ...]:
        """One node per output; the node itself when there is one."""
        return self.op.outputs_of(self)

    def __repr__(self) -> str:
        types = ", ".join(map(repr, self.types))
        return f"<{self.op.name} {types}>"

    def __add__(self, other: Any) -> Node:
        return operators.binary["add"](self, other)

    def __radd__(self, other: Any) -> Node:
        return operators.binary["add"](other, self)

    def __sub__(self, other: Any) -> Node:
        return operators.binary["subtract"](self, other)

    def __rsub__(self, other: Any) -> Node:
        return operators.binary["subtract"](other, self)

    def __mul__(self, other: Any) -> Node:
        return operators.binary["multiply"](self, other)

    def __rmul__(self, other: Any) -> Node:
        return operators.binary["multiply"](other, self)

    def __truediv__(self, other: Any) -> Node:
        return operators.binary["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return operators.binary["divide"](other, self)

    def __pow__(self, other: Any) -> Node:
        return operators.binary["power"](self, other)

    def __rpow__(self, other: Any) -> Node:
        return operators.binary["power"](other, self)

    def __neg__(self) -> Node:
        return operators.unary["negative"](self)

    # Comparisons other than == build nodes; == and hash stay identity, nodes being keys.
    def __lt__(self, other: Any) -> Node:
        return operators.binary["less"](self, other)

    def __le__(self, other: Any) -> Node:
        return operators.binary["less_equal"](self, other)

    def __gt__(self, other: Any) -> Node:
        return operators.binary["greater"](self, other)

    def __ge__(self, other: Any) -> Node:
        return operators.binary["greater_equal"](self, other)

    def __bool__(self) -> bool:
        raise TypeError("a node has no truth value; only a Tensor does")


class _Tables(threading.local):
    def __init__(self) -> None:
        self.nodes: dict[tuple[Any, ...], Node] = {}
        #: what nodes are made in place of, while a graph is rewritten
        self.where: Location | None = None


_tables = _Tables()


def intern_node(op: Primitive, params: Any, parents: tuple[Node, ...]) -> Node:
    """The node for this application; made, checked and typed when it is seen for the first time."""
    key = (op, params, parents)
    node = _tables.nodes.get(key)
    if node is None:
        node = Node()
        node.op = op
        node.params = params
        node.parents = parents
        node.types = op.infer_types(params, parents)
        node.type = node.types[0]
        node.needs_grad = op.wants_grad(params, parents, node.type)
        node.where = _tables.where or user_location(2)
        _tables.nodes[key] = node
    return node


@contextmanager
def rewriting() -> Iterator[Callable[[Location | None], None]]:
    """A block whose new nodes stand for others: the function it gives says for one from where."""
    def at(where: Location | None) -> None:
        _tables.where = where

    try:
        yield at
    finally:
        _tables.where = None


def node_count() -> int:
    """How many nodes this thread's table holds."""
    return len(_tables.nodes)


def clear_nodes() -> None:
    """Forget this thread's table. Nodes that are still held stay valid, but will not be found."""
    _tables.nodes.clear()
