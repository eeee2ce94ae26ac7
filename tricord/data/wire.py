"""How objects travel between a loader and its own worker processes.

Objects are pickled, arrays go beside the pickle as raw bytes (protocol 5), so a batch is copied
once on each side and arrives writable. This is the only unpickling in tricord that can name
classes: both ends of the pipe are one program, the pipe has no name and no other process can reach
it. Nothing here ever reads a file.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from .arrays import as_array
from .collate import is_tensor, tensor_from_array

__all__ = ["Message", "pack", "receive", "send", "unpack"]

# A packed object: the pickle, and the arrays that travel beside it.
Message = tuple[bytes | bytearray, list[Any]]

_COUNT = struct.Struct("<Q")


class _Pickler(pickle.Pickler):
    """Sends a Tensor as its values: nothing of its graph crosses the process."""

    def reducer_override(self, value: Any) -> Any:
        if is_tensor(value):
            return tensor_from_array, (np.asarray(as_array(value), order="C"),)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Finds the classes of the user's script, which has another name in a worker."""

    def __init__(self, file: io.BytesIO, load_main: Callable[[], None] | None, **options: Any):
        super().__init__(file, **options)
        self._load_main = load_main

    def find_class(self, module: str, name: str) -> Any:
        if module in ("__main__", "__mp_main__"):
            if self._load_main is not None:
                self._load_main()
            module = "__main__"
        return super().find_class(module, name)


def pack(value: Any) -> Message:
    """The object as bytes. Raises what pickle raises when it cannot be sent."""
    file = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    _Pickler(file, protocol=5, buffer_callback=buffers.append).dump(value)
    return file.getvalue(), [buffer.raw() for buffer in buffers]


def unpack(message: Message, load_main: Callable[[], None] | None = None) -> Any:
    """The object again. ``load_main`` is called before a class of ``__main__`` is looked up."""
    payload, buffers = message
    return _Unpickler(io.BytesIO(payload), load_main, buffers=buffers).load()


def send(connection: Connection, message: Message) -> None:
    payload, buffers = message
    sizes = [len(buffers), *(buffer.nbytes for buffer in map(memoryview, buffers))]
    connection.send_bytes(b"".join(map(_COUNT.pack, sizes)) + payload)
    for buffer in buffers:
        if memoryview(buffer).nbytes:
            connection.send_bytes(buffer)


def receive(connection: Connection) -> Message:
    """The next message. Raises EOFError when the other end is gone."""
    head = connection.recv_bytes()
    (count,) = _COUNT.unpack_from(head)
    sizes = [_COUNT.unpack_from(head, 8 * (i + 1))[0] for i in range(count)]
    buffers = [bytearray(size) for size in sizes]
    for buffer in buffers:
        if buffer:
            connection.recv_bytes_into(buffer)
    return head[8 * (count + 1):], buffers
