"""Computing what a session asks for: each operation's function is called with values.

A set of fetches is run as a program. The first time, the functions are called on placeholders
for what is fed and for the variables, and the recorded graph is kept; from then on running it is
one recorded call, found by look-up. Functions that must see values while they run (a loop whose
condition depends on data, a print) cannot be kept so; their fetches are recorded anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, TraceError
from ..ir.graph import Graph as Program
from ..ir.node import Node
from ..random import Generator
from ..tensor.aside import aside
from ..tensor.handle import Handle
from ..tensor.recorder import record, value_of, wrap
from ..tensor.trees import flatten, unflatten
from .errors import FailedPreconditionError, InvalidArgumentError
from .graph import GraphValue, Operation, SymbolicTensor, running
from .shapes import TensorShape
from .tensors import EagerTensor, where_now

__all__ = ["DrawsOfRun", "Replay", "Run", "fed_array", "needed_operations", "unfed",
           "uninitialised"]

_SMALL = 64


def _same(x: Node) -> Node:
    return x


class DrawsOfRun(Generator):
    """Random numbers of one run: the key is an operand, so that each run has its own."""

    def __init__(self, key: Any):
        super().__init__(0)
        self._operand = key

    def next_key(self) -> tuple[Any, int]:
        ordinal = self._draws
        self._draws += 1
        return self._operand, ordinal


def needed_operations(targets: Iterable[Operation], known: Iterable[Any] = ()) -> list[Operation]:
    """All operations that the targets need, each after those it needs."""
    order: list[Operation] = []
    done: set[Operation] = set()
    given = {v.op for v in known if isinstance(v, SymbolicTensor) and len(v.op.outputs) == 1}
    stack: list[tuple[Operation, bool]] = [(t, False) for t in reversed(list(targets))]
    while stack:
        operation, ready = stack.pop()
        if operation in done:
            continue
        before = [o for o in operation.before() if o not in done]
        if ready or not before or operation in given:
            done.add(operation)
            order.append(operation)
            continue
        stack.append((operation, True))
        stack.extend((o, False) for o in reversed(before))
    return order


class Run:
    """One evaluation. Values are handles; nothing here looks at them.

    ``feeds`` are handles by symbolic tensor or variable; ``read`` gives a variable's handle.
    """

    probing = False

    def __init__(self, feeds: dict[Any, Any], read: Callable[[Any], Any], tracing: bool = False):
        self.feeds = feeds
        self.read_stored = read
        self.tracing = tracing
        self.values: dict[Operation, list[Any]] = {}
        #: variables that were assigned to, and what
        self.written: dict[Any, Any] = {}
        self.watched: set[int] = set()
        self.watched_handles: dict[int, Any] = {}

    def fetch(self, targets: Sequence[Any]) -> list[Any]:
        """Handles for tensors and variables, None for operations.

        What changes nothing is computed first, so that a value fetched beside a training step is
        the one from before that step.
        """
        operations = [t if isinstance(t, Operation) else t.op for t in targets
                      if isinstance(t, (Operation, SymbolicTensor)) and t not in self.feeds]
        for operation in needed_operations(operations, self.feeds):
            self.watched.update(id(x) for x in operation.watched)
        found: dict[int, Any] = {}
        quiet = [o for o in operations if not o.changes_state]
        self.evaluate(quiet)
        for at, target in enumerate(targets):
            if not isinstance(target, Operation) and not (
                    isinstance(target, SymbolicTensor) and target.op.changes_state):
                found[at] = self.resolve(target)
        self.evaluate([o for o in operations if o.changes_state])
        return [None if isinstance(t, Operation) else found[at] if at in found
                else self.resolve(t) for at, t in enumerate(targets)]

    # ---- values

    def resolve(self, value: Any) -> Any:
        """The handle in the place of a symbolic tensor or variable; other things stay."""
        if not isinstance(value, GraphValue):
            return value
        if value in self.feeds:
            return self._watch(value, self.feeds[value])
        if not isinstance(value, SymbolicTensor):
            return self.read(value)
        if value.op not in self.values:
            self.evaluate([value.op])
        return self._watch(value, self.values[value.op][value.value_index])

    def read(self, variable: Any) -> Any:
        if variable in self.written:
            return self.written[variable]
        return self._watch(variable, self.read_stored(variable))

    def write(self, variable: Any, handle: Any) -> None:
        self.written[variable] = handle

    def _watch(self, value: Any, handle: Any) -> Any:
        """A handle of its own that gradients can be taken to."""
        if id(value) not in self.watched or not handle.dtype.is_inexact:
            return handle
        found = self.watched_handles.get(id(value))
        if found is None:
            found = record(_same, (handle,))
            if found.__class__ is not EagerTensor:
                found.__class__ = EagerTensor
            found.requires_grad_(True)
            self.watched_handles[id(value)] = found
        return found

    # ---- operations

    def evaluate(self, targets: Sequence[Operation]) -> None:
        with running(self):
            for operation in needed_operations(targets, self.feeds):
                if operation not in self.values and not self._fed(operation):
                    self.values[operation] = self._call(operation)

    def _fed(self, operation: Operation) -> bool:
        return len(operation.outputs) == 1 and operation.outputs[0] in self.feeds

    def _call(self, operation: Operation) -> list[Any]:
        spec = operation.spec
        if spec.host and self.tracing:
            raise TraceError(f"{spec.name} runs Python code at each step")
        known = self.watched_handles if operation.watched else {}
        leaves = [known[id(v)] if id(v) in known else self.resolve(v) for v in operation.leaves]
        args, kwargs = unflatten(operation.structure, leaves)
        if self.tracing and not spec.random and _all_small(leaves):
            result = _now(spec.function, args, kwargs)
        else:
            result = spec.function(*args, **kwargs)
        found, _ = flatten(result)
        return [v for v in found if isinstance(v, Handle)]


def _all_small(leaves: Sequence[Any]) -> bool:
    """Whether all operands are known small integers: arithmetic on shapes."""
    handles = [v for v in leaves if isinstance(v, Handle)]
    return bool(handles) and all(
        h._value is not None and h.dtype.kind in "iu" and h._type.size <= _SMALL for h in handles)


def _now(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The results with their values, so that they can serve as shapes in a traced program."""
    with aside():
        leaves, structure = flatten(function(*args, **kwargs))
        leaves = [wrap(value_of(v), EagerTensor) if isinstance(v, Handle) else v for v in leaves]
    return unflatten(structure, leaves)


