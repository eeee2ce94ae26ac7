"""The idx format of the MNIST files: a magic number, the sizes, then the bytes; maybe gzipped.

Source: http://yann.lecun.com/exdb/mnist/, section "file formats". Numbers are big-endian.
"""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np

from ..errors import ArgumentError, FileFormatError
from ._shapes import is_possible
from ._source import Source, open_source
from .atomic import PathOrFile, atomic_write, flat_view
from .detect import sniff_source, wrong_format

__all__ = ["load_idx", "save_idx"]

_CODES = {0x08: np.dtype("u1"), 0x09: np.dtype("i1"), 0x0B: np.dtype(">i2"),
          0x0C: np.dtype(">i4"), 0x0D: np.dtype(">f4"), 0x0E: np.dtype(">f8")}
_NUMBERS = {dtype.newbyteorder("="): code for code, dtype in _CODES.items()}
_MAX_HEADER = 4 + 4 * 255
_DEFLATE_RATIO = 1032
_CHUNK = 1 << 16


def load_idx(path_or_file: PathOrFile) -> np.ndarray:
    """The array of an idx file, plain or gzipped, in this machine's byte order.

    Raises:  FileFormatError if it is damaged or of another kind (it says which)

    >>> import io
    >>> file = io.BytesIO()
    >>> save_idx(np.array([[1, 2, 3]], np.uint8), file)
    >>> load_idx(io.BytesIO(file.getvalue()))
    array([[1, 2, 3]], dtype=uint8)
    """
    with open_source(path_or_file) as source:
        kind = sniff_source(source)
        if kind == "idx-gzip":
            return _unpacked(source)
        head = source.read_at(0, min(source.size, _MAX_HEADER), "the header")
        if kind != "idx" and (len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _CODES):
            raise wrong_format(source, "idx")
        dtype, shape, start = _header(head, source)
        size = math.prod(shape) * dtype.itemsize
        if source.size - start != size:
            raise _bad(source, f"shape {shape} of {dtype} needs {size} bytes, "
                               f"but {source.size - start} follow")
        return _array(source.read_array(start, size, "the array"), dtype, shape)


def save_idx(array: np.ndarray, path_or_file: PathOrFile) -> None:
    """Write an array as a plain idx file. Atomic.

    Raises:  ArgumentError for dtypes other than uint8, int8, int16, int32, float32 and float64,
             and for scalars
    """
    array = np.asarray(array)
    native = array.dtype.newbyteorder("=")
    if native not in _NUMBERS or not 1 <= array.ndim <= 255 or max(array.shape) >= 2**32:
        raise ArgumentError(f"save_idx: shape {array.shape} of {array.dtype} cannot be an idx file",
                            hint=f"at least one dimension, of {', '.join(map(str, _NUMBERS))}")
    code = _NUMBERS[native]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    data = np.ascontiguousarray(array, _CODES[code])
    atomic_write(path_or_file, lambda file: [file.write(header), file.write(
        flat_view(data.reshape(-1).view(np.uint8)))], verify=load_idx)


def _bad(source: Source, problem: str) -> FileFormatError:
    return FileFormatError(f"{source.name}: damaged idx file: {problem}",
                           hint="fetch it again")


def _header(head: bytes, source: Source) -> tuple[np.dtype, tuple[int, ...], int]:
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _CODES or head[3] == 0:
        raise _bad(source, f"it starts with {head[:4].hex()}")
    start = 4 + 4 * head[3]
    if len(head) < start:
        raise _bad(source, f"{head[3]} dimensions")
    shape = struct.unpack_from(f">{head[3]}I", head, 4)
    if not is_possible(shape, _CODES[head[2]].itemsize):
        raise _bad(source, f"shape {shape}")
    return _CODES[head[2]], shape, start


def _array(raw: np.ndarray, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    array = raw.view(dtype).reshape(shape) if raw.size else np.empty(shape, dtype)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _unpacked(source: Source) -> np.ndarray:
    """The array of a gzipped file: its header says the size before any of it is taken."""
    inflater = zlib.decompressobj(31)
    try:
        head = inflater.decompress(source.read_at(0, min(source.size, _CHUNK), "the gzip data"),
                                   _MAX_HEADER)
        dtype, shape, start = _header(head, source)
        size = math.prod(shape) * dtype.itemsize
        if size > source.size * _DEFLATE_RATIO:
            raise _bad(source, f"shape {shape} of {dtype} cannot come out of {source.size} bytes")
        raw = np.empty(start + size, np.uint8)
        view, position = memoryview(raw), min(len(head), len(raw))
        view[:position] = head[:position]
        offset, data = min(source.size, _CHUNK), inflater.unconsumed_tail
        while not inflater.eof and (data or offset < source.size):
            if not data:
                count = min(_CHUNK, source.size - offset)
                data, offset = source.read_at(offset, count, "the gzip data"), offset + count
            chunk = inflater.decompress(data, _CHUNK)
            data = inflater.unconsumed_tail
            if position + len(chunk) > len(raw):
                raise _bad(source, f"more data than shape {shape} of {dtype}")
            view[position:position + len(chunk)] = chunk
            position += len(chunk)
    except zlib.error as problem:  # a wrong checksum too
        raise _bad(source, f"it cannot be expanded ({problem})") from None
    if not inflater.eof or position != len(raw) or len(head) > len(raw):
        raise _bad(source, f"{position} bytes of data, shape {shape} of {dtype} needs {len(raw)}")
    if inflater.unused_data or offset < source.size:
        raise _bad(source, "bytes after its end")
    return _array(raw[start:].copy() if dtype.itemsize > 1 else raw[start:], dtype, shape)
