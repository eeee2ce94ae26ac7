"""Forward mode: tangents pushed from inputs to outputs, asking each record for its jvp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ir.graph import sources, toposort
from ..ir.node import Node
from ..ir.record import NoGradient, pick

__all__ = ["push_forward"]


def push_forward(outputs: Sequence[Node], tangents: Mapping[Node, Node]) -> list[Node | None]:
    """Tangents of the outputs, None where they do not depend on a node that has one.

    ``tangents`` gives the tangents of some nodes; whatever lies below them is not looked at.
    """
    known: dict[Node, Node] = dict(tangents)
    several: dict[Node, Sequence[Node | None]] = {}
    for node in toposort(outputs, stop=tangents.__contains__):
        if node in known:
            continue
        if node.op is pick:
            parent, index = sources(node)
            if parent in several and several[parent][index] is not None:
                known[node] = several[parent][index]  # type: ignore[assignment]
            continue
        mine = [known.get(p) for p in node.parents]
        if all(t is None for t in mine) or isinstance(node.op.jvp, NoGradient):
            continue
        result = node.op.jvp(node, *mine)
        if node.op.several_outputs:
            several[node] = result
        elif result is not None:
            known[node] = result
    return [known.get(o) for o in outputs]
