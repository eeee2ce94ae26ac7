"""Initialisers: fill a tensor in place, without gradient. Names as in PyTorch.

Numbers are drawn from `tricord.random`'s generator of this thread, or from ``generator``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, nearest
from ..functions import random as composites
from ..ir.dtypes import float64
from ..random import Generator, default_generator
from ..tensor import Tensor
from .state import set_value

__all__ = ["calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_",
           "normal_", "ones_", "orthogonal_", "sparse_", "trunc_normal_", "uniform_",
           "xavier_normal_", "xavier_uniform_", "zeros_"]

_ONE = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
        "conv_transpose3d", "sigmoid")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a nonlinearity shrinks what passes through it.

    >>> calculate_gain("relu")
    1.4142135623730951
    """
    if nonlinearity in _ONE:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else float(param)
        return math.sqrt(2.0 / (1 + slope ** 2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ArgumentError(f"calculate_gain: Unsupported nonlinearity {nonlinearity}", hint=nearest(
        nonlinearity, (*_ONE, "tanh", "relu", "leaky_relu", "selu")))


def _fans(tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise ShapeError("Fan in and fan out can not be computed for tensor with fewer than 2 "
                         f"dimensions, got shape {tuple(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"Mode {mode} not supported, please use one of fan_in, fan_out")
    return _fans(tensor)[mode == "fan_out"]


def _source(generator: Generator | None) -> Generator:
    return default_generator() if generator is None else generator


def _filled(tensor: Tensor, value: Any) -> Tensor:
    set_value(tensor, value)
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0,
             generator: Generator | None = None) -> Tensor:
    """Uniform in [a, b)."""
    return _filled(tensor, _source(generator).sample(
        composites.uniform, tensor.shape, float(a), float(b), tensor.dtype))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0,
            generator: Generator | None = None) -> Tensor:
    """Normal with this mean and deviation."""
    return _filled(tensor, _source(generator).sample(
        composites.normal, tensor.shape, float(mean), float(std), tensor.dtype))


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0,
                  b: float = 2.0, generator: Generator | None = None) -> Tensor:
    """Normal, and within [a, b]."""
    return _filled(tensor, _source(generator).sample(
        composites.truncated_normal, tensor.shape, float(mean), float(std), float(a), float(b),
        tensor.dtype))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """``val`` everywhere."""
    return _filled(tensor, np.full(tensor.shape, val, tensor.dtype.numpy))


def ones_(tensor: Tensor) -> Tensor:
    """One everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zero everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix."""
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: Only tensors with 2 dimensions are supported, got shape "
                         f"{tuple(tensor.shape)}")
    return _filled(tensor, np.eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution kernel that passes its input through, as far as there are channels."""
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError("dirac_: Only tensors with 3, 4, or 5 dimensions are supported, got shape "
                         f"{tuple(tensor.shape)}")
    if tensor.shape[0] % groups:
        raise ArgumentError("dirac_: dim 0 must be divisible by groups")
    value = np.zeros(tensor.shape)
    per_group = tensor.shape[0] // groups
    centre = tuple(s // 2 for s in tensor.shape[2:])
    for group in range(groups):
        for d in range(min(per_group, tensor.shape[1])):
            value[(group * per_group + d, d, *centre)] = 1
    return _filled(tensor, value)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0,
                    generator: Generator | None = None) -> Tensor:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    bound = gain * math.sqrt(6.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0,
                   generator: Generator | None = None) -> Tensor:
    """Normal with deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans(tensor))), generator)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in",
                     nonlinearity: str = "leaky_relu",
                     generator: Generator | None = None) -> Tensor:
    """Uniform in +-gain * sqrt(3 / fan) (He et al. 2015)."""
    if 0 in tensor.shape:
        return tensor
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in",
                    nonlinearity: str = "leaky_relu",
                    generator: Generator | None = None) -> Tensor:
    """Normal with deviation gain / sqrt(fan) (He et al. 2015)."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)),
                   generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Orthonormal rows, or columns if there are more rows (Saxe et al. 2013)."""
    if tensor.ndim < 2:
        raise ShapeError("orthogonal_: Only tensors with 2 or more dimensions are supported, got "
                         f"shape {tuple(tensor.shape)}")
    if not tensor._type.size:
        return tensor
    rows = tensor.shape[0]
    columns = tensor._type.size // rows
    flat = _source(generator).sample(composites.normal, (rows, columns), 0.0, 1.0, float64)
    q, r = np.linalg.qr(flat.T if rows < columns else flat)
    q = q * np.sign(np.diag(r))
    q = q.T if rows < columns else q
    return _filled(tensor, gain * q.reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01,
            generator: Generator | None = None) -> Tensor:
    """Normal, with this share of each column set to zero (Martens 2010)."""
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_: Only tensors with 2 dimensions are supported, got shape "
                         f"{tuple(tensor.shape)}")
    source = _source(generator)
    value = source.sample(composites.normal, tensor.shape, 0.0, float(std), tensor.dtype)
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    order = np.argsort(source.sample(composites.unit, (rows, columns)), axis=0, kind="stable")
    np.put_along_axis(value, order[:zeros], 0, axis=0)
    return _filled(tensor, value)
