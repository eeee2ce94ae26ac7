"""Activation functions, with the values and the gradients that PyTorch documents.

A branch that is not taken is kept from overflowing *before* the choice, so that no infinity meets
the zero of its gradient. NaN stays NaN everywhere. Integers are refused except where said.
"""

from __future__ import annotations

import math

from ..errors import ArgumentError, DTypeError, ShapeError
from ..ir.dtypes import DType, float32
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.movement import reshape, slice_
from ..ir.ops.reduce import reduce_max, reduce_sum, restore
from ..ir.ops.structural import stop_gradient
from ..ir.shapes import normalise_axis

__all__ = [
    "celu", "clipped_relu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "leaky_relu", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6",
    "rrelu", "selu", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink", "softsign",
    "sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanhshrink", "threshold",
]

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _float(name: str, x: Node) -> Node:
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: is defined for floating dtypes, got {x.dtype}",
                         hint="cast it, e.g. to float32")
    return x


def _number(value: float, x: Node) -> Node:
    return ew.scalar_like(value, x)


def _narrow(x: Node) -> bool:
    return x.dtype.itemsize == 2


# ---- the family of relu

def relu(x: Node) -> Node:
    """``max(x, 0)``; NaN stays, the gradient at zero is zero. Integers are taken."""
    if x.dtype.kind not in "iuf":
        raise DTypeError(f"relu: is defined for real numbers, got {x.dtype}")
    zero = ew.zeros_like(x)
    return ew.where(ew.less_equal(x, zero), zero, x)


def threshold(x: Node, threshold: float, value: float) -> Node:
    """``x`` where ``x > threshold``, else ``value``."""
    return ew.where(x <= threshold, _number(value, x), x)


def hardtanh(x: Node, min_val: float = -1.0, max_val: float = 1.0) -> Node:
    """``x`` between the bounds, else the bound; the gradient on a bound is zero."""
    _float("hardtanh", x)
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    low, high = _number(min_val, x), _number(max_val, x)
    return ew.where(ew.less_equal(x, low), low, ew.where(ew.greater_equal(x, high), high, x))


def relu6(x: Node) -> Node:
    """``min(max(x, 0), 6)``."""
    return hardtanh(x, 0.0, 6.0)


def leaky_relu(x: Node, negative_slope: float = 0.01) -> Node:
    """``x`` above zero, ``negative_slope * x`` below."""
    _float("leaky_relu", x)
    return ew.where(x > 0, x, x * negative_slope)


def rrelu(x: Node, slopes: Node | None = None, lower: float = 1 / 8, upper: float = 1 / 3) -> Node:
    """`leaky_relu` with random ``slopes``, or with the mean of the bounds if there are none."""
    if slopes is None:
        return leaky_relu(x, (lower + upper) / 2)
    return ew.where(_float("rrelu", x) > 0, x, x * slopes)


def prelu(x: Node, weight: Node, axis: int = 1) -> Node:
    """`leaky_relu` with learned slopes: one, or one per element of ``axis``.

    Shapes:  x (N, C, *), weight (1,) or (C,) -> that of x
    """
    _float("prelu", x)
    if weight.size != 1:
        axis = 0 if x.ndim < 2 else normalise_axis(axis, x.ndim, "prelu")
        if weight.ndim != 1 or not x.ndim or weight.shape[0] != x.shape[axis]:
            raise ShapeError(f"prelu: {weight.size} slopes for the input shape {tuple(x.shape)}, "
                             f"whose channels are axis {axis}")
        weight = reshape(weight, [-1 if a == axis else 1 for a in range(x.ndim)])
    elif weight.ndim > x.ndim:
        weight = reshape(weight, ())
    return ew.where(x > 0, x, x * weight)


