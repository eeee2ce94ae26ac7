"""HDF5's datatypes, shapes, fill values and filters, from their messages.

Source: HDF5 File Format Specification, version 3.0, sections IV.A.2.b to IV.A.2.l.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from ..errors import FileFormatError

__all__ = ["Datatype", "apply_filters", "fill_value", "is_unsupported", "parse_datatype",
           "parse_filters", "parse_limits", "parse_shape"]

# (bit offset, precision, exponent at, exponent bits, mantissa at, mantissa bits, bias): dtype
_FLOATS = {
    (0, 16, 10, 5, 0, 10, 15): np.dtype(np.float16),
    (0, 16, 7, 8, 0, 7, 127): np.dtype(ml_dtypes.bfloat16),
    (0, 32, 23, 8, 0, 23, 127): np.dtype(np.float32),
    (0, 64, 52, 11, 0, 52, 1023): np.dtype(np.float64),
}
_CLASS_NAMES = ["a number", "a float", "a time", "a text", "a bit field", "an opaque value",
                "a compound", "a reference", "an enumeration", "a list of varying length",
                "an array", "a complex number"]
_DEFLATE, _SHUFFLE, _FLETCHER = 1, 2, 3


@dataclass(frozen=True)
class Datatype:
    """A numpy dtype, or (``varying``) text of varying length, 16 bytes of reference each."""

    dtype: np.dtype
    varying: bool = False
    padding: int = 1  # of fixed text: 0 ends at the first NUL, 1 filled with NUL, 2 with spaces

    @property
    def is_text(self) -> bool:
        return self.varying or self.dtype.kind == "S"


class _UnsupportedError(ValueError):
    """A datatype that is known and not read."""


def parse_datatype(raw: bytes) -> Datatype:
    """The datatype of a message.  Raises: ValueError, struct.error, IndexError"""
    kind, version = raw[0] & 15, raw[0] >> 4
    bits, size = raw[1], struct.unpack_from("<I", raw, 4)[0]
    if not 1 <= version <= 5 or not 1 <= size <= 1 << 20:
        raise ValueError(f"a datatype of version {version} and size {size}")
    if kind == 0:
        return Datatype(_integer(raw, bits, size))
    if kind == 1:
        return Datatype(_float(raw, bits, size))
    if kind == 3:
        return Datatype(np.dtype(f"S{size}"), padding=bits & 15)
    if kind == 5 and size == 2:  # how h5py spells bfloat16, and nothing else of two bytes
        return Datatype(np.dtype(ml_dtypes.bfloat16))
    if kind == 6:
        return Datatype(_complex(raw, version, size))
    if kind == 8:
        return Datatype(_truth(raw, version, size))
    if kind == 9 and bits & 15 == 1 and size == 16:
        return Datatype(np.dtype("V16"), varying=True)
    name = _CLASS_NAMES[kind] if kind < len(_CLASS_NAMES) else f"class {kind}"
    raise _UnsupportedError(f"its dtype is {name}")


def _order(bits: int) -> str:
    return ">" if bits & 1 else "<"


def _integer(raw: bytes, bits: int, size: int) -> np.dtype:
    offset, precision = struct.unpack_from("<HH", raw, 8)
    if size not in (1, 2, 4, 8) or offset or precision != 8 * size:
        raise _UnsupportedError(f"its dtype is a number of {precision} bits in {size} bytes")
    return np.dtype(f"{_order(bits)}{'i' if bits & 8 else 'u'}{size}")


def _float(raw: bytes, bits: int, size: int) -> np.dtype:
    layout = struct.unpack_from("<HHBBBBI", raw, 8)
    dtype = _FLOATS.get(layout)
    if dtype is None or dtype.itemsize != size or bits & 0x40:
        raise _UnsupportedError(f"its dtype is a float of an unusual layout {layout}")
    return dtype.newbyteorder(_order(bits))


def _name_end(raw: bytes, start: int, version: int) -> int:
    """Where a NUL-terminated name ends; before version 3 they fill multiples of 8 bytes."""
    length = raw.index(b"\0", start) - start + 1
    return start + length + (-length % 8 if version < 3 else 0)


def _complex(raw: bytes, version: int, size: int) -> np.dtype:
    """A compound of two floats r and i, which is how h5py spells complex numbers."""
    if struct.unpack_from("<H", raw, 1)[0] != 2:
        raise _UnsupportedError("its dtype is a compound")
    position, parts = 8, []
    for _ in range(2):
        name = raw[position:raw.index(b"\0", position)]
        position = _name_end(raw, position, version)
        width = 4 if version < 3 else (size.bit_length() + 7) // 8
        offset = int.from_bytes(raw[position:position + width], "little")
        position += width + (28 if version == 1 else 0)
        if raw[position] & 15 != 1:
            raise _UnsupportedError("its dtype is a compound")
        part = parse_datatype(raw[position:]).dtype
        position += 20
        parts.append((name, offset, part))
    (real, first, dtype), (imaginary, second, other) = parts
    if (real, imaginary) != (b"r", b"i") or dtype != other or dtype.itemsize not in (4, 8) or (
            (first, second, size) != (0, dtype.itemsize, 2 * dtype.itemsize)):
        raise _UnsupportedError("its dtype is a compound")
    return np.dtype(f"{dtype.str[0]}c{size}")


def _truth(raw: bytes, version: int, size: int) -> np.dtype:
    """An enumeration of FALSE and TRUE over a byte, which is how h5py spells bool."""
    count = struct.unpack_from("<H", raw, 1)[0]
    position, names = 8 + 12, []  # past the type of the values, a number
    if raw[8] & 15 or size != 1 or count != 2:
        raise _UnsupportedError("its dtype is an enumeration")
    for _ in range(2):
        names.append(raw[position:raw.index(b"\0", position)])
        position = _name_end(raw, position, version)
    if names != [b"FALSE", b"TRUE"] or raw[position:position + 2] != b"\0\x01":
        raise _UnsupportedError("its dtype is an enumeration")
    return np.dtype(np.bool_)


def parse_shape(raw: bytes) -> tuple[int, ...] | None:
    """The shape of a dataspace message; None if it has no elements at all, not even one."""
    version, rank = raw[0], raw[1]
    if version not in (1, 2) or rank > 32:
        raise ValueError(f"a dataspace of version {version} and rank {rank}")
    if version == 2 and raw[3] == 2:
        return None
    return struct.unpack_from(f"<{rank}Q", raw, 8 if version == 1 else 4)


def parse_limits(raw: bytes, shape: tuple[int, ...]) -> tuple[int, ...]:
    """How far each axis may grow, by which the chunks of new files are numbered."""
    if not raw[2] & 1:
        return shape
    start = (8 if raw[0] == 1 else 4) + 8 * len(shape)
    return struct.unpack_from(f"<{len(shape)}Q", raw, start)


def fill_value(kind: int, raw: bytes) -> bytes:
    """What stands for data that was never written; empty: zeros."""
    if kind == 4:
        return raw[4:4 + struct.unpack_from("<I", raw)[0]]
    version = raw[0]
    if version == 3:
        if not raw[1] & 0x20:
            return b""
        return raw[6:6 + struct.unpack_from("<I", raw, 2)[0]]
    if version not in (1, 2):
        raise ValueError(f"a fill value of version {version}")
    if not raw[3]:
        return b""
    return raw[8:8 + struct.unpack_from("<I", raw, 4)[0]]


def parse_filters(raw: bytes) -> list[tuple[int, tuple[int, ...]]]:
    """Number and values of each filter, in the order in which they were applied."""
    version, count = raw[0], raw[1]
    if version not in (1, 2) or count > 32:
        raise ValueError(f"a list of {count} filters of version {version}")
    position, filters = 8 if version == 1 else 2, []
    for _ in range(count):
        number, = struct.unpack_from("<H", raw, position)
        position += 2
        name_size = 0
        if version == 1 or number >= 256:
            name_size, = struct.unpack_from("<H", raw, position)
            position += 2
        _, values = struct.unpack_from("<HH", raw, position)
        position += 4 + name_size + (-name_size % 8 if version == 1 else 0)
        if number not in (_DEFLATE, _SHUFFLE, _FLETCHER):
            raise _UnsupportedError(f"it is packed with filter {number}")
        filters.append((number, struct.unpack_from(f"<{values}I", raw, position)))
        position += 4 * values + (4 if version == 1 and values % 2 else 0)
    return filters


def apply_filters(
    raw: bytes, filters: list[tuple[int, tuple[int, ...]]], skipped: int, size: int,
) -> np.ndarray:
    """Undo the filters of a chunk that must come to ``size`` bytes.

    ``skipped`` has a bit for each filter that was left out for this chunk.
    """
    for index in range(len(filters) - 1, -1, -1):
        number, values = filters[index]
        if skipped >> index & 1:
            continue
        if number == _DEFLATE:
            inflater = zlib.decompressobj()
            # A checksum that was added before the packing makes it 4 bytes longer.
            raw = inflater.decompress(raw, size + 5)
            if len(raw) > size + 4 or not inflater.eof:
                raise ValueError("a chunk that expands beyond its size")
        elif number == _FLETCHER:
            if len(raw) < 4 or _fletcher32(raw[:-4]) != tuple(
                    value % 65535 for value in struct.unpack("<HH", raw[-4:])):
                raise ValueError("a chunk that does not match its checksum")
            raw = raw[:-4]
        else:
            raw = _unshuffled(raw, values[0] if values else 1)
    if len(raw) != size:
        raise ValueError(f"a chunk of {len(raw)} bytes, {size} were expected")
    return np.frombuffer(raw, np.uint8)


def _unshuffled(raw: bytes, width: int) -> bytes:
    if width < 2 or len(raw) < width:
        return raw
    whole = len(raw) // width * width
    planes = np.frombuffer(raw[:whole], np.uint8).reshape(width, -1)
    return planes.T.tobytes() + raw[whole:]


def _fletcher32(raw: bytes) -> tuple[int, int]:
    words = np.frombuffer(raw + b"\0" * (len(raw) % 2), ">u2").astype(np.uint64)
    weights = np.arange(len(words), 0, -1, dtype=np.uint64) % np.uint64(65535)
    return int(words.sum()) % 65535, int((words * weights).sum()) % 65535


def is_unsupported(problem: Exception) -> bool:
    """Whether an error means a known thing that is not read, rather than damage."""
    return isinstance(problem, _UnsupportedError) and not isinstance(problem, FileFormatError)
