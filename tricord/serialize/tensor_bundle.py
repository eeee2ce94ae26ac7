"""TensorFlow's checkpoints: ``name.index`` and ``name.data-00000-of-00001``, without TensorFlow.

The index is a sorted table from a variable's name to a protocol buffer of dtype, shape, place and
checksum; the data files are the raw bytes. Names (``layer/kernel/.ATTRIBUTES/VARIABLE_VALUE``) are
given as they are: which object they belong to is the TensorFlow face's business.

Source: TensorFlow ``core/util/tensor_bundle/tensor_bundle.cc`` and
``core/protobuf/tensor_bundle.proto``.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import ml_dtypes
import numpy as np

from ..errors import ArgumentError, FileFormatError
from ._crc32c import crc32c, mask
from ._shapes import is_possible
from ._source import Source, open_source
from ._table import read_table, read_varint, table_bytes, varint
from .atomic import atomic_write, flat_view
from .detect import sniff_source, wrong_format

__all__ = ["BundleValue", "list_bundle", "load_bundle", "save_bundle"]

BundleValue: TypeAlias = "np.ndarray | bytes"

# The numbers of TensorFlow's DataType enumeration.
_DTYPES: dict[int, np.dtype] = {number: np.dtype(dtype) for number, dtype in {
    1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 5: np.int16, 6: np.int8,
    8: np.complex64, 9: np.int64, 10: np.bool_, 14: ml_dtypes.bfloat16, 17: np.uint16,
    18: np.complex128, 19: np.float16, 22: np.uint32, 23: np.uint64,
    24: ml_dtypes.float8_e5m2, 25: ml_dtypes.float8_e4m3fn,
}.items()}
_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}
_STRING = 7
_MAX_SHARDS = 99_999
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


@dataclass(frozen=True)
class _Entry:
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


def load_bundle(prefix: str | os.PathLike[str]) -> dict[str, BundleValue]:
    """Every variable of a checkpoint by name; ``prefix`` is the path without ``.index``.

    Text comes as ``bytes`` if it is a scalar (``_CHECKPOINTABLE_OBJECT_GRAPH`` is one), else as an
    array of them. Every checksum is compared.

    Raises:  FileFormatError if the checkpoint is damaged or of another kind;
             FileNotFoundError if one of its files is missing
    """
    base = _base(prefix)
    entries, shards = _index(base)
    values: dict[str, BundleValue] = {}
    for shard in range(shards):
        mine = {name: entry for name, entry in entries.items() if entry.shard == shard}
        if not mine:
            continue
        with open_source(f"{base}.data-{shard:05d}-of-{shards:05d}") as source:
            # Overlapping places would give more data than the file holds.
            if sum(entry.size for entry in mine.values()) > source.size:
                raise _bad(source.name, f"{source.size} bytes, fewer than its variables take")
            for name, entry in mine.items():
                values[name] = _value(source, name, entry)
    return {name: values[name] for name in entries}


def list_bundle(prefix: str | os.PathLike[str]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name, dtype and shape of every variable, without reading their values.

    Raises:  FileFormatError if the index is damaged or of another kind
    """
    entries, _ = _index(_base(prefix))
    return {name: ("string" if entry.dtype == _STRING else _DTYPES[entry.dtype].name, entry.shape)
            for name, entry in entries.items()}


def save_bundle(
    prefix: str | os.PathLike[str], values: Mapping[str, BundleValue | str],
) -> None:
    """Write ``prefix.data-00000-of-00001``, then ``prefix.index``; TensorFlow reads them.

    Each file is atomic. Between the two an old index would meet new data, which its checksums
    tell: give every checkpoint a new prefix, as TensorFlow does (``ckpt-1``, ``ckpt-2``).

    Raises:  ArgumentError for a dtype that TensorFlow does not have
    """
    base = _base(prefix)
    pieces: list[list[bytes | memoryview]] = []
    # A header under the empty name: one shard, little-endian, version 1.
    items = {b"": b"\x08\x01\x1a\x02\x08\x01"}
    offset = 0
    for name in sorted(values, key=lambda name: name.encode()):
        if not name:
            raise ArgumentError("save_bundle: a variable needs a name")
        number, shape, parts = _pieces(name, values[name])
        checksum = _string_checksum(parts) if number == _STRING else crc32c(parts[0])
        size = sum(len(part) for part in parts)
        items[name.encode()] = _encode(_Entry(number, shape, 0, offset, size, mask(checksum)))
        pieces.append(parts)
        offset += size

    def content(file: BinaryIO) -> None:
        for parts in pieces:
            for part in parts:
                file.write(part)

    def verify(path: str) -> None:
        if os.path.getsize(path) != offset:
            raise _bad(path, f"{os.path.getsize(path)} bytes were written, not {offset}")

    atomic_write(f"{base}.data-00000-of-00001", content, verify=verify)
    atomic_write(f"{base}.index", table_bytes(items))


