"""Recording and evaluating: from operations on handles to programs, and back to values.

A *segment* is what one thread has recorded since its last cut. Handles entering it from outside
become its leaves, numbered in order of first use; therefore the same loop body records the same
nodes each time round, and finding its program is one dictionary look-up.

A *cut* evaluates the segment. Its outputs are all handles that are still alive; everything else
lives inside the program only.

The hot path is `record`: a key made of the function, its static arguments and the operands' nodes
is looked up in the thread's memo. Only at first sight is the function run, on nodes, which checks
shapes and dtypes and builds the graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from sys import getrefcount
from typing import Any
from weakref import ref

import numpy as np

from .. import settings
from ..errors import DTypeError, GradientError, TraceError, TricordError
from ..ir.dtypes import DType, as_dtype
from ..ir.graph import make_input
from ..ir.node import Node, clear_nodes, node_count
from ..ir.ops.elementwise import Cast
from ..ir.ops.elementwise import _cast as same_dtype_cast
from ..ir.ops.families import rebind
from ..ir.ops.structural import root, stop_gradient
from ..ir.shapes import TensorType, tensor_type
from ..ir.source import user_location
from ..runtime.devices import build, chosen_device, circumstances, may_interpret
from ..runtime.executable import Donated
from .explain import explanation, no_number
from .handle import Handle
from .history import HistoryPlan, Provenance, as_it_is

__all__ = ["Segment", "TraceSegment", "assign", "clear_tables", "cut", "gradients_enabled", "hold",
           "leaf_value", "pending", "record", "record_nodes", "recording_gradients", "state",
           "value_of", "wrap"]

Array = np.ndarray[Any, Any]

#: Nodes after which a thread's tables are emptied, at a cut and all at once.
TABLE_LIMIT = 100_000

#: What `getrefcount` says of a value that only its segment knows: as an input, as the value that a
#: handle had before it was written to, and as the argument of the question.
_HELD_HERE_ALONE = 3


class Segment:
    """What has been recorded since the last cut."""

    __slots__ = ("backward_done", "before", "handles", "owners", "parent", "roots", "values")

    def __init__(self, parent: Segment | None = None):
        self.parent = parent
        #: per slot, the value and the handle it came from (None for a number)
        self.values: list[Any] = []
        self.owners: list[Handle | None] = []
        #: weak references to all handles that were pending here
        self.handles: list[ref[Handle]] = []
        #: nodes that start a gradient without being an input, and their handles
        self.roots: dict[Node, Handle] = {}
        #: values that handles had before they were written to, for the case that evaluation fails
        self.before: list[tuple[Handle, Array, Provenance | None]] = []
        #: nodes whose backward pass has run, so that their graph is not kept
        self.backward_done: list[Node] = []

    def enter(self, handle: Handle) -> Node:
        """The node that stands for a handle from outside: a leaf, numbered by first use."""
        value = handle._value
        if value is None:
            value = _value_from_elsewhere(handle, self)
        elif handle._link is not None and not value.flags.c_contiguous:
            moved = _moved(handle, value, self)
            if moved is not None:
                handle._segment = None
                handle._node = moved
                handle._segment = self
                return moved
        slot = len(self.values)
        type = handle._type
        wants = handle._wants_grad or handle._provenance is not None
        node = _input(slot, type, wants)
        self.values.append(value)
        self.owners.append(handle)
        # Another thread may use the same handle: it must never see this segment with a node of
        # its own. Writers therefore clear the segment first, readers take the node first.
        handle._segment = None
        handle._node = node
        handle._segment = self
        return node

    def node_of(self, handle: Handle) -> Node:
        """The node that stands for a handle in this segment."""
        node = handle._node
        return node if handle._segment is self and node is not None else self.enter(handle)

    def number(self, value: Any, dtype: DType) -> Node:
        """A leaf for a Python number that is likely to change from step to step."""
        slot = len(self.values)
        self.values.append(np.asarray(value, dtype.numpy))
        self.owners.append(None)
        return _input(slot, _scalar_type(dtype), False)

    def let_go(self) -> None:
        """Forget values and handles once they have been used; handles may still name this."""
        self.values = []
        self.owners = []
        self.handles = []
        self.roots = {}
        self.before = []

    def owner(self, node: Node) -> Handle:
        """The handle that a root of gradients belongs to."""
        found = self.roots.get(node)
        if found is None:
            found = self.owners[node.params.slot]
        assert found is not None
        return found


def _moved(handle: Handle, value: Array, segment: Segment) -> Node | None:
    """The node of a transposed tensor as a movement of the tensor it is a view of: programs read
    transposed memory where it lies, but take only dense arguments. None for other views."""
    base, steps = handle._link  # type: ignore[misc]
    if (value.base is not base._value or base._value is None or base.requires_grad
            or not all(s.is_transpose for s in steps)):
        return None
    key = (_moved, segment.node_of(base), steps)
    node = state.memo.get(key)
    if node is None:
        node = key[1]
        for step in steps:
            node = step.read(node)
        state.memo[key] = node
    return node  # type: ignore[no-any-return]


class TraceSegment(Segment):
    """A segment over placeholders: nothing in it has a value, everything from outside is an input.

    ``owners[slot]`` is the outer handle behind a slot, None for a placeholder.
    """

    __slots__ = ("captured", "closed", "inputs")

    def __init__(self, parent: Segment):
        super().__init__(parent)
        self.inputs: list[Node] = []
        self.captured: dict[int, Node] = {}
        self.closed = False

    def enter(self, handle: Handle) -> Node:
        # Unlike in a plain segment the handle is not told: it goes on living outside.
        found = self.captured.get(id(handle))
        if found is None:
            segment = handle._segment
            if isinstance(segment, TraceSegment) and segment.closed:
                raise _leaked()
            found = _input(len(self.values), handle._type, handle.requires_grad)
            self.values.append(None)
            self.owners.append(handle)
            self.inputs.append(found)
            self.captured[id(handle)] = found
        return found

    def placeholder(self, type: TensorType, wants: bool, cls: type[Handle]) -> Any:
        """A handle that stands for an argument of the traced function."""
        node = _input(len(self.values), type, wants)
        self.values.append(None)
        self.owners.append(None)
        self.inputs.append(node)
        self.roots[node] = handle = pending(node, cls)
        return handle


class _State(threading.local):
    """Everything one thread records with. No two threads share any of it."""

    def __init__(self) -> None:
        self.segment: Segment = Segment()
        self.memo_with_gradients: dict[Any, Any] = {}
        self.memo_without_gradients: dict[Any, Any] = {}
        self.memo = self.memo_with_gradients
        self.inputs: dict[Any, Node] = {}
        self.scalar_types: dict[str, TensorType] = {}
        self.programs: dict[Any, _Program] = {}
        #: weak references to intermediate tensors whose gradient somebody looks at
        self.hooked: list[ref[Handle]] = []
        self.held = 0
        self.cuts = 0
        self.programs_built = 0
        #: who is told of what happens, while a call is watched (`replay.Watch`)
        self.watch: Any = None


state = _State()


def gradients_enabled() -> bool:
    """Whether this thread records for differentiation."""
    return state.memo is state.memo_with_gradients


@contextmanager
def recording_gradients(on: bool) -> Iterator[None]:
    """Record with or without gradients for the duration of a block."""
    before = state.memo
    state.memo = state.memo_with_gradients if on else state.memo_without_gradients
    try:
        yield
    finally:
        state.memo = before


def _input(slot: int, type: TensorType, wants: bool) -> Node:
    key = (slot, wants, type.shape, type.dtype.name)
    node = state.inputs.get(key)
    if node is None:
        node = state.inputs[key] = make_input(slot, type, wants)
    return node


def _scalar_type(dtype: DType) -> TensorType:
    found = state.scalar_types.get(dtype.name)
    if found is None:
        found = state.scalar_types[dtype.name] = tensor_type((), dtype)
    return found


# ---- recording

def record(function: Callable[..., Node], operands: Sequence[Handle],
           static: tuple[Any, ...] = ()) -> Any:
    """Record ``function(*nodes_of_operands, *static)`` and return a handle on its result.

    ``function`` is called on nodes when this application is seen for the first time. ``static``
    must be hashable; it is part of the key, so values that change at every step do not belong
    there.
    """
    here = state
    segment = here.segment
    if not len(segment.handles) % _BUDGET_STEP:
        segment = _over_budget()
    key: Any = [function, static]
    if static:
        key.append(tuple(map(type, static)))  # 1, 1.0 and True are equal, but not the same
    try:
        for h in operands:
            node = h._node
            key.append(node if h._segment is segment else segment.enter(h))
        key = tuple(key)
        node = here.memo.get(key)
    except (AttributeError, TypeError) as error:  # not a tensor, or not hashable
        _refuse(function, operands, static, error)
        raise
    if node is None:
        node = here.memo[key] = _first_sight(function, key[-len(operands):] if operands else (),
                                             static)
    cls = (operands[0] if operands else Handle)._result_class
    return pending(node, cls)


def record_nodes(function: Callable[..., Sequence[Node]], operands: Sequence[Handle],
                 static: tuple[Any, ...] = ()) -> Sequence[Node]:
    """Like `record`, for a function with several results, which are returned as nodes."""
    here = state
    segment = _over_budget()
    key: Any = [function, static, tuple(map(type, static))]
    try:
        for h in operands:
            node = h._node
            key.append(node if h._segment is segment else segment.enter(h))
        key = tuple(key)
        nodes = here.memo.get(key)
    except (AttributeError, TypeError) as error:
        _refuse(function, operands, static, error)
        raise
    if nodes is None:
        nodes = here.memo[key] = _first_sight(function, key[3:], static)
    return nodes  # type: ignore[no-any-return]


def _refuse(function: Callable[..., Any], operands: Sequence[Any], static: tuple[Any, ...],
            error: Exception) -> None:
    """Say which operand is no tensor, or which argument is none, if there is one."""
    for place, operand in enumerate(operands, start=1):
        if not isinstance(operand, Handle):
            name = getattr(function, "__name__", "operation").lstrip("_")
            raise DTypeError(f"{name}: argument {place} must be Tensor, not "
                             f"{type(operand).__name__}",
                             where=str(user_location() or "") or None,
                             hint="make it one first: tensor(value)")
    better = explanation(function, len(operands), static, error)
    if better is not None and isinstance(error, TypeError):
        raise better from None


def _first_sight(function: Callable[..., Any], nodes: Sequence[Node],
                 static: tuple[Any, ...]) -> Any:
    try:
        if any(isinstance(s, Handle) for s in static):
            raise no_number(function, static)
        result = function(*nodes, *static)
    except TricordError as error:
        if error.where is None:
            error.where = str(user_location(3) or "") or None
        raise
    except Exception as error:
        better = explanation(function, len(nodes), static, error)
        if better is None:
            raise
        raise better from error
    if gradients_enabled():
        return _passed(result) if isinstance(result, Node) else tuple(map(_passed, result))
    if isinstance(result, Node):
        return stop_gradient(result) if result.needs_grad else result
    return tuple(stop_gradient(n) if n.needs_grad else n for n in result)


def _passed(node: Node) -> Node:
    """A leaf given back as it is (``x.clone()``) as a node of its own: its handle is no leaf, and
    gradients flow through it after it was observed, too."""
    if node.needs_grad and not node.op.follows_parents:
        return rebind(same_dtype_cast, Cast(node.dtype), node)
    return node


_new = object.__new__


def pending(node: Node, cls: type[Handle]) -> Any:
    """A new handle on a node of the current segment."""
    segment = state.segment
    h = _new(cls)
    h._node = node
    h._segment = segment
    h._type = node.type
    segment.handles.append(ref(h))
    return h


def _over_budget() -> Segment:
    """Evaluate what is pending once much of it has gathered; the segment to go on with."""
    segment = state.segment
    if (len(segment.handles) >= settings.get().node_budget and segment.parent is None
            and not state.held):
        cut()
    return state.segment


@contextmanager
def hold() -> Iterator[None]:
    """Keep the current segment open: observations inside compute what they need on the side.

    For code that has nodes of the segment in its hands while user code (a hook) may run.
    """
    state.held += 1
    try:
        yield
    finally:
        state.held -= 1


#: Handles of a segment between two looks at the node budget; the least legal budget.
_BUDGET_STEP = 16


def wrap(value: Array, cls: type[Handle] | None = None, type: TensorType | None = None) -> Any:
    """A handle on an array, which must not be written to afterwards."""
    cls = cls or Handle._result_class
    h = _new(cls)
    h._value = value
    h._type = type or _type_of(value)
    return h


_types: dict[Any, TensorType] = {}


def _type_of(value: Array) -> TensorType:
    # Looked up by content so that equal types are mostly the same object.
    key = (value.shape, value.dtype)
    found = _types.get(key)
    if found is None:
        found = tensor_type(value.shape, as_dtype(value.dtype))
        if len(_types) > 10_000:
            _types.clear()
        _types[key] = found
    return found


def keep_past(handle: Handle) -> None:
    """Before an observed result is written to: what used it in this segment meets a stand-in.

    Gradients of what was recorded with the old value belong to the old value's history.
    """
    segment, node = state.segment, handle._node
    if handle._provenance is None or handle._value is None or handle._segment is not segment:
        return
    assert node is not None
    segment.owners[node.params.slot] = as_it_is(handle)


def assign(handle: Handle, node: Node) -> None:
    """Let an existing handle stand for another node of the current segment: a write."""
    segment = state.segment
    if segment.parent is not None and handle._segment is not segment:
        raise TraceError("a tensor from outside is written to inside a function that vmap, scan, "
                         "cond or another transformation is tracing",
                         where=str(user_location(2) or "") or None,
                         hint="return the new value from the function and assign it outside")
    if handle._value is not None:
        segment.before.append((handle, handle._value, handle._provenance))
        handle._value = None
    if handle._graph_freed:
        handle._graph_freed = False
    handle._provenance = None
    if handle._wants_grad:
        node = root(node, ordinal=len(segment.roots))
        segment.roots[node] = handle
    handle._segment = None
    handle._node = node
    handle._segment = segment
    handle._type = node.type
    segment.handles.append(ref(handle))


# ---- evaluating

class _Program:
    """A compiled segment: how to run it, and what gradients that come later will want.

    A small program that is new is interpreted: most of those are never seen again. Whether it is
    depends on the graph and on how often it was seen, never on time or what is in a cache; and
    never where the last bits last: in training and in drawn numbers.
    """

    __slots__ = ("history", "rewritten", "run", "seen", "waiting")

    def __init__(self, nodes: Sequence[Node], done: Sequence[Node], device: str,
                 live: Sequence[Handle], segment: Segment):
        self.history = HistoryPlan(nodes, done)
        outputs = [*nodes, *self.history.residuals]
        self.seen = 0
        self.rewritten = _rewritten(live, segment)
        lasts = self.rewritten or self.history.residuals or done
        later = (device == "native" and settings.get().interpret_first and not lasts
                 and may_interpret(outputs))
        self.run = build(outputs, "numpy" if later else device)
        #: outputs still to be compiled
        self.waiting = outputs if later else None

    def ready(self) -> None:
        """Called before each run: compile when the program has been seen often enough."""
        if self.seen >= settings.get().interpret_first:
            self.run = build(self.waiting, "native")  # type: ignore[arg-type]
            self.waiting = None
        self.seen += 1


def _rewritten(live: Sequence[Handle], segment: Segment) -> list[tuple[int, int, int]]:
    """Triples (output, slot, entry): a handle that was written to has its new value in the output,
    the old one in the slot, and is told of by that entry of ``segment.before``."""
    entries = {id(value): i for i, (_, value, _) in enumerate(segment.before)}
    outputs = {id(handle): i for i, handle in enumerate(live)}
    found = []
    for slot, value in enumerate(segment.values):
        entry = entries.pop(id(value), None)
        if entry is None:
            continue
        output = outputs.get(id(segment.before[entry][0]))
        if output is not None and live[output]._type.nbytes == value.nbytes:
            found.append((output, slot, entry))
    return found


def _donated(program: _Program, live: Sequence[Handle], segment: Segment) -> Donated:
    """Results that are new values of handles; they may be written over the old value where nobody
    else has that."""
    values, before = segment.values, segment.before
    if not before:
        return []
    found = []
    for output, slot, entry in program.rewritten:
        # The same program may come from code that writes to nothing, or to other handles.
        if (slot < len(values) and entry < len(before) and before[entry][0] is live[output]
                and before[entry][1] is values[slot]):
            found.append((output, slot, getrefcount(values[slot]) == _HELD_HERE_ALONE))
    return found


def cut() -> None:
    """Evaluate everything pending in this thread that is still held, and start a new segment."""
    here = state
    segment = here.segment
    if segment.parent is not None:
        raise _no_value()
    live = []
    nodes = []
    for reference in segment.handles:
        h = reference()
        if h is not None and h._segment is segment and h._value is None:
            live.append(h)
            nodes.append(h._node)
    here.segment = Segment()
    if not live:
        segment.let_go()
    else:
        here.cuts += 1
        device = chosen_device()
        key = (circumstances(), len(segment.backward_done), *segment.backward_done, *nodes)
        program = here.programs.get(key)
        try:
            if program is None:
                program = here.programs[key] = _Program(
                    nodes, segment.backward_done, device, live, segment)  # type: ignore[arg-type]
                here.programs_built += 1
            if program.waiting is not None:
                program.ready()
            if here.watch is not None:
                here.watch.cut(segment, live, nodes, program)
            results = program.run(segment.values, _donated(program, live, segment))
        except TricordError as error:
            _fail(segment, live, error)
            raise
        except BaseException:
            _fail(segment, live, None)
            raise
        provenances = program.history.provenances(segment, results, live)
        for h, value in zip(live, results):
            h._value = value
            h._segment = None
            h._node = None
        segment.let_go()
        for index, provenance in provenances:
            live[index]._provenance = provenance
        for index in program.history.freed:
            live[index]._graph_freed = True
    if node_count() > TABLE_LIMIT or len(here.memo_with_gradients) > TABLE_LIMIT:
        clear_tables()


def _fail(segment: Segment, live: Sequence[Handle], error: Exception | None) -> None:
    """After a failed evaluation: what was written to gets its old value back, the rest is lost."""
    restored = set()
    for h, value, provenance in reversed(segment.before):
        h._value, h._provenance, h._node, h._segment = value, provenance, None, None
        h._type = _type_of(value)
        restored.add(id(h))
    for h in live:
        if id(h) not in restored:
            h._error = error or GradientError("the evaluation that should have given this value "
                                              "was interrupted")
            h._node = h._segment = None


def clear_tables() -> None:
    """Forget this thread's memo, nodes and programs; they come back as they are needed."""
    here = state
    for table in (here.memo_with_gradients, here.memo_without_gradients, here.inputs,
                  here.programs):
        table.clear()  # type: ignore[attr-defined]
    clear_nodes()


