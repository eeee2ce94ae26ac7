"""``torch.autograd.Function``: operations with a gradient of the user's own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import DTypeError, GradientError, NotSupportedError, ShapeError
from ...functions.manipulation import concat
from ...ir.dtypes import promote
from ...ir.node import Node
from ...ir.ops.elementwise import cast
from ...ir.ops.movement import reshape, slice_
from ...ir.shapes import TensorType
from ...tensor import record, recording_gradients
from ...tensor.custom_gradients import attach
from ...tensor.handle import Handle
from ...tensor.views import replace

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What `Function.forward` leaves for `Function.backward`; any attribute may be set."""

    def __init__(self, needs_input_grad: tuple[bool, ...]):
        self.needs_input_grad = needs_input_grad
        self._saved: tuple[Any, ...] = ()
        self._plain: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for the backward pass."""
        for t in tensors:
            if t is not None and not isinstance(t, Handle):
                raise DTypeError("save_for_backward can only save variables, but argument is of "
                                 f"type {type(t).__name__}", hint="ctx.name = value")
        self._saved = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved."""
        return self._saved

    saved_variables = saved_tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """These results have no gradient."""
        self._plain = {id(o) for o in outputs}

    def mark_dirty(self, *inputs: Any) -> None:
        """These arguments were changed in place."""
        self._dirty = {id(i) for i in inputs}

    def set_materialize_grads(self, value: bool) -> None:
        """Gradients of unused results are zeros in any case."""
        self._materialize = value


def _packed(*nodes: Node) -> Node:
    """Several results as one vector, because a gradient is attached to one value."""
    wide = functools.reduce(promote, [n.dtype for n in nodes])
    return concat(*[cast(reshape(n, (n.type.size,)), wide) for n in nodes], 0)


def _unpacked(vector: Node, start: int, type: TensorType) -> Node:
    part = slice_(vector, (start,), (start + type.size,))
    return cast(reshape(part, type.shape), type.dtype)


class Function:
    """Base class: define ``forward(ctx, ...)`` and ``backward(ctx, *grads)`` as static methods,
    and call ``Name.apply(...)``.

    ``backward`` returns one gradient (or None) per argument of ``forward``.

    >>> from tricord import torch
    >>> class Double(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         return grad * 20
    >>> x = torch.ones(1, requires_grad=True)
    >>> Double.apply(x).backward()
    >>> x.grad
    tensor([20.])
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError("You must implement the forward function for custom "
                                "autograd.Function.")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """For a ``forward`` without ``ctx``: saves what the backward pass needs."""
        raise NotSupportedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        raise NotSupportedError("You must implement either the backward or vjp method for your "
                                "custom autograd.Function to use it with backward mode AD.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        if kwargs:
            raise DTypeError(f"{cls.__name__}.apply() takes no keyword arguments")
        ctx = FunctionCtx(tuple(isinstance(a, Handle) and a.requires_grad for a in args))
        with recording_gradients(False):
            if cls.setup_context is not Function.setup_context:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        if not any(ctx.needs_input_grad):
            return output
        results = list(output) if isinstance(output, (tuple, list)) else [output]
        finished = _with_gradients(cls, ctx, args, results)
        return tuple(finished) if isinstance(output, (tuple, list)) else finished[0]


def _with_gradients(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...],
                    results: list[Any]) -> list[Any]:
    at = [i for i, r in enumerate(results) if isinstance(r, Handle) and id(r) not in ctx._plain
          and r.dtype.is_inexact]
    if not at:
        return results
    types = [results[i]._type for i in at]
    operands = [a for a in args if isinstance(a, Handle)]
    only = len(at) == 1
    value = results[at[0]] if only else record(_packed, [results[i] for i in at])

    def backward(cotangent: Any) -> list[Any]:
        parts = [cotangent] if only else _split(cotangent, types)
        filled: list[Any] = [None] * len(results)
        for i, part in zip(at, parts, strict=True):
            filled[i] = part
        return _checked(cls, args, cls.backward(ctx, *filled))

    attached = attach(value, operands, backward)
    made = [attached] if only else _split(attached, types)
    for i, new in zip(at, made, strict=True):
        if id(results[i]) in ctx._dirty:
            replace(results[i], new)
        else:
            results[i] = new
    return results


def _split(vector: Any, types: Sequence[TensorType]) -> list[Any]:
    parts, start = [], 0
    for type in types:
        parts.append(record(_unpacked, (vector,), (start, type)))
        start += type.size
    return parts


def _checked(cls: type[Function], args: tuple[Any, ...], gradients: Any) -> list[Any]:
    """One gradient, in the operand's type, or None per tensor argument."""
    found = list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]
    name = f"{cls.__name__}Backward"
    if len(found) < len(args) or any(g is not None for g in found[len(args):]):
        raise GradientError(f"function {name} returned an incorrect number of gradients (expected "
                            f"{len(args)}, got {len(found)})")
    result = []
    for a, g in zip(args, found, strict=False):
        if not isinstance(a, Handle):
            if g is not None:
                raise GradientError(f"function {name} returned a gradient different from None for "
                                    "an argument that is not a tensor")
            continue
        if g is None or not a.requires_grad:
            result.append(None)
            continue
        if not isinstance(g, Handle):
            raise DTypeError(f"function {name}: expected Variable or None (got "
                             f"{type(g).__name__})")
        if g.shape != a.shape:
            raise ShapeError(f"function {name} returned an invalid gradient: got "
                             f"{tuple(g.shape)} but expected shape {tuple(a.shape)}")
        result.append(g if g.dtype is a.dtype else g.to(a.dtype))  # type: ignore[attr-defined]
    return result


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A backward function whose result has no gradient of its own."""

    @functools.wraps(function)
    def wrapped(ctx: Any, *gradients: Any) -> Any:
        with recording_gradients(False):
            found = function(ctx, *gradients)
        return found

    return wrapped
