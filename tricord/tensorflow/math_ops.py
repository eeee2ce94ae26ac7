"""Functions of `tf` and `tf.math`: element by element, comparisons, reductions, segments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..functions import activation as act
from ..functions import elementwise as fn
from ..functions import places, products, reduction, searching, sorting, special
from ..functions import tensorflow as tfn
from ..ir.dtypes import DType, bool_, float32, float64, int32, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.structural import stop_gradient as _stop
from ..tensor.handle import Handle
from ..tensor.recorder import value_of
from ._op import op
from .dtypes import as_dtype
from .tensors import (
    apply,
    apply_all,
    array_of,
    binary,
    cast_to,
    convert,
    convert_beside,
    default_int,
    number_or_tensor,
    pair,
    static_ints,
    where_now,
)


class TopKV2(NamedTuple):
    """What `top_k` returns."""

    values: Any
    indices: Any


class _Unary:
    """Functions of one tensor, made from functions of one node."""

    def __init__(self) -> None:
        self.made: dict[str, Callable[..., Any]] = {}

    def add(self, name: str, function: Callable[[Node], Node], integers: bool = True,
            op_name: str | None = None) -> None:
        def call(x: Any) -> Any:
            value = convert(x)
            if not integers and not value.dtype.is_inexact:
                raise DTypeError(f"Value for attr 'T' of {value.dtype.name} is not in the list of "
                                 f"allowed values: bfloat16, half, float, double, complex64, "
                                 f"complex128 [Op:{op_name or name}]", where=where_now(),
                                 hint="tf.cast(x, tf.float32)")
            return apply(function, (value,))

        call.__name__ = name
        call.__doc__ = function.__doc__
        self.made[name] = op(call, name=op_name or name.title().replace("_", ""))


_unary = _Unary()
for _name, _function in {
        "exp": fn.exp, "expm1": fn.expm1, "log": fn.log, "log1p": fn.log1p, "sqrt": fn.sqrt,
        "rsqrt": fn.rsqrt, "sin": fn.sin, "cos": fn.cos, "tan": fn.tan, "asin": fn.asin,
        "acos": fn.acos, "atan": fn.atan, "sinh": fn.sinh, "cosh": fn.cosh, "tanh": fn.tanh,
        "asinh": fn.asinh, "acosh": fn.acosh, "atanh": fn.atanh, "sigmoid": fn.sigmoid,
        "erf": fn.erf, "erfc": fn.erfc, "erfinv": fn.erfinv, "lgamma": fn.lgamma,
        "digamma": fn.digamma, "softplus": act.softplus, "ndtri": special.ndtri,
        "bessel_i0": special.i0, "log_sigmoid": act.logsigmoid, "angle": fn.angle,
        "reciprocal": fn.reciprocal}.items():
    _unary.add(_name, _function, integers=False)
for _name, _function in {
        "abs": fn.abs, "square": fn.square, "negative": fn.negative, "sign": tfn.sign,
        "floor": fn.floor, "ceil": fn.ceil, "round": fn.round, "rint": fn.round,
        "is_nan": fn.is_nan, "is_finite": fn.is_finite, "is_inf": fn.is_inf, "real": fn.real,
        "imag": fn.imag, "conj": fn.conj, "logical_not": fn.logical_not,
        "invert": fn.bitwise_not}.items():
    _unary.add(_name, _function)
globals().update(_unary.made)
#: the names above, for this module's readers and for linters
(exp, expm1, log, log1p, sqrt, rsqrt, sigmoid, tanh, abs_, square, negative, sign, floor, ceil,
 round_, reciprocal, logical_not, is_finite) = (
    _unary.made[n] for n in (
        "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "sigmoid", "tanh", "abs", "square",
        "negative", "sign", "floor", "ceil", "round", "reciprocal", "logical_not", "is_finite"))


# ---- two operands

def _two(name: str, op_name: str, function: Callable[[Any, Any], Node]) -> Callable[..., Any]:
    def call(x: Any, y: Any) -> Any:
        return binary(op_name, function, x, y)

    call.__name__ = name
    call.__doc__ = (function.__doc__ or f"{name} of two tensors, element by element.")
    return op(call, name=op_name)  # type: ignore[no-any-return]


add = _two("add", "AddV2", fn.add)
subtract = _two("subtract", "Sub", fn.subtract)
multiply = _two("multiply", "Mul", fn.multiply)
maximum = _two("maximum", "Maximum", tfn.maximum)
minimum = _two("minimum", "Minimum", tfn.minimum)
floordiv = _two("floordiv", "FloorDiv", tfn.floor_divide)
floormod = _two("floormod", "FloorMod", fn.remainder)
squared_difference = _two("squared_difference", "SquaredDifference", fn.squared_difference)
atan2 = _two("atan2", "Atan2", fn.atan2)
divide_no_nan = _two("divide_no_nan", "DivNoNan", places.divide_no_nan)
xlogy = _two("xlogy", "Xlogy", fn.xlogy)
xlog1py = _two("xlog1py", "Xlog1py", fn.xlog1py)
multiply_no_nan = _two("multiply_no_nan", "MulNoNan", places.multiply_no_nan)
less = _two("less", "Less", fn.less)
less_equal = _two("less_equal", "LessEqual", fn.less_equal)
greater = _two("greater", "Greater", fn.greater)
greater_equal = _two("greater_equal", "GreaterEqual", fn.greater_equal)
equal = _two("equal", "Equal", fn.equal)
not_equal = _two("not_equal", "NotEqual", fn.not_equal)
logical_and = _two("logical_and", "LogicalAnd", fn.logical_and)
logical_or = _two("logical_or", "LogicalOr", fn.logical_or)
logical_xor = _two("logical_xor", "LogicalXor", fn.logical_xor)
bitwise_and = _two("bitwise_and", "BitwiseAnd", fn.bitwise_and)
bitwise_or = _two("bitwise_or", "BitwiseOr", fn.bitwise_or)
bitwise_xor = _two("bitwise_xor", "BitwiseXor", fn.bitwise_xor)
left_shift = _two("left_shift", "LeftShift", fn.bitwise_left_shift)
right_shift = _two("right_shift", "RightShift", fn.bitwise_right_shift)


@op(name="truediv")
def truediv(x: Any, y: Any) -> Any:
    """``x / y``; 32- and 64-bit integers divide in float64, smaller ones in float32."""
    if not (isinstance(x, Handle) and x.dtype.is_inexact) and not (
            isinstance(y, Handle) and y.dtype.is_inexact):
        x, y = pair("truediv", x, y)
        if x.dtype.kind in "iu":
            wide = float64 if x.dtype.itemsize > 2 else float32
            x, y = cast_to(x, wide), cast_to(y, wide)
    return binary("RealDiv", fn.divide, x, y)


divide = truediv


@op(name="Pow")
def pow(x: Any, y: Any) -> Any:
    """``x ** y``."""
    if isinstance(x, Handle) and y.__class__ in (int, float) and (
            x.dtype.is_inexact or (y.__class__ is int and y >= 0)):
        return apply(_power_by, (x,), y)
    return binary("Pow", fn.power, x, y)


def _power_by(x: Node, y: float) -> Node:
    return fn.power(x, y)


@op(name="AddN")
def add_n(inputs: Any) -> Any:
    """The sum of a list of tensors."""
    parts = [convert(v) for v in inputs]
    if not parts:
        raise ArgumentError("add_n: inputs must be a list of at least one Tensor")
    total = parts[0]
    for part in parts[1:]:
        total = binary("AddN", fn.add, total, part)
    return total


accumulate_n = add_n


@op(name="ClipByValue")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    """The elements, with the bounds in place of what lies outside."""
    x = convert(t)
    low, high = (convert_beside(v, x.dtype) for v in (clip_value_min, clip_value_max))
    return apply(_clip, (x, low, high))


def _clip(x: Node, low: Node, high: Node) -> Node:
    return fn.clip(x, low, high)


@op
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None) -> Any:
    """The tensor, scaled down to this L2 norm if it is longer."""
    x = convert(t)
    return apply(places.clip_by_norm, (x, number_or_tensor(clip_norm, x.dtype)),
                 _axes(axes, "clip_by_norm"))


@op
def clip_by_average_norm(t: Any, clip_norm: Any) -> Any:
    """The tensor, scaled so that norm divided by size is at most this."""
    x = convert(t)
    return apply(places.clip_by_average_norm, (x, number_or_tensor(clip_norm, x.dtype)))


@op
def global_norm(t_list: Any) -> Any:
    """The L2 norm of all tensors together; None among them are left out."""
    return apply(places.global_norm, [convert(t) for t in t_list if t is not None])


@op
def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None) -> Any:
    """All tensors scaled alike to a joint L2 norm of ``clip_norm``, and the norm they had."""
    parts = [None if t is None else convert(t) for t in t_list]
    norm = global_norm(parts) if use_norm is None else convert(use_norm)
    limit = number_or_tensor(clip_norm, norm.dtype)
    return [None if p is None else apply(places.limited, (p, norm, limit)) for p in parts], norm


# ---- dtypes

@op(name="Cast")
def cast(x: Any, dtype: Any) -> Any:
    """The numbers in another dtype; fractions are cut off, truth is what is not zero."""
    wanted = as_dtype(dtype)
    value = x if isinstance(x, Handle) else convert(
        x if isinstance(x, np.ndarray) else array_of(x))
    if wanted is bool_ and value.dtype is not bool_:
        return apply(_truth, (value,))
    return cast_to(value, wanted)


def _truth(x: Node) -> Node:
    return ew.not_equal(x, ew.zeros_like(x))


@op
def saturate_cast(value: Any, dtype: Any) -> Any:
    """Like `cast`, with numbers that do not fit made the nearest that does."""
    x, wanted = convert(value), as_dtype(dtype)
    if wanted.kind in "iu":
        info = np.iinfo(wanted.numpy)
        x = clip_by_value(x, x.dtype.numpy.type(info.min), x.dtype.numpy.type(info.max))
    return cast_to(x, wanted)


def _to(dtype: DType, name: str) -> Callable[..., Any]:
    def call(x: Any) -> Any:
        return cast(x, dtype)

    call.__name__ = name
    call.__doc__ = f"The tensor as {dtype.name}."
    return op(call)  # type: ignore[no-any-return]


to_float, to_double = _to(float32, "to_float"), _to(float64, "to_double")
to_int32, to_int64 = _to(int32, "to_int32"), _to(int64, "to_int64")


@op
def complex(real: Any, imag: Any) -> Any:
    """Complex numbers of two real tensors."""
    return apply(fn.complex_of, pair("Complex", real, imag))


# ---- reductions

def _axes(axis: Any, what: str) -> Any:
    found = static_ints(axis, what)
    return found if found is None or isinstance(found, int) else tuple(found)


def _old(axis: Any, keepdims: Any, reduction_indices: Any, keep_dims: Any) -> tuple[Any, bool]:
    """TensorFlow 1 spelled two of the keywords in another way."""
    return (axis if reduction_indices is None else reduction_indices,
            bool(keepdims if keep_dims is None else keep_dims))


def _reduce(name: str, function: Callable[..., Node], op_name: str) -> Callable[..., Any]:
    def call(input_tensor: Any, axis: Any = None, keepdims: Any = False,
             reduction_indices: Any = None, keep_dims: Any = None) -> Any:
        axis, keep = _old(axis, keepdims, reduction_indices, keep_dims)
        x = convert(input_tensor)
        return apply(_same_dtype, (x,), function, _axes(axis, name), keep)

    call.__name__ = name
    call.__doc__ = f"{op_name} over all axes, or over ``axis`` (one or several)."
    return op(call, name=op_name)  # type: ignore[no-any-return]


def _same_dtype(x: Node, function: Callable[..., Node], axes: Any, keepdims: bool) -> Node:
    """A reduction whose result has the dtype of its operand."""
    return ew.cast(function(x, axes, keepdims), x.dtype)


def _mean(x: Node, axes: Any, keepdims: bool) -> Node:
    if x.dtype.is_inexact:
        return reduction.mean(x, axes, keepdims)
    count = reduction.sum(ew.scalar_like(1, x), axes, keepdims)
    return fn.trunc_divide(reduction.sum(x, axes, keepdims), count)


reduce_sum = _reduce("reduce_sum", reduction.sum, "Sum")
reduce_mean = _reduce("reduce_mean", _mean, "Mean")
reduce_max = _reduce("reduce_max", reduction.max, "Max")
reduce_min = _reduce("reduce_min", reduction.min, "Min")
reduce_prod = _reduce("reduce_prod", reduction.prod, "Prod")
reduce_all = _reduce("reduce_all", reduction.all, "All")
reduce_any = _reduce("reduce_any", reduction.any, "Any")
reduce_logsumexp = _reduce("reduce_logsumexp", reduction.logsumexp, "ReduceLogSumExp")


def _spread(name: str, function: Callable[..., Node]) -> Callable[..., Any]:
    def call(input_tensor: Any, axis: Any = None, keepdims: Any = False) -> Any:
        x = convert(input_tensor)
        if not x.dtype.is_inexact:
            raise DTypeError(f"Input must be either real or complex. Received integer type "
                             f"{x.dtype.name}.", where=where_now(), hint="tf.cast(x, tf.float32)")
        return apply(_spread_over, (x,), function, _axes(axis, name), bool(keepdims))

    call.__name__ = name
    return op(call)  # type: ignore[no-any-return]


def _spread_over(x: Node, function: Callable[..., Node], axes: Any, keepdims: bool) -> Node:
    return function(x, axes, 0, keepdims)


reduce_std = _spread("reduce_std", reduction.std)
reduce_variance = _spread("reduce_variance", reduction.var)


@op
def reduce_euclidean_norm(input_tensor: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The square root of the sum of squares."""
    return apply(_norm_over, (convert(input_tensor),), _axes(axis, "norm"), keepdims)


