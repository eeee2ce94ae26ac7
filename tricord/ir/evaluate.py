"""Graphs evaluated in numpy: a flat list of steps, each the reference of one record.

The interpreter runs whole programs with it, control primitives the graphs inside them. It stands
on this floor because the reference of a primitive with a graph inside is to evaluate that graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from .. import settings
from ..errors import NonFiniteError, OutOfMemoryError, TricordError
from .graph import Graph, is_input, toposort
from .memory import readable_bytes
from .node import Node
from .record import pick

__all__ = ["Program", "bodies_prepared_by", "evaluate_node", "prepared"]

Array = np.ndarray[Any, Any]
#: place of the result, node, places of the operands, numpy dtype to check, places to empty after
Step = tuple[int, Node, tuple[int, ...], "np.dtype[Any] | None", tuple[int, ...]]


def _result_dtype(node: Node) -> np.dtype[Any] | None:
    """The dtype a result is brought to; None where it is a tuple of arrays, or one out of such."""
    return None if node.op is pick or node.op.several_outputs else node.type.dtype.numpy


def _checked(result: Any, dtype: np.dtype[Any]) -> Array:
    array: Array = np.asarray(result)
    return array if array.dtype == dtype else array.astype(dtype)


def evaluate_node(node: Node, arguments: Sequence[Any]) -> Any:
    """The reference of one node's record, with the result checked against its type."""
    dtype = _result_dtype(node)
    result = node.op.reference(node.params, *arguments)
    return result if dtype is None else _checked(result, dtype)


def _check_finite(node: Node, value: Any) -> None:
    known = isinstance(value, np.ndarray) and node.type.dtype.is_inexact
    if known and not np.isfinite(value).all():
        raise NonFiniteError(f"{node.op.name}: the first result that is not finite, of shape "
                             f"{tuple(node.shape)}", where=str(node.where or "") or None)


def _run(steps: Sequence[Step], values: list[Any]) -> None:
    """Fill in the places of ``steps``. Python's own cost is about a third of a microsecond each."""
    check = settings.get().check >= 2
    node: Node | None = None
    try:
        with np.errstate(all="ignore"):  # NaN and infinity are values, not events
            for place, node, operands, dtype, drops in steps:
                result = node.op.reference(node.params, *[values[i] for i in operands])
                if dtype is not None and (type(result) is not np.ndarray
                                          or result.dtype is not dtype):
                    result = _checked(result, dtype)
                values[place] = result
                if check:
                    _check_finite(node, result)
                for i in drops:
                    values[i] = None
    except TricordError as error:
        if error.where is None and node is not None:
            error.where = str(node.where or "") or None
        raise
    except MemoryError:
        assert node is not None
        size = sum(t.nbytes for t in node.types)
        raise OutOfMemoryError(
            f"{node.op.name}: no memory left for its result, which takes {readable_bytes(size)} ("
            + ", ".join(f"{t.dtype} of shape {tuple(t.shape)}" for t in node.types) + ")",
            where=str(node.where or "") or None,
            hint="a smaller batch takes less memory") from None


class Program:
    """Outputs as a list of steps over numbered places; a value is dropped after its last use.

    Arguments are looked up by the slots of the inputs, or by position in ``inputs`` when that is
    given. The first ``fixed`` inputs are those of `start`: what depends on them alone, and on
    constants, is computed there once, for any number of calls of `step`.
    """

    def __init__(self, outputs: Sequence[Node], inputs: Sequence[Node] | None = None,
                 fixed: int = 0):
        order = toposort(outputs)
        place = {node: number for number, node in enumerate(order)}
        if inputs is None:
            self.inputs = [(place[n], n.params.slot) for n in order if is_input(n)]
        else:
            self.inputs = [(place[n], i) for i, n in enumerate(inputs) if n in place]
        self.fixed_inputs = [(p, i) for p, i in self.inputs if i < fixed]
        self.moving_inputs = [(p, i - fixed) for p, i in self.inputs if i >= fixed]
        moving = {p for p, i in self.inputs if i >= fixed or inputs is None}
        for node in order:
            if any(place[p] in moving for p in node.parents):
                moving.add(place[node])
        early = [n for n in order if not is_input(n) and inputs is not None
                 and place[n] not in moving]
        late = [n for n in order if not is_input(n) and (inputs is None or place[n] in moving)]
        drops = self._last_uses(outputs, late, place, moving if inputs is not None else None)
        self.size = len(order)
        self.early_steps = [self._step(n, place, ()) for n in early]
        self.late_steps = [self._step(n, place, drops.get(place[n], ())) for n in late]
        self.outputs = [place[o] for o in outputs]

    @staticmethod
    def _step(node: Node, place: dict[Node, int], drops: Sequence[int]) -> Step:
        return (place[node], node, tuple(place[p] for p in node.parents), _result_dtype(node),
                tuple(drops))

    @staticmethod
    def _last_uses(outputs: Sequence[Node], steps: Sequence[Node], place: dict[Node, int],
                   moving: set[int] | None) -> dict[int, list[int]]:
        """For each step, the places that nobody reads after it."""
        kept = {place[o] for o in outputs}
        last = {place[p]: place[n] for n in steps for p in n.parents}
        drops: dict[int, list[int]] = {}
        for used, user in last.items():
            if used not in kept and (moving is None or used in moving):
                drops.setdefault(user, []).append(used)
        return drops

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """All at once."""
        values: list[Any] = [None] * self.size
        for place, slot in self.inputs:
            values[place] = arguments[slot]
        _run(self.early_steps, values)
        _run(self.late_steps, values)
        return [values[i] for i in self.outputs]

    def start(self, arguments: Sequence[Any]) -> list[Any]:
        """The values of the fixed inputs and of what depends on them alone."""
        values: list[Any] = [None] * self.size
        for place, position in self.fixed_inputs:
            values[place] = arguments[position]
        _run(self.early_steps, values)
        return values

    def step(self, started: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
        """The outputs for these moving inputs; ``started`` is what `start` gave."""
        values = list(started)
        for place, position in self.moving_inputs:
            values[place] = arguments[position]
        _run(self.late_steps, values)
        return [values[i] for i in self.outputs]


#: What prepares the graphs inside control primitives; None: `Program`.
_prepare: ContextVar[Callable[[Sequence[Node], Sequence[Node], int], Any] | None] = ContextVar(
    "tricord_prepare", default=None)


@contextmanager
def bodies_prepared_by(
        prepare: Callable[[Sequence[Node], Sequence[Node], int], Any]) -> Iterator[None]:
    """Within the block, graphs inside control primitives run as ``prepare(outputs, inputs,
    fixed)`` makes them, which has the methods of `Program`."""
    token = _prepare.set(prepare)
    try:
        yield
    finally:
        _prepare.reset(token)


def prepared(graph: Graph, fixed: int = 0) -> Program:
    """The program of a graph, made once and kept with it."""
    prepare = _prepare.get() or Program
    key = (prepare, fixed)
    program = graph.memo.get(key)
    if program is None:
        program = graph.memo[key] = prepare(graph.outputs, graph.inputs, fixed)
    return program
