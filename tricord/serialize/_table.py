"""Sorted tables of keys and values in the layout of LevelDB's files, as TensorFlow writes them.

A table is data blocks, a block of their places, and a footer of 48 bytes. A block is a run of
entries, each with the length it shares with the key before, then restart points, then one byte for
the compression (0: none) and a masked CRC-32C.

Source: LevelDB ``doc/table_format.md``; TensorFlow ``tsl/lib/io/{table_builder,format}.cc``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ..errors import FileFormatError
from ._crc32c import crc32c, mask
from ._source import Source

__all__ = ["read_table", "read_varint", "table_bytes", "varint"]

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_BLOCK_SIZE = 262_144  # bytes, after which the writer starts another block
_RESTART = 16  # entries between two keys that are spelled out
_MAX_SIZE = 1 << 30


def varint(value: int) -> bytes:
    """A whole number from 0 in groups of seven bits, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, position: int, end: int | None = None) -> tuple[int, int]:
    """The number at ``position`` and where it ends.  Raises: ValueError"""
    value = shift = 0
    end = len(data) if end is None else end
    while position < end and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number that does not end")


def table_bytes(items: Mapping[bytes, bytes]) -> bytes:
    """The table of ``items``."""
    out = bytearray()
    index: dict[bytes, bytes] = {}
    pending: dict[bytes, bytes] = {}
    size = 0
    for key in sorted(items):
        pending[key] = items[key]
        size += len(key) + len(items[key]) + 3
        if size >= _BLOCK_SIZE:
            index[key] = _append_block(out, pending, _RESTART)
            pending, size = {}, 0
    if pending or not index:
        index[max(pending, default=b"")] = _append_block(out, pending, _RESTART)
    places = _append_block(out, {}, _RESTART) + _append_block(out, index, 1)
    return bytes(out) + places.ljust(_FOOTER - 8, b"\0") + struct.pack("<Q", _MAGIC)


def _append_block(out: bytearray, items: Mapping[bytes, bytes], restart_every: int) -> bytes:
    """Append a block; its place, as two numbers, is the answer."""
    block, restarts, last = bytearray(), [], b""
    for count, (key, value) in enumerate(items.items()):
        shared = 0
        if count % restart_every == 0:
            restarts.append(len(block))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        block += varint(shared) + varint(len(key) - shared) + varint(len(value))
        block += key[shared:] + value
        last = key
    restarts = restarts or [0]
    block += struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
    place = varint(len(out)) + varint(len(block))
    out += block + b"\0" + struct.pack("<I", mask(crc32c(block + b"\0")))
    return place


def read_table(source: Source) -> dict[bytes, bytes]:
    """Every key and value, in order.

    Raises:  FileFormatError if the table is damaged or compressed
    """
    if not _FOOTER <= source.size <= _MAX_SIZE:
        raise _bad(source, f"a table of {source.size} bytes")
    data = source.read_at(0, source.size, "the table")
    if struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise _bad(source, "the number at its end is not a table's")
    items: dict[bytes, bytes] = {}
    try:
        position = len(data) - _FOOTER
        for _ in range(2):  # the place of a block that is not used
            _, position = read_varint(data, position)
        offset, position = read_varint(data, position)
        size, position = read_varint(data, position)
        reached = 0
        for _, place in _block(source, data, offset, size):
            block_offset, at = read_varint(place, 0)
            block_size, at = read_varint(place, at)
            # Each block once and in order: a table cannot expand by naming one many times.
            if block_offset < reached:
                raise _bad(source, "blocks that overlap")
            reached = block_offset + block_size
            for key, value in _block(source, data, block_offset, block_size):
                if key in items:
                    raise _bad(source, f"the key {key[:80]!r} twice")
                items[key] = value
    except ValueError as problem:
        if isinstance(problem, FileFormatError):
            raise
        raise _bad(source, str(problem)) from None
    return items


def _block(source: Source, data: bytes, offset: int, size: int) -> list[tuple[bytes, bytes]]:
    if size < 4 or offset + size + _TRAILER > len(data):
        raise _bad(source, f"a block of {size} bytes at {offset}")
    kind = data[offset + size]
    checksum, = struct.unpack_from("<I", data, offset + size + 1)
    if mask(crc32c(data[offset:offset + size + 1])) != checksum:
        raise _bad(source, f"the block at {offset} does not match its checksum")
    if kind != 0:
        raise FileFormatError(f"{source.name}: the block at {offset} is compressed (kind {kind}), "
                              "which TensorFlow's checkpoints are not",
                              hint="save it again with TensorFlow 2")
    restarts, = struct.unpack_from("<I", data, offset + size - 4)
    end = offset + size - 4 - 4 * restarts
    if end < offset:
        raise _bad(source, f"the block at {offset} has {restarts} restarts")
    entries, position, key, grown = [], offset, b"", 0
    while position < end:
        shared, position = read_varint(data, position, end)
        own, position = read_varint(data, position, end)
        length, position = read_varint(data, position, end)
        if shared > len(key) or position + own + length > end:
            raise _bad(source, f"an entry beyond the block at {offset}")
        key = key[:shared] + data[position:position + own]
        grown += len(key)
        if grown > 64 * size + 65_536:
            raise _bad(source, "keys that expand without bound")
        entries.append((key, data[position + own:position + own + length]))
        position += own + length
    return entries


def _bad(source: Source, problem: str) -> FileFormatError:
    return FileFormatError(f"{source.name}: damaged TensorFlow checkpoint index: {problem}",
                           hint="save or fetch the checkpoint again")