def clipped_relu(x: Node, negative_slope: float = 0.0, max_value: float | None = None,
                 threshold: float = 0.0) -> Node:
    """Keras's relu: ``min(x, max_value)`` from the threshold on, below it
    ``negative_slope * (x - threshold)``."""
    below = (x - threshold) * negative_slope if negative_slope else ew.zeros_like(x)
    above = x
    if max_value is not None:
        above = ew.where(x >= max_value, _number(max_value, x), x)
    return ew.where(x < threshold if threshold else x <= 0, below, above)


# ---- exponential ones

def _below_zero(x: Node) -> Node:
    """``x`` where it is negative, else 0: safe to exponentiate."""
    return ew.where(x > 0, ew.zeros_like(x), x)


def elu(x: Node, alpha: float = 1.0) -> Node:
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""
    _float("elu", x)
    return ew.where(x > 0, x, ew.expm1(_below_zero(x)) * alpha)


def celu(x: Node, alpha: float = 1.0) -> Node:
    """``x`` above zero, ``alpha * (exp(x / alpha) - 1)`` below."""
    _float("celu", x)
    if alpha == 0:
        raise ArgumentError("celu: alpha cannot be 0")
    return ew.where(x > 0, x, ew.expm1(_below_zero(x) / alpha) * alpha)


def selu(x: Node) -> Node:
    """`elu` with the two constants that keep mean 0 and variance 1.

    Source:  Klambauer et al. 2017, Self-Normalizing Neural Networks
    """
    _float("selu", x)
    low = ew.expm1(_below_zero(x)) * (_SELU_SCALE * _SELU_ALPHA)
    return ew.where(x > 0, x * _SELU_SCALE, low)


def sigmoid(x: Node) -> Node:
    """``1 / (1 + exp(-x))``."""
    return ew.logistic(_float("sigmoid", x))


def tanh(x: Node) -> Node:
    """Hyperbolic tangent."""
    return ew.tanh(_float("tanh", x))


def silu(x: Node) -> Node:
    """``x * sigmoid(x)``, also called swish."""
    return x * ew.logistic(_float("silu", x))


