"""``tf.compat.v1.layers``: layers whose variables live in the graph's scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from . import array_ops, control_ops, math_ops, nn_ops
from ._names import explain_keywords, public_names, unknown_name
from .graph import GraphKeys, GraphValue
from .graph_variables import (
    get_variable,
    ones_initializer,
    variable_scope,
    zeros_initializer,
)
from .tensors import convert, where_now


def _input(inputs: Any) -> Any:
    return inputs if isinstance(inputs, GraphValue) else convert(inputs)


def _last(x: Any, what: str) -> int:
    size = x.shape[-1]
    if size is None:
        raise ShapeError(f"The last dimension of the inputs to {what} should be defined. Found "
                         "`None`.", where=where_now())
    return int(size)


def _scope(name: str | None, default: str, reuse: Any) -> Any:
    return variable_scope(name, default_name=default, reuse=reuse)


def _finished(y: Any, bias_initializer: Any, size: int, use_bias: bool, activation: Any,
              regularizer: Any, trainable: bool, dtype: Any) -> Any:
    if use_bias:
        bias = get_variable("bias", [size], dtype, bias_initializer or zeros_initializer(),
                            regularizer, trainable)
        y = nn_ops.bias_add(y, bias)
    return y if activation is None else activation(y)


def dense(inputs: Any, units: int, activation: Any = None, use_bias: bool = True,
          kernel_initializer: Any = None, bias_initializer: Any = None,
          kernel_regularizer: Any = None, bias_regularizer: Any = None,
          activity_regularizer: Any = None, kernel_constraint: Any = None,
          bias_constraint: Any = None, trainable: bool = True, name: str | None = None,
          reuse: Any = None) -> Any:
    """``activation(inputs @ kernel + bias)``."""
    x = _input(inputs)
    with _scope(name, "dense", reuse):
        kernel = get_variable("kernel", [_last(x, "dense"), int(units)], x.dtype,
                              kernel_initializer, kernel_regularizer, trainable)
        if x.shape.rank == 2:
            y = math_ops.matmul(x, kernel)
        else:
            y = math_ops.tensordot(x, kernel, [[x.shape.rank - 1], [0]])
        return _finished(y, bias_initializer, int(units), use_bias, activation, bias_regularizer,
                         trainable, x.dtype)


def _pair(value: Any, count: int) -> list[int]:
    return [int(value)] * count if isinstance(value, (int, np.integer)) else [
        int(v) for v in value]


def _conv(count: int, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def layer(inputs: Any, filters: int, kernel_size: Any, strides: Any = 1,
              padding: str = "valid", data_format: str = "channels_last", dilation_rate: Any = 1,
              activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None,
              bias_initializer: Any = None, kernel_regularizer: Any = None,
              bias_regularizer: Any = None, activity_regularizer: Any = None,
              kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True,
              name: str | None = None, reuse: Any = None) -> Any:
        if data_format != "channels_last":
            raise ArgumentError("tf.layers: data_format channels_first is not supported",
                                where=where_now(), hint="tf.transpose the images")
        x = _input(inputs)
        taps = _pair(kernel_size, count)
        with _scope(name, layer.__name__, reuse):
            kernel = get_variable("kernel", [*taps, _last(x, layer.__name__), int(filters)],
                                  x.dtype, kernel_initializer, kernel_regularizer, trainable)
            y = function(x, kernel, _pair(strides, count), padding.upper(),
                         dilations=_pair(dilation_rate, count))
            return _finished(y, bias_initializer, int(filters), use_bias, activation,
                             bias_regularizer, trainable, x.dtype)

    layer.__name__ = name
    layer.__doc__ = f"Convolution over {count} axes, bias, activation."
    return layer


conv1d = _conv(1, "conv1d", nn_ops.conv1d)
conv2d = _conv(2, "conv2d", nn_ops.conv2d)
conv3d = _conv(3, "conv3d", nn_ops.conv3d)


def _pooling(count: int, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def layer(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
              data_format: str = "channels_last", name: str | None = None) -> Any:
        return function(_input(inputs), _pair(pool_size, count), _pair(strides, count),
                        padding.upper())

    layer.__name__ = name
    layer.__doc__ = f"Pooling over {count} axes."
    return layer


max_pooling1d = _pooling(1, "max_pooling1d", nn_ops.max_pool1d)
max_pooling2d = _pooling(2, "max_pooling2d", nn_ops.max_pool2d)
max_pooling3d = _pooling(3, "max_pooling3d", nn_ops.max_pool3d)
average_pooling1d = _pooling(1, "average_pooling1d", nn_ops.avg_pool1d)
average_pooling2d = _pooling(2, "average_pooling2d", nn_ops.avg_pool2d)
average_pooling3d = _pooling(3, "average_pooling3d", nn_ops.avg_pool3d)


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Any:
    """All axes but the first made one."""
    x = _input(inputs)
    size = 1
    for s in x.shape[1:]:
        if s is None:
            raise ShapeError(f"flatten: the sizes after the first must be known, got {x.shape}",
                             where=where_now())
        size *= int(s)
    return array_ops.reshape(x, [-1, size], name=name)


def dropout(inputs: Any, rate: float = 0.5, noise_shape: Any = None, seed: Any = None,
            training: Any = False, name: str | None = None) -> Any:
    """`tf.nn.dropout` while ``training`` (a bool, or a tensor of one) holds."""
    x = _input(inputs)

    def dropped() -> Any:
        return nn_ops.dropout(x, rate=rate, noise_shape=noise_shape, seed=seed)

    if isinstance(training, GraphValue):
        return control_ops.cond(training, dropped, lambda: array_ops.identity(x))
    return dropped() if training else array_ops.identity(x)


def batch_normalization(inputs: Any, axis: int = -1, momentum: float = 0.99,
                        epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                        beta_initializer: Any = None, gamma_initializer: Any = None,
                        moving_mean_initializer: Any = None,
                        moving_variance_initializer: Any = None, training: bool = False,
                        trainable: bool = True, name: str | None = None, reuse: Any = None) -> Any:
    """Normalised over all axes but the last.

    While ``training``, operations in the collection UPDATE_OPS move the averages.
    """
    x = _input(inputs)
    if axis not in (-1, x.shape.rank - 1):
        raise ArgumentError("tf.layers.batch_normalization: axis must be the last",
                            where=where_now())
    size = [_last(x, "batch_normalization")]
    with _scope(name, "batch_normalization", reuse):
        gamma = get_variable("gamma", size, x.dtype, gamma_initializer or ones_initializer(),
                             trainable=trainable) if scale else None
        beta = get_variable("beta", size, x.dtype, beta_initializer or zeros_initializer(),
                            trainable=trainable) if center else None
        mean = get_variable("moving_mean", size, x.dtype, moving_mean_initializer
                            or zeros_initializer(), trainable=False)
        variance = get_variable("moving_variance", size, x.dtype, moving_variance_initializer
                                or ones_initializer(), trainable=False)
        if isinstance(training, GraphValue):
            raise ArgumentError("tf.layers.batch_normalization: training must be True or False",
                                where=where_now(), hint="build the graph twice, with reuse")
        if not training:
            return nn_ops.batch_normalization(x, mean, variance, beta, gamma, epsilon)
        now, spread = nn_ops.moments(x, list(range(x.shape.rank - 1)))
        for average, value in ((mean, now), (variance, spread)):
            moved = average.assign_sub(math_ops.multiply(math_ops.subtract(
                average.value(), value), 1.0 - momentum))
            x.graph.add_to_collection(GraphKeys.UPDATE_OPS, moved)
        return nn_ops.batch_normalization(x, now, spread, beta, gamma, epsilon)


explain_keywords(globals())

__getattr__ = unknown_name(__name__, lambda: public_names(globals()), {
    "Dense": "tf.compat.v1.layers.dense, or tf.keras.layers.Dense",
    "Conv2D": "tf.compat.v1.layers.conv2d, or tf.keras.layers.Conv2D"})
