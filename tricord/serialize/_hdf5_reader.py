"""A whole HDF5 file as groups, attributes and arrays, on top of ``_hdf5_blocks``.

Source: HDF5 File Format Specification, version 3.0, sections IV.A.2 (messages) and VII (chunks).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import FileFormatError, UnsafeFileError
from ._hdf5_blocks import UNDEFINED, BTree2, FractalHeap, H5Blocks, Message, unsigned
from ._hdf5_types import (
    Datatype,
    apply_filters,
    fill_value,
    is_unsupported,
    parse_datatype,
    parse_filters,
    parse_limits,
    parse_shape,
)
from ._shapes import is_possible
from ._source import Source

__all__ = ["H5Reader"]

_SPACE, _LINK_INFO, _TYPE, _OLD_FILL, _FILL, _LINK, _EXTERNAL, _LAYOUT = 1, 2, 3, 4, 5, 6, 7, 8
_FILTERS, _ATTRIBUTE, _SYMBOLS, _ATTRIBUTE_INFO = 11, 12, 17, 21
_SHARED = 0x02  # message flag: the content is elsewhere
_DAMAGE = (struct.error, ValueError, IndexError, KeyError, OverflowError, zlib.error)
_MAX_DEPTH = 100
_DEFLATE_RATIO = 1032
_FILLED_LIMIT = 1 << 20  # bytes that an array may have without stored data


class H5Reader:
    """Reads one file. ``limit`` bounds all arrays together, in bytes."""

    def __init__(self, source: Source, limit: int, *, with_data: bool):
        self._source = source
        self._left = limit
        self._with_data = with_data
        self._arrays: dict[int, np.ndarray] = {}

    def read(self, make_group: Callable[[], Any]) -> Any:
        """The root group; groups are made by ``make_group`` and filled in."""
        root, where = make_group(), "/"
        try:
            self._blocks = H5Blocks(self._source)
            seen: set[int] = set()
            todo: list[tuple[int, Any, str, int]] = [(self._blocks.root, root, "/", 0)]
            while todo:
                address, group, where, depth = todo.pop()
                if address in seen or depth > _MAX_DEPTH:
                    raise self._bad(f"group {where} is there twice, or too deep")
                seen.add(address)
                messages = self._blocks.messages(address)
                group.attributes = self._attributes(messages, where)
                base = where
                for name, target in sorted(self._links(messages, base)):
                    where = f"{base.rstrip('/')}/{name}"
                    if name in group.members:
                        raise self._bad(f"{where} is there twice")
                    inner = self._blocks.messages(target)
                    kinds = {message.kind for message in inner}
                    if _LAYOUT in kinds:
                        if target not in self._arrays:
                            self._arrays[target] = self._array(inner, where)
                        group.members[name] = self._arrays[target]
                    elif kinds & {_SYMBOLS, _LINK_INFO, _LINK}:
                        group.members[name] = make_group()
                        todo.append((target, group.members[name], where, depth + 1))
                    else:
                        raise self._bad(f"{where} is neither a group nor a data set")
            return root
        except FileFormatError:
            raise
        except _DAMAGE as problem:
            if is_unsupported(problem):
                raise self._unread(where, str(problem)) from None
            raise self._bad(f"{where}: {str(problem)[:120]}") from None

    def _bad(self, problem: str) -> FileFormatError:
        return FileFormatError(f"{self._source.name}: damaged HDF5 file: {problem}",
                               hint="save or fetch it again")

    def _unread(self, where: str, why: str) -> FileFormatError:
        return FileFormatError(f"{self._source.name}: {where} is not read: {why}",
                               hint="only numbers, truth values and text are, stored as they are "
                                    "or with gzip, shuffle and fletcher32")

    def _take(self, count: int, where: str) -> None:
        self._left -= count
        if self._left < 0:
            raise FileFormatError(
                f"{self._source.name}: {where} would take {count} bytes, beyond what a file of "
                f"{self._source.size} bytes may expand to",
                hint="pass max_bytes= if that is really wanted")

    # ------------------------------------------------------------------ links

    def _links(self, messages: list[Message], where: str) -> Iterator[tuple[str, int]]:
        """Name and header address of a group's members."""
        for message in messages:
            if message.kind == _SYMBOLS:
                for name, address, cache in self._blocks.symbols(
                        *struct.unpack_from("<QQ", message.data)):
                    if cache == 2:
                        raise self._soft(f"{where.rstrip('/')}/{name}")
                    yield self._checked(name), address
            elif message.kind == _LINK:
                yield self._link(message.data, where)
            elif message.kind == _LINK_INFO:
                skip = 2 + 8 * (message.data[1] & 1)
                heap, index = struct.unpack_from("<QQ", message.data, skip)
                if heap != UNDEFINED:
                    store = FractalHeap(self._blocks, heap)
                    for record in BTree2(self._blocks, index, 5, 11).records():
                        yield self._link(store.get(record[4:]), where)

    def _link(self, raw: bytes, where: str) -> tuple[str, int]:
        if raw[0] != 1:
            raise ValueError(f"a link of version {raw[0]}")
        flags, position, kind = raw[1], 2, 0
        if flags & 8:
            kind, position = raw[position], position + 1
        position += 8 * bool(flags & 4) + bool(flags & 16)
        width = 1 << (flags & 3)
        size = unsigned(raw[position:position + width])
        position += width
        name = self._checked(raw[position:position + size].decode("utf-8"))
        rest = raw[position + size:]
        path = f"{where.rstrip('/')}/{name}"
        if kind == 64:
            target = rest[3:].split(b"\0")[0].decode("utf-8", "replace")
            raise UnsafeFileError(f"{self._source.name}: {path} points into another file, "
                                  f"{target!r}; refused", hint="copy the data into one file")
        if kind != 0:
            raise self._soft(path)
        return name, struct.unpack_from("<Q", rest)[0]

    def _checked(self, name: str) -> str:
        if not name or "/" in name or name in (".", ".."):
            raise self._bad(f"a member called {name!r}")
        return name

    def _soft(self, path: str) -> FileFormatError:
        return FileFormatError(f"{self._source.name}: {path} is a soft link, which is not read",
                               hint="save the file again without links")

    # ------------------------------------------------------------- attributes

    def _attributes(self, messages: list[Message], where: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for message in messages:
            if message.kind == _ATTRIBUTE:
                self._attribute(message.flags, message.data, where, values)
            elif message.kind == _ATTRIBUTE_INFO:
                skip = 2 + 2 * (message.data[1] & 1)
                heap, index = struct.unpack_from("<QQ", message.data, skip)
                if heap != UNDEFINED:
                    store = FractalHeap(self._blocks, heap)
                    for record in BTree2(self._blocks, index, 8, 17).records():
                        self._attribute(record[8], store.get(record[:8]), where, values)
        return values

    def _attribute(self, flags: int, raw: bytes, where: str, values: dict[str, Any]) -> None:
        version = raw[0]
        if flags & _SHARED or version not in (1, 2, 3) or (version > 1 and raw[1]):
            raise self._unread(where, "it has a shared attribute")
        sizes = struct.unpack_from("<HHH", raw, 2)
        position, parts = 8 + (version == 3), []
        for size in sizes:
            parts.append(raw[position:position + size])
            position += size + (-size % 8 if version == 1 else 0)
        name = parts[0].rstrip(b"\0").decode("utf-8")
        what = f"attribute {name!r} of {where}"
        try:
            kind, shape = parse_datatype(parts[1]), parse_shape(parts[2])
        except ValueError as problem:
            if is_unsupported(problem):
                raise self._unread(what, str(problem)) from None
            raise
        if name in values:
            raise self._bad(f"{what} is there twice")
        if shape is None:
            values[name] = None
            return
        count = math.prod(shape)
        size = count * kind.dtype.itemsize
        if not is_possible(shape, kind.dtype.itemsize) or size > len(raw) - position:
            raise self._bad(f"{what} of shape {shape} is longer than its object header")
        values[name] = self._value(raw[position:position + size], kind, shape)

    def _value(self, raw: bytes, kind: Datatype, shape: tuple[int, ...]) -> Any:
        if kind.is_text:
            size = kind.dtype.itemsize
            texts = [self._text(raw[at:at + size], kind) for at in range(0, len(raw), size)]
            return texts if shape else texts[0]
        array = _as_bools(np.frombuffer(raw, np.uint8).copy(), kind.dtype)
        array = array.view(kind.dtype).reshape(shape) if raw else np.empty(shape, kind.dtype)
        return array if shape else array[()].item()

    def _text(self, raw: bytes, kind: Datatype) -> str:
        if kind.varying:
            length, address, index = struct.unpack("<IQI", raw)
            if length == 0:
                return ""
            raw = self._blocks.global_object(address, index)
            if length > len(raw):
                raise ValueError("a text longer than its place")
            self._take(length, "a text")
            return raw[:length].rstrip(b"\0").decode("utf-8")
        if kind.padding == 0:
            raw = raw.split(b"\0")[0]
        return raw.rstrip(b" " if kind.padding == 2 else b"\0").decode("utf-8")

    # ----------------------------------------------------------------- arrays

    def _array(self, messages: list[Message], where: str) -> np.ndarray:
        found = {message.kind: message for message in messages}
        if _EXTERNAL in found:
            raise self._elsewhere(where)
        if _SPACE not in found or _TYPE not in found:
            raise self._bad(f"{where} has no shape or no type")
        if any(found[kind].flags & _SHARED for kind in (_SPACE, _TYPE, _FILTERS, _FILL)
               if kind in found):
            raise self._unread(where, "it uses a shared definition")
        kind, shape = parse_datatype(found[_TYPE].data), parse_shape(found[_SPACE].data)
        if kind.varying or shape is None:
            raise self._unread(where, "its dtype is text of varying length"
                               if kind.varying else "it has no data")
        dtype = kind.dtype
        if not is_possible(shape, dtype.itemsize):
            raise self._bad(f"{where} has shape {shape}")
        filters = parse_filters(found[_FILTERS].data) if _FILTERS in found else []
        fill = b""
        for number in (_OLD_FILL, _FILL):
            if number in found:
                fill = fill_value(number, found[number].data)
        size = math.prod(shape) * dtype.itemsize
        layout = found[_LAYOUT].data
        if layout[0] not in (3, 4, 5):  # 5: as 4, with room for larger packed chunks
            raise self._unread(where, f"its layout has version {layout[0]}")
        if layout[1] == 3:
            raise self._elsewhere(where)
        if layout[1] == 2:
            limits = parse_limits(found[_SPACE].data, shape)
            raw = self._chunked(layout, shape, limits, dtype, filters, fill, where)
        else:
            raw = self._plain(layout, size, dtype, fill, where)
        if raw is None:
            return np.empty(0, dtype)
        raw = _as_bools(raw, dtype)
        return raw.view(dtype).reshape(shape) if size else np.empty(shape, dtype)

    def _elsewhere(self, where: str) -> UnsafeFileError:
        return UnsafeFileError(f"{self._source.name}: {where} keeps its data in other files; "
                               "refused", hint="copy the data into one file")

    def _plain(self, layout: bytes, size: int, dtype: np.dtype, fill: bytes, where: str) -> (
            np.ndarray | None):
        """Bytes that lie in the header or in one piece in the file."""
        if layout[1] == 0:
            stored, = struct.unpack_from("<H", layout, 2)
            raw = layout[4:4 + stored]
            if len(raw) != size:
                raise self._bad(f"{where} takes {size} bytes, not {len(raw)}")
            return np.frombuffer(raw, np.uint8).copy()
        if layout[1] != 1:
            raise self._bad(f"{where} has a layout of class {layout[1]}")
        address, stored = struct.unpack_from("<QQ", layout, 2)
        if address == UNDEFINED:
            return self._filled(size, dtype, fill, where)
        if stored != size:
            raise self._bad(f"{where} claims {size} bytes out of {stored} stored ones")
        self._take(size, where)
        if not self._with_data:
            return None
        return self._blocks.read_array(address, size, where)

    def _filled(self, size: int, dtype: np.dtype, fill: bytes, where: str, stored: int = 0) -> (
            np.ndarray):
        """An array of the fill value: all of one that was never written, or what is under chunks.

        ``stored`` is how many bytes the chunks that are there can come to.
        """
        if size > stored + _FILLED_LIMIT:
            raise self._bad(f"{where} claims {size} bytes out of {stored} stored ones")
        self._take(size, where)
        if len(fill) != dtype.itemsize or not any(fill):
            return np.zeros(size, np.uint8)
        return np.tile(np.frombuffer(fill, np.uint8), size // dtype.itemsize)

    def _chunked(self, layout: bytes, shape: tuple[int, ...], limits: tuple[int, ...],
                 dtype: np.dtype, filters: list[tuple[int, tuple[int, ...]]], fill: bytes,
                 where: str) -> np.ndarray:
        chunk, places = self._chunk_places(layout, limits, dtype, bool(filters), where)
        chunk_size = math.prod(chunk) * dtype.itemsize
        if not is_possible(chunk, dtype.itemsize) or chunk_size >= 2**32 or min(chunk) < 1:
            raise self._bad(f"{where} is cut into chunks of {chunk}")
        for _, stored, _, _ in places:
            if chunk_size > max(stored, 1) * (_DEFLATE_RATIO if filters else 1) + 64:
                raise self._bad(f"{where} has a chunk of {chunk_size} bytes out of {stored}")
        raw = self._filled(math.prod(shape) * dtype.itemsize, dtype, fill, where,
                           chunk_size * len(places))
        if not self._with_data or not raw.size:
            return raw
        array = raw.view(dtype).reshape(shape)
        for address, stored, skipped, offset in places:
            if any(start % step or start >= length
                   for start, step, length in zip(offset, chunk, shape)):
                raise self._bad(f"{where} has a chunk at {offset}")
            data = apply_filters(self._blocks.read(address, stored, where), filters, skipped,
                                 chunk_size)
            target = tuple(slice(start, start + step) for start, step in zip(offset, chunk))
            part = tuple(slice(0, min(step, length - start))
                         for start, step, length in zip(offset, chunk, shape))
            array[target] = data.view(dtype).reshape(chunk)[part]
        return raw

    def _chunk_places(self, layout: bytes, limits: tuple[int, ...], dtype: np.dtype,
                      packed: bool, where: str) -> tuple[tuple[int, ...], list[Any]]:
        """The chunks' shape, and of each its address, stored size, left-out filters, offset."""
        rank = len(limits)
        if layout[0] == 3:
            count, address = struct.unpack_from("<BQ", layout, 2)
            dims = struct.unpack_from(f"<{count}I", layout, 11)
        else:
            count, width = layout[3], layout[4]
            dims = tuple(unsigned(layout[5 + index * width:5 + (index + 1) * width])
                         for index in range(count))
        if count != rank + 1 or dims[-1] != dtype.itemsize or min(dims) < 1:
            raise self._bad(f"{where} is cut into chunks of {dims}")
        if layout[0] != 3:
            return dims[:-1], self._numbered_chunks(layout, limits, dims, packed, where)
        places = []
        if address != UNDEFINED:
            for key, child in self._blocks.leaves(address, 1, 8 + 8 * count):
                stored, skipped, *offset = struct.unpack(f"<II{count}Q", key)
                places.append((child, stored, skipped, tuple(offset[:-1])))
        return dims[:-1], places

    def _numbered_chunks(self, layout: bytes, limits: tuple[int, ...], dims: tuple[int, ...],
                         packed: bool, where: str) -> list[Any]:
        """The places of chunks that newer files find by number and not by a B-tree."""
        chunk, size = dims[:-1], math.prod(dims)
        position = 5 + layout[3] * layout[4]
        index = layout[position]
        count = math.prod(-(-length // step) for length, step in zip(limits, chunk))
        if index == 1:  # a single chunk
            stored, skipped = size, 0
            if layout[2] & 2:
                stored, skipped = struct.unpack_from("<QI", layout, position + 1)
            address, = struct.unpack_from("<Q", layout, position + 1 + 12 * bool(layout[2] & 2))
            entries = [(address, stored, skipped)]
        elif index == 2:  # one after another
            address, = struct.unpack_from("<Q", layout, position + 1)
            if address != UNDEFINED and count * size > self._source.size:
                raise self._bad(f"{where} claims {count} chunks of {size} bytes")
            entries = [(address + number * size, size, 0)
                       for number in range(count if address != UNDEFINED else 0)]
        elif index == 3:
            address, = struct.unpack_from("<Q", layout, position + 2)
            entries = self._fixed_array(address, size, packed, count)
        else:
            raise self._unread(where, f"its chunks have an index of kind {index}")
        grid = [-(-length // step) for length, step in zip(limits, chunk)] if entries else [0]
        return [(*entry, tuple(number * step for number, step in zip(at, chunk)))
                for entry, at in zip(entries, np.ndindex(*grid)) if entry[0] != UNDEFINED]

    def _fixed_array(self, address: int, size: int, packed: bool, count: int) -> (
            list[tuple[int, int, int]]):
        """Address, stored size and left-out filters of each chunk.  (VII.C)"""
        if address == UNDEFINED:
            return []
        head = self._blocks.expect(address, b"FAHD", 28, "a chunk index")
        entry, bits = head[2], head[3]
        stored_count, data = struct.unpack_from("<QQ", head, 4)
        if stored_count != count or not (entry == 8 if not packed else 13 <= entry <= 20):
            raise self._bad("a chunk index that does not fit")
        if data == UNDEFINED:
            return []
        self._blocks.expect(data, b"FADB", 14, "a chunk index")
        if bits < 64 and count > 1 << bits:
            raise self._blocks.unsupported("an array of very many chunks")
        raw = self._blocks.read(data + 14, count * entry, "a chunk index")
        return [(unsigned(raw[at:at + 8]),
                 unsigned(raw[at + 8:at + entry - 4]) if packed else size,
                 unsigned(raw[at + entry - 4:at + entry]) if packed else 0)
                for at in range(0, len(raw), entry)]


def _as_bools(raw: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A bool of 2 is neither true nor false to numpy."""
    return np.minimum(raw, 1) if dtype.kind == "b" else raw
