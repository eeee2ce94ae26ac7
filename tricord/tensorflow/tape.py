"""GradientTape, and functions with gradients of their own."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GradientError
from ..ir.ops.elementwise import zeros_like as _zeros_like
from ..tensor import Parameter, autograd, custom_gradients, recording_gradients
from ..tensor import transforms as tf_transforms
from ..tensor.handle import Handle
from ..tensor.history import mark
from ..tensor.recorder import cut, state, wrap
from ..tensor.trees import flatten, unflatten
from . import array_ops
from ._names import explain_keywords
from ._op import modes, op
from .graph import GraphValue
from .tensors import EagerTensor, apply, convert, where_now

__all__ = ["GradientTape", "UnconnectedGradients", "custom_gradient", "recompute_grad"]

#: set by `graph_gradients`: gradients of symbolic tensors
symbolic_gradients: list[Callable[..., Any]] = []


class UnconnectedGradients:
    """What `GradientTape.gradient` gives where there is no dependence."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Gradients of what is computed inside its block.

    Variables that are trained are watched by themselves, tensors by `watch`. What was computed
    before the outermost tape was opened is constant.

    >>> from .variables import Variable
    >>> x = Variable(3.0)
    >>> with GradientTape() as tape:
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent = persistent
        self._watches_variables = watch_accessed_variables
        self._watched: dict[int, Any] = {}
        self._used = False
        self._since = -1
        self._beside: weakref.WeakSet[GradientTape] = weakref.WeakSet()
        self._recording: Any = None

    # ---- recording

    def __enter__(self) -> GradientTape:
        if self in modes.tapes:
            raise ArgumentError("Tape is still recording. This can happen if you try to re-enter "
                                "an already-active tape.", where=where_now())
        if modes.tapes:
            self._since = modes.tapes[0]._since
            for other in modes.tapes:
                other._beside.add(self)
                self._beside.add(other)
        else:
            _let_go_of_the_past()
            self._since = mark()
        modes.tapes.append(self)
        self._recording = recording_gradients(True)
        self._recording.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._recording.__exit__(None, None, None)
        if self in modes.tapes:
            modes.tapes.remove(self)

    def watch(self, tensor: Any) -> None:
        """Let gradients be asked for with respect to these tensors.

        Raises:  DTypeError for integers
        """
        leaves, _ = flatten(tensor)
        for t in leaves:
            if isinstance(t, GraphValue):
                continue
            if not isinstance(t, Handle):
                raise ArgumentError(f"Passed in object {t!r} of type {type(t).__name__}, not "
                                    "tf.Tensor or tf.Variable or ExtensionType.",
                                    where=where_now())
            if not t.dtype.is_inexact:
                raise DTypeError(f"The dtype of the watched tensor must be floating (e.g. "
                                 f"tf.float32), got {t.dtype.name}", where=where_now())
            t.requires_grad_(True)  # type: ignore[attr-defined]
            self._watched[id(t)] = t

    def watched_variables(self) -> tuple[Any, ...]:
        """The tensors given to `watch` that are variables."""
        return tuple(t for t in self._watched.values() if isinstance(t, Parameter))

    def stop_recording(self) -> Any:
        """A block in which nothing is recorded for differentiation."""
        return recording_gradients(False)

    def reset(self) -> None:
        """Forget what was watched, and begin again."""
        self._watched = {}
        self._used = False

    # ---- asking

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None,
                 unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """The gradient of the sum of ``target`` for each source; None where it does not depend.

        Raises:  GradientError for a second call if the tape is not persistent
        """
        targets, _ = flatten(target)
        leaves, structure = flatten(sources)
        if target is None:
            raise DTypeError("Argument `target` should be a list or nested structure of Tensors, "
                             "Variables or CompositeTensors to be differentiated, but received "
                             "None.", where=where_now())
        if any(isinstance(v, GraphValue) for v in [*targets, *leaves]):
            found = symbolic_gradients[0](targets, leaves, output_gradients)
            return unflatten(structure, found)
        self._spend()
        seeds = None if output_gradients is None else flatten(output_gradients)[0]
        found = self._gradients([convert(t) for t in targets], leaves, seeds)
        if unconnected_gradients in (UnconnectedGradients.ZERO, "zero"):
            found = [apply(_zeros_like, (leaf,)) if g is None else g
                     for g, leaf in zip(found, leaves, strict=True)]
        return unflatten(structure, found)

    def _spend(self) -> None:
        if self._used and not self._persistent:
            raise GradientError("A non-persistent GradientTape can only be used to compute one set "
                                "of gradients (or jacobians)", where=where_now(),
                                hint="tf.GradientTape(persistent=True)")
        self._used = True
        if not self._persistent and self in modes.tapes:
            modes.tapes.remove(self)

    def _gradients(self, targets: list[Any], sources: list[Any], seeds: list[Any] | None,
                   keep: bool = False) -> list[Any]:
        for s in sources:
            if not isinstance(s, Handle):
                raise DTypeError(f"tape.gradient: sources are tensors or variables, got {s!r:.60}",
                                 where=where_now())
        wanted = [s for s in sources if self._watches(s)]
        given = [None] * len(targets) if seeds is None else seeds
        pairs = [(t, g) for t, g in zip(targets, given, strict=True) if t.requires_grad]
        if not pairs or not wanted:
            return [None] * len(sources)
        outputs = [t for t, _ in pairs]
        cotangents = None
        if len(outputs) > 1 or outputs[0]._type.size != 1 or pairs[0][1] is not None:
            cotangents = [_ones(t) if g is None else convert(g, t.dtype) for t, g in pairs]
        again = bool(modes.tapes)
        keep = keep or self._persistent or again or any(not t._used for t in self._beside)
        found = autograd.grad(outputs, wanted, cotangents, retain_graph=keep, create_graph=again,
                              since=self._since)
        by_source = dict(zip(map(id, wanted), found, strict=True))
        return [_eager(by_source.get(id(s))) for s in sources]

    def _watches(self, source: Any) -> bool:
        if id(source) in self._watched:
            return True
        if isinstance(source, Parameter):
            return self._watches_variables and source._wants_grad
        if isinstance(source, EagerTensor) and source._wants_grad:
            return False  # another tape watched it
        return bool(source.requires_grad)

    # ---- matrices of derivatives

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: Any = "none",
                 parallel_iterations: Any = None, experimental_use_pfor: bool = True) -> Any:
        """The derivative of every element of ``target`` with respect to every one of a source.

        Shapes:  (*target.shape, *source.shape)
        """
        self._spend()
        leaves, structure = flatten(sources)
        value = convert(target)
        size = value._type.size
        rows: list[list[Any]] = [[] for _ in leaves]
        for i in np.arange(size).tolist():
            seed = np.zeros(size, value.dtype.numpy)
            seed[i] = 1
            found = self._gradients([value], leaves,
                                    [wrap(seed.reshape(tuple(value.shape)), EagerTensor)], True)
            for row, g in zip(rows, found, strict=True):
                row.append(g)
        made = []
        for row, source in zip(rows, leaves, strict=True):
            if not row or all(g is None for g in row):
                made.append(None if unconnected_gradients == "none" else array_ops.zeros(
                    [*value.shape, *source.shape], value.dtype))
                continue
            filled = [apply(_zeros_like, (source,)) if g is None else g for g in row]
            made.append(array_ops.reshape(array_ops.stack(filled),
                                          [*value.shape, *source.shape]))
        return unflatten(structure, made)

    def batch_jacobian(self, target: Any, source: Any, unconnected_gradients: Any = "none",
                       parallel_iterations: Any = None, experimental_use_pfor: bool = True) -> Any:
        """The Jacobian of each example by itself.

        Shapes:  target (n, *T), source (n, *S) -> (n, *T, *S)
        """
        self._spend()
        value = convert(target)
        count = value.shape[0]
        inner = tuple(value.shape[1:])
        size = int(np.prod(inner))
        columns = []
        for i in np.arange(size).tolist():
            seed = np.zeros((count, size), value.dtype.numpy)
            seed[:, i] = 1
            found = self._gradients([value], [source],
                                    [wrap(seed.reshape(tuple(value.shape)), EagerTensor)], True)[0]
            columns.append(apply(_zeros_like, (source,)) if found is None else found)
        stacked = array_ops.stack(columns, axis=1)
        return array_ops.reshape(stacked, [count, *inner, *source.shape[1:]])


