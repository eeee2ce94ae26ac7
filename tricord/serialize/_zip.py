"""Zip archives, read within bounds and written the same way every time.

Only the table of contents is left to ``zipfile``. An entry is refused before memory is taken if
its declared size cannot be true, if it overlaps another or if its name leaves the archive; its
checksum is always compared. ``FORMAT``: PKWARE APPNOTE 6.3.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from ..errors import FileFormatError
from ._source import Source
from .atomic import flat_view

__all__ = ["ZipReader", "memory_limit", "write_zip"]

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_DEFLATE_RATIO = 1032  # what deflate can reach at best (zlib technical details)
_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_EPOCH = (1980, 1, 1, 0, 0, 0)


def memory_limit(size: int, max_bytes: int | None) -> int:
    """What a file of ``size`` bytes may expand to: 1 GiB plus 16 times its size, unless told."""
    return (1 << 30) + 16 * size if max_bytes is None else max_bytes


class ZipReader:
    """The entries of an archive by name. ``crc_optional``: a recorded checksum of 0 means none."""

    def __init__(self, source: Source, *, max_bytes: int | None = None, crc_optional: bool = False):
        self.source = source
        self._crc_optional = crc_optional
        try:
            with zipfile.ZipFile(source.file) as archive:
                listed = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError,
                struct.error, IndexError, OSError) as problem:
            raise self._bad(f"not a readable zip archive ({problem})") from None
        self.entries = self._checked(listed)
        ordered = sorted(self.entries.values(), key=lambda entry: entry.header_offset)
        ends = [entry.header_offset for entry in ordered[1:]] + [source.size]
        self._end = {entry.filename: end for entry, end in zip(ordered, ends)}
        total = sum(entry.file_size for entry in ordered)
        limit = memory_limit(source.size, max_bytes)
        if total > limit:
            raise FileFormatError(
                f"{source.name}: claims to expand to {total} bytes, more than the {limit} allowed "
                f"for a file of {source.size}", hint="pass max_bytes= if that is really wanted")

    def _bad(self, problem: str) -> FileFormatError:
        return FileFormatError(f"{self.source.name}: {problem}",
                               hint="the file is damaged; fetch or save it again")

    def _checked(self, listed: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        entries: dict[str, zipfile.ZipInfo] = {}
        for entry in listed:
            name = entry.filename
            parts = name.replace("\\", "/").split("/")
            outside = name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]
            if outside or "\0" in entry.orig_filename:
                raise self._bad(f"entry {name!r} has a path that leaves the archive")
            if name in entries:
                raise self._bad(f"entry {name!r} is there twice")
            if entry.flag_bits & _ENCRYPTED:
                raise self._bad(f"entry {name!r} is encrypted")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise self._bad(f"entry {name!r} has compression {entry.compress_type}; "
                                "only stored and deflated ones are read")
            stored = entry.compress_type == zipfile.ZIP_STORED
            most = entry.compress_size * (1 if stored else _DEFLATE_RATIO) + 64 * (not stored)
            if entry.file_size > most or (stored and entry.file_size != entry.compress_size):
                raise self._bad(f"entry {name!r} claims {entry.file_size} bytes "
                                f"out of {entry.compress_size}")
            if not name.endswith("/"):
                entries[name] = entry
        return entries

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def size(self, name: str) -> int:
        """Bytes of an entry once it is expanded."""
        return self.entries[name].file_size

    def read(self, name: str) -> bytes:
        """An entry's bytes."""
        return self.read_array(name).tobytes()

    def read_array(self, name: str) -> np.ndarray:
        """An entry's bytes as a fresh, writable uint8 array."""
        entry = self.entries.get(name)
        if entry is None:
            raise self._bad(f"entry {name!r} is missing; there are {sorted(self.entries)[:8]}")
        start = self._data_start(entry)
        if start + entry.compress_size > self._end[name]:
            raise self._bad(f"entry {name!r} overlaps what follows it")
        what = f"entry {name!r}"
        if entry.compress_type == zipfile.ZIP_STORED:
            array = self.source.read_array(start, entry.file_size, what)
        else:
            array = self._inflate(entry, start)
        if zlib.crc32(array) != entry.CRC and not (self._crc_optional and entry.CRC == 0):
            raise self._bad(f"entry {name!r} does not match its checksum")
        return array

    def _data_start(self, entry: zipfile.ZipInfo) -> int:
        raw = self.source.read_at(entry.header_offset, _LOCAL_HEADER.size, "a zip header")
        signature, *_, name_size, extra_size = _LOCAL_HEADER.unpack(raw)
        if signature != b"PK\x03\x04":
            raise self._bad(f"entry {entry.filename!r} is not where the table of contents says")
        start = entry.header_offset + _LOCAL_HEADER.size
        name = self.source.read_at(start, name_size, "a zip entry's name")
        # The flag says utf-8; without it the names of all our formats are ASCII, equal in both.
        if name != entry.orig_filename.encode("utf-8", "replace") and name.isascii():
            raise self._bad(f"entry {entry.filename!r} has another name at its data: {name!r}")
        return start + name_size + extra_size

    def _inflate(self, entry: zipfile.ZipInfo, start: int) -> np.ndarray:
        packed = memoryview(self.source.read_array(start, entry.compress_size, entry.filename))
        array = np.empty(entry.file_size, np.uint8)
        view, position, inflater = memoryview(array), 0, zlib.decompressobj(-15)
        try:
            for begin in range(0, len(packed), _CHUNK):
                data: bytes | memoryview = packed[begin:begin + _CHUNK]
                while data and not inflater.eof:
                    chunk = inflater.decompress(data, _CHUNK)
                    if position + len(chunk) > entry.file_size:
                        raise self._bad(f"entry {entry.filename!r} is longer than it claims")
                    view[position:position + len(chunk)] = chunk
                    position += len(chunk)
                    data = inflater.unconsumed_tail
            while position < entry.file_size and (chunk := inflater.flush(_CHUNK)):
                if position + len(chunk) > entry.file_size:
                    raise self._bad(f"entry {entry.filename!r} is longer than it claims")
                view[position:position + len(chunk)] = chunk
                position += len(chunk)
        except zlib.error as problem:
            raise self._bad(f"entry {entry.filename!r} cannot be expanded ({problem})") from None
        if position != entry.file_size:
            raise self._bad(f"entry {entry.filename!r} is shorter than it claims")
        return array


