"""Files that are always whole: either the old content or the new, never something in between.

The steps: a temporary file in the same folder, fsync, read back, ``os.replace``, fsync of the
folder. A reader, a crash, ``kill -9`` or a full disk at any moment sees one of two whole files.

A temporary file is locked while its writer lives. A writer that finds an unlocked one beside its
target knows that its writer died, and removes it; so they do not pile up.

Known weakness: where there is no ``fcntl`` (Windows) or the file system has no locks, a dead
writer's temporary file is recognised by its age (a day) instead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from ..errors import ArgumentError, FileFormatError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Content", "PathOrFile", "atomic_write", "flat_view"]

PathOrFile: TypeAlias = "str | os.PathLike[str] | BinaryIO"
Content: TypeAlias = "bytes | bytearray | memoryview | Callable[[BinaryIO], object]"

_MARK = ".tricord-"
_STALE_AGE = 24 * 3600.0  # seconds; only where files cannot be locked
_CHUNK = 1 << 20


def atomic_write(
    target: PathOrFile,
    content: Content,
    *,
    verify: Callable[[str], object] | None = None,
) -> None:
    """Write a file so that it is never seen half written.

    ``content`` is the bytes, or a function that writes them to the binary file it is given.
    ``verify`` is called with the path of the finished temporary file and raises if it is not
    right; then the target stays as it was. Bytes are read back and compared by themselves.
    A file object as the target is written to directly: its owner decides when it is whole.

    Raises:  OSError if the folder does not exist, is not writable, or the disk is full;
             FileFormatError if what was read back is not what was written

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "note.txt")
    ...     atomic_write(path, b"hello")
    ...     path.read_bytes(), len(os.listdir(folder))
    (b'hello', 1)
    """
    if not isinstance(target, str | os.PathLike):
        _write_through(target, content)
        return
    # A link stays a link: the file it points at is the one that is replaced.
    path = os.path.realpath(os.fspath(target))
    old = _existing(path)
    if old is not None and not stat.S_ISREG(old.st_mode):
        if stat.S_ISDIR(old.st_mode):
            raise IsADirectoryError(errno.EISDIR, "cannot write a file over a folder", path)
        with open(path, "wb") as device:  # a pipe or a device has no old content to keep
            _fill(device, content)
        return
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "the folder to write into does not exist", folder)
    _remove_stale(folder, os.path.basename(path))
    with _temporary(path) as (file, temporary):
        if old is not None:
            with contextlib.suppress(OSError):  # best effort: another owner's file, odd systems
                os.chmod(temporary, stat.S_IMODE(old.st_mode))
        _fill(file, content)
        file.flush()
        os.fsync(file.fileno())
        if not callable(content):
            _compare(temporary, content, path)
        if verify is not None:
            verify(temporary)
        if fcntl is None:
            file.close()  # Windows does not rename an open file
        os.replace(temporary, path)
    _sync_folder(folder)


def flat_view(data: bytes | bytearray | memoryview) -> memoryview:
    """The bytes of a contiguous buffer of any shape and type."""
    view = memoryview(data)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _fill(file: BinaryIO, content: Content) -> None:
    if callable(content):
        content(file)
        return
    view = flat_view(content)
    for start in range(0, len(view), _CHUNK):
        file.write(view[start:start + _CHUNK])


def _write_through(target: BinaryIO, content: Content) -> None:
    if not callable(getattr(target, "write", None)):
        raise ArgumentError(
            f"write: expected a path or a binary file object, got {type(target).__name__}")
    _fill(target, content)


def _existing(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _compare(temporary: str, content: bytes | bytearray | memoryview, path: str) -> None:
    view = flat_view(content)
    checksum, size = 0, 0
    with open(temporary, "rb") as file:
        while chunk := file.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
            size += len(chunk)
    if size != len(view) or checksum != zlib.crc32(view):
        raise FileFormatError(
            f"{path}: {size} bytes read back differ from the {len(view)} written; "
            "the old file was kept", hint="check the disk")


@contextlib.contextmanager
def _temporary(path: str) -> Iterator[tuple[BinaryIO, str]]:
    """A locked, empty file beside ``path``; gone afterwards unless it was renamed."""
    folder, name = os.path.split(path)
    # 200 bytes of the name are enough to know it by, and leave room under the usual limit of 255.
    stem = os.fsdecode(os.fsencode(name)[:200])
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(
        os, "O_CLOEXEC", 0)
    while True:
        temporary = os.path.join(folder, f".{stem}{_MARK}{secrets.token_hex(6)}")
        descriptor = os.open(temporary, flags, 0o666)
        _lock(descriptor)
        # Between its creation and the lock another writer may have taken it for a stale one.
        if os.path.exists(temporary):
            break
        os.close(descriptor)
    with os.fdopen(descriptor, "w+b") as file:
        try:
            yield file, temporary
        except BaseException:
            if fcntl is None:
                file.close()
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        # Not every file system has locks; then only age tells a stale file.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _remove_stale(folder: str, name: str) -> None:
    """Remove the temporary files of writers of ``name`` that died."""
    prefix = f".{os.fsdecode(os.fsencode(name)[:200])}{_MARK}"
    with os.scandir(folder) as entries:
        stale = [entry.path for entry in entries if entry.name.startswith(prefix)]
    for path in stale:
        with contextlib.suppress(OSError):  # gone already, or not ours to remove
            _remove_if_dead(path)


def _remove_if_dead(path: str) -> None:
    if fcntl is None:
        if time.time() - os.stat(path).st_mtime > _STALE_AGE:
            os.unlink(path)
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held by a living writer: raises
        # While we waited it may have been renamed to the target: remove only what we locked.
        if os.path.samestat(os.stat(path), os.fstat(descriptor)):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _sync_folder(folder: str) -> None:
    """Make the rename itself durable."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
