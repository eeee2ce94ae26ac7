"""The ``.npy`` layout of one array: a short text header, then the raw bytes.

Source: ``numpy/lib/_format_impl.py`` (format versions 1.0 to 3.0). Arrays of Python objects, which
are pickles, are refused.
"""

from __future__ import annotations

import ast
import math
import struct

import numpy as np

from ..errors import ArgumentError, FileFormatError, UnsafeFileError
from ._shapes import is_possible

__all__ = ["npy_pieces", "parse_npy"]

_MAGIC = b"\x93NUMPY"
_ALIGNMENT = 64
_MAX_HEADER = 10_000  # bytes, as in numpy: longer ones can exhaust the parser
_KEYS = {"descr", "fortran_order", "shape"}


def npy_pieces(array: np.ndarray, what: str) -> list[bytes | memoryview]:
    """The bytes of a ``.npy`` file, the data not copied if it is contiguous.

    Raises:  ArgumentError for Python objects and for dtypes that only ml_dtypes knows
    """
    dtype = array.dtype
    if dtype.hasobject:
        raise ArgumentError(f"save: {what} is an array of Python objects, which only pickle can "
                            "store", hint="convert it to numbers or text")
    if dtype.kind == "V" and dtype.names is None:
        raise ArgumentError(f"save: {what} has dtype {dtype}, which .npy cannot name",
                            hint="save it as float32, or use safetensors or a checkpoint")
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    flat = (array.T if fortran else np.ascontiguousarray(array)).reshape(-1)
    text = (f"{{'descr': {np.lib.format.dtype_to_descr(dtype)!r}, 'fortran_order': {fortran}, "
            f"'shape': {tuple(map(int, array.shape))!r}, }}")
    latin = text.isascii()  # other field names need version 3 of the format, which is UTF-8
    version, size_format = (b"\x01\x00", "<H") if latin else (b"\x03\x00", "<I")
    encoded = text.encode("utf-8")
    size = len(_MAGIC) + 2 + struct.calcsize(size_format) + len(encoded) + 1
    header = encoded + b" " * (-size % _ALIGNMENT) + b"\n"
    if len(header) > _MAX_HEADER:
        raise ArgumentError(f"save: {what} has a dtype whose description takes {len(header)} bytes",
                            hint="save its fields as separate arrays")
    start = _MAGIC + version + struct.pack(size_format, len(header)) + header
    return [start, memoryview(flat.view(np.uint8) if flat.nbytes else b"")]


def parse_npy(raw: np.ndarray, name: str) -> np.ndarray:
    """The array in the bytes of a ``.npy`` file, over the same memory if its alignment allows."""
    dtype, fortran, shape, start = _header(bytes(raw[:12 + _MAX_HEADER].data), name)
    expected = math.prod(shape) * dtype.itemsize
    if raw.size - start != expected:
        raise _bad(name, f"shape {shape} of {dtype} needs {expected} bytes of data, "
                         f"but {raw.size - start} follow")
    if expected == 0:
        if not is_possible(shape, dtype.itemsize):
            raise _bad(name, f"shape {shape}")
        return np.empty(shape, dtype, "F" if fortran else "C")
    data = raw[start:]
    if data.ctypes.data % dtype.alignment:
        data = data.copy()
    array = data.view(dtype)
    if dtype.kind == "b":
        np.minimum(data, 1, out=data)  # a bool of 2 is neither true nor false to numpy
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _bad(name: str, problem: str) -> FileFormatError:
    return FileFormatError(f"{name}: damaged .npy array: {problem}",
                           hint="save or fetch it again")


def _header(head: bytes, name: str) -> tuple[np.dtype, bool, tuple[int, ...], int]:
    """dtype, whether in Fortran order, shape, and where the data starts."""
    if not head.startswith(_MAGIC) or len(head) < 12:
        raise _bad(name, "it does not start as one")
    major, minor = head[6], head[7]
    if (major, minor) not in ((1, 0), (2, 0), (3, 0)):
        raise _bad(name, f"format version {major}.{minor}")
    size_format = "<H" if major == 1 else "<I"
    start = 8 + struct.calcsize(size_format)
    size, = struct.unpack_from(size_format, head, 8)
    if size > _MAX_HEADER or start + size > len(head):
        raise _bad(name, f"a header of {size} bytes")
    text = head[start:start + size]
    try:
        fields = ast.literal_eval(text.decode("utf-8" if major == 3 else "latin1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise _bad(name, "an unreadable header") from None
    if not isinstance(fields, dict) or set(fields) != _KEYS:
        raise _bad(name, "a header without descr, fortran_order and shape")
    shape, fortran = fields["shape"], fields["fortran_order"]
    if type(shape) is not tuple or len(shape) > 64 or any(
            type(length) is not int or length < 0 for length in shape):
        raise _bad(name, f"shape {shape!r}")
    if type(fortran) is not bool:
        raise _bad(name, f"fortran_order {fortran!r}")
    return _dtype(fields["descr"], name), fortran, shape, start + size


def _dtype(description: object, name: str) -> np.dtype:
    try:
        dtype = np.lib.format.descr_to_dtype(description)
    except (ValueError, TypeError, KeyError, IndexError, SyntaxError, RecursionError):
        raise _bad(name, f"dtype {str(description)[:80]!r}") from None
    if dtype.hasobject:
        raise UnsafeFileError(f"{name}: an array of Python objects, stored as a pickle; refused",
                              hint="save it as an array of numbers or text")
    if dtype.itemsize == 0 or dtype.itemsize > 2**31:
        raise _bad(name, f"dtype {str(description)[:80]!r}")
    return dtype
