"""The graphs inside control primitives as compiled programs, one call for each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.graph import is_input, make_input, substitute, toposort
from ..ir.node import Node
from ..ir.ops.structural import constant_value
from .executable import Executable

__all__ = ["CompiledBody"]


class CompiledBody:
    """What `ir.evaluate.Program` is, in two compiled programs.

    The first computes what depends on the fixed inputs alone, once; the second the rest, at each
    step, from the values that the first hands on and the inputs that move.
    """

    def __init__(self, outputs: Sequence[Node], inputs: Sequence[Node], fixed: int,
                 compiled: Callable[[Sequence[Node]], Executable]):
        self._fixed = fixed
        slots = {node: make_input(i, node.type) for i, node in enumerate(inputs)}
        nodes = substitute(list(outputs), slots)
        moving: set[Node] = set()
        order = toposort(nodes)
        for node in order:
            late = node.params.slot >= fixed if is_input(node) else any(
                p in moving for p in node.parents)
            if late:
                moving.add(node)
        handed = dict.fromkeys(p for n in order if n in moving for p in n.parents)
        handed.update(dict.fromkeys(nodes))
        early = [n for n in handed if n not in moving and constant_value(n) is None]
        #: what is handed on: inputs by slot, and values to compute
        self._given = [n.params.slot for n in early if is_input(n)]
        computed = [n for n in early if not is_input(n)]
        self._start = compiled(computed) if computed else None
        stand_ins = {node: make_input(i, node.type) for i, node in enumerate(
            [*(n for n in early if is_input(n)), *computed])}
        first = len(stand_ins)
        stand_ins.update({node: make_input(first + i - fixed, node.type)
                          for i, node in enumerate(slots.values()) if i >= fixed})
        self._step = compiled(substitute(nodes, stand_ins))

    def start(self, arguments: Sequence[Any]) -> list[Any]:
        """The values of the fixed inputs and of what depends on them alone."""
        early = self._start(arguments) if self._start is not None else []
        return [*[arguments[i] for i in self._given], *early]

    def step(self, started: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
        """The outputs for these moving inputs; ``started`` is what `start` gave."""
        return self._step([*started, *arguments])

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """All at once."""
        return self.step(self.start(arguments[:self._fixed]), arguments[self._fixed:])
