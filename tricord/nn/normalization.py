"""Normalisation layers."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..functions import normalization as composites
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import reshape
from ..tensor import Parameter, Tensor, tensor
from . import functional as fn
from . import init
from .functional._record import in_place, record_several, record_some
from .linear import parameter, zeros
from .module import Module
from .state import set_value

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm1d",
           "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "LocalResponseNorm", "RMSNorm",
           "SyncBatchNorm"]


def _counted(x: Node, mean: Node, var: Node, count: Node, weight: Node | None, bias: Node | None,
             momentum: float | None, eps: float) -> tuple[Node, ...]:
    """One step of training; the new count comes last. Without momentum the statistics become
    the plain average over all batches."""
    count = count + 1
    factor = 1 / ew.cast(count, mean.dtype) if momentum is None else momentum
    return (*composites.train_batch_norm(x, mean, var, weight, bias, factor, eps), count)


class _Statistics(Module):
    """Running statistics and learned scale and shift; what batch and instance norm share."""

    #: legal ranks of the input, and how the error names them
    _ranks: tuple[int, ...] = ()

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True, track_running_stats: bool = True, device: Any = None,
                 dtype: Any = None, bias: bool = True):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = parameter((num_features,), device, dtype) if affine else None
        self.bias = parameter((num_features,), device, dtype) if affine and bias else None
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, zeros((num_features,), device, dtype)
                                 if track_running_stats else None)
        self.register_buffer("num_batches_tracked",
                             tensor(np.zeros((), np.int64)) if track_running_stats else None)
        self.reset_parameters()

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    weight: Parameter | None
    bias: Parameter | None

    def reset_running_stats(self) -> None:
        """Mean 0, variance 1, no batches seen."""
        if self.running_mean is not None and self.running_var is not None:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            if self.num_batches_tracked is not None:
                set_value(self.num_batches_tracked, 0)

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, statistics as at the start."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check(self, input: Tensor) -> None:
        if input.ndim not in self._ranks:
            wanted = " or ".join(f"{r}D" for r in self._ranks)
            raise ShapeError(f"{type(self).__name__}: expected {wanted} input (got {input.ndim}D "
                             f"input of shape {tuple(input.shape)})")

    def extra_repr(self) -> str:
        """Sizes and options."""
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
                f"affine={self.affine}, bias={self.bias is not None}, "
                f"track_running_stats={self.track_running_stats}")


class _BatchNorm(_Statistics):
    """Normalised over the batch while training, by running statistics in evaluation.

    Shapes:  (N, C, *) -> the same
    Source:  Ioffe & Szegedy 2015
    """

    def forward(self, input: Any) -> Any:
        """See the class."""
        if input.ndim not in self._ranks:
            self._check(input)
        mean, var = self.running_mean, self.running_var
        if not self.training and mean is not None:
            return record_some(composites.batch_norm, (input, mean, var, self.weight, self.bias),
                               (self.eps,))
        count = self.num_batches_tracked
        if mean is None or var is None or count is None:
            return fn.batch_norm(input, None, None, self.weight, self.bias, True, 0.0, self.eps)
        y, new_mean, new_var, new_count = record_several(
            _counted, (input, mean, var, count, self.weight, self.bias),
            (self.momentum, self.eps))
        in_place(mean, new_mean)
        in_place(var, new_var)
        in_place(count, new_count)
        return y


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L)."""

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W)."""

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (N, C, D, H, W)."""

    _ranks = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation; with one process there is nothing to synchronise."""

    _ranks = (2, 3, 4, 5)

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True, track_running_stats: bool = True, process_group: Any = None,
                 device: Any = None, dtype: Any = None, bias: bool = True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype,
                         bias)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module itself: one process."""
        return module


def _leading(x: Node) -> Node:
    return reshape(x, (1, *x.shape))


def _without_leading(x: Node) -> Node:
    return reshape(x, x.shape[1:])


class _InstanceNorm(_Statistics):
    """Normalised over the spatial axes of each channel of each example."""

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = False, track_running_stats: bool = False, device: Any = None,
                 dtype: Any = None, bias: bool = True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype,
                         bias)

    def forward(self, input: Any) -> Any:
        """See the class."""
        self._check(input)
        batched = input.ndim == self._ranks[-1]
        if not batched:
            input = record_some(_leading, (input,))
        if input.shape[1] != self.num_features:
            raise ShapeError(f"{type(self).__name__}: expected input's size at dim=1 to match "
                             f"num_features ({self.num_features}), but got: {input.shape[1]}.")
        result = fn.instance_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum, self.eps)
        return result if batched else record_some(_without_leading, (result,))


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L)."""

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (N, C, H, W) or (C, H, W)."""

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W)."""

    _ranks = (4, 5)


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(normalized_shape, numbers.Integral):
        return (int(normalized_shape),)
    return tuple(normalized_shape)  # type: ignore[arg-type]


class LayerNorm(Module):
    """Normalised over the last axes, which have the sizes ``normalized_shape``.

    Source:  Ba et al. 2016
    """

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5,
                 elementwise_affine: bool = True, bias: bool = True, device: Any = None,
                 dtype: Any = None):
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = (parameter(self.normalized_shape, device, dtype) if elementwise_affine
                       else None)
        self.bias = (parameter(self.normalized_shape, device, dtype)
                     if elementwise_affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}")


class RMSNorm(Module):
    """Divided by the root mean square over the last axes.

    Source:  Zhang & Sennrich 2019
    """

    def __init__(self, normalized_shape: int | Sequence[int], eps: float | None = None,
                 elementwise_affine: bool = True, device: Any = None, dtype: Any = None):
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = (parameter(self.normalized_shape, device, dtype) if elementwise_affine
                       else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.elementwise_affine}")


class GroupNorm(Module):
    """Normalised over each group of channels.

    Source:  Wu & He 2018
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
                 device: Any = None, dtype: Any = None, bias: bool = True):
        super().__init__()
        if num_channels % num_groups:
            raise ArgumentError(f"GroupNorm: num_channels ({num_channels}) must be divisible by "
                                f"num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.weight = parameter((num_channels,), device, dtype) if affine else None
        self.bias = parameter((num_channels,), device, dtype) if affine and bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return (f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
                f"bias={self.bias is not None}")


class LocalResponseNorm(Module):
    """Divided by a power of the mean square over neighbouring channels."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
