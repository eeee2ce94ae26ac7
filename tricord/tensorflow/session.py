"""Sessions: values of variables, and programs for what is asked again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, TraceError, TricordError
from ..ir.dtypes import as_dtype
from ..ir.shapes import tensor_type
from ..random import drawing_from
from ..tensor.recorder import cut, pending, record_nodes, recording_gradients, value_of, wrap
from ..tensor.transforms import trace
from ..tensor.trees import flatten, unflatten
from . import random_state
from ._names import explain_keywords
from ._op import modes
from .graph import Graph, GraphKeys, GraphValue, Operation, SymbolicTensor, default_graph
from .run import DrawsOfRun, Replay, Run, fed_array, needed_operations, uninitialised
from .tensors import EagerTensor, where_now

__all__ = ["ConfigProto", "GPUOptions", "InteractiveSession", "Session", "get_default_session"]

_KEY_TYPE = tensor_type((4,), as_dtype("uint32"))


class _Options:
    """Settings that change nothing on a CPU; any of TensorFlow's names may be set."""

    _known: tuple[str, ...] = ()

    def __init__(self, **settings: Any):
        for name, value in settings.items():
            if name not in self._known:
                raise ArgumentError(f"{type(self).__name__} has no field {name!r}",
                                    hint="it has " + ", ".join(self._known))
            setattr(self, name, value)


class GPUOptions(_Options):
    """Accepted; there is no GPU."""

    _known = ("allow_growth", "per_process_gpu_memory_fraction", "visible_device_list",
              "force_gpu_compatible", "allocator_type")


class ConfigProto(_Options):
    """Accepted; threads and devices are chosen by tricord's own settings."""

    _known = ("allow_soft_placement", "log_device_placement", "intra_op_parallelism_threads",
              "inter_op_parallelism_threads", "device_count", "gpu_options", "graph_options",
              "operation_timeout_in_ms", "isolate_session_state")

    def __init__(self, **settings: Any):
        self.gpu_options = GPUOptions()
        super().__init__(**settings)


class _Plan:
    """A recorded program for one set of fetches, feeds and shapes."""

    __slots__ = ("captured", "fetched", "reads", "replay", "writes")

    def __init__(self, replay: Replay, captured: list[Any], reads: list[Any],
                 fetched: list[int | None], writes: list[tuple[Any, int]]):
        self.replay = replay
        self.captured = captured
        self.reads = reads
        self.fetched = fetched
        self.writes = writes


