"""Elementwise primitives: arithmetic, exponentials, trigonometry, rounding, bits, select, cast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DTypeError
from ..dtypes import DType, bool_, complex64, complex128, float32, float64, int32, uint8
from ..lowering import Host, Scalar
from ..node import Node, operators
from ..record import ErrorSample, NoGradient, Primitive, Sample, register
from ..samples import boolean, integers, uniform
from ..shapes import TensorType
from .elementwise_family import batch_elementwise, binary, unary
from .families import COMPLEX, FLOAT, INEXACT, INTEGER, NUMERIC, REAL, same_shape
from .movement import broadcast
from .special import digamma_reference, erf_inverse_reference, erf_reference, lgamma_reference
from .structural import constant

__all__ = ["cast", "scalar_like", "where", "zeros_like"]

Array = np.ndarray[Any, Any]

PIECEWISE = NoGradient("piecewise constant")


def _flat(tangent: Node, out: Node, x: Node) -> None:
    """The derivative of a step function is zero; it can be asked for, unlike that of a test."""
    return None


def scalar_like(value: complex, x: Node) -> Node:
    """A number repeated over the shape of ``x``, in its dtype."""
    return broadcast(constant(value, x.dtype), x.shape, ())


def zeros_like(x: Node) -> Node:
    return scalar_like(0, x)


def _wide(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A float64 reference used for every floating dtype."""
    return lambda x: np.asarray(function(x.astype(np.float64))).astype(x.dtype)


# ---- arithmetic

negative = unary("negative", np.negative, lambda t, out, x: -t, accepts=NUMERIC)
conj = unary("conj", np.conj, lambda t, out, x: conj(t), accepts=COMPLEX)
add = binary("add", np.add, lambda t, out, x, y: t, lambda t, out, x, y: t)
subtract = binary("subtract", np.subtract, lambda t, out, x, y: t, lambda t, out, x, y: -t)
multiply = binary("multiply", np.multiply, lambda t, out, x, y: t * y, lambda t, out, x, y: x * t)
divide = binary("divide", np.divide, lambda t, out, x, y: t / y,
                lambda t, out, x, y: -(t * out) / y, accepts=INEXACT, low=0.5)
floor_divide = binary("floor_divide", np.floor_divide, PIECEWISE, PIECEWISE, accepts=REAL,
                      low=1, high=4)
remainder = binary("remainder", np.remainder, lambda t, out, x, y: t,
                   lambda t, out, x, y: -t * floor((x - out) / y + 0.5), accepts=REAL,
                   low=1, high=4)
fmod = binary("fmod", np.fmod, lambda t, out, x, y: t,
              lambda t, out, x, y: -t * trunc(x / y), accepts=REAL, low=1, high=4)


def _power_left(t: Node, out: Node, x: Node, y: Node) -> Node:
    # y * x**(y-1), and zero where y is zero, even at x = 0.
    none = equal(y, zeros_like(y))
    return where(none, zeros_like(t), t * y * power(x, where(none, scalar_like(1, y), y - 1)))


def _power_right(t: Node, out: Node, x: Node, y: Node) -> Node:
    zero = equal(x, zeros_like(x))
    return where(zero, zeros_like(t), t * out * log(where(zero, scalar_like(1, x), x)))


def _power_reference(x: Array, y: Array) -> Array:
    if x.dtype.kind in "iu":
        result = np.power(x, np.maximum(y, 0))
        if x.dtype.kind == "u":
            return result
        # 1/x**n of integers: 0 unless x is 1 or -1 (numpy refuses negative integer exponents).
        unit = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2, -1, 1), 0))
        return np.where(y < 0, unit, result).astype(x.dtype)
    return np.asarray(np.power(x, y))


power = binary("power", _power_reference, _power_left, _power_right, low=0.3, high=2.5,
               more_samples=[Sample((integers(6), integers(6, low=0, high=4, seed=1)))])


def integer_power(x: Node, exponent: int) -> Node:
    """``x ** n`` for a small constant n, by repeated squaring."""
    if exponent == 0:
        return scalar_like(1, x)
    result: Node | None = None
    square = x
    n = abs(exponent)
    while n:
        if n & 1:
            result = square if result is None else result * square
        n >>= 1
        if n:
            square = square * square
    assert result is not None
    return result if exponent > 0 else scalar_like(1, x) / result


