"""Which function spells which scalar primitive, and for which dtypes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ...ir.dtypes import DType, bool_, float32, float64
from ..llvm import Function, Value
from . import error_function, exponentials, power, rounding, trigonometry
from .casts import cast, is_narrow, narrow, register_of, widen

__all__ = ["apply", "cost", "supports"]

#: one operand or several of one dtype, in float or double registers
_FLOATS: Final[Mapping[str, Callable[..., Value]]] = {
    "exp": exponentials.exp, "expm1": exponentials.expm1, "log": exponentials.log,
    "log1p": exponentials.log1p, "logistic": exponentials.logistic, "tanh": exponentials.tanh,
    "erf": error_function.erf, "floor": rounding.floor, "ceil": rounding.ceil,
    "trunc": rounding.trunc, "round": rounding.round_even,
    "sqrt": lambda f, x: f.intrinsic("sqrt", x.type, x),
    "rsqrt": lambda f, x: f.div(f.constant(1.0, x.type), f.intrinsic("sqrt", x.type, x)),
    "divide": lambda f, x, y: f.div(x, y),
    "isnan": lambda f, x: f.compare("uno", x, x),
    "isfinite": lambda f, x: f.compare("olt", exponentials.magnitude(f, x), float("inf")),
}

#: the same, always in double registers: rare functions, or exact ones
_DOUBLES: Final[Mapping[str, Callable[..., Value]]] = {
    "sin": trigonometry.sin, "cos": trigonometry.cos, "tan": trigonometry.tan,
    "asin": trigonometry.asin, "acos": trigonometry.acos, "atan": trigonometry.atan,
    "atan2": trigonometry.atan2, "sinh": exponentials.sinh, "cosh": exponentials.cosh,
    "asinh": exponentials.asinh, "acosh": exponentials.acosh, "atanh": exponentials.atanh,
    "power": power.power, "fmod": rounding.fmod, "remainder": rounding.remainder,
    "floor_divide": rounding.floor_divide,
}

#: on the bits of the operands' own format, half and bfloat16 too
_BITS: Final[Mapping[str, Callable[..., Value]]] = {"nextafter": rounding.nextafter}

_ARITHMETIC: Final = {"add": "add", "subtract": "sub", "multiply": "mul"}
_BITWISE: Final = {"bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor"}
_COMPARISONS: Final = {"equal": ("oeq", "eq"), "not_equal": ("une", "ne"), "less": ("olt", "lt"),
                       "less_equal": ("ole", "le"), "greater": ("ogt", "gt"),
                       "greater_equal": ("oge", "ge")}
_DIVISIONS: Final = ("floor_divide", "remainder", "fmod")
_ANY_DTYPE: Final = {"where", "cast", "bitcast", "abs", "sign", "negative", "maximum", "minimum",
                     "bitwise_not", "shift_left", "shift_right", "copysign",
                     *_ARITHMETIC, *_BITWISE, *_COMPARISONS, *_DIVISIONS}

#: rough price per element, an addition being 1
_COSTS: Final = {"exp": 18, "expm1": 20, "log": 22, "log1p": 28, "logistic": 22, "tanh": 24,
                 "erf": 34, "sqrt": 4, "rsqrt": 6, "divide": 4, **dict.fromkeys(_DOUBLES, 60),
                 **dict.fromkeys(_DIVISIONS, 40)}


def supports(name: str, operands: Sequence[DType], result: DType) -> bool:
    """Whether a scalar function is spelled for these dtypes."""
    dtypes = [*operands, result]
    if any(d.kind == "c" for d in dtypes):
        return False
    if name in _ANY_DTYPE:
        return True
    if operands[0].kind != "f":
        return name == "power" or name in ("isnan", "isfinite")
    if name == "power":
        return operands[0] is not float64
    return name in _FLOATS or name in _DOUBLES or name in _BITS


def cost(name: str, dtype: DType) -> int:
    """Roughly what an element costs; an addition is 1."""
    price = _COSTS.get(name, 1) if dtype.kind == "f" else 1
    return 2 * price if dtype is float64 else price


def apply(f: Function, name: str, params: Any, operands: Sequence[Value],
          dtypes: Sequence[DType], result: DType) -> Value:
    """Write a scalar function of operands in registers, all of as many lanes."""
    if name == "where":
        return f.select(*operands)
    if name == "cast":
        return cast(f, operands[0], dtypes[0], result)
    if name == "bitcast":
        return _bitcast(f, operands[0], result)
    if name in _BITS:
        return _BITS[name](f, *operands)
    dtype = dtypes[0]
    if is_narrow(dtype):
        wide = apply(f, name, params, [widen(f, x) for x in operands],
                     [float32] * len(operands), float32 if result is dtype else result)
        return narrow(f, wide, register_of(result)) if result is dtype else wide
    if dtype.kind == "f":
        return _float(f, name, operands, dtype, result)
    return _integer(f, name, operands, dtype)


def _bitcast(f: Function, x: Value, result: DType) -> Value:
    lanes = x.type[1:x.type.index(" ")] if x.type[0] == "<" else ""
    if x.type.rstrip(">").endswith("i1") and result is not bool_:
        x = f.convert(x, "i8")
    if result is bool_:  # any byte but zero counts as true
        return f.compare("ne", x, 0)
    element = register_of(result)
    return f.bitcast(x, f"<{lanes} x {element}>" if lanes else element)


def _float(f: Function, name: str, operands: Sequence[Value], dtype: DType,
           result: DType) -> Value:
    x = operands[0]
    if name in _ARITHMETIC:
        return f.binary(_ARITHMETIC[name], *operands)
    if name in _COMPARISONS:
        return f.compare(_COMPARISONS[name][0], *operands)
    if name in _FLOATS:
        return _FLOATS[name](f, *operands)
    if name in _DOUBLES:
        if dtype is float64:
            return _DOUBLES[name](f, *operands)
        wide = _DOUBLES[name](f, *(f.convert(o, "double") for o in operands))
        return cast(f, wide, float64, dtype)
    if name == "negative":
        return f.neg(x)
    if name == "abs":
        return exponentials.magnitude(f, x)
    if name == "copysign":
        return exponentials.copysign(f, *operands)
    if name == "sign":
        unit = exponentials.copysign(f, f.constant(1.0, x.type), x)
        # Zero gives zero, of no sign, and NaN itself.
        return f.select(f.compare("one", x, 0.0), unit, f.add(exponentials.magnitude(f, x), 0.0))
    if name in ("maximum", "minimum"):
        a, b = operands
        # One instruction of many processors, which gives b where either is NaN; one in a is what
        # is left to see to.
        either = f.select(f.compare("ogt" if name == "maximum" else "olt", a, b), a, b)
        return f.select(f.compare("uno", a, a), a, either)
    raise AssertionError(f"{name} of {dtype} is not spelled")


def _integer(f: Function, name: str, operands: Sequence[Value], dtype: DType) -> Value:
    x = operands[0]
    signed = dtype.kind == "i"
    if name in _ARITHMETIC:
        return f.binary(_ARITHMETIC[name], *operands)
    if name in _BITWISE:
        return f.binary(_BITWISE[name], *operands)
    if name in _COMPARISONS:
        relation = _COMPARISONS[name][1]
        sign = "" if relation in ("eq", "ne") else "s" if signed else "u"
        return f.compare(sign + relation, *operands)
    if name in _DIVISIONS:
        return rounding.integer_divide(f, *operands, signed=signed, kind=name)
    if name in ("maximum", "minimum"):
        relation = "gt" if name == "maximum" else "lt"
        return f.select(f.compare(("s" if signed else "u") + relation, *operands), *operands)
    if name == "power":
        return power.integer_power(f, *operands, signed=signed)
    if name == "bitwise_not":
        return f.not_(x)
    if name in ("shift_left", "shift_right"):
        return _shift(f, name, *operands, signed=signed, bits=8 * dtype.itemsize)
    if name == "negative":
        return f.neg(x)
    if name == "abs":
        return f.select(f.compare("slt", x, 0), f.neg(x), x) if signed else x
    if name == "sign":
        positive = f.convert(f.compare("ne" if not signed else "sgt", x, 0), register_of(dtype))
        if not signed:
            return positive
        return f.sub(positive, f.convert(f.compare("slt", x, 0), register_of(dtype)))
    if name in ("isnan", "isfinite"):
        return f.compare("ne" if name == "isnan" else "eq", x, x)
    raise AssertionError(f"{name} of {dtype} is not spelled")


def _shift(f: Function, name: str, x: Value, y: Value, *, signed: bool, bits: int) -> Value:
    """By more than there are bits: everything is shifted out."""
    inside = f.compare("ult", y, bits)
    safe = f.select(inside, y, 0)
    if name == "shift_left":
        return f.select(inside, f.shl(x, safe), 0)
    if signed:
        return f.ashr(x, f.select(inside, y, bits - 1))
    return f.select(inside, f.lshr(x, safe), 0)
