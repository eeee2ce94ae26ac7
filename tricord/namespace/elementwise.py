"""The standard's elementwise functions, and the further ones that networks are written with."""

from __future__ import annotations

from typing import Any

from ..functions import elementwise as fn
from ..functions import special
from ..ir import arithmetic as ar
from ..ir.dtypes import promote_scalar
from ..ir.node import Node
from ..tensor.handle import Handle
from ..tensor.recorder import record
from ..tensor.tensor import Tensor
from ._arguments import (
    NUMBERS,
    binary,
    default_dtype,
    integer,
    number,
    number_beside,
    static_number,
    tensor_of,
    unary,
)

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "angle",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clip",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "digamma",
    "divide",
    "equal",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "frac",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "imag",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "lerp",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "maximum",
    "minimum",
    "multiply",
    "nan_to_num",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "pow",
    "real",
    "reciprocal",
    "remainder",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "where",
    "xlogy",
]

# ---- one operand

abs = unary("abs", fn.abs)
acos = unary("acos", fn.acos)
acosh = unary("acosh", fn.acosh)
angle = unary("angle", fn.angle)
asin = unary("asin", fn.asin)
asinh = unary("asinh", fn.asinh)
atan = unary("atan", fn.atan)
atanh = unary("atanh", fn.atanh)
bitwise_invert = unary("bitwise_invert", fn.bitwise_not)
ceil = unary("ceil", fn.ceil)
conj = unary("conj", fn.conj)
cos = unary("cos", fn.cos)
cosh = unary("cosh", fn.cosh)
digamma = unary("digamma", special.digamma)
erf = unary("erf", fn.erf)
erfc = unary("erfc", fn.erfc)
erfinv = unary("erfinv", fn.erfinv)
exp = unary("exp", fn.exp)
exp2 = unary("exp2", fn.exp2)
expm1 = unary("expm1", fn.expm1)
floor = unary("floor", fn.floor)
frac = unary("frac", fn.frac)
imag = unary("imag", fn.imag)
isfinite = unary("isfinite", fn.is_finite)
isinf = unary("isinf", fn.is_inf)
isnan = unary("isnan", fn.is_nan)
lgamma = unary("lgamma", fn.lgamma)
log = unary("log", fn.log)
log10 = unary("log10", fn.log10)
log1p = unary("log1p", fn.log1p)
log2 = unary("log2", fn.log2)
logical_not = unary("logical_not", fn.logical_not, "Whether an element is false (zero).")
negative = unary("negative", fn.negative)
positive = unary("positive", fn.positive)
real = unary("real", fn.real)
reciprocal = unary("reciprocal", fn.reciprocal)
rsqrt = unary("rsqrt", fn.rsqrt)
sigmoid = unary("sigmoid", fn.sigmoid)
sign = unary("sign", fn.sign)
signbit = unary("signbit", fn.signbit)
sin = unary("sin", fn.sin)
sinc = unary("sinc", fn.sinc)
sinh = unary("sinh", fn.sinh)
sqrt = unary("sqrt", fn.sqrt)
square = unary("square", fn.square)
tan = unary("tan", fn.tan)
tanh = unary("tanh", fn.tanh)
trunc = unary("trunc", fn.trunc)

# ---- two operands, either of which may be a Python number

add = binary("add", ar.add, "Sum; or, of bools.")
atan2 = binary("atan2", fn.atan2)
bitwise_and = binary("bitwise_and", fn.bitwise_and, "Bits that are set in both.")
bitwise_left_shift = binary("bitwise_left_shift", fn.bitwise_left_shift, "Bits moved left.")
bitwise_or = binary("bitwise_or", fn.bitwise_or, "Bits that are set in either.")
bitwise_right_shift = binary("bitwise_right_shift", fn.bitwise_right_shift,
                             "Bits moved right; the sign stays.")
bitwise_xor = binary("bitwise_xor", fn.bitwise_xor, "Bits that are set in one of the two.")
copysign = binary("copysign", fn.copysign)
divide = binary("divide", ar.divide)
equal = binary("equal", fn.equal, "Whether elements are equal; NaN never is.")
floor_divide = binary("floor_divide", ar.floor_divide)
fmax = binary("fmax", fn.fmax)
fmin = binary("fmin", fn.fmin)
fmod = binary("fmod", fn.fmod, "Remainder of division, with the sign of the first operand.")
greater = binary("greater", fn.greater, "Whether x1 > x2.")
greater_equal = binary("greater_equal", fn.greater_equal, "Whether x1 >= x2.")
heaviside = binary("heaviside", fn.heaviside)
hypot = binary("hypot", fn.hypot)
less = binary("less", fn.less, "Whether x1 < x2.")
less_equal = binary("less_equal", fn.less_equal, "Whether x1 <= x2.")
logaddexp = binary("logaddexp", fn.logaddexp)
logical_and = binary("logical_and", fn.logical_and, "Whether both are true (not zero).")
logical_or = binary("logical_or", fn.logical_or, "Whether either is true (not zero).")
logical_xor = binary("logical_xor", fn.logical_xor, "Whether exactly one is true (not zero).")
maximum = binary("maximum", fn.maximum, "The larger of two; NaN if either is. Ties share the "
                 "gradient.")
