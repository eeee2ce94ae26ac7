"""Loops and choices inside a program, from Python functions on nodes.

The functions may use any node in sight: what they use from outside is handed in as a constant, and
gets gradients like any operand. Derivatives, cost and memory are told in `ir.ops.control`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import ArgumentError
from ..ir.closure import close, trace_open
from ..ir.node import Node
from ..ir.ops import control
from ..ir.shapes import TensorType

__all__ = ["cond", "scan", "while_loop"]

Nodes = Sequence[Node]


def _listed(value: Node | Nodes | None) -> list[Node]:
    if value is None:
        return []
    return [value] if isinstance(value, Node) else list(value)


def scan(function: Callable[..., tuple[Nodes, Nodes]], carry: Nodes, xs: Nodes = (), *,
         length: int | None = None, reverse: bool = False) -> tuple[list[Node], list[Node]]:
    """Repeat ``function(carry, slices) -> (carry, outputs)`` along the leading axis of ``xs``.

    Shapes:  xs (length, ...) each -> slices (...); outputs (...) -> stacked (length, ...)
    Raises:  ShapeError, DTypeError if the carry changes its type from step to step
    Source:  jax.lax.scan, with flat sequences of nodes

    >>> from ..ir.graph import make_input
    >>> from ..ir.shapes import tensor_type
    >>> from ..ir.dtypes import float32
    >>> x = make_input(0, tensor_type((5, 3), float32))
    >>> start = make_input(1, tensor_type((3,), float32))
    >>> scan(lambda c, x: ([c[0] + x[0]], [c[0]]), [start], [x])
    ([<pick float32[3]>], [<pick float32[5,3]>])
    """
    carry, xs = _listed(carry), _listed(xs)
    types = [n.type for n in carry] + [TensorType(x.shape[1:], x.dtype) for x in xs]
    split = len(carry)

    def flat(*arguments: Node) -> list[Node]:
        new, outputs = function(arguments[:split], arguments[split:])
        new = _listed(new)
        if len(new) != split:
            raise ArgumentError(f"scan: the function takes {split} carries and gives {len(new)}")
        return [*new, *_listed(outputs)]

    arguments, result, captured = trace_open(flat, types)
    body = close(result, [*captured, *arguments])
    return control.scan(body, captured, carry, xs, length=length, reverse=reverse)


def cond(predicate: Node, on_true: Callable[..., Node | Nodes],
         on_false: Callable[..., Node | Nodes], *operands: Node) -> list[Node]:
    """The outputs of one of two functions of the operands; only that one is computed.

    Shapes:  predicate 0-d bool; outputs of both functions have the same types
    Cost:    under vmap with a batched predicate both are computed; in the untaken one NaN may
             arise, which is not selected
    """
    types = [n.type for n in operands]
    traced = [trace_open(lambda *a, f=f: _listed(f(*a)), types) for f in (on_true, on_false)]
    captured = list(dict.fromkeys(n for _, _, used in traced for n in used))
    graphs = [close(result, [*captured, *arguments]) for arguments, result, _ in traced]
    return control.cond(predicate, graphs[0], graphs[1], [*captured, *operands])


def while_loop(condition: Callable[..., Node], body: Callable[..., Node | Nodes], carry: Nodes, *,
               max_iterations: int | None = None) -> list[Node]:
    """The carry after ``body(*carry)`` was repeated as long as ``condition(*carry)`` holds.

    Cost:  in reverse mode without ``max_iterations`` time grows with the square of the number of
           steps; with it, time and memory are those of a scan of that length
    """
    carry = _listed(carry)
    types = [n.type for n in carry]
    traced = [trace_open(lambda *a, f=f: _listed(f(*a)), types) for f in (condition, body)]
    captured = list(dict.fromkeys(n for _, _, used in traced for n in used))
    asked, step = (close(result, [*captured, *arguments]) for arguments, result, _ in traced)
    return control.while_loop(asked, step, captured, carry, max_iterations)