def _base(prefix: str | os.PathLike[str]) -> str:
    return str(os.fspath(prefix)).removesuffix(".index")


def _bad(name: str, problem: str) -> FileFormatError:
    return FileFormatError(f"{name}: damaged TensorFlow checkpoint: {problem}",
                           hint="save or fetch the checkpoint again")


# ---------------------------------------------------------------------------------------- index


def _index(base: str) -> tuple[dict[str, _Entry], int]:
    """The entries by name, and the number of data files."""
    with open_source(f"{base}.index") as source:
        if sniff_source(source) != "tensor-bundle":
            raise wrong_format(source, "tensor-bundle")
        table = read_table(source)
        if b"" not in table:
            raise _bad(source.name, "its index has no header")
        try:
            header = _fields(table.pop(b""))
            shards = _number(header, 1)
            if _number(header, 2) != 0:
                raise _bad(source.name, "written on a big-endian machine, which is not read")
            if not 1 <= shards <= _MAX_SHARDS:
                raise _bad(source.name, f"{shards} data files")
            return {key.decode("utf-8"): _decode(source.name, raw, shards)
                    for key, raw in table.items()}, shards
        except (ValueError, struct.error) as problem:
            if isinstance(problem, FileFormatError):
                raise
            raise _bad(source.name, str(problem)) from None


def _fields(raw: bytes) -> list[tuple[int, Any]]:
    """Number and value of each field of a protocol buffer.  Raises: ValueError"""
    fields, position = [], 0
    while position < len(raw):
        tag, position = read_varint(raw, position)
        kind, value = tag & 7, None
        if kind == _VARINT:
            value, position = read_varint(raw, position)
        elif kind == _BYTES:
            length, position = read_varint(raw, position)
            if position + length > len(raw):
                raise ValueError("a field that does not end")
            value, position = raw[position:position + length], position + length
        elif kind in (_FIXED32, _FIXED64):
            width = 4 if kind == _FIXED32 else 8
            if position + width > len(raw):
                raise ValueError("a field that does not end")
            value = int.from_bytes(raw[position:position + width], "little")
            position += width
        else:
            raise ValueError(f"a field of wire type {kind}")
        fields.append((tag >> 3, value))
    return fields


def _number(fields: list[tuple[int, Any]], number: int) -> int:
    value = 0
    for key, found in fields:
        if key == number:
            if not isinstance(found, int):
                raise ValueError(f"field {number} is not a number")
            value = found
    return value


def _decode(file_name: str, raw: bytes, shards: int) -> _Entry:
    fields = _fields(raw)
    if any(number == 7 for number, _ in fields):
        raise FileFormatError(f"{file_name}: a variable that is cut into slices is not read",
                              hint="save it unpartitioned")
    shape: list[int] = []
    for number, value in fields:
        if number == 2 and isinstance(value, bytes):
            for inner, dimension in _fields(value):
                if inner == 2 and isinstance(dimension, bytes):
                    shape.append(_number(_fields(dimension), 1))
                elif inner == 3 and dimension:
                    raise ValueError("a variable of unknown rank")
    entry = _Entry(_number(fields, 1), tuple(shape), _number(fields, 3), _number(fields, 4),
                   _number(fields, 5), _number(fields, 6))
    if entry.dtype != _STRING and entry.dtype not in _DTYPES:
        raise ValueError(f"a variable of data type {entry.dtype}")
    itemsize = 1 if entry.dtype == _STRING else _DTYPES[entry.dtype].itemsize
    if not is_possible(shape, itemsize) or entry.shard >= shards:
        raise ValueError(f"a variable of shape {tuple(shape)} in data file {entry.shard}")
    return entry