def _ones(t: Any) -> Any:
    return wrap(np.ones(tuple(t.shape), t.dtype.numpy), EagerTensor)


def _eager(gradient: Any) -> Any:
    if gradient is not None and gradient.__class__ is not EagerTensor:
        gradient.__class__ = EagerTensor
    return gradient


def _let_go_of_the_past() -> None:
    """Evaluate what is pending and needs gradients, so that a tape sees it as a constant."""
    segment = state.segment
    if segment.parent is not None or state.held:
        return
    for reference in segment.handles:
        h = reference()
        if h is not None and h._segment is segment and h._value is None and not h._wants_grad:
            node = h._node
            if node is not None and node.needs_grad:
                cut()
                return


# ---- gradients of one's own

def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """Give a function a gradient: it returns its result and a function of upstream gradients.

    >>> from .variables import Variable
    >>> @custom_gradient
    ... def doubled(x):
    ...     return x * 2.0, lambda upstream: upstream * 10.0
    >>> v = Variable(3.0)
    >>> with GradientTape() as tape:
    ...     y = doubled(v)
    >>> float(y), float(tape.gradient(y, v))
    (6.0, 10.0)
    """
    if f is None:
        return custom_gradient
    made = custom_gradients.custom_gradient(f)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        operands = [convert(a) if isinstance(a, (int, float, np.ndarray)) and not isinstance(
            a, bool) else a for a in args]
        return made(*operands, **kwargs)

    return op(wrapped, name=getattr(f, "__name__", "custom_gradient"))


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Compute inner values again in the backward pass instead of keeping them."""

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return tf_transforms.checkpoint(f, *args, **kwargs)

    return wrapped


explain_keywords(globals())
