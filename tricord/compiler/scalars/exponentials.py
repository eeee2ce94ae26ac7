"""exp, log and what is made of them, for float and double registers.

Every function works on ``x.type``, a scalar or a vector. Rounding to whole numbers is done by
adding a number so large that the fraction does not fit, which every processor can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..llvm import Function, Value, element_of, lanes_of
from . import coefficients

__all__ = ["FORMATS", "Format", "acosh", "any_lane", "asinh", "atanh", "copysign", "cosh", "exp",
           "expm1", "format_of", "log", "log1p", "logistic", "magnitude", "polynomial", "sinh",
           "tanh"]


@dataclass(frozen=True)
class Format:
    """What the algorithms need to know of a floating format."""

    integer: str
    mantissa: int  # bits behind the point
    bias: int
    magic: float  # adding it rounds to whole numbers
    #: ln 2 in two parts; products of the first with exponents are exact
    ln2: tuple[float, float]
    #: where exp is surely infinite, and surely zero
    exp_range: tuple[float, float]
    #: where expm1 is surely infinite, and surely -1
    expm1_range: tuple[float, float]
    #: where tanh is 1
    tanh_one: float
    #: below it, log1p(x) and the like are x
    tiny: float
    sqrt_half: int  # the bits of sqrt(1/2)


FORMATS: Final = {
    "float": Format("i32", 23, 127, 1.5 * 2**23, (0.693359375, -2.1219444005469057e-4),
                    (90.0, -104.5), (89.0, -30.0), 10.0, 2.0**-24, 0x3F3504F3),
    "double": Format("i64", 52, 1023, 1.5 * 2**52,
                     (6.93147180369123816490e-01, 1.90821492927058770002e-10),
                     (710.5, -746.0), (710.0, -60.0), 20.0, 2.0**-54, 0x3FE6A09E667F3BCD),
}


def format_of(x: Value) -> Format:
    return FORMATS[element_of(x.type)]


def polynomial(f: Function, x: Value, numbers: Sequence[float]) -> Value:
    """Horner's rule, the highest power first."""
    total = f.constant(numbers[0], x.type)
    for number in numbers[1:]:
        total = f.fma(total, x, number)
    return total


def magnitude(f: Function, x: Value) -> Value:
    return f.intrinsic("fabs", x.type, x)


def any_lane(f: Function, mask: Value) -> Value:
    """Whether any lane of a mask is set, as one i1."""
    lanes = lanes_of(mask.type)
    if lanes == 1:
        return mask
    return f.compare("ne", f.pure(f"bitcast {mask} to i{lanes}", f"i{lanes}"), 0)


def copysign(f: Function, x: Value, sign: Value) -> Value:
    return f.intrinsic("copysign", x.type, x, sign)


def _clamped(f: Function, x: Value, high: float, low: float) -> Value:
    """NaN stays NaN."""
    x = f.select(f.compare("ogt", x, high), high, x)
    return f.select(f.compare("olt", x, low), low, x)


def _power_of_two(f: Function, k: Value, type: str) -> Value:
    format = FORMATS[element_of(type)]
    return f.bitcast(f.shl(f.add(k, format.bias), format.mantissa), type)


def _reduced(f: Function, x: Value) -> tuple[Value, Value, Value]:
    """``exp(r) - 1``, and k as it is and as a whole number; x = r + k ln 2, and r is small."""
    format = format_of(x)
    shifted = f.fma(x, 1.4426950408889634, format.magic)
    whole = f.sub(shifted, format.magic)
    r = f.fma(whole, -format.ln2[0], x)
    r = f.fma(whole, -format.ln2[1], r)
    q = polynomial(f, r, coefficients.EXP[element_of(x.type)])
    k = f.sub(f.bits(shifted), f.bits(f.constant(format.magic, x.type)))
    return f.fma(f.mul(r, r), q, r), whole, k


def exp(f: Function, x: Value) -> Value:
    p, whole, k = _reduced(f, _clamped(f, x, *format_of(x).exp_range))
    y = f.add(p, 1.0)
    if x.type in _SCALE and getattr(f.module.target, "has_scale", False):
        return _scaled(f, y, whole)
    # In two steps, because 2**k alone may be out of range where the result is not.
    half = f.ashr(k, 1)
    y = f.mul(y, _power_of_two(f, half, x.type))
    return f.mul(y, _power_of_two(f, f.sub(k, half), x.type))


#: AVX-512's instruction for x * 2**k, by type
_SCALE: Final = {"<16 x float>": ("ps", "i16"), "<8 x double>": ("pd", "i8")}


def _scaled(f: Function, x: Value, whole: Value) -> Value:
    suffix, mask = _SCALE[x.type]
    name = f"llvm.x86.avx512.mask.scalef.{suffix}.512"
    f.module.declare(name, x.type, [x.type, x.type, x.type, mask, "i32"])
    return f.pure(f"call {x.type} @{name}({x}, {whole}, {x.type} zeroinitializer, {mask} -1, "
                  "i32 4)", x.type)


def expm1(f: Function, x: Value) -> Value:
    format = format_of(x)
    p, _, k = _reduced(f, _clamped(f, x, *format.expm1_range))
    half = _power_of_two(f, f.sub(k, 1), x.type)
    y = f.mul(f.fma(half, p, f.sub(half, 0.5)), 2.0)
    return f.select(f.compare("olt", magnitude(f, x), format.tiny), x, y)