def _norm_over(x: Node, axes: Any, keepdims: bool) -> Node:
    return reduction.norm(x, axes, 2, keepdims)


@op
def count_nonzero(input: Any, axis: Any = None, keepdims: bool = False,
                  dtype: Any = int64) -> Any:
    """How many elements are not zero."""
    found = apply(reduction.count_nonzero, (convert(input),), _axes(axis, "count_nonzero"),
                  bool(keepdims))
    return cast_to(found, as_dtype(dtype))


def _position(name: str, function: Callable[..., Node], op_name: str) -> Callable[..., Any]:
    def call(input: Any, axis: Any = None, output_type: Any = int64, dimension: Any = None
             ) -> Any:
        x = convert(input)
        at = static_ints(axis if dimension is None else dimension, name)
        found = apply(_place_of, (x,), function, 0 if at is None else at)
        return cast_to(found, default_int(output_type))

    call.__name__ = name
    call.__doc__ = f"The first place of the {'largest' if name == 'argmax' else 'smallest'} " \
        "element along an axis (0 if not given)."
    return op(call, name=op_name)  # type: ignore[no-any-return]


def _place_of(x: Node, function: Callable[..., Node], axis: int) -> Node:
    return function(x, axis)


argmax = _position("argmax", reduction.argmax, "ArgMax")
argmin = _position("argmin", reduction.argmin, "ArgMin")