def softplus(x: Node, beta: float = 1.0, threshold: float = 20.0) -> Node:
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``."""
    scaled = _float("softplus", x) if beta == 1 else _float("softplus", x) * beta
    straight = scaled > threshold
    curve = ew.log1p(ew.exp(ew.where(straight, ew.zeros_like(x), scaled)))
    return ew.where(straight, x, curve if beta == 1 else curve / beta)


def mish(x: Node) -> Node:
    """``x * tanh(softplus(x))``."""
    return x * ew.tanh(softplus(x))


def logsigmoid(x: Node) -> Node:
    """``log(sigmoid(x))`` without underflow."""
    zero = ew.zeros_like(_float("logsigmoid", x))
    return ew.minimum(x, zero) - ew.log1p(ew.exp(-ew.absolute(x)))


def gelu(x: Node, approximate: str = "none") -> Node:
    """``x`` times the normal distribution function of x; ``"tanh"`` approximates it.

    Source:  Hendrycks & Gimpel 2016
    """
    _float("gelu", x)
    if approximate == "none":
        return x * 0.5 * (1 + ew.erf(x * math.sqrt(0.5)))
    if approximate != "tanh":
        raise ArgumentError(f"gelu: approximate {approximate!r} is not 'none' or 'tanh'")
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
    return 0.5 * x * (1 + ew.tanh(inner))


# ---- rational and piecewise linear ones

def softsign(x: Node) -> Node:
    """``x / (1 + |x|)``."""
    return x / (1 + ew.absolute(_float("softsign", x)))


def tanhshrink(x: Node) -> Node:
    """``x - tanh(x)``."""
    return x - ew.tanh(_float("tanhshrink", x))


def softshrink(x: Node, lambd: float = 0.5) -> Node:
    """``x`` moved towards zero by ``lambd``, and zero within it."""
    _float("softshrink", x)
    if lambd < 0:
        raise ArgumentError(f"softshrink: lambda must be greater or equal to 0, but found {lambd}")
    moved = ew.where(x > 0, x - lambd, x + lambd)
    return ew.where(ew.absolute(x) <= lambd, ew.zeros_like(x), moved)


def hardshrink(x: Node, lambd: float = 0.5) -> Node:
    """``x`` outside of ``[-lambd, lambd]``, else zero."""
    return ew.where(ew.absolute(_float("hardshrink", x)) <= lambd, ew.zeros_like(x), x)


def hardsigmoid(x: Node) -> Node:
    """``min(max(x + 3, 0), 6) / 6``."""
    return relu6(_float("hardsigmoid", x) + 3) / 6


def hardswish(x: Node) -> Node:
    """``x * hardsigmoid(x)``."""
    return x * relu6(_float("hardswish", x) + 3) / 6


def squareplus(x: Node, b: float = 4.0) -> Node:
    """``(x + sqrt(x**2 + b)) / 2``."""
    return (x + ew.sqrt(x * x + b)) / 2


def sparse_plus(x: Node) -> Node:
    """0 below -1, ``x`` above 1, ``(x + 1)**2 / 4`` between."""
    middle = (x + 1) * (x + 1) / 4
    return ew.where(x <= -1, ew.zeros_like(x), ew.where(x < 1, middle, x))


def sparse_sigmoid(x: Node) -> Node:
    """0 below -1, 1 above 1, ``(x + 1) / 2`` between."""
    return ew.where(x <= -1, ew.zeros_like(x),
                    ew.where(x >= 1, _number(1.0, x), (x + 1) * 0.5))


def glu(x: Node, axis: int = -1) -> Node:
    """The first half of an axis times the sigmoid of the second.

    Shapes:  (*, 2n, *) -> (*, n, *)
    """
    _float("glu", x)
    axis = normalise_axis(axis, x.ndim, "glu")
    if x.shape[axis] % 2:
        raise ShapeError(f"glu: halving dimension must be even, but dimension {axis} is size "
                         f"{x.shape[axis]}")
    half = x.shape[axis] // 2
    start, stop = [0] * x.ndim, list(x.shape)
    stop[axis] = half
    first = slice_(x, start, stop)
    start[axis], stop[axis] = half, 2 * half
    return first * ew.logistic(slice_(x, start, stop))


# ---- softmax

def _shifted(name: str, x: Node, axis: int | tuple[int, ...],
             dtype: DType | None) -> tuple[Node, tuple[int, ...], DType]:
    """x minus its maximum along the axes, in float32 at least."""
    if dtype is not None:
        x = ew.cast(x, dtype)
    result = _float(name, x).dtype
    if _narrow(x):
        x = ew.cast(x, float32)
    listed = (axis,) if isinstance(axis, int) else axis
    axes = tuple(sorted(normalise_axis(a, max(x.ndim, 1), name) for a in listed)) if x.ndim else ()
    if not axes or not x.size:
        return x - x, axes, result
    return x - restore(stop_gradient(reduce_max(x, axes=axes)), x, axes), axes, result


def softmax(x: Node, axis: int | tuple[int, ...] = -1, dtype: DType | None = None) -> Node:
    """``exp(x) / sum(exp(x))`` along an axis, without overflow.

    Dtypes:  floating; the sum of a 2-byte float is taken in float32
    """
    shifted, axes, result = _shifted("softmax", x, axis, dtype)
    e = ew.exp(shifted)
    return ew.cast(e / restore(reduce_sum(e, axes), e, axes), result)


def log_softmax(x: Node, axis: int | tuple[int, ...] = -1, dtype: DType | None = None) -> Node:
    """``log(softmax(x))``, without underflow."""
    shifted, axes, result = _shifted("log_softmax", x, axis, dtype)
    total = reduce_sum(ew.exp(shifted), axes)
    return ew.cast(shifted - restore(ew.log(total), shifted, axes), result)


def softmin(x: Node, axis: int = -1, dtype: DType | None = None) -> Node:
    """``softmax(-x)``."""
    return softmax(-x, axis, dtype)
