"""Where the interpreter and numpy keep what native code reads out of their objects.

Offsets in bytes. Sources: CPython's Include/cpython/listobject.h; numpy's documented
``PyArrayObject`` (C-API, "Python types and C-structures") and its ``NPY_ARRAY_*`` flags.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any, Final

import numpy as np

__all__ = ["ALIGNED", "ARRAY_BASE", "ARRAY_DATA", "ARRAY_DTYPE", "ARRAY_FLAGS", "ARRAY_RANK",
           "ARRAY_SHAPE", "C_CONTIGUOUS", "LIST_ITEMS", "LIST_SIZE", "OWNDATA", "TYPE", "WRITEABLE",
           "has_interpreter_lock", "layout_is_known"]

TYPE: Final = 8
LIST_SIZE, LIST_ITEMS = 16, 24
ARRAY_DATA, ARRAY_RANK, ARRAY_SHAPE, ARRAY_BASE, ARRAY_DTYPE, ARRAY_FLAGS = 16, 24, 32, 48, 56, 64
C_CONTIGUOUS, OWNDATA, ALIGNED, WRITEABLE = 0x1, 0x4, 0x100, 0x400


def has_interpreter_lock() -> bool:
    """Whether one thread at a time runs Python, on which counts of references rely."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return sys.implementation.name == "cpython" and (enabled is None or bool(enabled()))


@cache
def layout_is_known() -> bool:
    """Whether objects of this interpreter and this numpy are laid out as above."""
    if (not has_interpreter_lock() or ctypes.sizeof(ctypes.c_void_p) != 8
            or sys.byteorder != "little" or list.__basicsize__ < LIST_ITEMS + 8
            or np.ndarray.__basicsize__ < ARRAY_FLAGS + 4):
        return False
    whole = np.arange(24, dtype=np.float32).reshape(2, 3, 4).copy()
    part = whole[1:, :, ::2].view(np.int32)
    part.flags.writeable = False
    odd = np.frombuffer(bytearray(9), np.uint8)[1:].view(np.int16)
    empty = np.empty((), np.bool_)
    arrays: list[np.ndarray[Any, Any]] = [whole, part, odd, empty]
    return _list_is_as_assumed(arrays) and all(
        _array_is_as_assumed(array) for array in arrays)


def _word(address: int, kind: Any = ctypes.c_int64) -> int:
    value: int = kind.from_address(address).value
    return value


def _words_at(pointer: int, count: int) -> list[int]:
    """What a pointer leads to; nothing if it cannot be one, which would end the process."""
    if pointer < 1 << 16 or pointer % 8:
        return []
    return [_word(pointer + 8 * i) for i in range(count)]


def _list_is_as_assumed(items: list[Any]) -> bool:
    at = id(items)
    if _word(at + TYPE) != id(list) or _word(at + LIST_SIZE) != len(items):
        return False
    return _words_at(_word(at + LIST_ITEMS), len(items)) == [id(item) for item in items]


def _array_is_as_assumed(array: np.ndarray[Any, Any]) -> bool:
    at = id(array)
    flags = array.flags
    wanted = (C_CONTIGUOUS * flags.c_contiguous | OWNDATA * flags.owndata
              | ALIGNED * flags.aligned | WRITEABLE * flags.writeable)
    known = C_CONTIGUOUS | OWNDATA | ALIGNED | WRITEABLE
    return (_word(at + TYPE) == id(np.ndarray) and _word(at + ARRAY_DATA) == array.ctypes.data
            and _word(at + ARRAY_RANK, ctypes.c_int32) == array.ndim
            and _word(at + ARRAY_BASE) == (0 if array.base is None else id(array.base))
            and _word(at + ARRAY_DTYPE) == id(array.dtype)
            and _word(at + ARRAY_FLAGS, ctypes.c_int32) & known == wanted
            and (not array.ndim
                 or _words_at(_word(at + ARRAY_SHAPE), array.ndim) == list(array.shape)))
