"""Normalisation on tensors, with PyTorch's names and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import ArgumentError, ShapeError
from ...functions import normalization as composites
from ...ir.node import Node
from ...tensor import Tensor, record
from ._record import in_place, record_several, record_some

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm",
           "normalize", "rms_norm"]


def _train(x: Node, mean: Node, var: Node, weight: Node | None, bias: Node | None,
           factor: float, eps: float) -> tuple[Node, Node, Node]:
    return composites.train_batch_norm(x, mean, var, weight, bias, factor, eps)


def _without_statistics(x: Node, weight: Node | None, bias: Node | None, eps: float) -> Node:
    return composites.batch_norm_statistics(x, weight, bias, eps)[0]


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None,
               weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False,
               momentum: float = 0.1, eps: float = 1e-5) -> Any:
    """Normalised over the batch while training, by the running statistics otherwise.

    While training the running statistics, if there are any, move by ``momentum`` in place.
    """
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError("batch_norm: Expected running_mean and running_var to be defined "
                                "when training=False")
        return record_some(composites.batch_norm,
                           (input, running_mean, running_var, weight, bias), (eps,))
    if running_mean is None or running_var is None:
        return record_some(_without_statistics, (input, weight, bias), (eps,))
    y, mean, var = record_several(_train, (input, running_mean, running_var, weight, bias),
                                  (momentum, eps))
    in_place(running_mean, mean)
    in_place(running_var, var)
    return y


def _last_axes(what: str, input: Tensor, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    wanted = tuple(normalized_shape)
    if not wanted or tuple(input.shape[-len(wanted):]) != wanted:
        raise ShapeError(f"{what}: Given normalized_shape={list(wanted)}, expected input with "
                         f"shape [*, {', '.join(map(str, wanted))}], but got input of size "
                         f"{tuple(input.shape)}")
    return tuple(range(-len(wanted), 0))


def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Any:
    """Normalised over the last axes, which have these sizes."""
    axes = _last_axes("layer_norm", input, normalized_shape)
    return record_some(composites.layer_norm, (input, weight, bias), (axes, eps))


def rms_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
             eps: float | None = None) -> Any:
    """Divided by the root mean square over the last axes."""
    axes = _last_axes("rms_norm", input, normalized_shape)
    return record_some(composites.rms_norm, (input, weight), (axes, eps))


def _groups(x: Node, weight: Node | None, bias: Node | None, groups: int, eps: float) -> Node:
    return composites.group_norm(x, groups, weight, bias, eps)


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Any:
    """Normalised over each group of channels."""
    return record_some(_groups, (input, weight, bias), (num_groups, eps))


def _instances(x: Node, weight: Node | None, bias: Node | None, eps: float) -> Node:
    return composites.instance_norm(x, weight, bias, eps)[0]


def _train_instances(x: Node, mean: Node, var: Node, weight: Node | None, bias: Node | None,
                     factor: float, eps: float) -> tuple[Node, Node, Node]:
    y, now_mean, now_var = composites.instance_norm(x, weight, bias, eps)
    return (y, composites.moved(mean, now_mean, factor), composites.moved(var, now_var, factor))


def instance_norm(input: Tensor, running_mean: Tensor | None = None,
                  running_var: Tensor | None = None, weight: Tensor | None = None,
                  bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Any:
    """Normalised over the spatial axes of each channel of each example."""
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if running_mean is None or running_var is None:
        return record_some(_instances, (input, weight, bias), (eps,))
    y, mean, var = record_several(
        _train_instances, (input, running_mean, running_var, weight, bias), (momentum, eps))
    in_place(running_mean, mean)
    in_place(running_var, var)
    return y


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0) -> Any:
    """Divided by a power of the mean square over neighbouring channels."""
    return record(composites.local_response_norm, (input,), (size, alpha, beta, k))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12,
              out: Tensor | None = None) -> Any:
    """Divided by the p-norm along ``dim``."""
    result = record(composites.normalize, (input,), (p, dim, eps))
    return result if out is None else in_place(out, result)
