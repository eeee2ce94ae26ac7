"""From a Python function on nodes to a closed graph: what it uses from outside becomes an input.

The body of a scan or of a checkpoint is written as a function that may use any node in sight. A
graph inside a primitive is closed, so outside nodes are handed in as additional operands. What does
not depend on the function's arguments is taken whole, which moves it out of the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .graph import Graph, depends_on, is_input, make_input, substitute, toposort
from .node import Node
from .shapes import TensorType

__all__ = ["close", "trace_closed", "trace_open"]

#: Slots of arguments during tracing, one block per level, far above those of whole programs: an
#: inner function must be able to tell its arguments from those of the function around it.
_BLOCK = 1 << 40
_level: ContextVar[int] = ContextVar("tricord_closure_level", default=0)


@contextmanager
def _arguments(types: Sequence[TensorType]) -> Iterator[list[Node]]:
    token = _level.set(_level.get() + 1)
    try:
        first = _level.get() * _BLOCK
        yield [make_input(first + i, t, t.dtype.is_inexact) for i, t in enumerate(types)]
    finally:
        _level.reset(token)


def trace_open(function: Callable[..., Any], types: Sequence[TensorType]
               ) -> tuple[list[Node], Any, list[Node]]:
    """The arguments, what the function returns for them, and the nodes it uses from outside.

    The function returns a node, or a sequence of nodes, which may be nested one level.
    """
    with _arguments(types) as arguments:
        result = function(*arguments)
    return arguments, result, _captured(arguments, list(_flat(result)))


def _flat(result: Any) -> Iterator[Node]:
    if isinstance(result, Node):
        yield result
        return
    for part in result:
        if isinstance(part, Node):
            yield part
        else:
            yield from part


def _captured(arguments: Sequence[Node], outputs: Sequence[Node]) -> list[Node]:
    inside = depends_on(outputs, arguments)
    # Constants may stay inside: what no input of the program below touches is one.
    order = toposort(outputs)
    fed = depends_on(outputs, [n for n in order if is_input(n) or n.op.follows_parents is False])
    border = [n for n in outputs if n not in inside]
    border += [p for n in order if n in inside for p in n.parents if p not in inside]
    return list(dict.fromkeys(n for n in border if n in fed))


def close(outputs: Sequence[Node], inputs: Sequence[Node]) -> Graph:
    """The graph of these outputs over these nodes, which become its inputs."""
    new = [make_input(i, n.type, n.dtype.is_inexact) for i, n in enumerate(inputs)]
    return Graph(tuple(new), tuple(substitute(outputs, dict(zip(inputs, new, strict=True)))))


def trace_closed(function: Callable[..., Any], types: Sequence[TensorType]
                 ) -> tuple[Graph, list[Node]]:
    """The graph of a function, and the outside nodes that are its first inputs."""
    arguments, result, captured = trace_open(function, types)
    return close(list(_flat(result)), [*captured, *arguments]), captured
