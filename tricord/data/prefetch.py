"""A thread that loads a few batches ahead of whoever consumes them.

The thread knows the queue and the producer, never the iterator that owns them: when the iterator
is dropped, its finalizer closes the queue and the thread ends. An exception of the producer is
handed over as it is, so its traceback shows the line in the data set that failed.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Generator
from typing import Any

__all__ = ["PrefetchQueue"]

_FAILED = "failed"
_ITEM = "item"


class PrefetchQueue:
    """A bounded queue, filled by a thread from a generator."""

    def __init__(self, produce: Generator[Any, None, None], depth: int):
        self._changed = threading.Condition()
        self._entries: deque[tuple[str, Any]] = deque()
        self._depth = depth
        self._closed = False
        self._finished = False
        # The thread sees the settings and the sample context of the place that made the loader.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._fill, produce), name="tricord-prefetch", daemon=True)
        self._thread.start()

    def _fill(self, produce: Generator[Any, None, None]) -> None:
        try:
            for item in produce:
                if not self._put(_ITEM, item):
                    return
        except BaseException as error:  # noqa: BLE001 - carried to the consumer, raised there
            self._put(_FAILED, error)
        finally:
            produce.close()
            with self._changed:
                self._finished = True
                self._changed.notify_all()

    def _put(self, kind: str, value: Any) -> bool:
        with self._changed:
            while len(self._entries) >= self._depth and not self._closed:
                self._changed.wait()
            if not self._closed:
                self._entries.append((kind, value))
                self._changed.notify_all()
            return not self._closed

    def get(self, default: Any) -> Any:
        """The next item, ``default`` after the last one, or the producer's exception."""
        with self._changed:
            while not self._entries and not self._finished and not self._closed:
                # A limit, because Windows delivers Ctrl-C only between waits.
                self._changed.wait(1.0)
            if not self._entries:
                return default
            kind, value = self._entries.popleft()
            self._changed.notify_all()
        if kind is _FAILED:
            try:
                raise value
            finally:
                del value  # else the exception and this frame keep each other alive
        return value

    def close(self) -> None:
        """Let the thread end; what it has loaded is dropped. Never waits for a slow sample."""
        with self._changed:
            self._closed = True
            self._entries.clear()
            self._changed.notify_all()