def _max_tangent(prefer: Callable[[Node, Node], Node]) -> tuple[Any, Any]:
    # Where both are equal each gets half, so that the gradient stays symmetric (as in PyTorch).
    def share(t: Node, mine: Node, other: Node) -> Node:
        half = where(equal(mine, other), t * 0.5, zeros_like(t))
        return where(prefer(mine, other), t, half)

    return (lambda t, out, x, y: share(t, x, y)), (lambda t, out, x, y: share(t, y, x))


def _greater(x: Node, y: Node) -> Node:
    return greater(x, y)


def _less(x: Node, y: Node) -> Node:
    return less(x, y)


maximum = binary("maximum", np.maximum, *_max_tangent(_greater), accepts="biuf")
minimum = binary("minimum", np.minimum, *_max_tangent(_less), accepts="biuf")


# ---- magnitude and complex parts

def _component_samples() -> list[Sample]:
    return [Sample((uniform(2, 3, dtype="complex64"),)), Sample((uniform(3, dtype="complex128"),))]


def _abs_tangent(t: Node, x: Node) -> Node:
    if not x.dtype.is_complex:
        return t * sign(x)
    along: Node = real(conj(sign(x)) * t)
    return along


def _abs_vjp(node: Node, g: Node) -> list[Node | None]:
    x = node.parents[0]
    return [sign(x) * complex_of(g, zeros_like(g)) if x.dtype.is_complex else g * sign(x)]


absolute = register(Primitive(
    "abs", lower=Scalar("abs"), shape_rule=lambda p, x: x.shape,
    dtype_rule=lambda p, x: _accept("abs", NUMERIC, x.dtype).real,
    vjp=_abs_vjp, jvp=lambda node, t: _abs_tangent(t, node.parents[0]),
    batch=lambda *a: batch_elementwise(absolute, *a), reference=lambda p, x: np.abs(x),
    samples=[Sample((uniform(2, 3),)), Sample((integers(4),)), *_component_samples()],
    errors=[ErrorSample((boolean(2),), "abs: expected", error=DTypeError)]))


def _sign_tangent(t: Node, out: Node, x: Node) -> Node:
    """The part of the tangent at right angles to x turns x / |x|; symmetric, so also the vjp."""
    none = equal(x, zeros_like(x))
    size = absolute(where(none, scalar_like(1, x), x))
    along = real(conj(out) * t)
    turn = t - out * complex_of(along, zeros_like(along))
    return where(none, zeros_like(x), turn / complex_of(size, zeros_like(size)))


sign = register(Primitive(
    "sign", lower=Scalar("sign"), shape_rule=lambda p, x: x.shape,
    dtype_rule=lambda p, x: _accept("sign", NUMERIC, x.dtype),
    vjp=lambda node, g: [_sign_tangent(g, node, node.parents[0]) if g.dtype.is_complex else None],
    jvp=lambda node, t: _sign_tangent(t, node, node.parents[0]) if t.dtype.is_complex else None,
    batch=lambda *a: batch_elementwise(sign, *a), reference=lambda p, x: np.sign(x),
    samples=[Sample((uniform(2, 3),)), Sample((integers(4),)), *_component_samples()],
    errors=[ErrorSample((boolean(2),), "sign: expected", error=DTypeError)]))


def _accept(name: str, kinds: str, dtype: DType) -> DType:
    if dtype.kind not in kinds:
        raise DTypeError(f"{name}: expected one of the kinds {kinds!r}, got {dtype}")
    return dtype


def _part(name: str, reference: Callable[[Array], Array], embed: Callable[[Node], Node]) -> Any:
    def vjp(node: Node, g: Node) -> list[Node | None]:
        return [embed(g)]

    primitive = register(Primitive(
        name, lower=Host("numpy"), shape_rule=lambda p, x: x.shape,
        dtype_rule=lambda p, x: _accept(name, COMPLEX, x.dtype).real, vjp=vjp,
        jvp=lambda node, t: primitive(t), batch=lambda *a: batch_elementwise(primitive, *a),
        reference=lambda p, x: reference(x).copy(), samples=_component_samples(),
        errors=[ErrorSample((uniform(2),), "got float32", error=DTypeError)]))
    return primitive


