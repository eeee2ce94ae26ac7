"""sin, cos, tan and their inverses, for doubles; float32 goes through them."""

from __future__ import annotations

from typing import Final

from ..llvm import Function, Module, Value, lanes_of
from . import coefficients
from .exponentials import any_lane, copysign, magnitude, polynomial

__all__ = ["acos", "asin", "atan", "atan2", "cos", "sin", "tan"]

_PI: Final = 3.141592653589793
#: pi/2 in parts of 33 bits, whose products with numbers below 2**20 are exact
_PARTS: Final = (1.57079632673412561417e+00, 6.07710050630396597660e-11,
                 2.02226624871116645580e-21)
_MAGIC: Final = 1.5 * 2**52
#: from here on the argument is reduced with all the bits of 2/pi that it takes
_LARGE: Final = 2.0**19
_TAN_EIGHTH: Final = 0.41421356237309503
_REDUCE: Final = "tricord_quarter_turns"


def _reduced(f: Function, x: Value) -> tuple[Value, Value]:
    """r and the number of quarter turns q: x = r + q pi/2, r between -pi/4 and pi/4."""
    shifted = f.add(f.mul(x, 2 / _PI), _MAGIC)
    n = f.sub(shifted, _MAGIC)
    q = f.bits(shifted)
    r = f.sub(x, f.mul(n, _PARTS[0]))
    second = f.mul(n, _PARTS[1])
    y = f.sub(r, second)
    lost = f.sub(f.sub(r, y), second)
    y = f.add(y, f.sub(lost, f.mul(n, _PARTS[2])))
    large = f.compare("oge", magnitude(f, x), _LARGE)
    return tuple(f.if_(any_lane(f, large), lambda: _all_bits(f, x, large, y, q),  # type: ignore[return-value]
                       lambda: [y, q]))


def _all_bits(f: Function, x: Value, large: Value, y: Value, q: Value) -> list[Value]:
    """The same lane by lane, for arguments of any size."""
    if _REDUCE not in f.module:
        _write_reduction(f.module)
    if lanes_of(x.type) == 1:
        place = f.alloca("i64")
        r = f.call(_REDUCE, "double", x, place)
        assert r is not None
        return [f.select(large, r, y), f.select(large, f.load(place, "i64"), q)]
    place = f.alloca("i64")
    for lane in range(lanes_of(x.type)):
        r = f.call(_REDUCE, "double", f.extract(x, lane), place)
        assert r is not None
        is_large = f.extract(large, lane)
        y = f.insert(y, f.select(is_large, r, f.extract(y, lane)), lane)
        q = f.insert(q, f.select(is_large, f.load(place, "i64"), f.extract(q, lane)), lane)
    return [y, q]


def _write_reduction(module: Module) -> None:
    """``double tricord_quarter_turns(double x, ptr q)``: the product of the mantissa with those
    192 bits of 2/pi that decide the quarter turn and the fraction."""
    table = module.table("tricord_two_over_pi", "i64", [str(w) for w in coefficients.TWO_OVER_PI])
    f = module.function(_REDUCE, [("double", "x"), ("ptr", "q")], result="double",
                        attributes="nounwind noinline")
    bits = f.and_(f.bits(f["x"]), 2**63 - 1)
    mantissa = f.or_(f.and_(bits, 2**52 - 1), 2**52)
    # x = mantissa 2**e
    e = f.sub(f.lshr(bits, 52), 1075)
    # For infinity and NaN the words are those of the largest number; the result is NaN anyway.
    e = f.minimum_index(e, 971)
    word = f.add(f.ashr(f.sub(e, 2), 6), 1)
    shift = f.add(f.sub(e, f.shl(word, 6)), 62)
    at = f.offset(Value(table, "ptr"), word, "i64")
    wide = "i192"
    m = f.pure(f"zext {mantissa} to {wide}", wide)
    product = None
    for number in range(3):
        piece = f.load(f.offset(at, number, "i64"), "i64")
        part = f.pure(f"zext {piece} to {wide}", wide)
        part = f.pure(f"mul {wide} {part.text}, {m.text}", wide)
        part = f.pure(f"shl {wide} {part.text}, {64 * (2 - number)}", wide)
        product = part if product is None else f.pure(
            f"add {wide} {product.text}, {part.text}", wide)
    assert product is not None
    amount = f.pure(f"zext {shift} to {wide}", wide)
    turned = f.pure(f"shl {wide} {product.text}, {amount.text}", wide)
    turns = f.pure(f"lshr {wide} {turned.text}, 190", wide)
    fraction = f.pure(f"shl {wide} {turned.text}, 2", wide)
    high = f.pure(f"lshr {wide} {fraction.text}, 128", wide)
    low = f.pure(f"lshr {wide} {fraction.text}, 64", wide)
    high, low = (f.pure(f"trunc {p} to i64", "i64") for p in (high, low))
    # The fraction as a signed number: from one half on it belongs to the next quarter.
    quarter = f.add(f.pure(f"trunc {turns} to i64", "i64"), f.lshr(high, 63))
    value = f.add(f.mul(f.convert(high, "double"), 2.0**-64),
                  f.mul(f.convert(low, "double", signed=False), 2.0**-128))
    value = f.mul(value, _PI / 2)
    negative = f.compare("slt", f.bits(f["x"]), 0)
    f.store(f.select(negative, f.neg(quarter), quarter), f["q"])
    value = f.select(negative, f.neg(value), value)
    infinite = f.compare("oeq", f.intrinsic("fabs", "double", f["x"]), float("inf"))
    f.ret(f.select(infinite, float("nan"), value))


