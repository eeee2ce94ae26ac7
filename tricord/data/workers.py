"""Worker processes, seen from the loader: start, ask, receive, notice a death, end.

Each worker is a fresh interpreter (never a fork) joined by one pipe; no shared memory, semaphore
or file descriptor passing is needed. A single thread receives from all the pipes. A worker ends
when it is told to, when its pipe closes or when its parent dies, whichever comes first.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from .. import settings
from ..errors import ArgumentError, LoaderWorkerDied
from . import wire
from .fetch import LoadPlan, shorten
from .worker import MainModule, MissingMainGuard, Progress, WorkerSetup, importing_main

__all__ = ["WorkerPool"]

_BOOT = ("import json, sys; path, worker, handle = json.loads(sys.argv[1]); sys.path[:] = path; "
         "from tricord.data.worker import main; main(worker, handle)")
# Seconds to wait for a worker to go by itself, then for it to obey a signal.
_GRACE, _OBEY = 0.5, 1.0


@dataclass
class _Remote:
    """One worker, as the loader knows it. ``connection`` belongs to the receiving thread."""

    id: int
    process: subprocess.Popen
    connection: Connection
    replies: deque[tuple[tuple, wire.Message]] = field(default_factory=deque)
    asked: dict[int, Any] = field(default_factory=dict)  # batch number -> indices, unanswered
    ended: bool = False


def _start_process(worker: int) -> tuple[subprocess.Popen, Connection]:
    ours, theirs = multiprocessing.Pipe()
    try:
        handle = theirs.fileno()
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL}
        if sys.platform == "win32":
            os.set_handle_inheritable(handle, True)
            startup = subprocess.STARTUPINFO()
            startup.lpAttributeList = {"handle_list": [handle]}
            options |= {"startupinfo": startup,
                        "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        else:
            # A session of its own, so that Ctrl-C in the terminal reaches the loader alone.
            options |= {"pass_fds": (handle,), "start_new_session": True}
        arguments = json.dumps([sys.path, worker, handle])
        flags = [f"-W{option}" for option in sys.warnoptions]
        process = subprocess.Popen([sys.executable, *flags, "-c", _BOOT, arguments], **options)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return process, ours


def _main_module() -> MainModule:
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    path = getattr(main, "__file__", None)
    return MainModule(path=os.path.abspath(path) if path else None,
                      name=spec.name if spec is not None else None)


def _hooks() -> tuple[str, ...]:
    """What import hooks ask to be called in a worker: their attribute ``tricord_worker_setup``."""
    found = (getattr(finder, "tricord_worker_setup", None) for finder in sys.meta_path)
    return tuple(hook for hook in found if isinstance(hook, str))


def _pack_content(plan: LoadPlan, worker_init_fn: Callable | None) -> wire.Message:
    try:
        return wire.pack((plan, worker_init_fn))
    except Exception as error:
        raise ArgumentError(
            f"DataLoader: the data set ({type(plan.dataset).__name__}), collate_fn or "
            f"worker_init_fn cannot be sent to a worker process: {error}",
            hint="define classes and functions at the top level of a file (no lambda), open files "
                 "in __getitem__ rather than in __init__, or use num_workers=0") from error


class _Shared:
    """What the receiving thread and the pool share. Knows no pool, so a dropped pool can end."""

    def __init__(self, remotes: list[_Remote]):
        self.remotes = remotes
        self.changed = threading.Condition()
        self.generation = 0
        self.closing = False
        self.progress: Progress | None = None
        self.progress_path: str | None = None
        self.waiting_to_start = len(remotes)

    def receive_all(self) -> None:
        """The receiving thread: until every worker has gone."""
        live = {remote.connection: remote for remote in self.remotes}
        while live:
            for connection in wait(list(live)):
                remote = live[connection]  # type: ignore[index]
                try:
                    head = wire.unpack(wire.receive(remote.connection))
                    content = wire.receive(remote.connection)
                except (EOFError, OSError):
                    del live[remote.connection]
                    remote.connection.close()
                    self._note_end(remote)
                    continue
                if head[0] in ("ready", "no start", "no guard"):
                    self._note_start()
                with self.changed:
                    if head[0] != "ready":
                        remote.replies.append((head, content))
                    self.changed.notify_all()

    def _note_start(self) -> None:
        self.waiting_to_start -= 1
        if self.waiting_to_start == 0:
            self.remove_progress_file()  # everybody has it open

    def remove_progress_file(self) -> None:
        path, self.progress_path = self.progress_path, None
        if path is not None:
            with contextlib.suppress(OSError):  # Windows: still open; the pool tries again
                os.unlink(path)
                path = None
            self.progress_path = path

    def _note_end(self, remote: _Remote) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            remote.process.wait(_GRACE)
        with self.changed:
            remote.ended = True
            self.changed.notify_all()

    def close(self, thread: threading.Thread) -> None:
        """End every worker and the thread. Called when the pool is closed, dropped, or at exit."""
        with self.changed:
            if self.closing:
                return
            self.closing = True
            self.changed.notify_all()
        for remote in self.remotes:
            if remote.process.poll() is None:
                with contextlib.suppress(OSError, ValueError):
                    wire.send(remote.connection, wire.pack(("stop",)))
        deadline = time.monotonic() + _GRACE
        for remote in self.remotes:
            end_process(remote.process, deadline)
        if thread is not threading.current_thread():
            thread.join(_OBEY)
        if self.progress is not None:
            self.progress.close()
        self.remove_progress_file()


def end_process(process: subprocess.Popen, deadline: float) -> None:
    """Wait for the process to end until ``deadline``, then make it."""
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
        return
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        process.wait(_OBEY)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class WorkerPool:
    """Processes that load batches.

    ``begin`` an epoch, ``ask`` for batches, ``receive`` each worker's replies in the order asked.
    """

    def __init__(self, count: int, plan: LoadPlan, worker_init_fn: Callable | None):
        if importing_main.get():
            raise MissingMainGuard
        content = _pack_content(plan, worker_init_fn)
        remotes: list[_Remote] = []
        shared = _Shared(remotes)
        try:
            self._make_progress(shared, count)
            for worker in range(count):
                process, connection = _start_process(worker)
                remotes.append(_Remote(worker, process, connection))
            shared.waiting_to_start = count
            setup = wire.pack(WorkerSetup(
                count, asdict(settings.get()), _hooks(), _main_module(), shared.progress_path))
        except BaseException:
            for remote in remotes:
                remote.process.kill()
                remote.process.wait()
                remote.connection.close()
            shared.remove_progress_file()
            raise
        self._shared = shared
        self._thread = threading.Thread(
            target=shared.receive_all, name="tricord-receive", daemon=True)
        self._thread.start()
        self._finalizer = weakref.finalize(self, shared.close, self._thread)
        for remote in remotes:
            with contextlib.suppress(OSError):  # a death is reported by receive()
                wire.send(remote.connection, setup)
                wire.send(remote.connection, content)

    @staticmethod
    def _make_progress(shared: _Shared, count: int) -> None:
        # Without this file all works; a death is then reported with the batch, not the sample.
        with contextlib.suppress(OSError):
            handle, shared.progress_path = tempfile.mkstemp(prefix="tricord-loader-")
            with os.fdopen(handle, "wb") as file:
                file.write(Progress.empty(count))
            shared.progress = Progress(shared.progress_path, writable=False)

    @property
    def closed(self) -> bool:
        return self._shared.closing

    @property
    def generation(self) -> int:
        """Counts the calls of ``begin``."""
        return self._shared.generation

    def close(self) -> None:
        self._finalizer()

    def begin(self, epoch: int) -> None:
        """A new epoch; replies to what was asked before it are dropped."""
        with self._shared.changed:
            self._shared.generation += 1
            for remote in self._shared.remotes:
                remote.asked.clear()
        for remote in self._shared.remotes:
            self._send(remote, "epoch", epoch, None)

    def ask(self, worker: int, number: int, indices: Any) -> None:
        remote = self._shared.remotes[worker]
        remote.asked[number] = indices
        self._send(remote, "fetch", number, indices)

    def _send(self, remote: _Remote, kind: str, number: int, content: Any) -> None:
        with contextlib.suppress(OSError):  # a death is reported by receive()
            wire.send(remote.connection, wire.pack((kind, self._shared.generation, number)))
            wire.send(remote.connection, wire.pack(content))

    def receive(self, worker: int, number: int, timeout: float, absent: Any) -> Any:
        """The batch, or ``absent`` if the worker's stream has ended before it."""
        remote = self._shared.remotes[worker]
        (kind, _, _), message = self._next_reply(remote, timeout)
        if kind == "batch":
            remote.asked.pop(number, None)
            return wire.unpack(message)
        if kind == "end":
            remote.asked.pop(number, None)
            return absent
        content = wire.unpack(message)
        self.close()
        if kind == "no guard":
            raise self._missing_guard()
        raise self._remote_failure(remote, content)

    def _next_reply(self, remote: _Remote, timeout: float) -> tuple[tuple, wire.Message]:
        shared = self._shared
        deadline = time.monotonic() + timeout if timeout > 0 else None
        with shared.changed:
            while True:
                while remote.replies:
                    head, message = remote.replies.popleft()
                    if head[1] in (0, shared.generation):
                        return head, message
                dead = [other for other in shared.remotes if other.ended and not other.replies]
                left = 1.0 if deadline is None else deadline - time.monotonic()
                if dead or left <= 0:
                    break
                shared.changed.wait(min(left, 1.0))
        error = self._death(dead[0]) if dead else LoaderWorkerDied(
            f"DataLoader timed out after {timeout} seconds: worker {remote.id} is still "
            f"{self._place(remote)}", hint="a larger timeout, or look at what that sample does")
        self.close()
        raise error

    def _place(self, remote: _Remote) -> str:
        """What a worker is at, in words."""
        if self._shared.waiting_to_start > 0 and not remote.asked:
            return "starting"
        number, place = (self._shared.progress.read(remote.id) if self._shared.progress
                         else (-1, -1))
        indices = remote.asked.get(number)
        if indices is not None and 0 <= place < len(indices):
            return f"loading sample {indices[place]} (batch {number})"
        if not remote.asked:
            return "between batches"
        first = next(iter(remote.asked))
        return f"loading batch {first}, samples {shorten(remote.asked[first])}"

    def _death(self, remote: _Remote) -> LoaderWorkerDied:
        code = remote.process.poll()
        hint = "run with num_workers=0 to see the failure in this process"
        if code is None:
            how = "closed its pipe"
        elif code < 0:
            how = f"was killed by {_signal_name(-code)}"
            if -code == signal.SIGKILL:
                hint = "often the system ran out of memory: fewer workers or smaller batches help"
        else:
            how = f"exited with code {code}"
        return LoaderWorkerDied(
            f"DataLoader worker {remote.id} (pid {remote.process.pid}) {how} while "
            f"{self._place(remote)}", hint=hint)

    def _missing_guard(self) -> LoaderWorkerDied:
        return LoaderWorkerDied(
            "DataLoader: a worker process imports your script again to find the data set's class, "
            f"and {_main_module().path or 'the script'} starts training when it is imported",
            hint="put what the script does below  if __name__ == '__main__':  , or move the class "
                 "into a file of its own, or use num_workers=0")

    def _remote_failure(self, remote: _Remote, content: tuple[type, str]) -> Exception:
        """The worker's exception: its class, and its own traceback as the text."""
        kind, text = content
        message = (f"Caught {kind.__name__} in DataLoader worker process {remote.id}.\n"
                   f"Original {text}")
        if issubclass(kind, KeyError):
            message = _Verbatim(message)
        try:
            return kind(message)
        except TypeError:  # its constructor wants something else
            return RuntimeError(message)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


class _Verbatim(str):
    """KeyError shows the repr of its text; this one's repr is the text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
