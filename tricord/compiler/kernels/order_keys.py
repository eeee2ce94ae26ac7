"""Elements as integers that are ordered as the elements are, NaN last.

Kernels that order elements read them as integers, so that no dtype needs arithmetic of its own,
and subnormal numbers are told apart even where the processor takes them for zero.
"""

from __future__ import annotations

from ...ir.dtypes import DType, bool_
from ..llvm import Function, Value, element_of, vector

__all__ = ["key_bits", "order_key", "read_key", "stored_bits"]

#: The bits of infinity; whatever is larger without its sign is NaN.
_INFINITY = {"float16": 0x7C00, "bfloat16": 0x7F80, "float32": 0x7F800000,
             "float64": 0x7FF0000000000000}


def stored_bits(dtype: DType) -> str:
    """The integer type that elements are read and written as."""
    return f"i{8 * dtype.itemsize}"


def key_bits(dtype: DType) -> int:
    """Width of a key: 32, or 64 for wider dtypes."""
    return 64 if dtype.itemsize == 8 else 32


def order_key(f: Function, stored: Value, dtype: DType, descending: bool = False) -> Value:
    """Keys for elements given as they are stored: signed integers, in the order of the elements.

    Those of narrow dtypes have their value in their highest bits. Equal elements have equal keys:
    zeros of both signs, and all NaN.
    """
    width = key_bits(dtype)
    unused = width - 8 * dtype.itemsize
    element = f"i{width}"
    key = stored
    if element_of(stored.type) != element:
        key = f.shl(f.convert(stored, element, signed=False), unused)
    if dtype.kind == "f":
        key = _float_key(f, key, width, _INFINITY[dtype.name] << unused)
    elif dtype.kind == "u" or dtype is bool_:
        key = f.xor(key, -1 << (width - 1))
    return f.not_(key) if descending else key


def _float_key(f: Function, bits: Value, width: int, infinity: int) -> Value:
    """Negative numbers are stored by magnitude: theirs is turned round, and -0 becomes 0."""
    largest = (1 << (width - 1)) - 1
    negative = f.ashr(bits, width - 1)
    key = f.sub(f.xor(bits, f.lshr(negative, 1)), negative)
    is_nan = f.compare("ugt", f.and_(bits, largest), infinity)
    return f.select(is_nan, f.constant(largest, key.type), key)


def read_key(f: Function, pointer: Value, at: Value | int, dtype: DType,
             descending: bool = False, lanes: int = 1) -> Value:
    """Keys of neighbouring elements in memory."""
    bits = stored_bits(dtype)
    stored = f.load(f.offset(pointer, at, bits), vector(lanes, bits))
    return order_key(f, stored, dtype, descending)
