"""Pass 6 and 7: memory, and the program as one native function.

Every value that kernels hand on gets a place: an argument, a result, a constant, or part of the
*arena*, one block of memory in which places are used again as soon as nobody reads them any more.
The program is a function ``i64 program(ptr context, i64 thread, i64 threads)`` which all threads
run together: each takes its share of a kernel's tasks, and waits for the others where the next
kernel reads what they write. The context is an array of addresses: arguments, results, constants,
then the arena, the status block and the threads' scratch memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..ir.graph import is_input
from ..ir.node import Node
from ..ir.ops.structural import constant_value
from .llvm import Function, Module, Value
from .schedule import Schedule
from .steps import Call, Place, Scratch, calls_of
from .target import Target

__all__ = ["BARRIER", "STATUS_HEAD", "KernelFacts", "NativePlan", "plan"]

_ALIGN = 64
#: Bytes of the status block before the checks' words: where threads meet.
STATUS_HEAD = 128
#: The function that threads meet in; the runtime provides it.
BARRIER = "tricord_barrier"
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
    parallel: bool
    where: str


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


@dataclass(eq=False)
class _Lifetime:
    nbytes: int
    first: int
    last: int
    offset: int = -1


@dataclass(eq=False)
class _Layout:
    """Where every place is: which entry of the context, and how many bytes in."""

    entries: dict[Node, int] = field(default_factory=dict)
    arena: dict[Node | Scratch, int] = field(default_factory=dict)
    arena_entry: int = 0


def plan(schedule: Schedule, target: Target) -> NativePlan:
    """The whole program of a schedule."""
    fusion = schedule.fusion
    calls: list[Call] = []
    checked_before = 0
    for number, step in enumerate(schedule.steps):
        calls += calls_of(fusion, step, target)
        if number + 1 == schedule.checks:
            checked_before = len(calls)
    results, outputs = _results(fusion.outputs)
    slots, constants = _leaves(calls)
    layout = _Layout()
    for i, node in enumerate([*slots, *results, *constants]):
        layout.entries[node] = i
    layout.arena_entry = len(layout.entries)
    arena_bytes = _arena(calls, layout)
    checks = tuple(c.node for c in calls if c.reports and c.node is not None)
    parallel = _is_parallel(calls)
    scratch = max((c.kernel.scratch for c in calls), default=0)
    scratch = -(-scratch // 4096) * 4096
    module = Module(target)
    _write(module, calls, layout, checked_before, parallel, scratch)
    return NativePlan(
        module.text(), tuple(n.params.slot for n in slots), len(results), outputs,
        tuple(constants), arena_bytes, scratch, parallel, checks,
        _donations(calls, results, outputs, checked_before),
        tuple(_facts(c) for c in calls))


def _results(outputs: Sequence[Node]) -> tuple[list[Node], tuple[tuple[str, int], ...]]:
    """Distinct results, and for each output which one it is."""
    results: dict[Node, int] = {}
    found = []
    for node in outputs:
        if is_input(node):
            found.append(("argument", node.params.slot))
        else:
            found.append(("result", results.setdefault(node, len(results))))
    return list(results), tuple(found)


def _leaves(calls: Sequence[Call]) -> tuple[list[Node], list[Node]]:
    """Inputs in order of slot, and constants, that kernels read."""
    inputs: dict[Node, None] = {}
    constants: dict[Node, None] = {}
    for call in calls:
        for place in call.pointers:
            if isinstance(place, Place) and not place.node.parents:
                if is_input(place.node):
                    inputs[place.node] = None
                elif constant_value(place.node) is not None:
                    constants[place.node] = None
    return sorted(inputs, key=lambda n: n.params.slot), list(constants)


# ---- memory

def _arena(calls: Sequence[Call], layout: _Layout) -> int:
    """Offsets of everything that lives between kernels: the largest first, each in the lowest gap
    that is free during its life."""
    lives: dict[Node | Scratch, _Lifetime] = {}
    for number, call in enumerate(calls):
        for place in call.pointers:
            key: Node | Scratch = place if isinstance(place, Scratch) else place.node
            if isinstance(key, Node) and (key in layout.entries or not key.size):
                continue
            nbytes = key.nbytes if isinstance(key, Scratch) else key.type.nbytes
            life = lives.setdefault(key, _Lifetime(nbytes, number, number))
            life.last = number
    total = 0
    placed: list[_Lifetime] = []
    for key, life in sorted(lives.items(), key=lambda kv: (-kv[1].nbytes, kv[1].first)):
        size = -(-life.nbytes // _ALIGN) * _ALIGN
        busy = sorted((o.offset, o.offset + -(-o.nbytes // _ALIGN) * _ALIGN) for o in placed
                      if o.first <= life.last and life.first <= o.last)
        at = 0
        for start, stop in busy:
            if at + size <= start:
                break
            at = max(at, stop)
        life.offset = at
        layout.arena[key] = at
        placed.append(life)
        total = max(total, at + size)
    return total


def _donations(calls: Sequence[Call], results: Sequence[Node],
               outputs: Sequence[tuple[str, int]], checked_before: int,
               ) -> frozenset[tuple[int, int]]:
    """Results that may be written over an argument: it is of the same type, is read last by the
    kernel that writes the result, there only at the place it writes, and all checks are done."""
    last_read: dict[Node, int] = {}
    reads_of: list[list[Node]] = []
    for number, call in enumerate(calls):
        nodes = [p.node for p in call.reads if isinstance(p, Place)]
        reads_of.append(nodes)
        for node in nodes:
            last_read[node] = number
    returned = {slot for kind, slot in outputs if kind == "argument"}
    output_of = {r: o for o, (kind, r) in reversed(list(enumerate(outputs))) if kind == "result"}
    found = set()
    for number, call in enumerate(calls):
        if number < checked_before:
            continue
        for written in call.writes:
            if not isinstance(written, Place) or written.node not in results:
                continue
            node = written.node
            for other, when in last_read.items():
                if (not is_input(other) or when > number or other.type != node.type
                        or other.params.slot in returned):
                    continue
                if when == number and (other not in call.in_place
                                       or reads_of[number].count(other) > 1):
                    continue
                if _writers(calls, node) == 1:
                    found.add((output_of[results.index(node)], other.params.slot))
    return frozenset(found)


def _writers(calls: Sequence[Call], node: Node) -> int:
    return sum(any(isinstance(w, Place) and w.node is node for w in c.writes) for c in calls)


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


def _write(module: Module, calls: Sequence[Call], layout: _Layout, checked_before: int,
           parallel: bool, scratch_bytes: int) -> None:
    for call in calls:
        call.kernel.emit(module)
    f = module.function("program", [("ptr", "context"), ("i64", "thread"), ("i64", "threads")],
                        result="i64", linkage="")
    writer = _Program(f, layout, parallel, scratch_bytes)
    for number, call in enumerate(calls):
        writer.call(call, checks_follow=number < checked_before)
        if number + 1 == checked_before:
            writer.stop_if_refused(sum(c.reports for c in calls))
    f.ret(f.constant(0, "i64"))


class _Program:
    def __init__(self, f: Function, layout: _Layout, parallel: bool, scratch_bytes: int):
        self.f = f
        self.layout = layout
        self.parallel = parallel
        self.reports = 0
        #: whether threads may be at different kernels since they last met
        self.apart = False
        self.shared = False
        self.base: dict[int, Value] = {}
        for entry in range(layout.arena_entry + 3):
            self.base[entry] = f.load(f.offset(f["context"], entry, "ptr"), "ptr")
        self.scratch = f.offset(self.base[layout.arena_entry + 2],
                                f.mul(f["thread"], scratch_bytes), "i8")
        self.status = f.offset(self.base[layout.arena_entry + 1], STATUS_HEAD, "i8")
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

        def run(first: Value, last: Value) -> None:
            f.call(kernel.name, "void", *pointers, self.scratch, first, last)

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


def _facts(call: Call) -> KernelFacts:
    node = next((w.node for w in call.writes if isinstance(w, Place)), None)
    where = str(node.where) if node is not None and node.where else ""
    return KernelFacts(call.label, call.kernel.name, call.kernel.flops, _bytes(call),
                       call.kernel.tasks, _shares(call), where)


