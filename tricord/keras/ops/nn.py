"""keras.ops: what networks are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...functions import attention, blocks, class_loss, convolution, normalization, pooling
from ...functions.reduction import mean as _mean
from ...ir.dtypes import as_dtype, bool_
from ...tensor import record
from ...tensor.recorder import wrap
from .. import config
from .._operation import as_tensor, op
from ..activations import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from ..activations import (
    gelu as _gelu,
)
from ..config import standardize_data_format
from ..losses.functions import categorical_crossentropy, sparse_categorical_crossentropy
from .elementwise import floats

__all__ = [
    "average_pool", "batch_normalization", "binary_crossentropy", "categorical_crossentropy",
    "celu", "conv", "conv_transpose", "depthwise_conv", "dot_product_attention", "elu", "gelu",
    "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "in_top_k",
    "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "moments",
    "multi_hot", "normalize", "one_hot", "relu", "relu6", "rms_normalization", "segment_max",
    "segment_min", "segment_prod", "segment_sum", "selu", "separable_conv", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_categorical_crossentropy",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh_shrink",
    "threshold", "top_k"]


def gelu(x: Any, approximate: bool = True) -> Any:
    """``x`` times the normal distribution function, by default approximated by tanh."""
    return _gelu(x, approximate=approximate)


def layout_of(data_format: str | None) -> str:
    """How the composites name a layout."""
    return "NC*" if standardize_data_format(data_format) == "channels_first" else "N*C"


def ints(value: Any) -> Any:
    """A number, or a tuple of numbers."""
    return tuple(int(v) for v in value) if isinstance(value, (list, tuple)) else int(value)


@op(2, "nn")
def conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
         data_format: str | None = None, dilation_rate: Any = 1) -> Any:
    """Convolution; the kernel is (*window, in / groups, out)."""
    x, w = as_tensor(inputs), as_tensor(kernel)
    layout = layout_of(data_format)
    channels = x.shape[1 if layout == "NC*" else -1]
    return record(convolution.conv, (x, w), (
        None, ints(strides), padding, ints(dilation_rate), channels // w.shape[-2], layout, "*IO"))


@op(2, "nn")
def depthwise_conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
                   data_format: str | None = None, dilation_rate: Any = 1) -> Any:
    """Each channel convolved by itself; the kernel is (*window, in, multiplier)."""
    return record(convolution.depthwise_conv, (as_tensor(inputs), as_tensor(kernel)), (
        None, ints(strides), padding, ints(dilation_rate), layout_of(data_format)))


@op(3, "nn")
def separable_conv(inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1,
                   padding: str = "valid", data_format: str | None = None,
                   dilation_rate: Any = 1) -> Any:
    """`depthwise_conv`, then a convolution with a window of one."""
    return record(convolution.separable_conv, (
        as_tensor(inputs), as_tensor(depthwise_kernel), as_tensor(pointwise_kernel)), (
        None, ints(strides), padding, ints(dilation_rate), layout_of(data_format)))


@op(2, "nn")
def conv_transpose(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
                   output_padding: Any = None, data_format: str | None = None,
                   dilation_rate: Any = 1) -> Any:
    """The gradient of a convolution, as a layer that widens; the kernel is (*window, out, in)."""
    return record(transposed, (as_tensor(inputs), as_tensor(kernel)), (
        ints(strides), padding, None if output_padding is None else ints(output_padding),
        layout_of(data_format), ints(dilation_rate)))


def transposed(x: Any, w: Any, *rest: Any) -> Any:
    """Keras's transposed convolution in terms of the shared one."""
    *bias, strides, padding, output_padding, layout, dilation = rest
    count = x.ndim - 2
    taps = tuple(w.shape[:count])
    per = [convolution.per_axis("conv_transpose", v, count) for v in (strides, dilation)]
    out = None if output_padding is None else convolution.per_axis("conv_transpose",
                                                                   output_padding, count)
    pads = convolution.keras_transpose_padding(padding, taps, per[0], per[1], out)
    return convolution.conv_transpose(x, w, bias[0] if bias else None, per[0], pads, 0, 1, per[1],
                                      layout, "*OI")


@op(1, "nn")
def max_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
             data_format: str | None = None) -> Any:
    """The largest element of each window."""
    x = as_tensor(inputs)
    size = ints(pool_size)
    return record(pooling.max_pool, (x,), (
        x.ndim - 2, size, size if strides is None else ints(strides), padding, 1, False,
        layout_of(data_format)))


@op(1, "nn")
def average_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None) -> Any:
    """The mean of each window; what lies outside does not count."""
    x = as_tensor(inputs)
    size = ints(pool_size)
    return record(pooling.avg_pool, (x,), (
        x.ndim - 2, size, size if strides is None else ints(strides), padding, False, False, None,
        layout_of(data_format)))


@op(1, "nn")
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None,
            sparse: bool = False) -> Any:
    """Rows with a one at the class."""
    wanted = as_dtype(config.standardize_dtype(dtype))
    return record(blocks.one_hot_of, (as_tensor(x),), (int(num_classes), wanted, axis))