def _encode(entry: _Entry) -> bytes:
    shape = b""
    for length in entry.shape:
        dimension = b"\x08" + varint(length) if length else b""
        shape += b"\x12" + varint(len(dimension)) + dimension
    out = b"\x08" + varint(entry.dtype) + b"\x12" + varint(len(shape)) + shape
    if entry.offset:
        out += b"\x20" + varint(entry.offset)
    if entry.size:
        out += b"\x28" + varint(entry.size)
    return out + b"\x35" + struct.pack("<I", entry.checksum)


# ----------------------------------------------------------------------------------------- data


def _value(source: Source, name: str, entry: _Entry) -> BundleValue:
    raw = source.read_array(entry.offset, entry.size, f"variable {name!r}")
    if entry.dtype == _STRING:
        return _text(source, name, entry, raw.tobytes())
    dtype = _DTYPES[entry.dtype]
    expected = math.prod(entry.shape) * dtype.itemsize
    if expected != entry.size:
        raise _bad(source.name, f"{name!r} of shape {entry.shape} and dtype {dtype} takes "
                                f"{expected} bytes, not {entry.size}")
    if mask(crc32c(raw)) != entry.checksum:
        raise _bad(source.name, f"{name!r} does not match its checksum")
    if dtype.kind == "b":
        np.minimum(raw, 1, out=raw)  # a bool of 2 is neither true nor false to numpy
    return raw.view(dtype).reshape(entry.shape) if raw.size else np.empty(entry.shape, dtype)


def _text(source: Source, name: str, entry: _Entry, raw: bytes) -> BundleValue:
    """Strings: their lengths, a checksum of the lengths, then their bytes."""
    count = math.prod(entry.shape)
    if count > len(raw):  # each length takes a byte
        raise _bad(source.name, f"{name!r} claims {count} strings in {len(raw)} bytes")
    try:
        lengths, position = [], 0
        for _ in range(count):
            length, position = read_varint(raw, position)
            lengths.append(length)
    except ValueError as problem:
        raise _bad(source.name, f"{name!r}: {problem}") from None
    if position + 4 + sum(lengths) != len(raw):
        raise _bad(source.name, f"{name!r}: its strings take {sum(lengths)} bytes of {len(raw)}")
    parts = [raw[:position], raw[position:position + 4], raw[position + 4:]]
    stored, = struct.unpack("<I", parts[1])
    if stored != mask(_lengths_checksum(lengths)) or (
            mask(crc32c(parts[2], crc32c(parts[1], _lengths_checksum(lengths)))) != entry.checksum):
        raise _bad(source.name, f"{name!r} does not match its checksum")
    strings = list(_cut(parts[2], lengths))
    if not entry.shape:
        return strings[0]
    array = np.empty(count, object)
    array[:] = strings
    return array.reshape(entry.shape)


def _cut(raw: bytes, lengths: list[int]) -> Iterator[bytes]:
    position = 0
    for length in lengths:
        yield raw[position:position + length]
        position += length


def _lengths_checksum(lengths: list[int]) -> int:
    return crc32c(b"".join(struct.pack("<I" if length < 2**32 else "<Q", length)
                           for length in lengths))


def _string_checksum(parts: list[bytes | memoryview]) -> int:
    """The checksum of a variable of strings counts their lengths in four bytes each."""
    lengths, position, raw = [], 0, bytes(parts[0])
    while position < len(raw):
        length, position = read_varint(raw, position)
        lengths.append(length)
    return crc32c(parts[2], crc32c(parts[1], _lengths_checksum(lengths)))


def _pieces(name: str, value: Any) -> tuple[int, tuple[int, ...], list[bytes | memoryview]]:
    """Data type, shape and bytes of a value."""
    if isinstance(value, str | bytes):
        strings, shape = [value], ()
    else:
        array = np.asarray(value)
        native = array.dtype.newbyteorder("=")
        if native in _NUMBERS:
            little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            return _NUMBERS[native], array.shape, [flat_view(little.reshape(-1).view(np.uint8))]
        strings, shape = array.reshape(-1).tolist(), array.shape
        if array.dtype.kind not in "OSU" or not all(isinstance(s, str | bytes) for s in strings):
            raise ArgumentError(f"save_bundle: {name!r} has dtype {array.dtype}, which TensorFlow "
                                "does not have", hint="convert it, for example to float32")
    raw = [text.encode() if isinstance(text, str) else text for text in strings]
    lengths = [len(text) for text in raw]
    return _STRING, shape, [b"".join(map(varint, lengths)),
                            struct.pack("<I", mask(_lengths_checksum(lengths))), b"".join(raw)]
