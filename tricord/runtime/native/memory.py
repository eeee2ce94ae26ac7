"""Memory for tensors: aligned, and of which Python can tell whether anybody still uses it."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ...errors import OutOfMemoryError
from .layout import has_interpreter_lock

__all__ = ["ALIGNMENT", "UNUSED", "Bytes", "Pages", "Pool", "aligned_empty", "is_own"]

Array = np.ndarray[Any, Any]
ALIGNMENT: Final = 64
_LARGE: Final = 1 << 16
#: Bytes from which on memory is asked for in pages of some megabytes, where the system has those:
#: rows of a large matrix lie on other small pages each, more than the processor knows of.
_HUGE: Final = 4 << 20
_ADVICE: Final = getattr(mmap, "MADV_HUGEPAGE", None)
#: Private, because a forked child must not write into its parent's arrays.
_PRIVATE: Final = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}


class Bytes(bytearray):
    """Memory behind one array alone; the type says that it is tricord's own."""

    __slots__ = ()


class Pages(mmap.mmap):
    """The same, for large arrays."""

    __slots__ = ()


def is_own(array: Array) -> bool:
    """Whether an array is as native code wants its results: dense, aligned, to be written to, and
    with memory that no other array shares."""
    flags = array.flags
    return bool(flags.c_contiguous and flags.writeable and array.ctypes.data % ALIGNMENT == 0
                and (flags.owndata or isinstance(array.base, (Bytes, Pages))))


def aligned_empty(shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """An array that begins at a multiple of 64 bytes.

    Its base is no array, so views of it refer to the array itself, and its count of references
    tells of them. Large ones are on pages of their own.
    """
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if size >= _LARGE:
        try:
            pages = Pages(-1, size, **_PRIVATE)
        except (OSError, OverflowError) as error:
            raise OutOfMemoryError(f"no memory for {size} bytes: {dtype} {tuple(shape)}") from error
        if size >= _HUGE and _ADVICE is not None:
            with contextlib.suppress(OSError):  # a kernel without them
                pages.madvise(_ADVICE)
        return np.ndarray(shape, dtype, buffer=pages)
    raw = Bytes(size + ALIGNMENT)
    offset = -np.frombuffer(raw, np.uint8).ctypes.data % ALIGNMENT
    return np.ndarray(shape, dtype, buffer=raw, offset=offset)


def _count_of_unused() -> int:
    """What `sys.getrefcount` says, in a loop as in `Pool.take`, of an object that only one list
    holds. Interpreters differ; where the count says nothing it is one that never comes."""
    if not has_interpreter_lock():
        return -1
    held = [object()]
    for one in held:
        return sys.getrefcount(one)
    return -1


UNUSED: Final = _count_of_unused()


#: Bytes of a result up to which two of a kind are kept.
_LARGEST_PAIR = 64 << 20


class Pool:
    """Results of one program and one place among its outputs, used again when nobody holds them.

    Keeps a few, not all: who holds many results of a program (a list of predictions) gets fresh
    memory for each.
    """

    __slots__ = ("arrays", "dtype", "limit", "shape")

    def __init__(self, shape: Sequence[int], dtype: np.dtype[Any]):
        self.shape = tuple(shape)
        self.dtype = dtype
        nbytes = dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))
        # Two, for loops that hold a result while they compute the next; fresh pages cost more
        # than most kernels.
        self.limit = 2 if nbytes <= _LARGEST_PAIR else 1
        self.arrays: list[Array] = []

    def take(self) -> Array:
        """An array of the pool's type with any content."""
        for array in self.arrays:
            if sys.getrefcount(array) == UNUSED:
                return array
        array = aligned_empty(self.shape, self.dtype)
        if len(self.arrays) < self.limit:
            self.arrays.append(array)
        return array

    def part_with(self) -> Array:
        """The same for a value that stays, as a variable's does: the pool forgets the array, so
        that its count of references tells when the variable alone has it."""
        for i, array in enumerate(self.arrays):
            if sys.getrefcount(array) == UNUSED:
                del self.arrays[i]
                return array
        return aligned_empty(self.shape, self.dtype)
