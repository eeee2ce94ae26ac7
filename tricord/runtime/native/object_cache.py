"""Object code kept on disk: content-addressed, bounded, safe with many processes.

A file is a header (magic, hash of everything behind it), the key, and the payload. What does not
match is ignored and removed. Code from a file is run, so the folder must belong to the user and be
writable by nobody else; else it is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ... import settings

__all__ = ["keep", "key_of", "lookup"]

_MAGIC: Final = b"tricord object 1\n"
_HEADER: Final = len(_MAGIC) + 32 + 64
_LIMIT: Final = 256 << 20
#: How many files are written between two looks at the folder's size.
_LOOK_EVERY: Final = 32


def key_of(parts: Iterable[str]) -> str:
    """The name of what these texts determine."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _folder() -> Path | None:
    cache = settings.get().cache
    return None if cache is None else cache / "objects"


def _is_ours(facts: os.stat_result) -> bool:
    """Whether only this user could have written what has these facts."""
    return os.name != "posix" or (
        facts.st_uid == os.geteuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _trusted(folder: Path) -> bool:
    try:
        facts = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and _is_ours(facts)


def _read(path: Path) -> bytes | None:
    """The content of a regular file of this user's; nothing else is waited for or followed."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            facts = os.fstat(file.fileno())
            if stat.S_ISREG(facts.st_mode) and _is_ours(facts) and facts.st_size <= _LIMIT:
                return file.read()
    except OSError:
        pass
    return None


def lookup(key: str) -> bytes | None:
    """The payload kept under a key, or None."""
    folder = _folder()
    if folder is None or not _trusted(folder):
        return None
    path = folder / key
    data = _read(path)
    if data is None:
        return None
    body = data[len(_MAGIC) + 32:]
    good = (data.startswith(_MAGIC) and len(data) >= _HEADER
            and hashlib.sha256(body).digest() == data[len(_MAGIC):len(_MAGIC) + 32]
            and body[:64] == key.encode())
    with contextlib.suppress(OSError):
        if not good:
            path.unlink()
        else:
            os.utime(path)  # the least recently used go first
    return body[64:] if good else None


def keep(key: str, payload: bytes) -> None:
    """Keep a payload; a folder that cannot be written to is no error."""
    folder = _folder()
    if folder is None:
        return
    body = key.encode() + payload
    data = _MAGIC + hashlib.sha256(body).digest() + body
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _trusted(folder):
            return
        _write(folder / key, data)
        if int(key[:4], 16) % _LOOK_EVERY == 0:
            _shrink(folder)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all; no wait for the disk, because the hash tells what is damaged."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _shrink(folder: Path) -> None:
    """Remove the least recently used files until what is left is within the limit."""
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            facts = path.stat()
            found.append((facts.st_mtime, facts.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= _LIMIT:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size
