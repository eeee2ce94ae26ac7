"""Values of LLVM assembly and their types, both as text."""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["BITS", "Value", "constant_text", "element_of", "integer_of", "is_float", "lanes_of",
           "vector", "with_element"]

#: Bits of each element type.
BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "half": 16, "bfloat": 16, "float": 32,
        "double": 64, "ptr": 64}


class Value:
    """An operand: its text (``%v3``, ``7``, ``zeroinitializer``) and its type (``<8 x float>``)."""

    __slots__ = ("text", "type")

    def __init__(self, text: str, type: str):
        self.text = text
        self.type = type

    def __repr__(self) -> str:
        return f"{self.type} {self.text}"


def vector(lanes: int, element: str) -> str:
    """The type of a vector; of one lane, the element itself.

    >>> vector(8, "float"), vector(1, "i64")
    ('<8 x float>', 'i64')
    """
    return element if lanes == 1 else f"<{lanes} x {element}>"


def lanes_of(type: str) -> int:
    """How many lanes a type has; one for a scalar."""
    return int(type[1:type.index(" ")]) if type[0] == "<" else 1


def element_of(type: str) -> str:
    """The element type of a vector; a scalar's own."""
    return type[type.rindex(" ") + 1:-1] if type[0] == "<" else type


def with_element(type: str, element: str) -> str:
    """The type with as many lanes and other elements."""
    return vector(lanes_of(type), element)


def integer_of(type: str) -> str:
    """The integer type of the same width, lane by lane."""
    return with_element(type, f"i{BITS[element_of(type)]}")


def is_float(type: str) -> bool:
    return element_of(type) in ("half", "bfloat", "float", "double")


def constant_text(value: Any, element: str) -> str:
    """A number as LLVM wants it: floats as the bits of a double that is exactly the value."""
    if element == "i1":
        return "true" if value else "false"
    if element[0] == "i":
        return str(int(value))
    if element == "double":
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    if element == "float":
        return f"0x{struct.unpack('<Q', struct.pack('<d', _as_float32(value)))[0]:016X}"
    if element == "half":
        return f"0xH{struct.unpack('<H', struct.pack('<e', value))[0]:04X}"
    if element == "bfloat":
        return f"0xR{_bfloat16_bits(value):04X}"
    raise AssertionError(f"no constants of type {element}")


def _as_float32(value: float) -> float:
    if value != value:
        return value
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        rounded = float("inf") if value > 0 else float("-inf")
    return rounded


def _bfloat16_bits(value: float) -> int:
    if value != value:
        return 0x7FC0
    bits: int = struct.unpack("<I", struct.pack("<f", _as_float32(value)))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16  # to nearest, ties to even
