"""Device one: numpy, node by node. The oracle for every other device, and the debugger's friend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import settings
from ..errors import NonFiniteError, TricordError
from ..ir.graph import is_input, toposort
from ..ir.node import Node
from ..ir.record import pick
from .executable import Array

__all__ = ["Interpreter", "evaluate_node"]


def evaluate_node(node: Node, arguments: Sequence[Any]) -> Any:
    """The reference of one node's record, with the result checked against its type."""
    result = node.op.reference(node.params, *arguments)
    if node.op is pick or node.op.several_outputs:
        return result
    if not isinstance(result, np.ndarray):
        result = np.asarray(result)
    if result.dtype != node.type.dtype.numpy:
        result = result.astype(node.type.dtype.numpy)
    return result


class Interpreter:
    """A program as a flat list of steps over numbered places; values are dropped after last use."""

    def __init__(self, outputs: Sequence[Node]):
        order = toposort(outputs)
        place = {node: number for number, node in enumerate(order)}
        last: dict[int, int] = {}
        for node in order:
            for parent in node.parents:
                last[place[parent]] = place[node]
        kept = {place[o] for o in outputs}
        drops: dict[int, list[int]] = {}
        for used, user in last.items():
            if used not in kept:
                drops.setdefault(user, []).append(used)
        self.size = len(order)
        self.inputs = [(place[n], n.params.slot) for n in order if is_input(n)]
        self.steps = [(place[n], n, tuple(place[p] for p in n.parents), drops.get(place[n], ()))
                      for n in order if not is_input(n)]
        self.outputs = [place[o] for o in outputs]

    def __call__(self, arguments: Sequence[Array]) -> list[Array]:
        values: list[Any] = [None] * self.size
        for place, slot in self.inputs:
            values[place] = arguments[slot]
        check: Callable[[Node, Any], None] | None = _check_finite if settings.get().check >= 2 else None
        for place, node, operands, drop in self.steps:
            try:
                values[place] = evaluate_node(node, [values[i] for i in operands])
            except TricordError as error:
                error.where = error.where or str(node.where or "") or None
                raise
            if check is not None:
                check(node, values[place])
            for i in drop:
                values[i] = None
        return [values[i] for i in self.outputs]


def _check_finite(node: Node, value: Any) -> None:
    if isinstance(value, np.ndarray) and node.type.dtype.is_inexact and not np.isfinite(value).all():
        raise NonFiniteError(f"{node.op.name}: the first result that is not finite, of shape "
                             f"{tuple(node.shape)}", where=str(node.where or "") or None)
