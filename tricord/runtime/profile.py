"""A timeline of what runs, for Perfetto or chrome://tracing: setting ``profile``.

Events are kept in memory, the newest so many, and written when the process ends or when
`write_profile` is called. Programs compiled while the setting is in force are timed; those from
before run as ever and leave no trace.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from .. import settings
from .files import write_whole
from .native.clock import nanoseconds_ahead
from .native.entry import Entry
from .native.entry_code import BUSY
from .reports import PartFacts

__all__ = ["Profile", "collecting", "current_profile", "timed_call", "write_profile"]

#: Events kept, some hundred bytes each; the oldest go first.
EVENTS: Final = 500_000
#: Seconds between two programs beyond which the time between is not shown as one piece of work.
_LONG_GAP: Final = 1.0
#: What workers' tracks are numbered from.
_FIRST_WORKER: Final = 1


@dataclass(frozen=True, eq=False)
class _Call:
    facts: PartFacts
    begin: int
    end: int
    thread: int
    #: nanoseconds: [thread, kernel, begin and end]
    times: np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Span:
    name: str
    category: str
    begin: int
    end: int
    thread: int
    facts: dict[str, Any]


class Profile:
    """The events of this process that go to one file, or to whoever looks at them."""

    def __init__(self, path: Path | None = None, limit: int = EVENTS):
        self.path = path
        self.limit = limit
        self.process = os.getpid()
        self.origin = time.perf_counter_ns()
        self._ahead = nanoseconds_ahead()
        self._events: deque[tuple[_Call | _Span, int]] = deque()
        self._count = 0
        #: whether there are events that no file has
        self._news = False
        self._lock = threading.Lock()

    def _add(self, event: _Call | _Span, weight: int) -> None:
        with self._lock:
            self._events.append((event, weight))
            self._count += weight
            self._news = True
            while self._count > self.limit and len(self._events) > 1:
                self._count -= self._events.popleft()[1]

    def call(self, facts: PartFacts, begin: int, end: int,
             times: np.ndarray[Any, Any]) -> None:
        """A native function ran; ``times`` is what its kernels noted."""
        self._add(_Call(facts, begin, end, threading.get_ident(), times), 1 + times.size // 2)

    def span(self, name: str, category: str, begin: int, end: int, **facts: Any) -> None:
        """Something else took so long, in nanoseconds of `time.perf_counter_ns`."""
        self._add(_Span(name, category, begin, end, threading.get_ident(), facts), 1)

    @contextlib.contextmanager
    def spanning(self, name: str, category: str, **facts: Any) -> Iterator[None]:
        begin = time.perf_counter_ns()
        try:
            yield
        finally:
            self.span(name, category, begin, time.perf_counter_ns(), **facts)

    def kernel_seconds(self, facts: PartFacts) -> list[float]:
        """How long each kernel of a native function took, at best of all calls, from the first
        thread's begin to the last one's end."""
        with self._lock:
            calls = [e for e, _ in self._events
                     if isinstance(e, _Call) and e.facts.name == facts.name]
        best = [float("inf")] * len(facts.kernels)
        for call in calls:
            for number in range(len(best)):
                times = call.times[:, number]
                ran = times[times[:, 1] > 0]
                if len(ran):
                    took = int(ran[:, 1].max() - ran[:, 0].min()) / 1e9
                    best[number] = min(best[number], took)
        return best

    # ---- the file

    def events(self) -> list[dict[str, Any]]:
        """All events in Chrome's trace format."""
        with self._lock:
            kept = [event for event, _ in self._events]
        python = list(dict.fromkeys(event.thread for event in kept))
        tracks = {thread: 1000 + number for number, thread in enumerate(python)}
        found: list[dict[str, Any]] = []
        workers = 0
        for event in kept:
            track = tracks[event.thread]
            if isinstance(event, _Span):
                found.append(self._event(event.name, event.category, event.begin, event.end, track,
                                         event.facts))
            else:
                workers = max(workers, len(event.times) - 1)
                found += self._call_events(event, track)
        for track in tracks.values():
            found += self._gaps([e for e in found if e["tid"] == track])
        names = {track: f"Python thread {i}" for i, track in enumerate(tracks.values())}
        names |= {_FIRST_WORKER + i: f"worker {i + 1}" for i in range(workers)}
        return [*self._names(names), *sorted(found, key=lambda e: (e["ts"], -e["dur"]))]

    def _event(self, name: str, category: str, begin: int, end: int, track: int,
               facts: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "cat": category, "ph": "X", "ts": (begin - self.origin) / 1000,
                "dur": max(end - begin, 0) / 1000, "pid": self.process, "tid": track,
                "args": facts}

    def _names(self, tracks: dict[int, str]) -> Iterator[dict[str, Any]]:
        for name, track, text in [("process_name", 0, "tricord"),
                                  *(("thread_name", t, text) for t, text in tracks.items())]:
            yield {"name": name, "ph": "M", "pid": self.process, "tid": track,
                   "args": {"name": text}}
        for track in tracks:  # the callers first
            yield {"name": "thread_sort_index", "ph": "M", "pid": self.process, "tid": track,
                   "args": {"sort_index": track - 1000 if track >= 1000 else track}}

    def _call_events(self, call: _Call, track: int) -> Iterator[dict[str, Any]]:
        facts = call.facts
        yield self._event(f"program {facts.name}", "native", call.begin, call.end, track, {
            **_rates(facts.flops, facts.bytes, call.end - call.begin),
            "kernels": len(facts.kernels)})
        for number, kernel in enumerate(facts.kernels):
            times = call.times[:, number]
            ran = [t for t in range(len(times)) if times[t, 1]]
            if not ran:
                continue
            begins, ends = times[ran, 0] + self._ahead, times[ran, 1] + self._ahead
            shown = _rates(kernel.flops, kernel.bytes, int(ends.max() - begins.min()))
            shown |= {"kernel": kernel.name, "tasks": kernel.tasks, "threads": len(ran)}
            if kernel.where is not None:
                shown["where"] = str(kernel.where)
            for thread, begin, end in zip(ran, begins.tolist(), ends.tolist(), strict=True):
                yield self._event(kernel.label, "kernel", begin, end,
                                  track if thread == 0 else _FIRST_WORKER + thread - 1, shown)

    def _gaps(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Between two programs of a thread: its Python, which records the next one."""
        found, before = [], None
        for event in sorted(events, key=lambda e: float(e["ts"])):
            if event["cat"] == "kernel" or (before is not None
                                            and event["ts"] + event["dur"] <= before):
                continue
            if before is not None and 0 < event["ts"] - before < _LONG_GAP * 1e6:
                found.append({**event, "name": "Python: user's code, recording", "cat": "python",
                              "ts": before, "dur": event["ts"] - before, "args": {}})
            before = event["ts"] + event["dur"]
        return found

    def write(self, path: Path | None = None) -> Path:
        """The file, whole or not at all."""
        path = path or self.path
        assert path is not None, "what is collected goes to no file"
        self._news = False
        write_whole(path, json.dumps({"traceEvents": self.events(), "displayTimeUnit": "ns"}))
        return path

    def at_exit(self) -> None:
        # A forked child has its parent's events; the file is the parent's.
        if os.getpid() == self.process and self._news:
            self.write()


def _rates(flops: int, nbytes: int, nanoseconds: int) -> dict[str, Any]:
    each = max(nanoseconds, 1)
    return {"flops": flops, "bytes": nbytes, "GF/s": round(flops / each, 3),
            "GB/s": round(nbytes / each, 3)}


_profiles: dict[Path, Profile] = {}
_profiles_lock = threading.Lock()


_collected: ContextVar[Profile | None] = ContextVar("tricord_collected", default=None)


@contextlib.contextmanager
def collecting() -> Iterator[Profile]:
    """Programs compiled in this block, by this thread, are timed, and their events kept here."""
    profile = Profile()
    token = _collected.set(profile)
    try:
        yield profile
    finally:
        _collected.reset(token)


def current_profile() -> Profile | None:
    """Where events go now: to `collecting`, or by the setting; None if nowhere."""
    collected = _collected.get()
    if collected is not None:
        return collected
    path = settings.get().profile
    if path is None:
        return None
    path = Path(path).absolute()
    with _profiles_lock:
        found = _profiles.get(path)
        if found is None or found.process != os.getpid():
            found = _profiles[path] = Profile(path)
            atexit.register(found.at_exit)
        return found


def write_profile() -> Path | None:
    """Write the timeline so far to the file that the setting ``profile`` names; None if it is not
    set. The file is also written when the process ends."""
    profile = current_profile()
    return None if profile is None else profile.write()


def timed_call(entry: Entry, facts: PartFacts,
               profile: Profile) -> Callable[[list[Any], list[Any]], int]:
    """The call of an entry, with an event for it and for each kernel."""
    call, lock = entry.call, threading.Lock()
    times = entry.times.view(np.int64).reshape(entry.threads, len(facts.kernels), 2)

    def timed(arguments: list[Any], results: list[Any]) -> int:
        if not lock.acquire(blocking=False):
            return BUSY
        try:
            times[:] = 0
            begin = time.perf_counter_ns()
            code = call(arguments, results)
            end = time.perf_counter_ns()
            if code >= 0:
                profile.call(facts, begin, end, times.copy())
            return code
        finally:
            lock.release()

    return timed