class Replay:
    """A recorded program as a function on nodes; its identity is its key."""

    def __init__(self, program: Program):
        self.program = program

    def __call__(self, *nodes: Node) -> tuple[Node, ...]:
        return tuple(self.program.apply(nodes))


def uninitialised(variable: Any) -> FailedPreconditionError:
    name = variable.name.removesuffix(":0")
    return FailedPreconditionError(
        f"Attempting to use uninitialized value {name}: the variable has not been initialized in "
        "this session", hint="session.run(tf.compat.v1.global_variables_initializer())")


def unfed(tensor: Any) -> InvalidArgumentError:
    shape = "<unknown>" if tensor.shape.rank is None else str(tensor.shape.as_list())
    return InvalidArgumentError(
        f"You must feed a value for placeholder tensor '{tensor.op.name}' with dtype "
        f"{tensor.dtype.name} and shape {shape}", where=where_now(),
        hint="session.run(..., feed_dict={" + tensor.op.name + ": value})")


def fed_array(target: Any, value: Any) -> Any:
    """What is fed, in the dtype of its place, after a look at its shape."""
    if isinstance(value, GraphValue):
        raise ArgumentError("The value of a feed cannot be a tf.Tensor object. Acceptable feed "
                            "values include Python scalars, strings, lists, numpy ndarrays",
                            where=where_now(), hint="session.run(tensor) first")
    raw = value_of(value) if isinstance(value, Handle) else value
    try:
        array = np.asarray(raw, target.dtype.numpy)
    except (ValueError, TypeError):
        raise ArgumentError(f"Cannot feed a value of type {type(value).__name__} for Tensor "
                            f"{target.name}, which has dtype {target.dtype.name}",
                            where=where_now()) from None
    if not TensorShape(array.shape).is_compatible_with(target.shape):
        raise ArgumentError(f"Cannot feed value of shape {array.shape} for Tensor {target.name}, "
                            f"which has shape {target.shape}", where=where_now())
    return array

