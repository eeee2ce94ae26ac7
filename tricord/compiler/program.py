"""The program as one native function.

The program is a function ``i64 program(ptr context, i64 thread, i64 threads)`` which all threads
run together: each takes its share of a kernel's tasks, and waits for the others where the next
kernel reads what they write. What the context holds: see `memory`.

A *timed* program also notes when each kernel begins and ends, thread by thread: the context then
ends with the address of two words per kernel for each thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..ir.node import Node
from ..ir.source import Location
from .llvm import Function, Module, Value
from .memory import Layout, kernels, memory
from .schedule import Schedule
from .steps import Call, Place, Scratch
from .target import Target

__all__ = ["BARRIER", "CLOCK", "STATUS_HEAD", "KernelFacts", "NativePlan", "plan", "write"]

#: Bytes of the status block before the checks' words: where threads meet.
STATUS_HEAD = 128
#: The function that threads meet in, and the one that tells the time in nanoseconds; the runtime
#: provides them.
BARRIER, CLOCK = "tricord_barrier", "tricord_clock"
#: Nanoseconds of work below which a kernel stays on one thread, and a whole program does.
_PARALLEL_KERNEL = 4_000
_PARALLEL_PROGRAM = 30_000
#: Rough speed of one core, for that choice alone: flops and bytes per nanosecond.
_FLOPS, _BYTES = 25.0, 12.0


@dataclass(frozen=True)
class KernelFacts:
    """What a report says about one kernel."""

    label: str
    name: str
    flops: int
    bytes: int
    tasks: int
    #: whether all threads share it
    parallel: bool
    #: the user's line; text is made of it when it is shown
    where: Location | None


@dataclass(frozen=True, eq=False)
class NativePlan:
    """A program in LLVM assembly, and what is needed to run it."""

    text: str
    arguments: tuple[int, ...]
    results: int
    #: output number -> result number, or argument slot for an output that is an input
    outputs: tuple[tuple[str, int], ...]
    constants: tuple[Node, ...]
    arena_bytes: int
    scratch_bytes: int
    parallel: bool
    #: checks by number, for the status they report
    checks: tuple[Node, ...]
    #: pairs (output, argument slot) whose memory may be one
    may_donate: frozenset[tuple[int, int]]
    kernels: tuple[KernelFacts, ...]
    #: whether kernels note their times
    timed: bool = False

    @property
    def times_bytes(self) -> int:
        """Bytes that one thread's times take."""
        return 16 * len(self.kernels) if self.timed else 0


def plan(schedule: Schedule, target: Target) -> NativePlan:
    """The whole program of a schedule."""
    return write(memory(kernels(schedule, target)), target)