minimum = binary("minimum", fn.minimum, "The smaller of two; NaN if either is. Ties share the "
                 "gradient.")
multiply = binary("multiply", ar.multiply, "Product; and, of bools.")
nextafter = binary("nextafter", fn.nextafter)
not_equal = binary("not_equal", fn.not_equal, "Whether elements differ; NaN always does.")
remainder = binary("remainder", ar.remainder,
                   "Remainder of division, with the sign of the second operand.")
subtract = binary("subtract", ar.subtract, "Difference.")
xlogy = binary("xlogy", fn.xlogy)


def pow(x1: Tensor | complex, x2: Tensor | complex, /) -> Tensor:
    """``x1 ** x2``. A constant exponent becomes products where it can."""
    if not isinstance(x1, Handle) and not isinstance(x2, Handle):
        x1 = tensor_of(x1)
    x1, x2 = (v if isinstance(v, (Handle, *NUMBERS)) else tensor_of(v) for v in (x1, x2))
    return x1 ** x2  # type: ignore[operator,return-value]


# ---- with further arguments

def round(x: Tensor, /, decimals: int = 0) -> Tensor:
    """The nearest whole number (or with that many decimals); halves go to the even neighbour."""
    return record(fn.round, (tensor_of(x),), (integer(decimals, "round: decimals"),))  # type: ignore[no-any-return]


def _clip(x: Node, *rest: Any) -> Node:
    """``rest``: node bounds, then for each of the two None, a number, or ``...`` for a node."""
    *nodes, low, high = rest
    bounds = iter(nodes)
    return fn.clip(x, *(next(bounds) if b is ... else b for b in (low, high)))


def clip(x: Tensor, /, min: Tensor | float | None = None,
         max: Tensor | float | None = None) -> Tensor:
    """``x`` where it is within the bounds, else the bound; NaN stays."""
    x = tensor_of(x)
    given = [b if b is None or isinstance(b, (Handle, *NUMBERS)) else tensor_of(b)
             for b in (min, max)]
    nodes = [b for b in given if isinstance(b, Handle)]
    fixed = [... if isinstance(b, Handle) else b for b in given]
    return record(_clip, (x, *nodes), tuple(fixed))  # type: ignore[no-any-return]


def _choose(condition: Node, *rest: Any) -> Node:
    *nodes, x, y = rest
    found = iter(nodes)
    first, second = (next(found) if b is ... else b for b in (x, y))
    return fn.where(condition, first, second)


def where(condition: Tensor, x1: Tensor | complex, x2: Tensor | complex, /) -> Tensor:
    """``x1`` where the condition is true, else ``x2``; all three broadcast."""
    values = [v if isinstance(v, (Handle, *NUMBERS)) else tensor_of(v) for v in (x1, x2)]
    if not any(isinstance(v, Handle) for v in values):
        dtype = default_dtype(values[0])
        dtype = promote_scalar(dtype, values[1], ar.DEFAULT_FLOAT)
        values = [number_beside(v, dtype) for v in values]
    beside = next(v.dtype for v in values if isinstance(v, Handle))
    values = [v if isinstance(v, Handle) or static_number(v) else number_beside(v, beside)
              for v in values]
    nodes = [v for v in values if isinstance(v, Handle)]
    fixed = tuple(... if isinstance(v, Handle) else v for v in values)
    return record(_choose, (tensor_of(condition), *nodes), fixed)  # type: ignore[no-any-return]


def isclose(x1: Tensor, x2: Tensor, /, *, rtol: float = 1e-5, atol: float = 1e-8,
            equal_nan: bool = False) -> Tensor:
    """``|x1 - x2| <= atol + rtol * |x2|``, or both the same infinity."""
    return record(fn.is_close, (tensor_of(x1), tensor_of(x2)),  # type: ignore[no-any-return]
                  (number(rtol, "isclose: rtol"), number(atol, "isclose: atol"), bool(equal_nan)))


def lerp(x1: Tensor, x2: Tensor, weight: Tensor | float, /) -> Tensor:
    """``x1 + weight * (x2 - x1)``."""
    x1, x2 = tensor_of(x1), tensor_of(x2)
    if isinstance(weight, NUMBERS):
        weight = number_beside(weight, x1.dtype)
    elif not isinstance(weight, Handle):
        weight = tensor_of(weight)
    return record(fn.lerp, (x1, x2, weight))  # type: ignore[no-any-return]


def logit(x: Tensor, /, eps: float | None = None) -> Tensor:
    """``log(x / (1 - x))``; with ``eps``, x is clipped to ``[eps, 1 - eps]`` first."""
    return record(fn.logit, (tensor_of(x),),  # type: ignore[no-any-return]
                  (None if eps is None else number(eps, "logit: eps"),))


def nan_to_num(x: Tensor, /, *, nan: float = 0.0, posinf: float | None = None,
               neginf: float | None = None) -> Tensor:
    """NaN and the infinities replaced; the infinities by the dtype's limits if not given."""
    return record(fn.nan_to_num, (tensor_of(x),),  # type: ignore[no-any-return]
                  tuple(None if v is None else number(v, f"nan_to_num: {name}")
                        for name, v in (("nan", nan), ("posinf", posinf), ("neginf", neginf))))