def value_of(handle: Handle) -> Array:
    """The value, evaluating what is pending: an observation."""
    value = handle._value
    if value is None:
        if handle._error is not None:
            raise handle._error
        if handle._segment is state.segment and not state.held:
            cut()
            value = handle._value
            if value is None and handle._error is not None:
                raise handle._error
        else:
            value = _value_from_elsewhere(handle, state.segment)
    assert value is not None
    if state.watch is not None:
        state.watch.looked.append((handle, value))
    return value


def leaf_value(handle: Handle) -> Array | None:
    """The value if there is one already; never evaluates."""
    return handle._value


def _value_from_elsewhere(handle: Handle, here: Segment) -> Array:
    """The value of a handle that is pending in another segment."""
    if handle._error is not None:
        raise handle._error
    segment, node = handle._segment, handle._node
    if isinstance(segment, TraceSegment):
        raise _leaked() if segment.closed else _no_value()
    if state.watch is not None:
        state.watch.refuse("a value is looked at inside of it")
    leaves = segment.values if segment is not None else []
    if handle._value is not None:  # the other thread has just evaluated it
        return handle._value
    assert node is not None
    # Another thread's, or one that must stay open: computed on the side from its leaves.
    value: Array = build([node], chosen_device())(leaves)[0]
    if segment is not here and handle._segment is segment:
        handle._value = value
    return value


def _no_value() -> TraceError:
    return TraceError(
        "a value was asked for (by item, numpy, print, if, or by in-place state) inside a function "
        "that vmap, scan, cond or another transformation is tracing: there is none yet",
        where=str(user_location(2) or "") or None,
        hint="use tricord.where or tricord.cond instead of if, or move the observation outside")


def _leaked() -> TraceError:
    return TraceError(
        "a tensor from inside vmap, scan, cond or another traced function is used outside of it",
        where=str(user_location(2) or "") or None,
        hint="return it from the function instead of storing it")