def write_zip(
    file: BinaryIO,
    entries: Iterable[tuple[str, Iterable[bytes | memoryview]]],
    *,
    alignment: int = 64,
    compress: bool = False,
) -> None:
    """Write entries, each given as its pieces, in order; equal entries give equal bytes.

    Data starts at multiples of ``alignment``, so that a reader may map it into memory.
    """
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, pieces in entries:
            views = [flat_view(piece) for piece in pieces]
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = method
            info.create_system = 3  # the same bytes on every system
            info.external_attr = 0o644 << 16
            info.file_size = sum(len(view) for view in views)
            # The rule by which zipfile decides to write 20 bytes of 64-bit sizes.
            large = info.file_size * 1.05 > zipfile.ZIP64_LIMIT
            header = _LOCAL_HEADER.size + len(name.encode()) + 20 * large
            info.extra = _padding(archive.start_dir + header, alignment)
            with archive.open(info, "w", force_zip64=large) as entry:
                for view in views:
                    for start in range(0, len(view), _CHUNK):
                        entry.write(view[start:start + _CHUNK])


def _padding(position: int, alignment: int) -> bytes:
    """An extra field (tag "FB", as PyTorch writes) after which ``position`` is a multiple."""
    gap = -(position + 4) % alignment
    return b"FB" + struct.pack("<H", gap) + b"Z" * gap
