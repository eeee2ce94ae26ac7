"""Registers, memory and conversions of each dtype.

A bool is one bit in registers and one byte in memory. half and bfloat16 have no arithmetic: they
are widened to float32 and rounded back. The register of a bfloat16 holds its bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.dtypes import DType, bfloat16, bool_, float32
from ..llvm import Function, Value, element_of
from ..llvm.values import with_element

__all__ = ["cast", "constant", "is_narrow", "memory_of", "narrow", "register_of", "round_to_odd",
           "widen"]

# bfloat16 stays in integer registers: few machines have its instructions, and LLVM calls a library
# (`__truncsfbf2`) for a bfloat that lives across blocks on those that have not.
_BFLOAT = "i16"
_REGISTERS = {"bool": "i1", "float16": "half", "bfloat16": _BFLOAT, "float32": "float",
              "float64": "double"}


def register_of(dtype: DType) -> str:
    """The element type in registers.

    >>> from tricord.ir.dtypes import bool_, int8, uint32
    >>> register_of(bool_), register_of(int8), register_of(uint32)
    ('i1', 'i8', 'i32')
    """
    return _REGISTERS.get(dtype.name) or f"i{8 * dtype.itemsize}"


def memory_of(dtype: DType) -> str:
    """The element type in memory."""
    return "i8" if dtype is bool_ else register_of(dtype)


def constant(f: Function, number: Any, dtype: DType) -> Value:
    """A number in a register."""
    if dtype is bfloat16:
        return f.constant(int(np.asarray(number, dtype.numpy).view(np.int16)), _BFLOAT)
    return f.constant(number, register_of(dtype))


def is_narrow(dtype: DType) -> bool:
    """half and bfloat16."""
    return dtype.kind == "f" and dtype.itemsize == 2


def _converts_half(f: Function) -> bool:
    """Whether the machine has instructions for half; else LLVM would call a library."""
    return getattr(f.module.target, "has_half", True)


# ---- narrow floats

def widen(f: Function, x: Value) -> Value:
    """half or bfloat16 to float, exactly."""
    element = element_of(x.type)
    if element == _BFLOAT:
        bits = f.convert(x, "i32", signed=False)
        return f.bitcast(f.shl(bits, 16), with_element(x.type, "float"))
    if _converts_half(f):
        return f.convert(x, "float")
    # Exponent and mantissa moved to their places, and 2**112 for the two biases; this is right for
    # subnormals too. Infinity and NaN get the largest exponent.
    single = with_element(x.type, "float")
    bits = f.convert(f.bits(x), "i32", signed=False)
    rest = f.shl(f.and_(bits, 0x7FFF), 13)
    value = f.mul(f.bitcast(rest, single), 2.0**112)
    special = f.bitcast(f.or_(rest, 0x7F800000), single)
    value = f.select(f.compare("uge", rest, 0x7C00 << 13), special, value)
    return f.bitcast(f.or_(f.bits(value), f.shl(f.and_(bits, 0x8000), 16)), single)


def narrow(f: Function, x: Value, element: str) -> Value:
    """float to half or bfloat16, rounded to nearest, ties to even."""
    if element == _BFLOAT:
        bits = f.bits(x)
        odd = f.and_(f.lshr(bits, 16), 1)
        rounded = f.lshr(f.add(bits, f.add(odd, 0x7FFF)), 16)
        quiet = f.or_(f.lshr(bits, 16), 0x40)
        kept = f.select(f.compare("uno", x, x), quiet, rounded)
        return f.convert(kept, _BFLOAT)
    if _converts_half(f):
        return f.convert(x, "half")
    bits = f.bits(x)
    sign = f.and_(f.lshr(bits, 16), 0x8000)
    magnitude = f.and_(bits, 0x7FFFFFFF)
    # Normal: the bias changed and 13 bits rounded off. Subnormal: adding 0.5 makes the hardware
    # round at the right bit.
    odd = f.and_(f.lshr(magnitude, 13), 1)
    normal = f.lshr(f.add(magnitude, f.add(odd, (-112 << 23) + 0xFFF)), 13)
    shifted = f.add(f.bitcast(magnitude, x.type), 0.5)
    small = f.sub(f.bits(shifted), 0x3F000000)
    result = f.select(f.compare("ult", magnitude, 113 << 23), small, normal)
    result = f.select(f.compare("uge", magnitude, 0x47800000), 0x7C00, result)
    quiet = f.or_(f.and_(f.lshr(magnitude, 13), 0x3FF), 0x7E00)
    result = f.select(f.compare("ugt", magnitude, 0x7F800000), quiet, result)
    whole = f.convert(f.or_(result, sign), "i16")
    return f.bitcast(whole, with_element(x.type, "half"))


def round_to_odd(f: Function, x: Value) -> Value:
    """double to float such that rounding again to a narrower type gives what one rounding would:
    towards zero, with the last bit set where something was lost."""
    near = f.convert(x, "float")
    back = f.convert(near, "double")
    far = f.compare("ogt", f.intrinsic("fabs", x.type, back), f.intrinsic("fabs", x.type, x))
    bits = f.sub(f.bits(near), f.convert(far, "i32"))
    lost = f.convert(f.compare("one", back, x), "i32")
    return f.bitcast(f.or_(bits, lost), near.type)


# ---- casts

def cast(f: Function, x: Value, source: DType, to: DType) -> Value:
    """As numpy casts: towards integers truncating, out of range as x86 processors do it."""
    if source is to:
        return x
    if is_narrow(source):
        return cast(f, widen(f, x), float32, to)
    if to is bool_:
        return f.compare("une" if source.kind == "f" else "ne", x, 0)
    if is_narrow(to):
        if source.name == "float64":
            x = round_to_odd(f, x)
        elif source is not float32:
            x = f.convert(x, "float", signed=source.kind != "u")
        return narrow(f, x, register_of(to))
    if source.kind == "f" and to.kind in "iu":
        return _to_integer(f, x, to)
    return f.convert(x, register_of(to), signed=source.kind == "i")


def _to_integer(f: Function, x: Value, to: DType) -> Value:
    if to.name == "uint64":
        # Numbers from 2**63 on are converted without their highest bit, which is put back.
        low = f.convert(x, "i64")
        high = f.xor(f.convert(f.sub(x, 2.0**63), "i64"), -2**63)
        return f.select(f.compare("oge", x, 2.0**63), high, low)
    between = "i64" if to.itemsize == 8 or to.name == "uint32" else "i32"
    return f.convert(f.convert(x, between), register_of(to))


