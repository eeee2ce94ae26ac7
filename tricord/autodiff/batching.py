"""vmap on graphs: every record is asked for its batching rule; the new axis is always the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import NotSupportedError
from ..ir.graph import sources, toposort
from ..ir.node import Node
from ..ir.ops.movement import broadcast_leading
from ..ir.record import NoBatching, pick

__all__ = ["batch_graph"]


def batch_graph(outputs: Sequence[Node], batched: Mapping[Node, Node], size: int) -> list[Node]:
    """The outputs with a leading axis of ``size``, when each key of ``batched`` has one.

    ``batched`` maps a node to the node that stands for it, with the extra leading axis.
    """
    new: dict[Node, Node] = dict(batched)
    several: dict[Node, Sequence[Node]] = {}
    for node in toposort(outputs, stop=batched.__contains__):
        if node in new:
            continue
        if node.op is pick:
            parent, index = sources(node)
            if parent in several:
                new[node] = several[parent][index]
            continue
        flags = [p in new for p in node.parents]
        if not any(flags):
            continue
        if isinstance(node.op.batch, NoBatching):
            raise NotSupportedError(f"vmap of {node.op.name}: {node.op.batch.reason}",
                                    where=str(node.where or "") or None)
        args = [new.get(p, p) for p in node.parents]
        result = node.op.batch(node.params, args, flags, size)
        if node.op.several_outputs:
            several[node] = result
        else:
            new[node] = result
    return [new[o] if o in new else broadcast_leading(o, size) for o in outputs]