real = _part("real", np.real, lambda g: complex_of(g, zeros_like(g)))
imag = _part("imag", np.imag, lambda g: complex_of(zeros_like(g), g))


def _complex_dtype(p: Any, re: TensorType, im: TensorType) -> DType:
    if re.dtype is not im.dtype or re.dtype not in (float32, float64):
        raise DTypeError(f"complex: expected two float32 or two float64 operands, got {re.dtype} "
                         f"and {im.dtype}")
    return complex128 if re.dtype is float64 else complex64


def _joined(re: Array, im: Array) -> Array:
    # Not re + 1j * im, which makes NaN of an infinite part and loses the sign of zeros.
    result = np.empty(re.shape, np.complex128 if re.dtype == np.float64 else np.complex64)
    result.real, result.imag = re, im
    return result


complex_of = register(Primitive(
    "complex", lower=Host("numpy"), shape_rule=lambda p, *types: same_shape("complex", p, *types),
    dtype_rule=_complex_dtype, vjp=lambda node, g: [real(g), imag(g)],
    jvp=lambda node, re, im: complex_of(
        zeros_like(node.parents[0]) if re is None else re,
        zeros_like(node.parents[1]) if im is None else im),
    batch=lambda *a: batch_elementwise(complex_of, *a),
    reference=lambda p, re, im: _joined(re, im),
    samples=[Sample((uniform(3), uniform(3, seed=1)))],
    errors=[ErrorSample((integers(2), integers(2)), "float32 or two float64", error=DTypeError)]))


# ---- exponentials, trigonometry, special functions

exp = unary("exp", np.exp, lambda t, out, x: t * out)
expm1 = unary("expm1", lambda x: _expm1_reference(x), lambda t, out, x: t * (out + 1))
log = unary("log", np.log, lambda t, out, x: t / x, low=0.3)
log1p = unary("log1p", np.log1p, lambda t, out, x: t / (x + 1), low=-0.6)
sqrt = unary("sqrt", np.sqrt, lambda t, out, x: t * 0.5 / out, low=0.3)
rsqrt = unary("rsqrt", lambda x: (1 / np.sqrt(x)).astype(x.dtype),
              lambda t, out, x: t * (-0.5 * out / x), low=0.3)
logistic = unary("logistic", lambda x: _logistic_reference(x),
                 lambda t, out, x: t * (out * (1 - out)), accepts=FLOAT)
sin = unary("sin", np.sin, lambda t, out, x: t * cos(x))
cos = unary("cos", np.cos, lambda t, out, x: -t * sin(x))
tan = unary("tan", np.tan, lambda t, out, x: t * (1 + out * out), low=-1, high=1)
asin = unary("asin", np.arcsin, lambda t, out, x: t * rsqrt(1 - x * x), low=-0.8, high=0.8)
acos = unary("acos", np.arccos, lambda t, out, x: -t * rsqrt(1 - x * x), low=-0.8, high=0.8)
atan = unary("atan", np.arctan, lambda t, out, x: t / (1 + x * x), low=-0.8, high=0.8)
sinh = unary("sinh", np.sinh, lambda t, out, x: t * cosh(x))
cosh = unary("cosh", np.cosh, lambda t, out, x: t * sinh(x))
tanh = unary("tanh", np.tanh, lambda t, out, x: t * (1 - out * out))
asinh = unary("asinh", np.arcsinh, lambda t, out, x: t * rsqrt(1 + x * x), low=-0.8, high=0.8)
acosh = unary("acosh", np.arccosh, lambda t, out, x: t / (sqrt(x - 1) * sqrt(x + 1)),
              low=1.3, high=3)
atanh = unary("atanh", np.arctanh, lambda t, out, x: t / (1 - x * x), low=-0.8, high=0.8)
atan2 = binary("atan2", np.arctan2, lambda t, out, y, x: t * x / (x * x + y * y),
               lambda t, out, y, x: -t * y / (x * x + y * y), accepts=FLOAT, low=0.3)
