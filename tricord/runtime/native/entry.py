"""A program with memory of its own, ready to be called; several entries may share a program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from .entry_code import BLOCK_WORDS, BUSY, LOCK, REFUSED, THREADS
from .machine import Machine
from .memory import Array, Bytes, Pages, aligned_empty, is_own

__all__ = ["Entry", "as_argument"]

#: Shape and dtype.
Kind = tuple[tuple[int, ...], np.dtype[Any]]


class Entry:
    """One call at a time.

    ``call(arguments, results)``, both lists of arrays, answers 0, or the number of a check that
    refused a value, after which `release` must be called, or a negative number: nothing was done,
    because an array is not as it must be (`REFUSED`), the program is at work (`BUSY`), or there are
    too few workers (`NO_WORKERS`: call `grow`).
    """

    def __init__(self, owner: Machine, image: Any, arguments: Sequence[Kind],
                 results: Sequence[Kind], constants: Sequence[Array], *, arena_bytes: int,
                 status_bytes: int, scratch_bytes: int, threads: int, flush: bool = True,
                 times_bytes: int = 0):
        self._owner = owner
        self.threads = threads if owner.workers else 1
        self.status = aligned_empty((status_bytes,), np.dtype(np.uint8))
        self.status[:] = 0
        arena = aligned_empty((arena_bytes,), np.dtype(np.uint8))
        scratch = aligned_empty((scratch_bytes * self.threads,), np.dtype(np.uint8))
        #: what a timed program notes, thread by thread
        self.times = aligned_empty((times_bytes * self.threads,), np.dtype(np.uint8))
        held = [*constants, arena, self.status, scratch, self.times]
        count = len(arguments) + len(results)
        context = np.zeros(count + len(held), np.int64)
        context[count:] = [a.ctypes.data for a in held]
        all_kinds = [*arguments, *results]
        kinds = np.array([(id(dtype), _size(shape)) for shape, dtype in all_kinds] or [(0, 0)],
                         np.int64)
        self.block = np.zeros(BLOCK_WORDS, np.int64)
        self.block[:] = [
            len(arguments), len(results), context.ctypes.data, image.address("program"),
            owner.workers.address if owner.workers else 0, self.threads, flush, 0,
            kinds.ctypes.data, id(list), id(np.ndarray), id(Bytes), id(Pages)]
        block = self.block.ctypes.data
        self.call: Callable[[list[Any], list[Any]], int]
        if owner.reads_objects:
            # The function keeps alive whatever its addresses lead to.
            self.call = owner.function(block, (
                owner, image, self.block, context, held, kinds, all_kinds))
        else:
            self.call = _Plain(self, image, arguments, results, context, held)

    def release(self) -> None:
        """Let others call again, after a refusal."""
        if isinstance(self.call, _Plain):
            self.call.lock.release()
        else:
            self.block[LOCK] = 0

    def grow(self) -> None:
        """Start the workers that the program wants; if that cannot be, it runs on fewer."""
        assert self._owner.workers is not None
        self.block[THREADS] = min(self._owner.workers.grow(self.threads), self.threads)


class _Plain:
    """What `entry_code.emit_entry` does, for interpreters whose objects it cannot read."""

    def __init__(self, entry: Entry, image: Any, arguments: Sequence[Kind],
                 results: Sequence[Kind], context: Array, held: Sequence[Array]):
        self.lock = threading.Lock()
        self._launch = entry._owner.launch
        self._block = entry.block
        self._arguments = arguments
        self._results = results
        self._context = context
        self._held = (image, held)

    def __call__(self, arguments: list[Any], results: list[Any]) -> int:
        if not self.lock.acquire(blocking=False):
            return BUSY
        code = REFUSED
        try:
            if (len(arguments) == len(self._arguments) and len(results) == len(self._results)
                    and all(map(_fits, arguments, self._arguments))
                    and all(map(_fits, results, self._results)) and all(map(is_own, results))):
                addresses = [a.ctypes.data for a in (*arguments, *results)]
                self._context[:len(addresses)] = addresses
                code = self._launch(self._block.ctypes.data)
        finally:
            if code <= 0:
                self.lock.release()
        return code


def _size(shape: Sequence[int]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size


def _fits(array: Any, kind: Kind) -> bool:
    shape, dtype = kind
    return (type(array) is np.ndarray and array.dtype == dtype and array.size == _size(shape)
            and array.flags.c_contiguous and array.flags.aligned)


def as_argument(value: Any, kind: Kind) -> Array:
    """An array as native code wants its arguments: itself if it can be.

    Raises:  ShapeError, DTypeError if it holds something else
    """
    shape, dtype = kind
    array = np.asarray(value)
    if array.shape != shape:
        raise ShapeError(f"a compiled program: an argument of shape {shape}, got {array.shape}")
    if array.dtype != dtype:
        raise DTypeError(f"a compiled program: an argument of dtype {dtype}, got {array.dtype}")
    if not (array.flags.c_contiguous and array.flags.aligned):
        array = np.array(array, order="C")
    # Equal dtypes may be several objects; native code knows one.
    return array if array.dtype is dtype else array.view(dtype)
