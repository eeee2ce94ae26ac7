"""Rounding to whole numbers, remainders, neighbours."""

from __future__ import annotations

from ..llvm import Function, Value, element_of
from ..llvm.values import BITS
from .casts import widen
from .exponentials import any_lane, copysign, format_of, magnitude

__all__ = ["ceil", "floor", "floor_divide", "fmod", "integer_divide", "nextafter", "remainder",
           "round_even", "trunc"]


def _has_rounding(f: Function) -> bool:
    return getattr(f.module.target, "has_rounding", True)


def round_even(f: Function, x: Value) -> Value:
    """To the nearest whole number, ties to the even one."""
    if _has_rounding(f):
        return f.intrinsic("rint", x.type, x)
    # From 2**mantissa on there are no fractions; below, adding it rounds.
    limit = 2.0 ** format_of(x).mantissa
    size = magnitude(f, x)
    rounded = copysign(f, f.sub(f.add(size, limit), limit), x)
    return f.select(f.compare("olt", size, limit), rounded, x)


def floor(f: Function, x: Value) -> Value:
    if _has_rounding(f):
        return f.intrinsic("floor", x.type, x)
    near = round_even(f, x)
    return copysign(f, f.select(f.compare("ogt", near, x), f.sub(near, 1.0), near), x)


def ceil(f: Function, x: Value) -> Value:
    if _has_rounding(f):
        return f.intrinsic("ceil", x.type, x)
    return f.neg(floor(f, f.neg(x)))


def trunc(f: Function, x: Value) -> Value:
    if _has_rounding(f):
        return f.intrinsic("trunc", x.type, x)
    return copysign(f, floor(f, magnitude(f, x)), x)


# ---- remainders of floats

def _exponent(f: Function, x: Value) -> Value:
    """The biased exponent of a positive number, that of subnormal ones below zero."""
    format = format_of(x)
    up = format.mantissa + 2
    tiny = f.compare("olt", x, 2.0 ** (1 - format.bias))
    scaled = f.select(tiny, f.mul(x, 2.0**up), x)
    field = f.lshr(f.bits(scaled), format.mantissa)
    return f.sub(field, f.select(tiny, f.constant(up, field.type), f.constant(0, field.type)))


def fmod(f: Function, x: Value, y: Value) -> Value:
    """What is left of x after whole multiples of y towards zero; exact.

    Multiples ``y 2**k`` below x are taken off until less than y is left; both are doubles.
    """
    a, b = magnitude(f, x), magnitude(f, y)
    usual = f.and_(f.compare("olt", a, float("inf")), f.compare("ogt", b, 0.0))
    a, b = f.select(usual, a, 0.0), f.select(usual, b, 1.0)
    format = format_of(x)
    b_exponent = _exponent(f, b)

    def more(rest: Value) -> Value:
        return any_lane(f, f.compare("oge", rest, b))

    def step(rest: Value) -> list[Value]:
        k = f.sub(_exponent(f, rest), b_exponent)
        k = f.select(f.compare("slt", k, 0), 0, k)
        multiple = b
        for _ in range(3):  # one factor holds 1000 of the up to 2100 binary places
            part = f.select(f.compare("sgt", k, 1000), 1000, k)
            k = f.sub(k, part)
            multiple = f.mul(multiple, f.bitcast(
                f.shl(f.add(part, format.bias), format.mantissa), x.type))
        multiple = f.select(f.compare("ogt", multiple, rest), f.mul(multiple, 0.5), multiple)
        return [f.select(f.compare("oge", rest, b), f.sub(rest, multiple), rest)]

    rest = f.while_([a], more, step)[0]
    defined = f.and_(usual, f.compare("ord", y, y))
    return f.select(defined, copysign(f, rest, x), float("nan"))


def remainder(f: Function, x: Value, y: Value) -> Value:
    """With the sign of the divisor."""
    rest = fmod(f, x, y)
    differ = f.xor(f.compare("olt", y, 0.0), f.compare("olt", rest, 0.0))
    moved = f.select(differ, f.add(rest, y), rest)
    return f.select(f.compare("une", rest, 0.0), moved, copysign(f, f.mul(rest, 0.0), y))


def floor_divide(f: Function, x: Value, y: Value) -> Value:
    rest = fmod(f, x, y)
    quotient = f.div(f.sub(x, rest), y)
    differ = f.and_(f.xor(f.compare("olt", y, 0.0), f.compare("olt", rest, 0.0)),
                    f.compare("une", rest, 0.0))
    quotient = f.select(differ, f.sub(quotient, 1.0), quotient)
    whole = floor(f, quotient)
    whole = f.select(f.compare("ogt", f.sub(quotient, whole), 0.5), f.add(whole, 1.0), whole)
    plain = f.div(x, y)
    zero = f.mul(copysign(f, f.constant(1.0, x.type), plain), 0.0)
    result = f.select(f.compare("une", quotient, 0.0), whole, zero)
    return f.select(f.compare("oeq", y, 0.0), plain, result)


# ---- integers

def integer_divide(f: Function, x: Value, y: Value, signed: bool, kind: str) -> Value:
    """``kind``: "floor_divide", "remainder" or "fmod". Zero divisors give zero, as in numpy."""
    zero = f.compare("eq", y, 0)
    unsafe = zero
    if signed:  # the least number divided by -1 does not fit, and stops the processor
        unsafe = f.or_(zero, f.compare("eq", y, -1))
    safe = f.select(unsafe, 1, y)
    quotient = f.binary("sdiv" if signed else "udiv", x, safe)
    rest = f.sub(x, f.mul(quotient, safe))
    if signed:
        quotient = f.select(f.compare("eq", y, -1), f.neg(x), quotient)
        differ = f.and_(f.compare("ne", rest, 0),
                        f.compare("slt", f.xor(rest, safe), 0))
        if kind == "floor_divide":
            quotient = f.select(differ, f.sub(quotient, 1), quotient)
        elif kind == "remainder":
            rest = f.select(differ, f.add(rest, safe), rest)
    return f.select(zero, 0, quotient if kind == "floor_divide" else rest)


# ---- neighbours

def nextafter(f: Function, x: Value, y: Value) -> Value:
    """The next number of the format, any of the four, from x towards y."""
    a, b = (v if element_of(v.type) in ("float", "double") else widen(f, v) for v in (x, y))
    bits = f.bits(x)
    # Away from zero is up in the bits; from zero, the least number with the sign of y.
    away = f.xor(f.compare("ogt", b, a), f.compare("slt", bits, 0))
    moved = f.select(away, f.add(bits, 1), f.sub(bits, 1))
    sign = f.and_(f.bits(y), -2 ** (BITS[element_of(x.type)] - 1))
    moved = f.select(f.compare("oeq", a, 0.0), f.or_(sign, 1), moved)
    result = f.select(f.compare("oeq", a, b), y, f.bitcast(moved, x.type))
    result = f.select(f.compare("uno", b, b), y, result)
    return f.select(f.compare("uno", a, a), x, result)
