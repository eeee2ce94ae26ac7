"""Powers: of integers by squaring, of float32 through logarithms in double precision."""

from __future__ import annotations

from ..llvm import Function, Value
from .exponentials import any_lane, exp, log, magnitude
from .rounding import floor

__all__ = ["integer_power", "power"]


def power(f: Function, x: Value, y: Value) -> Value:
    """x**y of doubles, to some 1e-14: enough to round to float32."""
    infinity = float("inf")
    size = magnitude(f, x)
    result = exp(f, f.mul(y, log(f, size)))
    whole = f.compare("oeq", floor(f, y), y)
    half = f.mul(y, 0.5)
    odd = f.and_(whole, f.compare("une", floor(f, half), half))
    negative = f.compare("slt", f.bits(x), 0)
    result = f.select(f.and_(negative, odd), f.neg(result), result)
    # A negative number has no power between two whole ones.
    finite = f.compare("olt", size, infinity)
    undefined = f.and_(f.and_(f.compare("olt", x, 0.0), finite), f.not_(whole))
    result = f.select(undefined, float("nan"), result)
    endless = f.compare("oeq", magnitude(f, y), infinity)
    unit = f.and_(endless, f.compare("oeq", size, 1.0))
    one = f.or_(f.or_(f.compare("oeq", x, 1.0), f.compare("oeq", y, 0.0)), unit)
    return f.select(one, 1.0, result)


def integer_power(f: Function, x: Value, y: Value, signed: bool) -> Value:
    """x**y with the integer's wrap-around. 1/x**n: zero, unless x is 1 or -1."""
    one = f.constant(1, x.type)
    exponent = f.select(f.compare("slt", y, 0), 0, y) if signed else y

    def more(result: Value, square: Value, rest: Value) -> Value:
        return any_lane(f, f.compare("ne", rest, 0))

    def step(result: Value, square: Value, rest: Value) -> list[Value]:
        is_odd = f.compare("ne", f.and_(rest, 1), 0)
        return [f.select(is_odd, f.mul(result, square), result), f.mul(square, square),
                f.lshr(rest, 1)]

    result = f.while_([one, x, exponent], more, step)[0]
    if not signed:
        return result
    odd = f.compare("ne", f.and_(y, 1), 0)
    minus = f.select(odd, f.constant(-1, x.type), one)
    unit = f.select(f.compare("eq", x, 1), one,
                    f.select(f.compare("eq", x, -1), minus, f.constant(0, x.type)))
    return f.select(f.compare("slt", y, 0), unit, result)
