"""A file to read from, opened from a path or given as an object, whose size is known."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ..errors import ArgumentError, FileFormatError
from .atomic import PathOrFile

__all__ = ["Source", "open_source"]

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """An open, seekable file of ``size`` bytes; ``name`` is what messages call it."""

    file: BinaryIO
    size: int
    name: str

    def read_at(self, offset: int, count: int, what: str) -> bytes:
        """Exactly ``count`` bytes; refused before any memory is taken if the file is shorter."""
        self._need(offset, count, what)
        self.file.seek(offset)
        data = self.file.read(count)
        if len(data) != count:
            raise self._short(what)
        return data

    def read_array(self, offset: int, count: int, what: str) -> np.ndarray:
        """The same, as a fresh, writable uint8 array."""
        self._need(offset, count, what)
        array = np.empty(count, np.uint8)
        view = memoryview(array)
        self.file.seek(offset)
        position = 0
        while position < count:
            chunk = self.file.read(min(_CHUNK, count - position))
            if not chunk:
                raise self._short(what)
            view[position:position + len(chunk)] = chunk
            position += len(chunk)
        return array

    def _need(self, offset: int, count: int, what: str) -> None:
        if offset < 0 or count < 0 or offset + count > self.size:
            raise FileFormatError(
                f"{self.name}: {what} should be {count} bytes at offset {offset}, "
                f"but the file has {self.size} bytes",
                hint="the file is truncated or damaged; fetch or save it again")

    def _short(self, what: str) -> FileFormatError:
        return FileFormatError(f"{self.name}: the file ended while {what} was read")


@contextlib.contextmanager
def open_source(source: PathOrFile) -> Iterator[Source]:
    """Open a path, or take a binary file object from where it stands to its end."""
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        with open(name, "rb") as file:
            yield Source(file, os.fstat(file.fileno()).st_size, str(name))
        return
    if not callable(getattr(source, "read", None)):
        raise ArgumentError(
            f"read: expected a path or a binary file object, got {type(source).__name__}")
    name = str(getattr(source, "name", f"<{type(source).__name__}>"))
    seekable = getattr(source, "seekable", None)
    if not (callable(seekable) and seekable() and source.tell() == 0):
        content = source.read()
        if not isinstance(content, bytes):
            raise ArgumentError(f"read: {name} gives {type(content).__name__}, not bytes",
                                hint="open it with mode 'rb'")
        yield Source(io.BytesIO(content), len(content), name)
        return
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    if not isinstance(source.read(0), bytes):
        raise ArgumentError(f"read: {name} is a text file object", hint="open it with mode 'rb'")
    yield Source(source, size, name)