class Session:
    """Runs parts of a graph and holds the values of its variables.

    >>> from .compat import v1 as tf
    >>> with tf.Graph().as_default(), tf.Session() as session:
    ...     x = tf.placeholder(tf.float32, [None])
    ...     session.run(x * 2, {x: [1, 2]}).tolist()
    [2.0, 4.0]
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        if target:
            raise ArgumentError(f"Session: tricord runs in this process, got target {target!r}")
        self.graph = default_graph() if graph is None else graph
        self.variables: dict[Any, Any] = {}
        self._plans: dict[Any, _Plan | None] = {}
        self._runs = 0
        self._closed = False
        self._graph_context: Any = None

    # ---- life

    def close(self) -> None:
        """Forget the values of all variables."""
        self._closed = True
        self.variables = {}
        self._plans = {}

    def __enter__(self) -> Session:
        modes.sessions.append(self)
        modes.graphs.append(self.graph)
        return self

    def __exit__(self, *exc: object) -> None:
        modes.sessions.remove(self)
        modes.graphs.remove(self.graph)
        self.close()

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """Be the session that ``eval`` and ``run`` use inside the block."""
        modes.sessions.append(self)
        modes.graphs.append(self.graph)
        try:
            yield self
        finally:
            modes.sessions.remove(self)
            modes.graphs.remove(self.graph)

    # ---- running

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None,
            run_metadata: Any = None) -> Any:
        """The values of tensors, variables and operations (None), nested as ``fetches`` are.

        Raises:  RuntimeError if the session is closed, TypeError for a fetch that is none,
                 InvalidArgumentError for a placeholder that was not fed,
                 FailedPreconditionError for a variable without a value
        """
        if self._closed:
            raise ClosedError("Attempted to use a closed Session.", where=where_now())
        leaves, structure = flatten(fetches)
        targets = [self._target(leaf) for leaf in leaves]
        feeds = self._feeds(feed_dict)
        key = (tuple(targets), *((t, a.shape) for t, a in feeds.items()))
        arrays = list(feeds.values())
        try:
            plan = self._plans[key]
        except KeyError:
            plan = self._plans[key] = self._planned(targets, feeds)
        if plan is not None and self._fits(plan):
            values = self._replay(plan, arrays)
        else:
            values = self._step_by_step(targets, feeds)
        return unflatten(structure, values)

    def make_callable(self, fetches: Any, feed_list: Any = None) -> Any:
        """A function of the values to feed."""
        places = list(feed_list or ())
        return lambda *values: self.run(fetches, dict(zip(places, values, strict=True)))

    def _target(self, leaf: Any) -> Any:
        if isinstance(leaf, str):
            leaf = self.graph.as_graph_element(leaf)
        if not isinstance(leaf, (GraphValue, Operation)):
            kind = type(leaf).__name__
            raise DTypeError(f"Fetch argument {leaf!r} has invalid type {kind}, must be a string "
                             f"or Tensor. (Can not convert a {kind} into a Tensor or Operation.)",
                             where=where_now())
        if leaf.graph is not self.graph:
            raise ArgumentError(f"Fetch argument {leaf!r} cannot be interpreted as a Tensor. "
                                "(Tensor is not an element of this graph.)", where=where_now())
        return leaf

    def _feeds(self, feed_dict: Any) -> dict[Any, Any]:
        feeds = {}
        for place, value in (feed_dict or {}).items():
            target = self.graph.as_graph_element(place) if isinstance(place, str) else place
            if not isinstance(target, GraphValue):
                raise DTypeError(f"Cannot interpret feed_dict key as Tensor: {place!r} is a "
                                 f"{type(place).__name__}", where=where_now())
            feeds[target] = fed_array(target, value)
        return feeds

    def read(self, variable: Any) -> Any:
        """The handle with a variable's value."""
        found = self.variables.get(variable)
        if found is None:
            raise uninitialised(variable)
        return found

    # ---- programs

    def _fits(self, plan: _Plan) -> bool:
        for variable in plan.reads:
            if variable not in self.variables:
                raise uninitialised(variable)
        return True

    def _planned(self, targets: list[Any], feeds: dict[Any, Any]) -> _Plan | None:
        """Record the program; None if it cannot do without values."""
        operations = needed_operations(
            [t if isinstance(t, Operation) else t.op for t in targets
             if isinstance(t, (Operation, SymbolicTensor))], feeds)
        mentioned = dict.fromkeys([t for t in targets if isinstance(t, GraphValue)
                                   and not isinstance(t, SymbolicTensor)])
        for operation in operations:
            mentioned.update(dict.fromkeys(v for v in operation.inputs
                                           if not isinstance(v, SymbolicTensor)))
        reads = [v for v in mentioned if v in self.variables and v not in feeds]
        fetched: list[int | None] = []
        writes: list[tuple[Any, int]] = []

        def on_handles(*handles: Any) -> list[Any]:
            given = dict(zip(feeds, handles[1:], strict=False))
            stored = dict(zip(reads, handles[1 + len(feeds):], strict=True))
            run = Run(given, lambda v: self._traced(v, stored), tracing=True)
            with drawing_from(DrawsOfRun(handles[0])):
                found = run.fetch(targets)
            results: list[Any] = []
            for handle in found:
                fetched.append(None if handle is None else len(results))
                results += [] if handle is None else [handle]
            for variable, handle in run.written.items():
                writes.append((variable, len(results)))
                results.append(handle)
            return results

        types = [_KEY_TYPE, *(tensor_type(a.shape, t.dtype) for t, a in feeds.items()),
                 *(self.variables[v]._type for v in reads)]
        try:
            with recording_gradients(True):
                traced = trace(on_handles, types, [False] * len(types))
        except TraceError:
            return None
        return _Plan(Replay(traced.graph), traced.captured, reads, fetched, writes)

    def _traced(self, variable: Any, stored: dict[Any, Any]) -> Any:
        found = stored.get(variable)
        if found is None:
            self.read(variable)
            raise TraceError(f"{variable.name} is used inside a loop or a branch")
        return found

    def _replay(self, plan: _Plan, arrays: list[Any]) -> list[Any]:
        operands = [self._key(), *(wrap(a) for a in arrays),
                    *(self.variables[v] for v in plan.reads), *plan.captured]
        with recording_gradients(False):
            nodes = record_nodes(plan.replay, operands)
        handles = [pending(n, EagerTensor) for n in nodes]
        if handles:
            cut()
        for variable, at in plan.writes:
            self.variables[variable] = handles[at]
        return [None if at is None else _fetched(handles[at]) for at in plan.fetched]

    def _step_by_step(self, targets: list[Any], feeds: dict[Any, Any]) -> list[Any]:
        given = {t: wrap(a, EagerTensor) for t, a in feeds.items()}
        run = Run(given, self.read)
        with recording_gradients(True), drawing_from(DrawsOfRun(self._key())):
            found = run.fetch(targets)
        values = [None if h is None else _fetched(h) for h in found]
        for variable, handle in run.written.items():
            self.variables[variable] = wrap(value_of(handle), EagerTensor)
        return values

    def _key(self) -> Any:
        """The key of this run's random numbers."""
        self._runs += 1
        seed = random_state.graph_seed(self.graph.seed)
        words = [seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF, 0, self._runs & 0xFFFFFFFF]
        return wrap(np.array(words, np.uint32))


class ClosedError(TricordError, RuntimeError):
    """A session is used after it was closed."""


def _fetched(handle: Any) -> Any:
    value = value_of(handle)
    return value.copy() if value.ndim else value[()]


class InteractiveSession(Session):
    """A session that is the default one from the start until it is closed."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        super().__init__(target, graph, config)
        modes.sessions.append(self)

    def close(self) -> None:
        if self in modes.sessions:
            modes.sessions.remove(self)
        super().close()


def get_default_session() -> Session | None:
    """The innermost default session."""
    return modes.sessions[-1] if modes.sessions else None


def variables_of(graph: Graph) -> list[Any]:
    """All variables of a graph."""
    return [*graph.get_collection(GraphKeys.GLOBAL_VARIABLES),
            *graph.get_collection(GraphKeys.LOCAL_VARIABLES)]


explain_keywords(globals())