erf = unary("erf", _wide(erf_reference),
            lambda t, out, x: t * (exp(-(x * x)) * (2 / math.sqrt(math.pi))), accepts=FLOAT)
erf_inverse = unary("erf_inverse", _wide(erf_inverse_reference),
                    lambda t, out, x: t * (exp(out * out) * (math.sqrt(math.pi) / 2)),
                    accepts=FLOAT, low=-0.9, high=0.9)
digamma = unary("digamma", _wide(digamma_reference),
                NoGradient("the trigamma function is not a primitive"), accepts=FLOAT, low=0.3,
                high=5)
lgamma = unary("lgamma", _wide(lgamma_reference), lambda t, out, x: t * digamma(x),
               accepts=FLOAT, low=0.3, high=5)


def _expm1_reference(x: Array) -> Array:
    result = np.asarray(np.expm1(x))
    if x.dtype.kind == "c":
        # At infinity and NaN exp follows C99, as the standard wants; numpy's expm1 gives NaN.
        far = ~np.isfinite(x)
        exponential = np.exp(x)
        result.real = np.where(far, exponential.real - 1, result.real)
        result.imag = np.where(far, exponential.imag, result.imag)
    return result


def _logistic_reference(x: Array) -> Array:
    # From the side where exp does not overflow.
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + e), e / (1 + e))).astype(x.dtype)


# ---- rounding, tests, bits

floor = unary("floor", np.floor, _flat, accepts=FLOAT)
ceil = unary("ceil", np.ceil, _flat, accepts=FLOAT)
trunc = unary("trunc", np.trunc, _flat, accepts=FLOAT)
round_ = unary("round", np.rint, _flat, accepts=INEXACT)
is_nan = unary("isnan", np.isnan, PIECEWISE, result=lambda d: bool_)
is_finite = unary("isfinite", np.isfinite, PIECEWISE, result=lambda d: bool_)
copysign = binary("copysign", np.copysign,
                  lambda t, out, x, y: t * (sign(x) * copysign(scalar_like(1, x), y)),
                  lambda t, out, x, y: None, accepts=FLOAT)
nextafter = binary("nextafter", np.nextafter, lambda t, out, x, y: t, lambda t, out, x, y: None,
                   accepts=FLOAT)
bitwise_not = unary("bitwise_not", np.invert, PIECEWISE, accepts="biu")
bitwise_and = binary("bitwise_and", np.bitwise_and, PIECEWISE, PIECEWISE, accepts="biu")
bitwise_or = binary("bitwise_or", np.bitwise_or, PIECEWISE, PIECEWISE, accepts="biu")
bitwise_xor = binary("bitwise_xor", np.bitwise_xor, PIECEWISE, PIECEWISE, accepts="biu")
shift_left = binary("shift_left", np.left_shift, PIECEWISE, PIECEWISE, accepts=INTEGER, low=0)
shift_right = binary("shift_right", np.right_shift, PIECEWISE, PIECEWISE, accepts=INTEGER, low=0)


# ---- comparison: bool results

def _compare(name: str, reference: Callable[[Array, Array], Any], accepts: str) -> Primitive:
    return binary(name, reference, PIECEWISE, PIECEWISE, accepts=accepts, result=lambda d: bool_)


equal = _compare("equal", np.equal, "biufc")
not_equal = _compare("not_equal", np.not_equal, "biufc")
less = _compare("less", np.less, "biuf")
less_equal = _compare("less_equal", np.less_equal, "biuf")
greater = _compare("greater", np.greater, "biuf")
greater_equal = _compare("greater_equal", np.greater_equal, "biuf")


# ---- select

def _where_dtype(p: Any, condition: TensorType, x: TensorType, y: TensorType) -> DType:
    if condition.dtype is not bool_:
        raise DTypeError(f"where: the condition must be bool, got {condition.dtype}",
                         hint="compare it, e.g. condition != 0")
    if x.dtype is not y.dtype:
        raise DTypeError(f"where: branches are {x.dtype} and {y.dtype}")
    return x.dtype