@op(1, "nn")
def multi_hot(inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None,
              sparse: bool = False, **kwargs: Any) -> Any:
    """Rows with a one at every class that occurs."""
    wanted = as_dtype(config.standardize_dtype(dtype))
    return record(blocks.multi_hot, (as_tensor(inputs),), (int(num_classes or 0), wanted, axis))


@op(2, "nn")
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Cross entropy of each element."""
    return record(elementwise_crossentropy, (as_tensor(target), as_tensor(output)), (from_logits,))


def elementwise_crossentropy(target: Any, output: Any, from_logits: bool) -> Any:
    """Keras's binary cross entropy without the mean over the last axis."""
    return class_loss._binary_terms(target, output, from_logits)


@op(1, "nn")
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Mean and variance over axes."""
    x = floats(x)
    axes = tuple(axes) if isinstance(axes, (list, tuple)) else axes
    average = record(_mean, (x,), (axes, True))
    spread = record(_mean, ((x - average) ** 2,), (axes, keepdims))
    return (average if keepdims else record(_mean, (x,), (axes, False))), spread


@op(3, "nn")
def batch_normalization(x: Any, mean: Any, variance: Any, axis: int, offset: Any = None,
                        scale: Any = None, epsilon: float = 1e-3) -> Any:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset`` along an axis."""
    return record(_normalized, [as_tensor(v) for v in (x, mean, variance, scale, offset)
                                if v is not None],
                  (scale is not None, offset is not None, float(epsilon), axis))


def _normalized(x: Any, mean: Any, variance: Any, *rest: Any) -> Any:
    *vectors, has_scale, has_offset, epsilon, axis = rest
    scale = vectors.pop(0) if has_scale else None
    offset = vectors.pop(0) if has_offset else None
    return normalization.batch_norm(x, mean, variance, scale, offset, epsilon, axis)


@op(1, "nn")
def layer_normalization(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1,
                        epsilon: float | None = None, **kwargs: Any) -> Any:
    """Mean zero and variance one along axes."""
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    found = record(normalization.layer_norm, (as_tensor(x),),
                   (None, None, axes, config.epsilon() if epsilon is None else epsilon))
    found = found if gamma is None else found * as_tensor(gamma)
    return found if beta is None else found + as_tensor(beta)


@op(1, "nn")
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1,
                      epsilon: float | None = None) -> Any:
    """A root mean square of one along axes."""
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    found = record(normalization.rms_norm, (as_tensor(x),),
                   (None, axes, config.epsilon() if epsilon is None else epsilon))
    return found if scale is None else found * as_tensor(scale)


@op(1, "nn")
def normalize(x: Any, axis: int = -1, order: float = 2, epsilon: float | None = None) -> Any:
    """A norm of one along an axis."""
    x = floats(x)
    small = config.epsilon() if epsilon is None else epsilon
    return record(normalization.normalize, (x,), (float(order), axis, float(small)))


@op(1, "math")
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The k largest of the last axis, and their places."""
    values, places = as_tensor(x).topk(k, -1)
    return values, places


@op(2, "math")
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the target is among the k likeliest."""
    return record(blocks.in_top_k, (as_tensor(targets), as_tensor(predictions)), (k,))


def _segment(name: str, how: str) -> Any:
    def function(data: Any, segment_ids: Any, num_segments: int | None = None,
                 sorted: bool = False) -> Any:
        data, ids = as_tensor(data), as_tensor(segment_ids)
        count = int(np.asarray(ids).max()) + 1 if num_segments is None else int(num_segments)
        return record(blocks.segment, (data, ids), (count, how))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Rows of one segment combined by {how}."
    return op(2, "math")(function)


segment_sum = _segment("segment_sum", "add")
segment_max = _segment("segment_max", "max")
segment_min = _segment("segment_min", "min")
segment_prod = _segment("segment_prod", "mul")


@op(3, "nn")
def dot_product_attention(query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None,
                          scale: float | None = None, is_causal: bool = False,
                          flash_attention: Any = None, attn_logits_soft_cap: Any = None) -> Any:
    """Attention over the second axis.

    Shapes:  query (batch, T, heads, d), key and value (batch, S, heads, d) -> as query
    """
    q, k, v = (as_tensor(t).swapaxes(1, 2) for t in (query, key, value))
    extra = None
    if mask is not None:
        extra = as_tensor(mask)
        extra = extra if extra.dtype is bool_ else extra.to(bool_)
    if bias is not None:
        bias = as_tensor(bias)
        extra = bias if extra is None else bias + wrap(np.float32(0)).where(
            extra, wrap(np.float32(-1e9)))
    operands = (q, k, v) if extra is None else (q, k, v, extra)
    found = record(_attention, operands, (is_causal, scale))
    return found.swapaxes(1, 2)


def _attention(q: Any, k: Any, v: Any, *rest: Any) -> Any:
    *mask, causal, scale = rest
    return attention.scaled_dot_product_attention(q, k, v, mask[0] if mask else None,
                                                  causal=causal, scale=scale)


