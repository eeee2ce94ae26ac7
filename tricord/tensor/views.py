"""Views: a base and the movement that made them. A write to a view is a write to its base.

Each step of a movement can read (base node to view node) and write (base node and new view node to
new base node). After a write to a base, the views that are still alive are read from it again, so
that a plain read of a handle never has to look whether it is stale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol
from weakref import ref

import numpy as np

from ..errors import DTypeError, GradientError, NotSupportedError, ShapeError
from ..ir.dtypes import bool_
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import broadcast_to, flip, pad, reshape, slice_, transpose
from ..ir.ops.structural import constant, stop_gradient
from ..ir.shapes import Shape
from ..ir.source import user_location
from .handle import Handle
from .recorder import assign, gradients_enabled, keep_past, record, state, wrap

__all__ = ["Detach", "Expand", "IndexBox", "Permute", "Reshape", "ViewLink", "view", "write"]

Array = np.ndarray[Any, Any]


class Step(Protocol):
    """One movement. Frozen and hashable, being part of the recording's key.

    ``is_transpose``: all elements of the base, at most with the axes in another order.
    """

    is_transpose: ClassVar[bool]

    def read(self, base: Node) -> Node: ...

    def read_array(self, base: Array) -> Array: ...

    def write(self, base: Node, value: Node) -> Node: ...


@dataclass(frozen=True)
class Reshape:
    is_transpose: ClassVar[bool] = False
    shape: Shape

    def read(self, base: Node) -> Node:
        return reshape(base, self.shape)

    def read_array(self, base: Array) -> Array:
        return base.reshape(self.shape)

    def write(self, base: Node, value: Node) -> Node:
        return reshape(value, base.shape)


@dataclass(frozen=True)
class Permute:
    is_transpose: ClassVar[bool] = True
    axes: tuple[int, ...]

    def read(self, base: Node) -> Node:
        return transpose(base, self.axes)

    def read_array(self, base: Array) -> Array:
        return base.transpose(self.axes)

    def write(self, base: Node, value: Node) -> Node:
        return transpose(value, tuple(int(a) for a in np.argsort(self.axes)))


@dataclass(frozen=True)
class Expand:
    is_transpose: ClassVar[bool] = False
    shape: Shape

    def read(self, base: Node) -> Node:
        return broadcast_to(base, self.shape)

    def read_array(self, base: Array) -> Array:
        return np.broadcast_to(base, self.shape)

    def write(self, base: Node, value: Node) -> Node:
        raise NotSupportedError("write to an expanded tensor: several of its elements are the "
                                "same element of the base", hint="clone() it first")


@dataclass(frozen=True)
class Detach:
    """The same value without its gradient; shares the storage."""

    is_transpose: ClassVar[bool] = True

    def read(self, base: Node) -> Node:
        return stop_gradient(base) if base.needs_grad else base

    def read_array(self, base: Array) -> Array:
        return base

    def write(self, base: Node, value: Node) -> Node:
        return value


@dataclass(frozen=True)
class IndexBox:
    """Basic indexing: a box with positive steps, flipped axes, then axes dropped or added."""

    is_transpose: ClassVar[bool] = False

    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]
    flipped: tuple[int, ...]
    shape: Shape

    def _box(self, base: Node) -> Node:
        return slice_(base, self.start, self.stop, self.step)

    def read(self, base: Node) -> Node:
        box = self._box(base)
        box = flip(box, axes=self.flipped) if self.flipped else box
        return reshape(box, self.shape)

    def read_array(self, base: Array) -> Array:
        # The ellipsis keeps a 0-d base an array; without it numpy gives a scalar.
        box = base[(*map(slice, self.start, self.stop, self.step), ...)]
        box = np.flip(box, self.flipped) if self.flipped else box
        return box.reshape(self.shape)

    def write(self, base: Node, value: Node) -> Node:
        box_shape = self._box(base).shape
        value = reshape(value, Shape(box_shape))
        value = flip(value, axes=self.flipped) if self.flipped else value
        high = [size - start - (1 + (n - 1) * step if n else 0) for size, start, step, n in zip(
            base.shape, self.start, self.step, box_shape, strict=True)]
        widths: dict[str, Any] = {
            "low": self.start, "high": high, "interior": [s - 1 for s in self.step]}
        inside = pad(broadcast_to(constant(True, bool_), box_shape), constant(False, bool_),
                     **widths)
        return ew.where(inside, pad(value, constant(0, value.dtype), **widths), base)


class ViewLink(NamedTuple):
    """The base of a view, and the steps that lead from it to the view."""

    base: Handle
    steps: tuple[Step, ...]


def _read(node: Node, *steps: Step) -> Node:
    for step in steps:
        node = step.read(node)
    return node


def _write(node: Node, value: Node, *steps: Step) -> Node:
    """The base's node with the view's elements replaced; works from the innermost step out."""
    bases = [node]
    for step in steps[:-1]:
        bases.append(step.read(bases[-1]))
    for step, base in zip(reversed(steps), reversed(bases), strict=True):
        value = step.write(base, value)
    return value


def view(handle: Handle, step: Step) -> Any:
    """A handle that shares the storage of another."""
    link = handle._link
    base, steps = (handle, (step,)) if link is None else (link.base, (*link.steps, step))
    value = handle._value
    no_gradient = isinstance(step, Detach) or not handle.requires_grad
    if value is not None and no_gradient and state.segment.parent is None:
        result = wrap(step.read_array(value), handle._result_class)
    else:
        result = record(_read, (handle,), (step,))
    result._link = ViewLink(base, steps)
    views = base._views
    if views is None:
        views = base._views = []
    views.append(ref(result))
    if len(views) >= 64 and not len(views) & (len(views) - 1):  # at powers of two: linear in all
        base._views = [r for r in views if r() is not None]
    return result


def write(handle: Handle, function: Callable[..., Node], operands: tuple[Handle, ...] = (),
          static: tuple[Any, ...] = ()) -> Any:
    """In-place: let ``handle`` stand for ``function(handle, *operands, *static)`` from now on.

    Shape and dtype stay. The base and all its views see the new elements.
    """
    refuse_leaf(handle)
    new = record(_into, (handle, *operands), (function, *static))
    replace(handle, new)
    return handle


_RANK = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


def _into(node: Node, *rest: Any) -> Node:
    """The result of an in-place operation in the dtype and shape of its target."""
    operands = [o for o in rest if isinstance(o, Node)]
    function, *static = [o for o in rest if not isinstance(o, Node)]
    result = function(node, *operands, *static)
    if _RANK[result.dtype.kind] > _RANK[node.dtype.kind]:
        raise _cannot_cast(result, node)
    if result.shape != node.shape and not _stretches(result.shape, node.shape):
        raise ShapeError(f"in-place: the result of shape {tuple(result.shape)} does not fit into "
                         f"the tensor of shape {tuple(node.shape)} that is written to",
                         where=str(user_location() or "") or None,
                         hint="x = x + y makes a new tensor, x += y keeps the shape of x")
    return broadcast_to(ew.cast(result, node.dtype), node.shape)


def _stretches(shape: Shape, target: Shape) -> bool:
    return len(shape) <= len(target) and all(
        size in (1, wanted) for size, wanted in zip(shape[::-1], target[::-1]))


def _cannot_cast(result: Node, target: Node) -> Exception:
    from_, to = result.dtype, target.dtype
    return DTypeError(f"in-place: result type {from_} can't be cast to the desired output "
                             f"type {to}", hint="x = x + y instead of x += y")


def refuse_leaf(handle: Handle) -> None:
    """A leaf that wants a gradient must not change while gradients are recorded."""
    if handle._wants_grad and gradients_enabled():
        raise GradientError("a leaf Variable that requires grad is being used in an in-place "
                            "operation", where=str(user_location(2) or "") or None,
                            hint="do it under torch.no_grad(), or on x.detach()")


def replace(handle: Handle, new: Handle) -> None:
    """Let a handle stand for the value of another, its base and their views following."""
    link = handle._link
    if link is not None:
        base = link.base
        if not any(isinstance(s, Detach) for s in link.steps):
            refuse_leaf(base)
        new = record(_written, (base, new), link.steps)
        handle = base
    segment = state.segment
    node = segment.node_of(new)
    assert node is not None
    keep_past(handle)
    assign(handle, node)
    views = handle._views
    if views:
        handle._views = views = [r for r in views if r() is not None]
        for reference in views:
            stale = reference()
            if stale is not None and stale._link is not None:
                fresh = record(_read, (handle,), stale._link.steps)
                keep_past(stale)
                assign(stale, fresh._node)


def _written(base: Node, value: Node, *steps: Step) -> Node:
    return _write(base, value, *steps)
