"""Functions of `tf.nn`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, DTypeError, ShapeError
from ..functions import activation as act
from ..functions import (
    class_loss,
    convolution,
    manipulation,
    normalization,
    places,
    pooling,
    reduction,
)
from ..functions import dropout as drop
from ..functions import tensorflow as tfn
from ..ir.node import Node
from ..tensor.handle import Handle
from . import array_ops, math_ops
from ._op import op
from .random_state import generator_for
from .tensors import (
    apply,
    apply_all,
    cast_to,
    convert,
    convert_beside,
    float_of,
    number_or_tensor,
    pair,
    static_ints,
    where_now,
)

# ---- activations

def _activation(name: str, function: Callable[..., Node]) -> Callable[..., Any]:
    def call(features: Any) -> Any:
        return apply(function, (_float(convert(features), name),))

    call.__name__ = name
    call.__doc__ = function.__doc__
    return op(call, name=name.title().replace("_", ""))  # type: ignore[no-any-return]


def _float(x: Any, name: str) -> Any:
    if not x.dtype.is_inexact:
        raise DTypeError(f"{name}: takes floats, got {x.dtype.name}", where=where_now(),
                         hint="tf.cast(x, tf.float32)")
    return x


relu6 = _activation("relu6", act.relu6)
elu = _activation("elu", act.elu)
selu = _activation("selu", act.selu)
softplus = _activation("softplus", act.softplus)
softsign = _activation("softsign", act.softsign)


@op(name="Relu")
def relu(features: Any) -> Any:
    """``max(x, 0)``."""
    return apply(act.relu, (convert(features),))


@op(name="LeakyRelu")
def leaky_relu(features: Any, alpha: float = 0.2) -> Any:
    """x, or ``alpha * x`` below zero."""
    return apply(tfn.leaky_relu, (_float(convert(features), "leaky_relu"),), float_of(alpha))


@op(name="Gelu")
def gelu(features: Any, approximate: bool = False) -> Any:
    """``x * P(X <= x)`` for a normal X, or its approximation by tanh."""
    return apply(act.gelu, (_float(convert(features), "gelu"),),
                 "tanh" if approximate else "none")


@op(name="Silu")
def silu(features: Any, beta: float = 1.0) -> Any:
    """``x * sigmoid(beta * x)``."""
    x = _float(convert(features), "silu")
    if float_of(beta) == 1.0:
        return apply(act.silu, (x,))
    return math_ops.multiply(x, math_ops.sigmoid(math_ops.multiply(x, float_of(beta))))


swish = silu


@op(name="CRelu")
def crelu(features: Any, axis: int = -1) -> Any:
    """ReLU of the tensor and of its negative, one after the other."""
    x = convert(features)
    return relu(array_ops.concat([x, math_ops.negative(x)], axis))


def _soft(name: str, function: Callable[..., Node]) -> Callable[..., Any]:
    def call(logits: Any, axis: Any = None, dim: Any = None) -> Any:
        at = static_ints(axis if dim is None else dim, name)
        return apply(function, (_float(convert(logits), name),), -1 if at is None else at)

    call.__name__ = name
    call.__doc__ = function.__doc__
    return op(call, name=name.title().replace("_", ""))  # type: ignore[no-any-return]


softmax = _soft("softmax", act.softmax)
log_softmax = _soft("log_softmax", act.log_softmax)


# ---- losses

@op
def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, dim: Any = None
                                      ) -> Any:
    """Cross entropy of rows of logits against rows of probabilities."""
    truth, guess = _labelled("softmax_cross_entropy_with_logits", labels, logits)
    return apply(tfn.softmax_cross_entropy, (truth, guess), axis if dim is None else dim)


def _labelled(name: str, labels: Any, logits: Any) -> tuple[Any, Any]:
    if labels is None or logits is None:
        raise ArgumentError(f"{name}: both `labels` and `logits` must be provided",
                            where=where_now())
    guess = convert(logits)
    truth = convert_beside(labels, guess.dtype)
    return pair(name, truth, guess)


@op
def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any) -> Any:
    """Cross entropy of rows of logits against class numbers.

    Raises:  IndexRangeError (when it runs) for a number that is no class
    """
    truth, guess = convert(labels), convert(logits)
    if truth.dtype.kind not in "iu":
        raise DTypeError(f"labels must be integers, got {truth.dtype.name}", where=where_now())
    if tuple(truth.shape) != tuple(guess.shape)[:-1]:
        raise ShapeError("`labels.shape` must equal `logits.shape` except for the last dimension. "
                         f"Received: labels.shape={tuple(truth.shape)} and logits.shape="
                         f"{tuple(guess.shape)}", where=where_now())
    return apply(class_loss.sparse_categorical_crossentropy, (truth, guess), True)


@op
def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None) -> Any:
    """Cross entropy of independent yes-or-no labels."""
    return apply(tfn.sigmoid_cross_entropy,
                 _labelled("sigmoid_cross_entropy_with_logits", labels, logits))


@op
def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any) -> Any:
    """The same with a weight on the positive labels."""
    truth, guess = _labelled("weighted_cross_entropy_with_logits", labels, logits)
    return apply(tfn.weighted_cross_entropy, (truth, guess,
                                              number_or_tensor(pos_weight, guess.dtype)))


@op(name="L2Loss")
def l2_loss(t: Any) -> Any:
    """``sum(t ** 2) / 2``."""
    return apply(_half_squares, (convert(t),))


def _half_squares(x: Node) -> Node:
    return reduction.sum(x * x) / 2


@op
def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False) -> Any:
    """``exp(log_input) - log_input * targets``."""
    if compute_full_loss:
        raise ArgumentError("log_poisson_loss: compute_full_loss is not supported")
    truth, guess = _labelled("log_poisson_loss", targets, log_input)
    return math_ops.subtract(math_ops.exp(guess), math_ops.multiply(guess, truth))


# ---- normalisation

@op
def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, keep_dims: Any = None
            ) -> Any:
    """Mean and variance over the axes."""
    named = static_ints(axes, "moments")
    named = (named,) if isinstance(named, int) else tuple(named)
    keep = bool(keepdims if keep_dims is None else keep_dims)
    mean, variance = apply_all(tfn.moments, (convert(x),), named, keep)
    return mean, variance


@op
def batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any,
                        variance_epsilon: float) -> Any:
    """``scale * (x - mean) / sqrt(variance + epsilon) + offset``."""
    value = convert(x)
    operands = [value, *(number_or_tensor(v, value.dtype)
                         for v in (mean, variance, offset, scale) if v is not None)]
    return apply(_batch_normalization, operands, offset is not None, scale is not None,
                 float_of(variance_epsilon))


def _batch_normalization(x: Node, mean: Node, variance: Node, *rest: Any) -> Node:
    *given, has_offset, has_scale, epsilon = rest
    offset = given[0] if has_offset else None
    scale = given[-1] if has_scale else None
    return tfn.batch_normalization(x, mean, variance, offset, scale, epsilon)


l2_normalize = math_ops.l2_normalize
zero_fraction = math_ops.zero_fraction
top_k = math_ops.top_k
in_top_k = math_ops.in_top_k
sigmoid = math_ops.sigmoid
tanh = math_ops.tanh


@op
def local_response_normalization(input: Any, depth_radius: int = 5, bias: float = 1.0,
                                 alpha: float = 1.0, beta: float = 0.5) -> Any:
    """Each element divided by a sum of squares over neighbouring channels (NHWC)."""
    return apply(_lrn, (convert(input),), int(depth_radius), float(bias), float(alpha),
                 float(beta))


def _lrn(x: Node, radius: int, bias: float, alpha: float, beta: float) -> Node:
    size = 2 * radius + 1
    channels_first = manipulation.moveaxis(x, -1, 1)
    found = normalization.local_response_norm(channels_first, size, alpha * size, beta, bias)
    return manipulation.moveaxis(found, 1, -1)


@op(name="BiasAdd")
def bias_add(value: Any, bias: Any, data_format: Any = None) -> Any:
    """A vector added along the channels."""
    x, b = pair("BiasAdd", value, bias)
    return apply(tfn.bias_add, (x, b), 1 if str(data_format).startswith("NC") else -1)


@op(random=True)
def dropout(x: Any, rate: Any = None, noise_shape: Any = None, seed: Any = None) -> Any:
    """Each element zero with probability ``rate``, the others divided by ``1 - rate``."""
    value = convert(x)
    shape = None if noise_shape is None else tuple(
        s if n in (-1, None) else n for n, s in zip(
            [None if n is None else static_ints(n, "dropout") for n in noise_shape],
            value.shape, strict=True))
    generator = generator_for(seed)
    if isinstance(rate, Handle) and rate._value is None:
        found = generator.draw(_dropped_by, (shape,), (value, cast_to(rate, value.dtype)))
        return array_ops.identity(found)
    share = float_of(rate)
    if not 0 <= share < 1:
        raise ArgumentError(f"`rate` must be a scalar or scalar tensor in the range [0, 1). "
                            f"Received: rate={share}", where=where_now())
    if not share:
        return array_ops.identity(value)
    return array_ops.identity(generator.draw(_dropped, (share, shape), (value,)))


def _dropped(key: Node, x: Node, ordinal: int, rate: float, shape: Any) -> Node:
    return drop.dropout(x, key, ordinal, rate, shape)


def _dropped_by(key: Node, x: Node, rate: Node, ordinal: int, shape: Any) -> Node:
    return tfn.dropout(x, rate, key, ordinal, shape)


# ---- convolution

def _layout(data_format: Any, count: int) -> str:
    if data_format is None:
        return "N*C"
    if str(data_format) in ("NWC", "NHWC", "NDHWC"):
        return "N*C"
    if str(data_format) in ("NCW", "NCHW", "NCDHW"):
        return "NC*"
    raise ArgumentError(f"data_format: {data_format!r} is not known", where=where_now(),
                        hint="NHWC or NCHW")


def _spatial(value: Any, count: int, layout: str, what: str) -> tuple[int, ...]:
    """One number per spatial axis of what may name all axes."""
    found = static_ints(value, what)
    if isinstance(found, int):
        return (found,) * count
    if len(found) == 1:
        return tuple(found) * count
    if len(found) == count:
        return tuple(found)
    if len(found) == count + 2:
        return tuple(found[1:-1] if layout == "N*C" else found[2:])
    raise ArgumentError(f"{what}: should be of length 1, {count} or {count + 2} but was "
                        f"{len(found)}", where=where_now())


def _padding(padding: Any, count: int, layout: str) -> Any:
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ArgumentError(f"padding: {padding!r} is not SAME or VALID", where=where_now(),
                                hint="SAME, VALID or a list of pairs")
        return padding.lower()
    pairs = [tuple(int(v) for v in p) for p in padding]
    if len(pairs) == count + 2:
        pairs = pairs[1:-1] if layout == "N*C" else pairs[2:]
    return tuple(pairs)


def _convolve(name: str, count: int, x: Any, filters: Any, strides: Any, padding: Any,
              data_format: Any, dilations: Any) -> Any:
    layout = _layout(data_format, count)
    value, kernel = pair(name, x, filters)
    in_channels = value.shape[-1 if layout == "N*C" else 1]
    per_group = kernel.shape[-2] if kernel.ndim == count + 2 else 0
    groups = in_channels // per_group if per_group and not in_channels % per_group else 1
    return apply(_conv, (value, kernel), _spatial(strides, count, layout, "strides"),
                 _padding(padding, count, layout),
                 _spatial(dilations or 1, count, layout, "dilations"), groups, layout)


def _conv(x: Node, w: Node, stride: Any, padding: Any, dilation: Any, groups: int, layout: str
          ) -> Node:
    return convolution.conv(x, w, None, stride, padding, dilation, groups, layout, "*IO")


@op(name="Conv1D")
def conv1d(input: Any, filters: Any = None, stride: Any = 1, padding: Any = "VALID",
           data_format: Any = "NWC", dilations: Any = None, value: Any = None) -> Any:
    """Convolution over one axis; filters (width, in, out)."""
    return _convolve("Conv1D", 1, input if value is None else value, filters, stride, padding,
                     data_format, dilations)


@op(name="Conv2D")
def conv2d(input: Any, filters: Any = None, strides: Any = 1, padding: Any = "VALID",
           use_cudnn_on_gpu: bool = True, data_format: Any = "NHWC", dilations: Any = None,
           filter: Any = None) -> Any:
    """Convolution over images; filters (height, width, in, out)."""
    return _convolve("Conv2D", 2, input, filters if filter is None else filter, strides, padding,
                     data_format, dilations)


@op(name="Conv3D")
def conv3d(input: Any, filters: Any = None, strides: Any = 1, padding: Any = "VALID",
           data_format: Any = "NDHWC", dilations: Any = None, filter: Any = None) -> Any:
    """Convolution over volumes."""
    return _convolve("Conv3D", 3, input, filters if filter is None else filter, strides, padding,
                     data_format, dilations)


@op(name="convolution")
def convolution_op(input: Any, filters: Any, strides: Any = None, padding: Any = "VALID",
                   data_format: Any = None, dilations: Any = None) -> Any:
    """Convolution over as many axes as the filters have."""
    count = convert(filters).ndim - 2
    return _convolve("Convolution", count, input, filters, strides or 1, padding, data_format,
                     dilations)


@op(name="AtrousConv2D")
def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any) -> Any:
    """Convolution with gaps between the taps."""
    return _convolve("Conv2D", 2, value, filters, 1, padding, "NHWC", rate)


@op(name="DepthwiseConv2dNative")
def depthwise_conv2d(input: Any, filter: Any, strides: Any, padding: Any,
                     data_format: Any = None, dilations: Any = None, rate: Any = None) -> Any:
    """Each channel convolved on its own."""
    layout = _layout(data_format, 2)
    return apply(convolution.depthwise_conv, pair("DepthwiseConv2dNative", input, filter), None,
                 _spatial(strides, 2, layout, "strides"), _padding(padding, 2, layout),
                 _spatial(dilations or rate or 1, 2, layout, "dilations"), layout)


@op
def separable_conv2d(input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any,
                     padding: Any, data_format: Any = None, dilations: Any = None) -> Any:
    """A depthwise convolution, then one with a single tap."""
    middle = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return conv2d(middle, pointwise_filter, 1, "VALID", data_format=data_format)


def _transposed(name: str, count: int, x: Any, filters: Any, output_shape: Any, strides: Any,
                padding: Any, data_format: Any, dilations: Any) -> Any:
    layout = _layout(data_format, count)
    value, kernel = pair(name, x, filters)
    sizes = static_ints(output_shape, "output_shape")
    return apply(tfn.conv_transpose_to, (value, kernel),
                 tuple(sizes[1:-1] if layout == "N*C" else sizes[2:]) if len(sizes) == count + 2
                 else tuple(sizes), _spatial(strides, count, layout, "strides"),
                 _padding(padding, count, layout),
                 _spatial(dilations or 1, count, layout, "dilations"), layout)


@op(name="conv1d_transpose")
def conv1d_transpose(input: Any, filters: Any, output_shape: Any, strides: Any,
                     padding: Any = "SAME", data_format: Any = "NWC", dilations: Any = None) -> Any:
    """The transpose of `conv1d`; filters (width, out, in)."""
    return _transposed("Conv1DTranspose", 1, input, filters, output_shape, strides, padding,
                       data_format, dilations)


@op(name="conv2d_transpose")
def conv2d_transpose(input: Any, filters: Any = None, output_shape: Any = None, strides: Any = 1,
                     padding: Any = "SAME", data_format: Any = "NHWC", dilations: Any = None,
                     value: Any = None, filter: Any = None) -> Any:
    """The transpose of `conv2d`; filters (height, width, out, in)."""
    return _transposed("Conv2DTranspose", 2, input if value is None else value,
                       filters if filter is None else filter, output_shape, strides, padding,
                       data_format, dilations)


@op(name="conv3d_transpose")
def conv3d_transpose(input: Any, filters: Any, output_shape: Any, strides: Any,
                     padding: Any = "SAME", data_format: Any = "NDHWC", dilations: Any = None
                     ) -> Any:
    """The transpose of `conv3d`."""
    return _transposed("Conv3DTranspose", 3, input, filters, output_shape, strides, padding,
                       data_format, dilations)


# ---- pooling

def _pool(count: int | None, kind: str, name: str) -> Callable[..., Any]:
    def call(input: Any = None, ksize: Any = None, strides: Any = None, padding: Any = "VALID",
             data_format: Any = None, value: Any = None) -> Any:
        x = convert(input if value is None else value)
        axes = x.ndim - 2 if count is None else count
        layout = _layout(data_format, axes)
        return apply(_pooled, (x,), kind, axes, _spatial(ksize, axes, layout, "ksize"),
                     _spatial(ksize if strides is None else strides, axes, layout, "strides"),
                     _padding(padding, axes, layout), layout)

    call.__name__ = name
    call.__doc__ = f"The {'maximum' if kind == 'max' else 'mean'} of each window."
    return op(call)  # type: ignore[no-any-return]


def _pooled(x: Node, kind: str, count: int, size: Any, stride: Any, padding: Any, layout: str
            ) -> Node:
    if kind == "max":
        return pooling.max_pool(x, count, size, stride, padding, layout=layout)
    return pooling.avg_pool(x, count, size, stride, padding, count_include_pad=False,
                            layout=layout)


max_pool, avg_pool = _pool(None, "max", "max_pool"), _pool(None, "avg", "avg_pool")
max_pool1d, avg_pool1d = _pool(1, "max", "max_pool1d"), _pool(1, "avg", "avg_pool1d")
max_pool2d, avg_pool2d = _pool(2, "max", "max_pool2d"), _pool(2, "avg", "avg_pool2d")
max_pool3d, avg_pool3d = _pool(3, "max", "max_pool3d"), _pool(3, "avg", "avg_pool3d")


@op
def pool(input: Any, window_shape: Any, pooling_type: str, strides: Any = None,
         padding: Any = "VALID", data_format: Any = None, dilations: Any = None) -> Any:
    """Pooling over as many axes as the window has."""
    function = max_pool if pooling_type.upper() == "MAX" else avg_pool
    return function(input, window_shape, strides or 1, padding, data_format)


# ---- look-ups

@op
def embedding_lookup(params: Any, ids: Any, partition_strategy: str = "mod",
                     validate_indices: bool = True, max_norm: Any = None) -> Any:
    """Rows of a table by number."""
    table = params[0] if isinstance(params, (list, tuple)) and len(params) == 1 else params
    found = array_ops.gather(table, ids)
    if max_norm is None:
        return found
    return apply(places.clip_by_norm, (found, number_or_tensor(max_norm, found.dtype)), (-1,))

