"""The autograd side of a tensor: requires_grad, grad, backward, hooks, detach."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import DTypeError, GradientError, ShapeError
from ..ir.node import Node
from ..ir.ops.structural import root, stop_gradient
from ..ir.source import user_location
from . import autograd
from .handle import Handle
from .recorder import record, state
from .views import Detach, replace, view

__all__ = ["Differentiable", "HookHandle"]

_hook_ids = itertools.count()


class HookHandle:
    """Returned when a hook is registered; ``remove()`` takes it away again."""

    def __init__(self, hooks: dict[int, Any]):
        self._hooks = hooks
        self.id = next(_hook_ids)

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def _identity(x: Node) -> Node:
    return x


class Differentiable(Handle):
    """Gradients, as PyTorch spells them."""

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to or through this tensor."""
        return Handle.requires_grad.fget(self)  # type: ignore[attr-defined,no-any-return]

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        self.requires_grad_(on)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for (or decline) a gradient for this leaf, in place.

        Raises:  DTypeError for integers and bools, GradientError if it is not a leaf
        """
        if requires_grad == self._wants_grad:
            return self
        if requires_grad and not self.dtype.is_inexact:
            raise DTypeError("requires_grad: only Tensors of floating point and complex dtype can "
                             f"require gradients, this one is {self.dtype}",
                             where=str(user_location() or "") or None)
        if not requires_grad and not self._wants_grad:
            raise GradientError("you can only change requires_grad flags of leaf variables",
                                hint="x.detach()")
        if requires_grad and self.requires_grad:
            return self  # gradients flow through it already
        self._wants_grad = requires_grad
        segment = state.segment
        node = self._node
        if node is not None and self._value is None:
            if requires_grad:
                new = root(node, ordinal=len(segment.roots))
                segment.roots[new] = self
                self._node = new
            else:
                self._node = stop_gradient(node)
        else:
            # Recorded as a leaf with the other flag: enter it anew when it is used next.
            self._node = self._segment = None
        return self

    @property
    def grad(self) -> Any:
        """The accumulated gradient, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None and value.shape != self.shape:
            raise ShapeError(f"grad: assigned grad has shape {tuple(value.shape)}, the tensor has "
                             f"{tuple(self.shape)}")
        self._grad = value

    @property
    def is_leaf(self) -> bool:
        """True for what was created by the user, and for whatever needs no gradient."""
        return self._wants_grad or not self.requires_grad

    @property
    def grad_fn(self) -> Any:
        """Something that is not None when this is the result of a differentiable computation."""
        return None if self.is_leaf else _GradFn(self)

    def backward(self, gradient: Any = None, retain_graph: bool | None = None,
                 create_graph: bool = False, inputs: Sequence[Handle] | None = None) -> None:
        """Add the gradients of this (scalar, or weighted by ``gradient``) to ``.grad`` of leaves.

        Raises:  GradientError if this is not a scalar and there is no ``gradient``, if nothing
                 requires a gradient, or if the graph was let go by an earlier call
        """
        autograd.backward([self], None if gradient is None else [gradient],
                          retain_graph=retain_graph, create_graph=create_graph,
                          inputs=[inputs] if isinstance(inputs, Handle) else inputs)

    def detach(self) -> Any:
        """The same value and storage, without the gradient."""
        return view(self, Detach())

    def detach_(self) -> Any:
        """Cut off from the gradient, in place."""
        self._wants_grad = False
        self._provenance = None
        self._graph_freed = False
        if self._node is not None and self._value is None:
            self._node = stop_gradient(self._node) if self._node.needs_grad else self._node
        else:
            self._node = self._segment = None
        return self

    @property
    def data(self) -> Any:
        """This tensor without autograd: writes to it are writes to the tensor."""
        return self.detach()

    @data.setter
    def data(self, value: Handle) -> None:
        wants = self._wants_grad
        self._wants_grad = False
        try:
            replace(self, value.detach())  # type: ignore[attr-defined]
        finally:
            self._wants_grad = False
            if wants:
                self.requires_grad_(True)

    def register_hook(self, hook: Callable[[Any], Any]) -> HookHandle:
        """Call ``hook(grad)`` when this tensor's gradient is computed; its result replaces it."""
        if not self.requires_grad:
            raise GradientError("cannot register a hook on a tensor that doesn't require gradient")
        if self._hooks is None:
            self._hooks = {}
        handle = HookHandle(self._hooks)
        self._hooks[handle.id] = hook
        if not self._wants_grad:
            autograd.hook(self)
        return handle

    def retain_grad(self) -> None:
        """Keep ``.grad`` of this intermediate tensor."""
        if not self._wants_grad and not self._retains_grad:
            if not self.requires_grad:
                raise GradientError("can't retain_grad on Tensor that has requires_grad=False")
            self._retains_grad = True
            autograd.hook(self)

    def clone(self, *, memory_format: Any = None) -> Any:
        """A copy with storage of its own; gradients flow through."""
        return record(_identity, (self,))


class _GradFn:
    """What ``grad_fn`` shows: the operation's name."""

    def __init__(self, handle: Handle):
        node = handle._node
        if node is None and handle._provenance is not None:
            node = handle._provenance.node
        self._name = node.op.name if node is not None else "recorded"

    def name(self) -> str:
        return f"{self._name.title()}Backward"

    def __repr__(self) -> str:
        return f"<{self.name()}>"
