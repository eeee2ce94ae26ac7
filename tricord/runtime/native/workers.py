"""The worker threads of a process: started when a program first wants them.

They run `threads_code`'s ``worker`` and never come back to Python, except before a fork, which they
are stopped for: parent and child each start theirs anew when they next want them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from . import threads_code
from .memory import aligned_empty

__all__ = ["Workers"]

_START_SECONDS: Final = 5.0


class Workers:
    """Threads for one machine; ``address`` is the pool's memory, which native code knows."""

    def __init__(self, image: Any):
        self.memory = aligned_empty((threads_code.POOL_BYTES,), np.dtype(np.uint8))
        self.memory[:] = 0
        self.address: int = self.memory.ctypes.data
        self._ready = self.memory[threads_code.READY:][:8].view(np.uint64)
        self._processors = self.memory[threads_code.WORKERS:][:8].view(np.uint64)
        self._worker = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(
            image.address("worker"))
        self._leave = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(image.address("leave"))
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        _all.append(self)

    def grow(self, threads: int) -> int:
        """Start workers, so that there are ``threads`` with the caller; how many there are then."""
        with self._lock:
            processors = sorted(os.sched_getaffinity(0))
            # Two threads on one processor make a region a hundred times slower: each worker gets
            # its own, if there are enough, and the caller keeps off them.
            own = processors[-(threads - 1):] if len(processors) >= threads > 1 else []
            if len(self._threads) < threads - 1:
                self._processors[0] = sum(1 << p for p in own if p < 64)
            while len(self._threads) < threads - 1:
                number = len(self._threads) + 1
                thread = threading.Thread(
                    target=self._work, args=(number, own[-number:][:1]), daemon=True,
                    name=f"tricord-compute-{number}")
                try:
                    thread.start()
                except RuntimeError:  # no more threads for this process, or none at its end
                    break
                self._threads.append(thread)
            late = time.monotonic() + _START_SECONDS
            while int(self._ready[0]).bit_count() < len(self._threads):
                if time.monotonic() > late:  # an interpreter at its end starts none
                    return 1
                time.sleep(1e-5)
            return len(self._threads) + 1

    def _work(self, number: int, processor: Sequence[int]) -> None:
        if processor:
            with contextlib.suppress(OSError):  # taken from the process in the meantime
                os.sched_setaffinity(0, processor)
        self._worker(self.address, number)

    def stop(self) -> None:
        """Let the workers leave, unless they are in the middle of something long."""
        if not self._threads or not self._lock.acquire(timeout=1):
            return
        try:
            if self._leave(self.address):
                for thread in self._threads:
                    thread.join()
                self._threads = []
        finally:
            self._lock.release()

    def forget(self) -> None:
        """In a forked child: whatever threads there were are not here."""
        self.memory[:] = 0
        self._threads = []
        self._lock = threading.Lock()


#: Those of every machine; none is ever freed.
_all: list[Workers] = []


def _stop_all() -> None:
    for workers in _all:
        workers.stop()


def _forget_all() -> None:
    for workers in _all:
        workers.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_stop_all, after_in_child=_forget_all)
