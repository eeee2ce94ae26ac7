"""Scans of a program tidied: equal ones joined, outputs nobody reads left out.

A gradient asks for the forward scan again, with residuals stacked. Where a program holds both,
one scan gives the outputs of both.

before:  y = scan(body, x);  y2, r = scan(body with r, x)
after:   y, r = scan(body with r, x)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...graph import Graph, toposort
from ...node import Node, intern_node
from ...record import pick
from .scan_record import Scan, scan_node

__all__ = ["merge_scans"]


class _Group:
    """Scans with equal operands that hand the same carries on."""

    def __init__(self, first: Node):
        self.params: Scan = first.params
        #: Body nodes that are stacked and read by somebody, with their places in the result.
        self.stacked: dict[Node, int] = {}
        self.outputs: tuple[Node, ...] | None = None

    def use(self, scan: Node, index: int) -> None:
        if index >= self.params.carries:
            self.stacked.setdefault(scan.params.body.outputs[index],
                                    self.params.carries + len(self.stacked))

    def place(self, scan: Node, index: int) -> int:
        if index < self.params.carries:
            return index
        return self.stacked[scan.params.body.outputs[index]]

    def build(self, operands: Sequence[Node]) -> tuple[Node, ...]:
        if self.outputs is None:
            p = self.params
            body = Graph(p.body.inputs, (*p.body.outputs[:p.carries], *self.stacked))
            self.outputs = scan_node(body, operands, length=p.length, consts=p.consts,
                                     carries=p.carries, reverse=p.reverse)
        return self.outputs


def _key(node: Node) -> tuple[Any, ...]:
    p = node.params
    return (node.parents, p.length, p.consts, p.carries, p.reverse, p.body.inputs,
            p.body.outputs[:p.carries])


def merge_scans(targets: Sequence[Node]) -> list[Node]:
    """The same values from as few scans, with as few stacked outputs, as they need."""
    order = toposort(targets)
    groups: dict[tuple[Any, ...], _Group] = {}
    group_of: dict[Node, _Group] = {}
    for node in order:
        if isinstance(node.params, Scan):
            group_of[node] = groups.setdefault(_key(node), _Group(node))
    if not group_of:
        return list(targets)
    for node in order:
        if node.op is pick and node.parents[0] in group_of:
            group_of[node.parents[0]].use(node.parents[0], node.params.index)

    new: dict[Node, Node] = {}
    for node in order:
        if node in group_of:
            group_of[node].build([new[p] for p in node.parents])
        elif node.op is pick and node.parents[0] in group_of:
            parent = node.parents[0]
            group = group_of[parent]
            assert group.outputs is not None
            new[node] = group.outputs[group.place(parent, node.params.index)]
        else:
            parents = tuple(new[p] for p in node.parents)
            same = all(a is b for a, b in zip(parents, node.parents, strict=True))
            new[node] = node if same else intern_node(node.op, node.params, parents)
    return [new[t] for t in targets]
