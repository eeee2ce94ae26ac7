"""keras.ops: functions of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...functions import elementwise as ew
from ...functions import special
from ...ir.dtypes import as_dtype, bool_, int32
from ...tensor import record
from ...tensor.handle import Handle
from ...tensor.recorder import value_of, wrap
from .. import config
from .._operation import as_tensor, op, operand

# ---- one operand

def floats(x: Any) -> Any:
    """Whole numbers in the default floating dtype."""
    x = as_tensor(x)
    if x.dtype.kind in "iub":
        return record(ew.cast, (x,), (as_dtype(config.floatx()),))
    return x


def _unary(name: str, composite: Any, doc: str, floating: bool = False,
           class_name: str | None = None) -> Any:
    def function(x: Any) -> Any:
        return record(composite, (floats(x) if floating else as_tensor(x),))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return op(1, "numpy", class_name)(function)


_FLOATING = {
    "exp": ew.exp, "exp2": ew.exp2, "expm1": ew.expm1, "log": ew.log, "log2": ew.log2,
    "log10": ew.log10, "log1p": ew.log1p, "sqrt": ew.sqrt, "sin": ew.sin, "cos": ew.cos,
    "tan": ew.tan, "sinh": ew.sinh, "cosh": ew.cosh, "tanh": ew.tanh, "arcsin": ew.asin,
    "arccos": ew.acos, "arctan": ew.atan, "arcsinh": ew.asinh, "arccosh": ew.acosh,
    "arctanh": ew.atanh, "reciprocal": ew.reciprocal, "sinc": ew.sinc, "deg2rad": ew.radians,
    "rad2deg": ew.degrees}
_PLAIN = {
    "absolute": ew.abs, "negative": ew.negative, "sign": ew.sign, "square": ew.square,
    "logical_not": ew.logical_not, "isnan": ew.is_nan, "isfinite": ew.is_finite,
    "isinf": ew.is_inf, "isposinf": ew.is_posinf, "isneginf": ew.is_neginf, "isreal": ew.is_real,
    "signbit": ew.signbit, "conj": ew.conj, "real": ew.real, "imag": ew.imag, "trunc": ew.trunc,
    "bitwise_not": ew.bitwise_not, "angle": ew.angle, "floor": ew.floor, "ceil": ew.ceil,
    "copy": ew.identity}
for _name, _composite in _FLOATING.items():
    globals()[_name] = _unary(_name, _composite, f"``{_name}(x)`` of each element.", True)
for _name, _composite in _PLAIN.items():
    globals()[_name] = _unary(_name, _composite, f"``{_name}(x)`` of each element.",
                              _name in ("floor", "ceil"))
abs = fabs = globals()["absolute"]
conjugate, bitwise_invert = globals()["conj"], globals()["bitwise_not"]


@op(1)
def cbrt(x: Any) -> Any:
    """The real cube root."""
    x = floats(x)
    return record(ew.sign, (x,)) * abs(x) ** (1.0 / 3.0)


@op(1)
def i0(x: Any) -> Any:
    """The modified Bessel function of order zero."""
    return record(special.i0, (floats(x),))


@op(1)
def round(x: Any, decimals: int = 0) -> Any:
    """Rounded to even at this place."""
    return record(ew.round, (as_tensor(x),), (decimals,))


@op(1)
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """Within these bounds."""
    x = as_tensor(x)
    if x.dtype is bool_:
        x = record(ew.cast, (x,), (int32,))
    if isinstance(x_min, (int, float)) and isinstance(x_max, (int, float)):
        return record(ew.clip, (x,), (x_min, x_max))
    return minimum(maximum(x, x_min), x_max)


@op(1)
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None,
               neginf: float | None = None) -> Any:
    """NaN and infinities replaced."""
    return record(ew.nan_to_num, (as_tensor(x),), (nan, posinf, neginf))


# ---- two operands

def _with_number(x: Any, function: Any, number: Any, right: bool) -> Any:
    return function(x, number) if right else function(number, x)


def apply_binary(function: Any, x: Any, y: Any) -> Any:
    """A composite of two operands of which one may be a (weak) Python number."""
    x, y = operand(x), operand(y)
    x_tensor, y_tensor = isinstance(x, Handle), isinstance(y, Handle)
    if x_tensor and y_tensor:
        return record(function, (x, y))
    if not x_tensor and not y_tensor:
        return record(function, (as_tensor(x), as_tensor(y)))
    return record(_with_number, (x,) if x_tensor else (y,),
                  (function, y if x_tensor else x, x_tensor))


def _binary(name: str, composite: Any) -> Any:
    def function(x1: Any, x2: Any) -> Any:
        return apply_binary(composite, x1, x2)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``{name}(x1, x2)`` of each pair of elements; shapes broadcast."
    return op(2)(function)


_BINARY = {
    "add": ew.add, "subtract": ew.subtract, "multiply": ew.multiply, "maximum": ew.maximum,
    "minimum": ew.minimum, "mod": ew.remainder, "floor_divide": ew.floor_divide,
    "power": ew.power, "equal": ew.equal, "not_equal": ew.not_equal, "less": ew.less,
    "less_equal": ew.less_equal, "greater": ew.greater, "greater_equal": ew.greater_equal,
    "logical_and": ew.logical_and, "logical_or": ew.logical_or, "logical_xor": ew.logical_xor,
    "arctan2": ew.atan2, "hypot": ew.hypot, "logaddexp": ew.logaddexp,
    "logaddexp2": ew.logaddexp2, "bitwise_and": ew.bitwise_and, "bitwise_or": ew.bitwise_or,
    "bitwise_xor": ew.bitwise_xor, "left_shift": ew.bitwise_left_shift,
    "right_shift": ew.bitwise_right_shift, "fmax": ew.fmax, "fmin": ew.fmin, "fmod": ew.fmod,
    "nextafter": ew.nextafter, "ldexp": ew.ldexp, "heaviside": ew.heaviside, "gcd": special.gcd,
    "lcm": special.lcm, "true_divide": ew.divide, "divide": ew.divide}
for _name, _composite in _BINARY.items():
    globals()[_name] = _binary(_name, _composite)
bitwise_left_shift, bitwise_right_shift = globals()["left_shift"], globals()["right_shift"]
maximum, minimum = globals()["maximum"], globals()["minimum"]


@op(2)
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """``x1 / x2``, zero where ``x2`` is zero."""
    return apply_binary(_no_nan, as_tensor(x1), as_tensor(x2))


def _no_nan(x: Any, y: Any) -> Any:
    zero = ew.equal(y, 0)
    return ew.where(zero, 0, ew.divide(x, ew.where(zero, 1, y)))


@op(3)
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """``x1`` where the condition holds, else ``x2``; without them the places where it holds."""
    if x1 is None and x2 is None:
        return nonzero(condition)
    condition = record(ew.cast, (as_tensor(condition),), (bool_,))
    x1, x2 = operand(x1), operand(x2)
    if isinstance(x1, Handle) and isinstance(x2, Handle):
        return record(ew.where, (condition, x1, x2))
    if isinstance(x1, Handle) or isinstance(x2, Handle):
        tensor, number = (x1, x2) if isinstance(x1, Handle) else (x2, x1)
        return record(_where_number, (condition, tensor), (number, isinstance(x1, Handle)))
    return record(ew.where, (condition, as_tensor(x1), as_tensor(x2)))


def _where_number(condition: Any, x: Any, number: Any, first: bool) -> Any:
    return ew.where(condition, x, number) if first else ew.where(condition, number, x)


@op(2)
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8,
            equal_nan: bool = False) -> Any:
    """Whether elements differ by little."""
    return record(ew.is_close, (as_tensor(x1), as_tensor(x2)), (rtol, atol, equal_nan))


def nonzero(x: Any) -> Any:
    """The places of elements that are not zero: a row of indices per axis."""
    found = np.nonzero(value_of(as_tensor(x)))
    return wrap(np.stack(found).astype(np.int32))