def _where_vjp(node: Node, g: Node) -> Sequence[Node | None]:
    condition, x, y = node.parents
    return [None, where(condition, g, zeros_like(g)) if x.needs_grad else None,
            where(condition, zeros_like(g), g) if y.needs_grad else None]


def _where_jvp(node: Node, _: Node | None, tx: Node | None, ty: Node | None) -> Node | None:
    if tx is None and ty is None:
        return None
    zero = zeros_like(node)
    return where(node.parents[0], zero if tx is None else tx, zero if ty is None else ty)


where = register(Primitive(
    "where", lower=Scalar("where"),
    shape_rule=lambda p, *types: same_shape("where", p, *types), dtype_rule=_where_dtype,
    vjp=_where_vjp, jvp=_where_jvp, batch=lambda *a: batch_elementwise(where, *a),
    reference=lambda p, c, x, y: np.where(c, x, y),
    samples=[Sample((boolean(2, 3), uniform(2, 3), uniform(2, 3, seed=1))),
             Sample((boolean(4), integers(4), integers(4, seed=1))),
             Sample((boolean(), uniform(), uniform(seed=1)))],
    errors=[ErrorSample((uniform(2), uniform(2), uniform(2)), "condition must be bool",
                        error=DTypeError),
            ErrorSample((boolean(2), uniform(2), integers(2)), "branches are", error=DTypeError)]))


# ---- cast

@dataclass(frozen=True)
class Cast:
    dtype: DType


def _cast_reference(p: Cast, x: Array) -> Array:
    if x.dtype.kind == "c" and p.dtype.kind != "c":
        x = np.real(x)
    with np.errstate(all="ignore"):
        return x.astype(p.dtype.numpy)


_cast = register(Primitive(
    "cast", lower=Scalar("cast"),
    params=Cast, shape_rule=lambda p, x: x.shape, dtype_rule=lambda p, x: p.dtype,
    vjp=lambda node, g: [cast(g, node.parents[0].dtype)],
    jvp=lambda node, t: cast(t, node.dtype) if node.dtype.is_inexact else None,
    batch=lambda p, args, batched, size: cast(args[0], p.dtype), reference=_cast_reference,
    samples=[Sample((uniform(2, 3),), {"dtype": float64}),
             Sample((integers(3),), {"dtype": float32}),
             Sample((uniform(3, dtype="float64"),), {"dtype": float32}, differentiable=False),
             Sample((uniform(3),), {"dtype": complex64}), Sample((boolean(3),), {"dtype": int32}),
             Sample((integers(3),), {"dtype": bool_})],
    errors=()))


def cast(x: Node, dtype: DType) -> Node:
    """Another dtype. Towards integers truncates; complex to real drops the imaginary part."""
    return x if x.dtype is dtype else _cast(x, dtype=dtype)


# ---- reinterpretation of bits

@dataclass(frozen=True)
class Bitcast:
    dtype: DType


def _bitcast_dtype(p: Bitcast, x: TensorType) -> DType:
    if p.dtype.itemsize != x.dtype.itemsize:
        raise DTypeError(f"bitcast: {x.dtype} has {x.dtype.itemsize} bytes, {p.dtype} has "
                         f"{p.dtype.itemsize}")
    return p.dtype


bitcast = register(Primitive(
    "bitcast", lower=Scalar("bitcast"),
    params=Bitcast, shape_rule=lambda p, x: x.shape, dtype_rule=_bitcast_dtype,
    vjp=NoGradient("bits are not numbers"), jvp=NoGradient("bits are not numbers"),
    batch=lambda p, args, batched, size: bitcast(args[0], dtype=p.dtype),
    reference=lambda p, x: np.ascontiguousarray(x).view(p.dtype.numpy).reshape(x.shape),
    samples=[Sample((uniform(2, 3),), {"dtype": int32})],
    errors=[ErrorSample((uniform(2),), "float32 has 4 bytes, uint8 has 1", {"dtype": uint8},
                        DTypeError)]))

operators.unary["negative"] = negative
operators.unary["conj"] = conj
operators.where = where
