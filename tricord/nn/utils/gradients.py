"""Gradients kept within bounds, and parameters as one vector."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import ArgumentError, NonFiniteError, ShapeError
from ...functions.reduction import norm
from ...ir.node import Node
from ...ir.ops import elementwise as ew
from ...ir.ops.movement import broadcast, concatenate, reshape
from ...tensor import Tensor, record, recording_gradients, wrap
from ...tensor.recorder import value_of
from ...tensor.views import replace
from ..functional._record import record_several
from ..state import set_value

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm",
           "parameters_to_vector", "vector_to_parameters"]

Parameters = Tensor | Iterable[Tensor]


def _gradients(parameters: Parameters) -> list[Any]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p for p in listed if p.grad is not None]


def _total(order: float, *gradients: Node) -> Node:
    norms = [reshape(norm(g, None, order), (1,)) for g in gradients]
    dtype = norms[0].dtype
    return norm(concatenate([ew.cast(n, dtype) for n in norms], 0), None, order)


def _total_norm(*arguments: Any) -> Node:
    *gradients, order = arguments
    return _total(order, *gradients)


def _clipped(*arguments: Any) -> tuple[Node, ...]:
    """The norm of all gradients together, and each of them scaled down to a norm of max_norm."""
    *gradients, max_norm, order = arguments
    total = _total(order, *gradients)
    factor = max_norm / (total + 1e-6)
    factor = ew.where(factor > 1, ew.scalar_like(1, factor), factor)
    return (total, *(g * broadcast(ew.cast(factor, g.dtype), g.shape, ()) for g in gradients))


def _scaled(*arguments: Any) -> tuple[Node, ...]:
    *gradients, total, max_norm = arguments
    factor = max_norm / (total + 1e-6)
    factor = ew.where(factor > 1, ew.scalar_like(1, factor), factor)
    return tuple(g * broadcast(ew.cast(factor, g.dtype), g.shape, ()) for g in gradients)


def _checked(total: Any, error_if_nonfinite: bool, order: float) -> None:
    if error_if_nonfinite and not math.isfinite(float(value_of(total))):
        raise NonFiniteError(f"The total norm of order {order} for gradients from `parameters` is "
                             "non-finite, so it cannot be clipped", hint="error_if_nonfinite=False "
                             "to go on anyway; a smaller learning rate may help")


def get_total_norm(tensors: Parameters, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                   foreach: bool | None = None) -> Any:
    """The norm of all tensors together, as if they were one vector."""
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not listed:
        return wrap(_zero())
    with recording_gradients(False):
        total = record(_total_norm, listed, (float(norm_type),))
    _checked(total, error_if_nonfinite, norm_type)
    return total


def _zero() -> Any:
    return np.zeros((), np.float32)


def clip_grad_norm_(parameters: Parameters, max_norm: float, norm_type: float = 2.0,
                    error_if_nonfinite: bool = False, foreach: bool | None = None) -> Any:
    """Scale gradients down, in place, so that their norm together is at most ``max_norm``.

    Returns the norm before. ``error_if_nonfinite`` looks at it, which evaluates what is pending.
    """
    owners = _gradients(parameters)
    if not owners:
        return wrap(_zero())
    with recording_gradients(False):
        total, *clipped = record_several(_clipped, [p.grad for p in owners],
                                         (float(max_norm), float(norm_type)))
        _checked(total, error_if_nonfinite, norm_type)
        for owner, gradient in zip(owners, clipped, strict=True):
            replace(owner.grad, gradient)
    return total


def clip_grads_with_norm_(parameters: Parameters, max_norm: float, total_norm: Tensor,
                          foreach: bool | None = None) -> None:
    """Scale gradients by ``max_norm / total_norm``, in place, if that makes them smaller."""
    owners = _gradients(parameters)
    if not owners:
        return
    with recording_gradients(False):
        clipped = record_several(_scaled, [*(p.grad for p in owners), total_norm],
                                 (float(max_norm),))
        for owner, gradient in zip(owners, clipped, strict=True):
            replace(owner.grad, gradient)


def _within(*arguments: Any) -> tuple[Node, ...]:
    *gradients, limit = arguments
    return tuple(_bounded(g, limit) for g in gradients)


def _bounded(g: Node, limit: float) -> Node:
    low, high = ew.scalar_like(-limit, g), ew.scalar_like(limit, g)
    return ew.where(ew.less(g, low), low, ew.where(ew.greater(g, high), high, g))


def clip_grad_value_(parameters: Parameters, clip_value: float,
                     foreach: bool | None = None) -> None:
    """Bring each element of the gradients into ``[-clip_value, clip_value]``, in place."""
    owners = _gradients(parameters)
    if not owners:
        return
    with recording_gradients(False):
        bounded = record_several(_within, [p.grad for p in owners], (float(clip_value),))
        for owner, gradient in zip(owners, bounded, strict=True):
            replace(owner.grad, gradient)


def _joined(*parts: Node) -> Node:
    return concatenate([reshape(p, (p.size,)) for p in parts], 0)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """All parameters one after another, as one vector."""
    listed = list(parameters)
    if not listed:
        raise ArgumentError("parameters_to_vector: there are no parameters")
    return record(_joined, listed)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Fill the parameters from one vector."""
    listed = list(parameters)
    value = value_of(vec)
    wanted = sum(p._type.size for p in listed)
    if value.shape != (wanted,):
        raise ShapeError(f"vector_to_parameters: the parameters have {wanted} elements together, "
                         f"the vector has shape {value.shape}")
    start = 0
    for parameter in listed:
        size = parameter._type.size
        set_value(parameter, value[start:start + size].reshape(parameter.shape))
        start += size
