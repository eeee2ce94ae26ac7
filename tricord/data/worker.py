"""The program of a worker process: load the batches it is asked for, send them back.

Started by ``workers.WorkerPool`` as a fresh interpreter, never by fork. The user's script is
imported only if the data set (or collate_fn, worker_init_fn) comes from it, so most scripts work
without a ``__main__`` guard.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import queue
import runpy
import signal
import struct
import sys
import threading
import traceback
import types
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from .. import settings
from . import wire
from .fetch import END, Fetcher, LoadPlan, make_fetcher
from .seeds import Purpose, raw_words, seed_global_generators

__all__ = ["MainModule", "MissingMainGuard", "Progress", "WorkerInfo", "WorkerSetup",
           "get_worker_info", "importing_main", "main"]


class MissingMainGuard(BaseException):
    """The script, imported again by a worker, came to start workers itself.

    Not an Exception, so that the script's own ``except Exception`` lets it through.
    """


importing_main: ContextVar[bool] = ContextVar("tricord_data_importing_main", default=False)


@dataclass(frozen=True)
class WorkerInfo:
    """Who a worker is; what ``get_worker_info()`` returns inside one."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: ContextVar[WorkerInfo | None] = ContextVar("tricord_data_worker_info", default=None)


def get_worker_info() -> WorkerInfo | None:
    """In a worker process: its id, the number of workers, its seed and its copy of the data set.

    None in the main process. An ``IterableDataset`` uses it to give each worker its own part.
    """
    return _worker_info.get()


@dataclass(frozen=True)
class MainModule:
    """How to import the user's script again: its path, or its name after ``python -m``."""

    path: str | None
    name: str | None

    def load(self) -> None:
        """Import it as ``__mp_main__`` and let ``__main__`` mean it.

        What it prints while it is imported is dropped: the user has seen it already.
        """
        if sys.modules["__main__"].__name__ == "__mp_main__":
            return  # done already
        module = types.ModuleType("__mp_main__")
        token = importing_main.set(True)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                if self.name is not None:
                    names = runpy.run_module(self.name, run_name="__mp_main__", alter_sys=True)
                elif self.path is not None:
                    names = runpy.run_path(self.path, run_name="__mp_main__")
                else:
                    raise ImportError(
                        "the data set's class was defined in an interactive session; a worker "
                        "process cannot import it: put it into a file, or use num_workers=0")
        finally:
            importing_main.reset(token)
        module.__dict__.update(names)
        sys.modules["__main__"] = sys.modules["__mp_main__"] = module


class Progress:
    """Which sample each worker is at, in a small mapped file that outlives a killed worker."""

    _ENTRY = struct.Struct("<qq")

    def __init__(self, path: str, writable: bool):
        with open(path, "r+b" if writable else "rb") as file:
            access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
            self._map = mmap.mmap(file.fileno(), 0, access=access)

    @classmethod
    def empty(cls, workers: int) -> bytes:
        return cls._ENTRY.pack(-1, -1) * workers

    def write(self, worker: int, number: int, place: int) -> None:
        self._ENTRY.pack_into(self._map, worker * self._ENTRY.size, number, place)

    def read(self, worker: int) -> tuple[int, int]:
        """The batch's number, and the place in it; -1 where there is none."""
        number, place = self._ENTRY.unpack_from(self._map, worker * self._ENTRY.size)
        return number, place

    def close(self) -> None:
        self._map.close()


@dataclass(frozen=True)
class WorkerSetup:
    """What all the workers of a pool are told first."""

    num_workers: int
    settings: dict[str, Any]
    hooks: tuple[str, ...]  # "module:function", called before anything of the user is imported
    main: MainModule
    progress_path: str | None