def _running(name: str, kind: str) -> Callable[..., Any]:
    def call(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False) -> Any:
        return apply(places.running, (convert(x),), static_ints(axis, name), bool(exclusive),
                     bool(reverse), kind)

    call.__name__ = name
    call.__doc__ = f"Running {kind} along an axis; ``exclusive`` leaves the own element out."
    return op(call, name=name.title())  # type: ignore[no-any-return]


cumsum, cumprod = _running("cumsum", "sum"), _running("cumprod", "prod")


# ---- order

@op(name="TopKV2")
def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = int32) -> Any:
    """The k largest along the last axis, and their places."""
    count = static_ints(k, "top_k")
    values, indices = apply_all(sorting.top_k, (convert(input),), count, -1, True)
    return TopKV2(values, cast_to(indices, default_int(index_type)))


@op
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the prediction for each target is among the k largest."""
    labels, scores = convert(targets), convert(predictions)
    picked = apply(places.take_batched, (scores, labels), 1, 1)
    return apply(_among_best, (scores, picked), int(k))


def _among_best(scores: Node, picked: Node, k: int) -> Node:
    better = ew.cast(fn.greater(scores, searching.reshape(picked, (*picked.shape, 1))), int64)
    return reduction.sum(better, -1) < k


def _descending(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ArgumentError(f"Unknown sort direction: {direction}. It must be 'ASCENDING' or "
                            "'DESCENDING'", where=where_now())
    return direction == "DESCENDING"


@op
def sort(values: Any, axis: int = -1, direction: str = "ASCENDING") -> Any:
    """The values in order along an axis."""
    return apply(sorting.sort, (convert(values),), static_ints(axis, "sort"),
                 _descending(direction))


@op
def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False) -> Any:
    """The places that sort an axis, int32."""
    found = apply(sorting.argsort, (convert(values),), static_ints(axis, "argsort"),
                  _descending(direction))
    return cast_to(found, int32)


# ---- segments and counts

def _segment(name: str, kind: str, sorted_ids: bool) -> Callable[..., Any]:
    def on_sorted(data: Any, segment_ids: Any) -> Any:
        ids = convert(segment_ids)
        found = value_of(ids)
        count = int(found.max()) + 1 if found.size else 0
        if found.size > 1 and (np.diff(found) < 0).any():
            raise ArgumentError("segment ids are not increasing", where=where_now(),
                                hint=f"tf.math.unsorted_{name}")
        return apply(places.segment, (convert(data), ids), count, kind)

    def on_any(data: Any, segment_ids: Any, num_segments: Any) -> Any:
        return apply(places.segment, (convert(data), convert(segment_ids)),
                     static_ints(num_segments, name), kind, kind not in ("max", "min"))

    call = on_sorted if sorted_ids else on_any
    call.__name__ = name
    call.__doc__ = f"{kind} of the rows with the same id."
    return op(call)  # type: ignore[no-any-return]


segment_sum, segment_mean, segment_max, segment_min, segment_prod = (
    _segment(f"segment_{k}", k, True) for k in ("sum", "mean", "max", "min", "prod"))
(unsorted_segment_sum, unsorted_segment_mean, unsorted_segment_max, unsorted_segment_min,
 unsorted_segment_prod, unsorted_segment_sqrt_n) = (
    _segment(f"unsorted_segment_{k}", k, False)
    for k in ("sum", "mean", "max", "min", "prod", "sqrt_n"))


@op
def bincount(arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None,
             dtype: Any = int32) -> Any:
    """How often each number from 0 occurs, or the sum of the weights that go there."""
    x = convert(arr)
    found = value_of(x)
    size = int(found.max()) + 1 if found.size else 0
    if minlength is not None:
        size = max(size, static_ints(minlength, "bincount"))
    if maxlength is not None:
        limit = static_ints(maxlength, "bincount")
        x, size = convert(found[found < limit]), min(size, limit)
    if weights is None:
        return cast_to(apply(searching.bincount, (x,), size), as_dtype(dtype))
    return apply(_weighted_counts, (x, convert(weights)), size)


def _weighted_counts(x: Node, weights: Node, size: int) -> Node:
    return searching.bincount(x, size, weights)


@op
def confusion_matrix(labels: Any, predictions: Any, num_classes: Any = None, weights: Any = None,
                     dtype: Any = int32) -> Any:
    """How often each class (row) was predicted as each (column)."""
    truth, guess = convert(labels), convert(predictions)
    classes = static_ints(num_classes, "confusion_matrix")
    if classes is None:
        both = [value_of(v) for v in (truth, guess)]
        classes = int(max((int(v.max()) for v in both if v.size), default=-1)) + 1
    operands = [truth, guess] if weights is None else [truth, guess, convert(weights)]
    return apply(_confusion, operands, classes, as_dtype(dtype))


def _confusion(labels: Node, predictions: Node, *rest: Any) -> Node:
    *weights, classes, dtype = rest
    return places.confusion_matrix(labels, predictions, *weights, classes=classes, dtype=dtype)


# ---- products

@op(name="MatMul")
def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False,
           adjoint_a: bool = False, adjoint_b: bool = False, a_is_sparse: bool = False,
           b_is_sparse: bool = False, output_type: Any = None, grad_a: bool = False,
           grad_b: bool = False) -> Any:
    """Matrix product over the last two axes; leading axes broadcast.

    Raises:  ShapeError if the inner sizes differ, DTypeError for two dtypes
    """
    x, y = pair("MatMul", a, b)
    if not (transpose_a or transpose_b or adjoint_a or adjoint_b):
        if len(x._type.shape) < 2 or len(y._type.shape) < 2:
            raise ArgumentError("matmul: In[0] and In[1] must have at least two axes, got shapes "
                                f"{tuple(x.shape)} and {tuple(y.shape)}", where=where_now(),
                                hint="tf.linalg.matvec, tf.tensordot, or tf.expand_dims")
        return apply(products.matmul, (x, y))
    return apply(_transposed_product, (x, y), transpose_a or adjoint_a, transpose_b or adjoint_b,
                 adjoint_a, adjoint_b)


def _transposed_product(x: Node, y: Node, turn_x: bool, turn_y: bool, conj_x: bool,
                        conj_y: bool) -> Node:
    x = products.matrix_transpose(fn.conj(x) if conj_x else x) if turn_x else x
    y = products.matrix_transpose(fn.conj(y) if conj_y else y) if turn_y else y
    return products.matmul(x, y)


@op
def tensordot(a: Any, b: Any, axes: Any) -> Any:
    """Products summed over the named axes."""
    named = axes if isinstance(axes, int) else tuple(
        v if isinstance(v, int) else tuple(static_ints(v, "tensordot")) for v in axes)
    return apply(products.tensordot, pair("Tensordot", a, b), named)


@op(blocks_gradient=True)
def stop_gradient(input: Any) -> Any:
    """The same value, through which no gradient flows."""
    return apply(_stop, (convert(input),))


@op
def polyval(coeffs: Any, x: Any) -> Any:
    """A polynomial, coefficients from the highest power down."""
    value = convert(x)
    total = multiply(value, value.dtype.numpy.type(0))
    for c in coeffs:
        total = add(multiply(total, value), convert_beside(c, value.dtype))
    return total


@op
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, dim: Any = None) -> Any:
    """``x / sqrt(max(sum(x**2), epsilon))`` over the axes."""
    return apply(places.l2_normalize, (convert(x),),
                 _axes(axis if dim is None else dim, "l2_normalize"), float(epsilon))


@op
def zero_fraction(value: Any) -> Any:
    """The share of elements that are zero."""
    return apply(_zero_share, (convert(value),))


def _zero_share(x: Node) -> Node:
    return reduction.mean(ew.cast(ew.equal(x, ew.zeros_like(x)), float32))


@op
def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5) -> Any:
    """Whether the difference is smaller than ``tolerance``."""
    first, second = pair("ApproximateEqual", x, y)
    return less(abs_(subtract(first, second)), float(tolerance))


nextafter = _two("nextafter", "NextAfter", fn.nextafter)
