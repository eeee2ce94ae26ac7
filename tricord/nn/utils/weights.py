"""Weights computed from other parameters before each call: weight norm and spectral norm.

The weight becomes a plain attribute, set anew by a hook before `forward`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...functions.normalization import weight_norm as weight_norm_of
from ...functions.reduction import norm
from ...ir.node import Node
from ...ir.ops import elementwise as ew
from ...ir.ops.contraction import dot_general
from ...ir.ops.movement import broadcast, move_axis, reshape
from ...ir.ops.structural import stop_gradient
from ...random import default_generator
from ...tensor import Parameter, record, recording_gradients
from ..functional._record import in_place, record_several
from ..module import Module

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


def _take_out(module: Module, name: str) -> Parameter:
    weight = vars(module).get(name)
    if not isinstance(weight, Parameter):
        raise ArgumentError(f"{type(module).__name__} has no parameter {name!r}")
    delattr(module, name)
    return weight


def _hook_of(module: Module, kind: type, name: str) -> tuple[int, Any]:
    for key, options in (module._hooks or {}).get("pre", {}).items():
        if isinstance(options.hook, kind) and options.hook.name == name:
            return key, options.hook
    raise ArgumentError(f"{kind.__name__.lower()} of {name!r} not found in {module}")


# ---- weight norm

def _magnitude(direction: Node, axis: int | None) -> Node:
    if axis is None:
        return norm(direction)
    others = tuple(a for a in range(direction.ndim) if a != axis % direction.ndim)
    return norm(direction, others, 2, True) if others else ew.absolute(direction)


class WeightNorm:
    """The hook: direction and magnitude make the weight."""

    def __init__(self, name: str, dim: int | None):
        self.name = name
        self.dim = dim

    def compute(self, module: Any) -> Any:
        return record(weight_norm_of, (getattr(module, f"{self.name}_v"),
                                       getattr(module, f"{self.name}_g")), (self.dim,))

    def __call__(self, module: Any, args: Any) -> None:
        setattr(module, self.name, self.compute(module))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Replace a parameter by its magnitude ``_g`` and its direction ``_v`` (Salimans 2016)."""
    weight = _take_out(module, name)
    with recording_gradients(False):
        magnitude = record(_magnitude, (weight,), (dim,))
    module.register_parameter(f"{name}_g", Parameter(magnitude.numpy()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach().numpy()))
    hook = WeightNorm(name, dim)
    setattr(module, name, hook.compute(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a parameter again, with its present value."""
    key, hook = _hook_of(module, WeightNorm, name)
    value = hook.compute(module).detach().numpy()
    assert module._hooks is not None
    del module._hooks["pre"][key]
    for part in (f"{name}_g", f"{name}_v"):
        delattr(module, part)
    setattr(module, name, Parameter(value))
    return module


# ---- spectral norm

def _normalised(x: Node, eps: float) -> Node:
    length = norm(x)
    return x / broadcast(ew.maximum(length, ew.scalar_like(eps, length)), x.shape, ())


def _as_matrix(weight: Node, axis: int) -> Node:
    moved = move_axis(weight, axis, 0)
    return reshape(moved, (moved.shape[0], moved.size // moved.shape[0]))


def _iterated(weight: Node, u: Node, v: Node, axis: int, steps: int,
              eps: float) -> tuple[Node, Node, Node]:
    """The weight divided by its largest singular value, after steps of power iteration."""
    matrix = _as_matrix(weight, axis)
    still = stop_gradient(matrix)
    for _ in range(steps):
        v = _normalised(dot_general(still, u, ((0,), (0,))), eps)
        u = _normalised(dot_general(still, v, ((1,), (0,))), eps)
    u, v = stop_gradient(u), stop_gradient(v)
    largest = dot_general(u, dot_general(matrix, v, ((1,), (0,))), ((0,), (0,)))
    return weight / broadcast(largest, weight.shape, ()), u, v


class SpectralNorm:
    """The hook: power iteration while training, division by the largest singular value."""

    def __init__(self, name: str, dim: int, steps: int, eps: float):
        self.name = name
        self.dim = dim
        self.steps = steps
        self.eps = eps

    def compute(self, module: Any, steps: int) -> Any:
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        weight, new_u, new_v = record_several(
            _iterated, (getattr(module, f"{self.name}_orig"), u, v), (self.dim, steps, self.eps))
        if steps:
            in_place(u, new_u)
            in_place(v, new_v)
        return weight

    def __call__(self, module: Any, args: Any) -> None:
        setattr(module, self.name, self.compute(module, self.steps if module.training else 0))


def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1,
                  eps: float = 1e-12, dim: int | None = None) -> Module:
    """Divide a parameter by its largest singular value before each call (Miyato et al. 2018)."""
    if n_power_iterations <= 0:
        raise ArgumentError("Expected n_power_iterations to be positive, but got "
                            f"n_power_iterations={n_power_iterations}")
    weight = _take_out(module, name)
    axis = dim if dim is not None else int(type(module).__name__.startswith("ConvTranspose"))
    module.register_parameter(f"{name}_orig", weight)
    rows = weight.shape[axis]
    for letter, size in (("u", rows), ("v", weight._type.size // rows)):
        with recording_gradients(False):
            start = record(_normalised, (default_generator().normal((size,), dtype=weight.dtype),),
                           (eps,))
        module.register_buffer(f"{name}_{letter}", type(start)(np.asarray(start),
                                                                dtype=weight.dtype))
    hook = SpectralNorm(name, axis, n_power_iterations, eps)
    setattr(module, name, weight.detach())
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a parameter again, with its present value."""
    key, hook = _hook_of(module, SpectralNorm, name)
    with recording_gradients(False):
        value = hook.compute(module, 0).numpy()
    assert module._hooks is not None
    del module._hooks["pre"][key]
    module._buffer_names = {n: p for n, p in module._buffer_names.items()
                            if n not in (f"{name}_u", f"{name}_v")}
    for part in (f"{name}_orig", f"{name}_u", f"{name}_v"):
        delattr(module, part)
    setattr(module, name, Parameter(value))
    return module