class _Worker:
    def __init__(self, worker: int, connection: Connection, setup: WorkerSetup):
        self.id = worker
        self.connection = connection
        self.setup = setup
        self.generation = 0  # the newest that was asked for; older requests are stale
        self.number = -1  # the batch being loaded
        self.initialised = False
        self.inbox: queue.SimpleQueue[tuple[tuple, wire.Message]] = queue.SimpleQueue()
        self.progress = (Progress(setup.progress_path, writable=True)
                         if setup.progress_path else None)

    def read_requests(self) -> None:
        """Runs in a thread: a request to stop, or the parent's death, ends a slow sample too."""
        try:
            while True:
                request = wire.unpack(wire.receive(self.connection))
                if request[0] == "stop":
                    break
                content = wire.receive(self.connection)
                self.generation = max(self.generation, request[1])
                self.inbox.put((request, content))
        except (EOFError, OSError):
            pass  # the parent is gone
        leave(0)

    def reply(self, kind: str, generation: int, number: int, content: Any) -> None:
        message = wire.pack(content)
        try:
            wire.send(self.connection, wire.pack((kind, generation, number)))
            wire.send(self.connection, message)
        except OSError:
            leave(0)  # the parent is gone

    def serve(self, plan: LoadPlan, worker_init_fn: Callable[[int], Any] | None) -> None:
        fetcher: Fetcher | None = None
        while True:
            (kind, generation, number), content = self.inbox.get()
            if generation < self.generation:
                continue
            try:
                if kind == "epoch":
                    fetcher = None
                    fetcher = self.begin(plan, number, worker_init_fn)
                elif fetcher is not None:
                    self.number = number
                    indices = wire.unpack(content, self.setup.main.load)
                    batch = fetcher.fetch(number, indices)
                    ended = batch is END
                    self.reply("end" if ended else "batch", generation, number,
                               None if ended else batch)
            except Exception as error:  # noqa: BLE001 - carried to the loader, raised there
                self.reply("failed", generation, number, describe_failure(error))

    def begin(self, plan: LoadPlan, epoch: int,
              worker_init_fn: Callable[[int], Any] | None) -> Fetcher:
        """A new epoch: seed what the user may draw from, then make the fetcher."""
        seed = int(raw_words(1, plan.seed, Purpose.WORKER, epoch, self.id)[0]) >> 1
        _worker_info.set(WorkerInfo(self.id, self.setup.num_workers, seed, plan.dataset))
        seed_global_generators(plan.seed, Purpose.WORKER, epoch, self.id)
        if worker_init_fn is not None and not self.initialised:
            worker_init_fn(self.id)
        self.initialised = True
        # Whoever passes worker_init_fn seeds the global generators; else each sample has its own.
        return make_fetcher(plan, epoch, part=self.id, seed_globals=worker_init_fn is None,
                            watch=self.watch if self.progress else None)

    def watch(self, place: int) -> None:
        assert self.progress is not None
        self.progress.write(self.id, self.number, place)


def describe_failure(error: BaseException) -> tuple[type, str]:
    """The class of an exception, or the nearest that can be sent, and its traceback as text."""
    text = "".join(traceback.format_exception(error))
    kind = type(error)
    if sys.modules.get(kind.__module__) is None or "<locals>" in kind.__qualname__:
        kind = RuntimeError
    return kind, text


def leave(code: int) -> None:
    """End at once, whatever the main thread is doing, but not before its prints are out."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


def main(worker: int, handle: int) -> None:
    """Entry point. ``handle`` is the inherited end of the pipe."""
    # Ctrl-C is for the loader's process, which then ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = open_connection(handle)
    setup: WorkerSetup = wire.unpack(wire.receive(connection))
    content = wire.receive(connection)
    for hook in setup.hooks:
        module, function = hook.split(":")
        getattr(import_module(module), function)()
    with settings.override(**setup.settings):
        state = _Worker(worker, connection, setup)
        try:
            plan, worker_init_fn = wire.unpack(content, setup.main.load)
        except MissingMainGuard:
            state.reply("no guard", 0, -1, None)
            leave(0)
        except Exception as error:  # noqa: BLE001 - carried to the loader, raised there
            state.reply("no start", 0, -1, describe_failure(error))
            leave(0)
        state.reply("ready", 0, -1, None)
        threading.Thread(target=state.read_requests, name="tricord-requests", daemon=True).start()
        state.serve(plan, worker_init_fn)


def open_connection(handle: int) -> Connection:
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection
        return PipeConnection(handle)
    os.set_inheritable(handle, False)  # programs that a data set starts must not hold the pipe
    return Connection(handle)
