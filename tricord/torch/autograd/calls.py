"""``torch.autograd.grad`` and ``backward``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import ArgumentError, DTypeError, GradientError
from ...ir.source import user_location
from ...tensor import Tensor
from ...tensor import autograd as engine
from ...tensor.handle import Handle
from ..creation import zeros_like

__all__ = ["Variable", "backward", "grad"]


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, Handle) else list(value)


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None,
             create_graph: bool = False, grad_variables: Any = None, inputs: Any = None) -> None:
    """Add the gradients of the sum of ``tensors`` to ``.grad`` of the leaves (or of ``inputs``)."""
    given = grad_tensors if grad_variables is None else grad_variables
    engine.backward(_several(tensors), None if given is None else _several(given),
                    retain_graph=retain_graph, create_graph=create_graph,
                    inputs=None if inputs is None else _several(inputs))


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[Any, ...]:
    """The gradients of the sum of ``outputs`` with respect to ``inputs``, as a tuple.

    Raises:  GradientError if an input needs no gradient, or was not used (unless
             ``allow_unused=True``, which gives None for it, or ``materialize_grads=True``, zeros)
    """
    if is_grads_batched:
        raise ArgumentError("grad: is_grads_batched is not supported",
                            hint="torch.func.vmap over torch.func.vjp")
    wrt = _several(inputs)
    for h in wrt:
        if not isinstance(h, Handle):
            raise DTypeError(f"grad: inputs must be tensors, got {type(h).__name__}",
                            where=_where())
        if not h.requires_grad:
            raise GradientError("grad: One of the differentiated Tensors does not require grad",
                                where=_where(), hint="x.requires_grad_() before computing")
    given: Sequence[Any] | None = None if grad_outputs is None else _several(grad_outputs)
    found = engine.grad(_several(outputs), wrt, given, retain_graph=retain_graph,
                        create_graph=create_graph)
    if materialize_grads:
        return tuple(zeros_like(h) if g is None else g for h, g in zip(wrt, found, strict=True))
    if not allow_unused and any(g is None for g in found):
        raise GradientError("grad: One of the differentiated Tensors appears to not have been used "
                            "in the graph. Set allow_unused=True if this is the desired behavior.",
                            where=_where())
    return tuple(found)


def _where() -> str | None:
    return str(user_location() or "") or None


def Variable(data: Any, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """What a tensor was called before PyTorch 0.4: the tensor itself."""
    made = data.detach()
    return made.requires_grad_(True) if requires_grad else made  # type: ignore[no-any-return]