def _sine(f: Function, r: Value, z: Value) -> Value:
    return f.fma(f.mul(r, z), polynomial(f, z, coefficients.SIN["double"]), r)


def _cosine(f: Function, z: Value) -> Value:
    rest = f.mul(f.mul(z, z), polynomial(f, z, coefficients.COS["double"]))
    half = f.mul(z, 0.5)
    high = f.sub(1.0, half)
    # What 1 - z/2 lost in rounding comes back.
    return f.add(high, f.add(f.sub(f.sub(1.0, high), half), rest))


def _quadrant(f: Function, q: Value, bit: int) -> Value:
    return f.compare("ne", f.and_(q, bit), 0)


def sin(f: Function, x: Value) -> Value:
    r, q = _reduced(f, x)
    z = f.mul(r, r)
    y = f.select(_quadrant(f, q, 1), _cosine(f, z), _sine(f, r, z))
    y = f.select(_quadrant(f, q, 2), f.neg(y), y)
    return f.select(f.compare("oeq", x, 0.0), x, y)


def cos(f: Function, x: Value) -> Value:
    r, q = _reduced(f, x)
    z = f.mul(r, r)
    y = f.select(_quadrant(f, q, 1), _sine(f, r, z), _cosine(f, z))
    return f.select(_quadrant(f, f.add(q, 1), 2), f.neg(y), y)


def tan(f: Function, x: Value) -> Value:
    r, q = _reduced(f, x)
    z = f.mul(r, r)
    sine, cosine = _sine(f, r, z), _cosine(f, z)
    odd = _quadrant(f, q, 1)
    y = f.div(f.select(odd, f.neg(cosine), sine), f.select(odd, sine, cosine))
    return f.select(f.compare("oeq", x, 0.0), x, y)


# ---- inverses

def _arcsine(f: Function, x: Value, z: Value) -> Value:
    return f.fma(f.mul(x, z), polynomial(f, z, coefficients.ASIN["double"]), x)


def _halves(f: Function, x: Value) -> tuple[Value, Value, Value]:
    """Whether |x| is above one half, and the argument for the polynomial with its square."""
    size = magnitude(f, x)
    large = f.compare("ogt", size, 0.5)
    z = f.select(large, f.mul(f.sub(1.0, size), 0.5), f.mul(x, x))
    return large, f.select(large, f.intrinsic("sqrt", x.type, z), size), z


def asin(f: Function, x: Value) -> Value:
    large, s, z = _halves(f, x)
    y = _arcsine(f, s, z)
    # The second part of pi/2 keeps the difference exact.
    far = f.sub(_PI / 2, f.sub(f.add(y, y), 6.123233995736766e-17))
    return copysign(f, f.select(large, far, y), x)


def acos(f: Function, x: Value) -> Value:
    large, s, z = _halves(f, x)
    y = _arcsine(f, s, z)
    near = f.sub(_PI / 2, f.sub(copysign(f, y, x), 6.123233995736766e-17))
    twice = f.add(y, y)
    far = f.select(f.compare("olt", x, 0.0),
                   f.sub(_PI, f.sub(twice, 1.2246467991473532e-16)), twice)
    return f.select(large, far, near)


def _angle(f: Function, y: Value, x: Value) -> Value:
    """The angle between 0 and pi/2 whose tangent is y / x, both not negative."""
    low = f.compare("olt", y, f.mul(x, _TAN_EIGHTH))
    high = f.compare("ogt", f.mul(y, _TAN_EIGHTH), x)
    top = f.select(low, y, f.select(high, f.neg(x), f.sub(y, x)))
    bottom = f.select(low, x, f.select(high, y, f.add(y, x)))
    base = f.select(low, f.constant(0.0, x.type), f.select(high, f.constant(_PI / 2, x.type),
                                                          f.constant(_PI / 4, x.type)))
    rest = f.select(low, f.constant(0.0, x.type), f.select(
        high, f.constant(6.123233995736766e-17, x.type),
        f.constant(3.061616997868383e-17, x.type)))
    t = f.div(top, bottom)
    z = f.mul(t, t)
    tail = f.fma(f.mul(t, z), polynomial(f, z, coefficients.ATAN["double"]), rest)
    return f.add(base, f.add(tail, t))


def atan(f: Function, x: Value) -> Value:
    return copysign(f, _angle(f, magnitude(f, x), f.constant(1.0, x.type)), x)


def atan2(f: Function, y: Value, x: Value) -> Value:
    down, across = magnitude(f, y), magnitude(f, x)
    infinity = float("inf")
    both = f.and_(f.compare("oeq", down, infinity), f.compare("oeq", across, infinity))
    none = f.and_(f.compare("oeq", down, 0.0), f.compare("oeq", across, 0.0))
    huge = f.or_(f.compare("ogt", down, 2.0**1000), f.compare("ogt", across, 2.0**1000))
    tiny = f.and_(f.compare("olt", down, 2.0**-500), f.compare("olt", across, 2.0**-500))
    size = f.select(huge, f.constant(0.25, x.type), f.select(
        tiny, f.constant(2.0**400, x.type), f.constant(1.0, x.type)))
    down, across = f.mul(down, size), f.mul(across, size)
    down = f.select(both, 1.0, down)
    across = f.select(f.or_(both, none), 1.0, across)
    angle = _angle(f, down, across)
    negative = f.compare("slt", f.bits(x), 0)
    angle = f.select(negative, f.sub(_PI, f.sub(angle, 1.2246467991473532e-16)), angle)
    angle = copysign(f, angle, y)
    return f.select(f.or_(f.compare("uno", x, x), f.compare("uno", y, y)), f.add(x, y), angle)