def write(layout: Layout, target: Target, timed: bool = False) -> NativePlan:
    """A program in LLVM assembly."""
    calls, checked = layout.kernels.calls, layout.kernels.checked
    parallel = _is_parallel(calls)
    scratch = max((c.kernel.scratch for c in calls), default=0)
    scratch = -(-scratch // 4096) * 4096
    module = Module(target)
    _write(module, calls, layout, checked, parallel, scratch, timed)
    return NativePlan(
        module.text(), tuple(n.params.slot for n in layout.slots), len(layout.results),
        layout.outputs, tuple(layout.constants), layout.arena_bytes, scratch, parallel,
        tuple(c.node for c in calls if c.reports and c.node is not None), layout.may_donate,
        _facts(calls, parallel), timed)


# ---- the function

def _bytes(call: Call) -> int:
    touched: int | None = getattr(call.kernel, "bytes", None)
    if touched is not None:
        return touched
    return sum(p.nbytes if isinstance(p, Scratch) else p.node.type.nbytes
               for p in (*call.reads, *call.writes))


def _nanoseconds(call: Call) -> float:
    return max(call.kernel.flops / _FLOPS, _bytes(call) / _BYTES)


def _shares(call: Call) -> bool:
    """Whether a kernel is worth more than one thread."""
    return call.kernel.tasks > getattr(call.kernel, "grain", 1) and (
        _nanoseconds(call) >= _PARALLEL_KERNEL)


def _is_parallel(calls: Iterable[Call]) -> bool:
    return sum(_nanoseconds(c) for c in calls if _shares(c)) >= _PARALLEL_PROGRAM


def _write(module: Module, calls: Sequence[Call], layout: Layout, checked_before: int,
           parallel: bool, scratch_bytes: int, timed: bool) -> None:
    for call in calls:
        call.kernel.emit(module)
    f = module.function("program", [("ptr", "context"), ("i64", "thread"), ("i64", "threads")],
                        result="i64", linkage="")
    writer = _Program(f, layout, parallel, scratch_bytes, timed)
    for number, call in enumerate(calls):
        writer.call(call, checks_follow=number < checked_before)
        if number + 1 == checked_before:
            writer.stop_if_refused(sum(c.reports for c in calls))
    f.ret(f.constant(0, "i64"))


class _Program:
    def __init__(self, f: Function, layout: Layout, parallel: bool, scratch_bytes: int,
                 timed: bool):
        self.f = f
        self.layout = layout
        self.parallel = parallel
        self.reports = 0
        #: whether threads may be at different kernels since they last met
        self.apart = False
        self.shared = False
        self.base: dict[int, Value] = {}
        for entry in range(layout.arena_entry + 3 + timed):
            self.base[entry] = f.load(f.offset(f["context"], entry, "ptr"), "ptr")
        self.scratch = f.offset(self.base[layout.arena_entry + 2],
                                f.mul(f["thread"], scratch_bytes), "i8")
        self.status = f.offset(self.base[layout.arena_entry + 1], STATUS_HEAD, "i8")
        #: where this thread notes times, a pair for each kernel
        self.times: Value | None = None
        self.called = 0
        if timed:
            pairs = f.mul(f["thread"], 2 * len(layout.kernels.calls))
            self.times = f.offset(self.base[layout.arena_entry + 3], pairs, "i64")
            f.module.declare(CLOCK, "i64", [])
        if parallel:
            f.module.declare(BARRIER, "void", ["ptr", "i64"])

    def pointer(self, place: Place | Scratch) -> Value:
        f, layout = self.f, self.layout
        key: Node | Scratch = place if isinstance(place, Scratch) else place.node
        if isinstance(key, Node) and key in layout.entries:
            base = self.base[layout.entries[key]]
        elif key in layout.arena:
            base = f.offset(self.base[layout.arena_entry], layout.arena[key], "i8")
        else:  # nothing is read or written there
            return self.base[layout.arena_entry]
        if isinstance(place, Scratch):
            return base
        return f.offset(base, place.offset * place.node.dtype.itemsize, "i8")

    def meet(self) -> None:
        f = self.f
        if self.parallel and self.apart:
            f.call(BARRIER, "void", self.base[self.layout.arena_entry + 1], f["threads"])
        self.apart = False

    def call(self, call: Call, checks_follow: bool) -> None:
        f, kernel = self.f, call.kernel
        pointers = [self.pointer(p) for p in call.pointers]
        if call.reports:
            pointers.append(f.offset(self.status, 16 * self.reports, "i8"))
            self.reports += 1
        tasks = kernel.tasks

        number = self.called
        self.called += 1

        def run(first: Value, last: Value) -> None:
            self.note(2 * number)
            f.call(kernel.name, "void", *pointers, self.scratch, first, last)
            self.note(2 * number + 1)

        if not self.parallel:
            run(f.index(0), f.index(tasks))
            return
        if _shares(call):
            self.meet()
            run(*self.share(tasks, getattr(kernel, "grain", 1)))
            self.apart = self.shared = True
        else:
            if self.shared:
                self.meet()
            self.shared = False
            f.if_(f.compare("eq", f["thread"], 0), lambda: run(f.index(0), f.index(tasks)))
            self.apart = True

    def note(self, word: int) -> None:
        """What time it is, if times are noted."""
        if self.times is not None:
            now = self.f.call(CLOCK, "i64")
            assert now is not None
            self.f.store(now, self.f.offset(self.times, word, "i64"))

    def share(self, tasks: int, grain: int) -> tuple[Value, Value]:
        """This thread's tasks: whole grains, dealt out evenly."""
        f = self.f
        grains = -(-tasks // grain)
        first = f.binary("udiv", f.mul(f["thread"], grains), f["threads"])
        last = f.binary("udiv", f.mul(f.add(f["thread"], 1), grains), f["threads"])
        return (f.minimum_index(f.mul(first, grain), tasks),
                f.minimum_index(f.mul(last, grain), tasks))

    def stop_if_refused(self, count: int) -> None:
        """Leave, before anything is written that somebody could miss."""
        f = self.f
        self.meet()
        refused = f.constant(0, "i64")
        for number in reversed(range(count)):
            flag = f.load(f.offset(self.status, 2 * number, "i64"), "i64")
            refused = f.select(f.compare("ne", flag, 0), f.constant(number + 1, "i64"), refused)
        leave, stay = f.name_for("leave"), f.name_for("stay")
        is_refused = f.compare("ne", refused, 0)
        f.do(f"br i1 {is_refused.text}, label %{leave}, label %{stay}")
        f.label(leave)
        f.ret(refused)
        f.label(stay)
        self.apart = self.shared = False


def _facts(calls: Sequence[Call], parallel: bool) -> tuple[KernelFacts, ...]:
    """What reports say; what prepares memory for the next kernel is there for its line."""
    found: list[KernelFacts] = []
    where = None
    for call in reversed(calls):
        node = next((w.node for w in call.writes if isinstance(w, Place)), None)
        where = where if node is None else node.where
        found.append(KernelFacts(call.label, call.kernel.name, call.kernel.flops, _bytes(call),
                                 call.kernel.tasks, parallel and _shares(call), where))
    return tuple(reversed(found))