def _expm1_inside(f: Function, x: Value) -> Value:
    """expm1 where the result is far from overflow and x is not negative."""
    p, _, k = _reduced(f, x)
    power = _power_of_two(f, k, x.type)
    return f.fma(power, p, f.sub(power, 1.0))


def logistic(f: Function, x: Value) -> Value:
    e = exp(f, f.neg(magnitude(f, x)))
    top = f.select(f.compare("oge", x, 0.0), f.constant(1.0, x.type), e)
    return f.div(top, f.add(e, 1.0))


def tanh(f: Function, x: Value) -> Value:
    size = magnitude(f, x)
    size = f.select(f.compare("ogt", size, format_of(x).tanh_one), format_of(x).tanh_one, size)
    e = _expm1_inside(f, f.add(size, size))
    return copysign(f, f.div(e, f.add(e, 2.0)), x)


# ---- logarithms

def _split(f: Function, x: Value) -> tuple[Value, Value]:
    """m and e with x = m 2**e and m between sqrt(1/2) and sqrt(2), for positive finite x."""
    format = format_of(x)
    least = 2.0 ** (1 - format.bias)
    small = f.compare("olt", x, least)
    x = f.select(small, f.mul(x, 2.0 ** (format.mantissa + 1)), x)
    bits = f.bits(x)
    e = f.ashr(f.sub(bits, format.sqrt_half), format.mantissa)
    m = f.bitcast(f.sub(bits, f.shl(e, format.mantissa)), x.type)
    exponent = f.convert(e, element_of(x.type))
    exponent = f.select(small, f.sub(exponent, float(format.mantissa + 1)), exponent)
    return m, exponent


def log(f: Function, x: Value) -> Value:
    format = format_of(x)
    m, e = _split(f, x)
    r = f.sub(m, 1.0)
    half_square = f.mul(f.mul(r, 0.5), r)
    if element_of(x.type) == "float":
        tail = f.mul(f.mul(polynomial(f, r, coefficients.LOG_SINGLE["float"]), r), f.mul(r, r))
        tail = f.fma(e, format.ln2[1], tail)
        y = f.fma(e, format.ln2[0], f.add(r, f.sub(tail, half_square)))
    else:
        s = f.div(r, f.add(r, 2.0))
        z = f.mul(s, s)
        rest = f.mul(polynomial(f, z, coefficients.LOG_DOUBLE["double"]), z)
        tail = f.fma(s, f.add(half_square, rest), f.mul(e, format.ln2[1]))
        y = f.fma(e, format.ln2[0], f.add(r, f.sub(tail, half_square)))
    infinity = float("inf")
    y = f.select(f.compare("olt", x, 0.0), float("nan"), y)
    y = f.select(f.compare("oeq", x, 0.0), -infinity, y)
    # Infinity and NaN give themselves.
    return f.select(f.compare("ult", x, infinity), f.select(f.compare("uno", x, x), x, y), x)


def log1p(f: Function, x: Value) -> Value:
    u = f.add(x, 1.0)
    # What was lost in the sum comes back as its share of u.
    lost = f.div(f.sub(x, f.sub(u, 1.0)), u)
    y = log(f, u)
    usual = f.and_(f.compare("ogt", x, -1.0), f.compare("olt", x, float("inf")))
    y = f.select(usual, f.add(y, lost), y)
    return f.select(f.compare("olt", magnitude(f, x), format_of(x).tiny), x, y)


# ---- hyperbolic functions; used on doubles, for float32 too

def sinh(f: Function, x: Value) -> Value:
    size = magnitude(f, x)
    e = expm1(f, f.select(f.compare("olt", size, 22.0), size, 22.0))
    small = f.mul(f.add(e, f.div(e, f.add(e, 1.0))), 0.5)
    return copysign(f, f.select(f.compare("olt", size, 22.0), small, _half_exp(f, size)), x)


def cosh(f: Function, x: Value) -> Value:
    size = magnitude(f, x)
    e = exp(f, f.select(f.compare("olt", size, 22.0), size, 22.0))
    small = f.fma(e, 0.5, f.div(f.constant(0.5, x.type), e))
    return f.select(f.compare("olt", size, 22.0), small, _half_exp(f, size))


def _half_exp(f: Function, size: Value) -> Value:
    """exp(size) / 2, as a product that overflows no earlier than the result."""
    root = exp(f, f.mul(size, 0.5))
    return f.mul(f.mul(root, 0.5), root)


def asinh(f: Function, x: Value) -> Value:
    size = magnitude(f, x)
    large = f.compare("ogt", size, 2.0**28)
    inside = f.select(large, 1.0, size)
    square = f.mul(inside, inside)
    root = f.intrinsic("sqrt", x.type, f.add(square, 1.0))
    y = log1p(f, f.add(inside, f.div(square, f.add(root, 1.0))))
    return copysign(f, f.select(large, f.add(log(f, size), 0.6931471805599453), y), x)


def acosh(f: Function, x: Value) -> Value:
    large = f.compare("ogt", x, 2.0**28)
    t = f.select(large, 1.0, f.sub(x, 1.0))
    root = f.intrinsic("sqrt", x.type, f.fma(t, t, f.add(t, t)))
    y = log1p(f, f.add(t, root))
    y = f.select(large, f.add(log(f, x), 0.6931471805599453), y)
    return f.select(f.compare("olt", x, 1.0), float("nan"), y)


def atanh(f: Function, x: Value) -> Value:
    size = magnitude(f, x)
    y = f.mul(log1p(f, f.div(f.add(size, size), f.sub(1.0, size))), 0.5)
    return copysign(f, y, x)
