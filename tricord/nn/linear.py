"""Affine layers, and layers that change shapes only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..functions.linear import linear
from ..functions.manipulation import flatten, unflatten
from ..ir import arithmetic
from ..ir.dtypes import as_dtype
from ..tensor import Parameter, record, wrap
from . import functional as fn
from . import init
from .module import Module, check_device

__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]


def zeros(shape: Sequence[int], device: Any = None, dtype: Any = None) -> Any:
    """A tensor of zeros, to be initialised."""
    if device is not None:
        check_device(device, "layer")
    wanted = arithmetic.DEFAULT_FLOAT if dtype is None else as_dtype(dtype)
    if any(s < 0 for s in shape):
        raise ShapeError(f"layer: sizes must not be negative, got {tuple(shape)}")
    return wrap(np.zeros(tuple(shape), wanted.numpy))


def parameter(shape: Sequence[int], device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter of zeros, to be initialised."""
    return Parameter(zeros(shape, device, dtype))


def uniform_within(tensor: Any, fan: int) -> None:
    """Uniform in +-1/sqrt(fan), PyTorch's default for biases."""
    bound = 1 / math.sqrt(fan) if fan > 0 else 0.0
    init.uniform_(tensor, -bound, bound)


class Identity(Module):
    """Gives back its argument; takes any constructor arguments."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()

    def forward(self, input: Any) -> Any:
        """``input``"""
        return input


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Shapes:  x (*, in_features) -> (*, out_features)
    Parameters:  weight (out_features, in_features) and bias (out_features,), both uniform in
                 +-1/sqrt(in_features)
    Cost:    2*in*out flops per row

    >>> Linear(3, 2)
    Linear(in_features=3, out_features=2, bias=True)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None,
                 dtype: Any = None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = parameter((out_features, in_features), device, dtype)
        self.bias = parameter((out_features,), device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            uniform_within(self.bias, self.in_features)

    def forward(self, input: Any) -> Any:
        """``input @ weight.T + bias``"""
        bias = self.bias
        if bias is None:
            return record(linear, (input, self.weight))
        return record(linear, (input, self.weight, bias))

    def extra_repr(self) -> str:
        """Sizes."""
        return (f"in_features={self.in_features}, out_features={self.out_features}, "
                f"bias={self.bias is not None}")


class Bilinear(Module):
    """``y[o] = x1 @ weight[o] @ x2 + bias[o]``.

    Shapes:  x1 (*, in1_features), x2 (*, in2_features) -> (*, out_features)
    """

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True,
                 device: Any = None, dtype: Any = None):
        super().__init__()
        if in1_features <= 0:
            raise ArgumentError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = parameter((out_features, in1_features, in2_features), device, dtype)
        self.bias = parameter((out_features,), device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        uniform_within(self.weight, self.in1_features)
        if self.bias is not None:
            uniform_within(self.bias, self.in1_features)

    def forward(self, input1: Any, input2: Any) -> Any:
        """See the class."""
        return fn.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Sizes."""
        return (f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
                f"out_features={self.out_features}, bias={self.bias is not None}")


class Flatten(Module):
    """Axes ``start_dim`` to ``end_dim`` made one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Any:
        """See the class."""
        return record(flatten, (input,), (self.start_dim, self.end_dim))

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis made several."""

    def __init__(self, dim: int, unflattened_size: Sequence[int]):
        super().__init__()
        if not isinstance(dim, int):
            raise ArgumentError("Unflatten: named dimensions are not offered; dim must be an "
                                f"integer, got {dim!r}")
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        """See the class."""
        return record(unflatten, (input,), (self.dim, self.unflattened_size))

    def extra_repr(self) -> str:
        """The axis and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
