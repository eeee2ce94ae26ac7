"""Reverse mode: from a graph and cotangents of its outputs, the graph of the gradients.

A walk from outputs to inputs that asks each record for its vjp. Since those are built from nodes,
the result can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import GradientError
from ..ir import arithmetic as _operators_on_nodes  # noqa: F401 - gives nodes their operators
from ..ir.graph import depends_on, sources, toposort
from ..ir.node import Node
from ..ir.ops.elementwise import zeros_like
from ..ir.record import NoGradient, pick

__all__ = ["gradients", "reachable_roots"]

Hook = Callable[[Node], Node]


def reachable_roots(outputs: Sequence[Node]) -> list[Node]:
    """The roots of gradients (inputs and others that start a gradient) the outputs depend on."""
    return [n for n in toposort(outputs, stop=lambda n: not n.needs_grad)
            if n.needs_grad and not n.op.follows_parents]


def _add(total: Node | None, term: Node) -> Node:
    return term if total is None else total + term


def gradients(
    outputs: Sequence[Node],
    cotangents: Sequence[Node],
    wrt: Sequence[Node],
    hooks: Mapping[Node, Hook] | None = None,
) -> list[Node | None]:
    """Cotangents of ``wrt``, None for what the outputs do not depend on.

    ``hooks[node]`` sees the complete cotangent of a node before it goes further down, and may
    replace it. Gradients inherit the user's line of the operation they belong to.
    """
    wanted = set(wrt)
    path = depends_on(outputs, wanted)
    total: dict[Node, Node] = {}
    # Nodes with several outputs collect one cotangent for each.
    partial: dict[Node, list[Node | None]] = {}
    found: dict[Node, Node] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output in path:
            total[output] = _add(total.get(output), cotangent)

    def complete(node: Node) -> Node | None:
        """The whole cotangent of a node, everything above it being done."""
        cotangent = total.pop(node, None)
        if cotangent is None:
            return None
        if hooks and node in hooks:
            cotangent = hooks[node](cotangent)
        if node in wanted:
            found[node] = cotangent
        return cotangent

    for node in reversed(toposort(outputs, stop=lambda n: n not in path)):
        if node not in path:
            continue
        if node.op.several_outputs:
            collected = partial.pop(node, [])
        else:
            collected = [complete(node)]
        if all(c is None for c in collected):
            continue
        if node.op is pick:
            parent, index = sources(node)
            if parent in path:
                partial.setdefault(parent, [None] * len(parent.types))[index] = collected[0]
        elif any(p in path for p in node.parents) and not isinstance(node.op.vjp, NoGradient):
            _propagate(node, collected, path, total)
    return [found.get(node) for node in wrt]


def _propagate(node: Node, collected: list[Node | None], path: set[Node],
               total: dict[Node, Node]) -> None:
    """Ask the record of ``node`` and add what it says to its parents' cotangents."""
    assert not isinstance(node.op.vjp, NoGradient)
    parts = node.op.vjp(node, *collected)
    if len(parts) != len(node.parents):
        raise GradientError(f"{node.op.name}: its vjp gives {len(parts)} cotangents for "
                            f"{len(node.parents)} operands")
    for parent, part in zip(node.parents, parts, strict=True):
        if part is None or parent not in path:
            continue
        if part.type != parent.type:
            raise GradientError(f"{node.op.name}: its vjp gives a cotangent {part.type} for an "
                                f"operand {parent.type}", where=str(node.where or "") or None)
        if part.where is None or part.where is not node.where:
            part.where = node.where if part.op is not node.op else part.where
        total[parent] = _add(total.get(parent), part)


def zero_cotangent(node: Node) -> Node:
    """A cotangent of zeros, for outputs nobody used."""
    return zeros_like(node)
