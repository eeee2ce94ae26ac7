"""Machine code that lets several threads run one program: workers, fork and join, a barrier.

A worker is a Python thread inside `worker`, without the interpreter's lock. It spins on the
*epoch*, a word that changes with every region, for about a millisecond, then sleeps on it (futex).
The word also says how many threads take part, so that the others decide by one load.

If the caller finds itself on the processor of a worker, which two threads would share for
milliseconds, it moves away first.

The pool's memory, by cache lines: epoch; function, argument, floating-point mode; threads that are
done; sleepers; whether a region is running, and which workers there are, as bits; the workers'
processors as bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...compiler.llvm import Function, Module, Value
from ...compiler.program import BARRIER
from ...compiler.target import Target

__all__ = ["EXTERNALS", "NO_WORKERS", "POOL_BYTES", "READY", "WORKERS", "emit_no_threads",
           "emit_threads", "is_x86"]

POOL_BYTES: Final = 64 * 6
#: Outside functions that the code calls, all from the C library.
EXTERNALS: Final = ("syscall", "sched_yield", "sched_getcpu", "sched_getaffinity",
                    "sched_setaffinity")
#: What `run` answers when not all workers that it wants are there.
NO_WORKERS: Final = -3

_EPOCH, _FUNCTION, _ARGUMENT, _MODE, _DONE, _SLEEPERS, _BUSY = 0, 64, 72, 80, 128, 192, 256
READY, WORKERS = 264, 320
_SET_BYTES: Final = 128
_FUTEX, _WAIT, _WAKE = 202, 128, 129
_FUTEX_AARCH64 = 98
#: A number of threads that stands for: leave.
LEAVE: Final = 255
_SPINS = 20_000
#: How often `leave` looks whether the region that is running is over: some ten milliseconds.
_PATIENCE = 200_000


def is_x86(target: Target) -> bool:
    return target.triple.startswith("x86")


def _at(f: Function, pointer: Value, offset: int) -> Value:
    return f.offset(pointer, offset, "i8")


def _pause(f: Function, target: Target) -> None:
    if is_x86(target):
        f.module.declare("llvm.x86.sse2.pause", "void", [])
        f.do("call void @llvm.x86.sse2.pause()")
    else:
        f.module.declare("llvm.aarch64.hint", "void", ["i32"])
        f.do("call void @llvm.aarch64.hint(i32 1)")


def _spin_until(f: Function, target: Target, arrived: Callable[[], Value],
                limit: int | None) -> Value:
    """Spin until ``arrived()`` (an i1), at most ``limit`` rounds; yields the processor now and
    then, because who is waited for may need it. Returns whether it arrived."""
    f.module.declare("sched_yield", "i32", [])

    def go_on(count: Value, there: Value) -> Value:
        waiting = f.not_(there)
        return waiting if limit is None else f.and_(waiting, f.compare("slt", count, limit))

    def round(count: Value, there: Value) -> list[Value]:
        _pause(f, target)
        often = f.compare("eq", f.and_(count, 63), 63)
        f.if_(often, lambda: f.do("call i32 @sched_yield()"))
        return [f.add(count, 1), arrived()]

    return f.while_([f.constant(0, "i64"), arrived()], go_on, round)[1]


def _load(f: Function, pointer: Value) -> Value:
    return f.emit(f"load atomic i32, {pointer} acquire, align 4", "i32")


def _take(f: Function, pool: Value) -> Value:
    """Whether the pool is now this thread's."""
    got = f.emit(f"cmpxchg {_at(f, pool, _BUSY)}, i32 0, i32 1 acquire monotonic, align 4",
                 "{ i32, i1 }")
    return f.emit(f"extractvalue {{ i32, i1 }} {got.text}, 1", "i1")


def _give_back(f: Function, pool: Value) -> None:
    f.do(f"store atomic i32 0, {_at(f, pool, _BUSY)} release, align 4")


def _announce(f: Function, target: Target, pool: Value, threads: Value) -> None:
    """The next epoch, for so many threads; who sleeps is woken."""
    old = _load(f, _at(f, pool, _EPOCH))
    epoch = f.or_(f.and_(f.add(old, 256), -256), threads)
    f.do(f"store atomic {epoch}, {_at(f, pool, _EPOCH)} seq_cst, align 4")
    sleepers = f.emit(f"load atomic i32, {_at(f, pool, _SLEEPERS)} seq_cst, align 4", "i32")
    f.if_(f.compare("sgt", sleepers, 0), lambda: _syscall(
        f, target, pool, _WAKE, f.constant(LEAVE, "i32")))


def emit_threads(module: Module, target: Target) -> None:
    """Define ``worker(pool, id)``, ``run(pool, function, argument, threads) -> i64``,
    ``leave(pool) -> i64`` and the barrier."""
    _worker(module, target)
    _run(module, target)
    _leave(module, target)
    _barrier(module, target)


def emit_no_threads(module: Module) -> None:
    """The barrier alone, for programs that always run on one thread."""
    module.function(BARRIER, [("ptr", "place"), ("i64", "threads")], linkage="").ret()


def _syscall(f: Function, target: Target, pool: Value, operation: int, value: Value) -> None:
    f.module.declare("syscall", "i64", ["i64", "..."])
    number = _FUTEX if is_x86(target) else _FUTEX_AARCH64
    f.do(f"call i64 (i64, ...) @syscall(i64 {number}, {pool}, i64 {operation}, {value}, ptr null)")


def _worker(module: Module, target: Target) -> None:
    f = module.function("worker", [("ptr", "pool"), ("i64", "id")], linkage="")
    pool, own = f["pool"], f["id"]

    def stays(last: Value, go: Value) -> Value:
        return go

    def round(last: Value, go: Value) -> list[Value]:
        def changed() -> Value:
            return f.compare("ne", _load(f, _at(f, pool, _EPOCH)), last)

        came = _spin_until(f, target, changed, _SPINS)

        def sleep() -> None:
            sleepers = _at(f, pool, _SLEEPERS)
            f.emit(f"atomicrmw add {sleepers}, i32 1 seq_cst, align 4", "i32")
            _syscall(f, target, pool, _WAIT, last)
            f.emit(f"atomicrmw sub {sleepers}, i32 1 seq_cst, align 4", "i32")

        f.if_(came, lambda: None, sleep)
        epoch = _load(f, _at(f, pool, _EPOCH))
        threads = f.convert(f.and_(epoch, 255), "i64", signed=False)
        news = f.compare("ne", epoch, last)
        leaves = f.and_(news, f.compare("eq", threads, LEAVE))
        takes_part = f.and_(f.and_(news, f.not_(leaves)), f.compare("slt", own, threads))

        def work() -> None:
            function = f.load(_at(f, pool, _FUNCTION), "ptr")
            argument = f.load(_at(f, pool, _ARGUMENT), "ptr")
            if is_x86(target):
                f.do(f"call void @llvm.x86.sse.ldmxcsr({_at(f, pool, _MODE)})")
            f.do(f"call i64 {function.text}({argument}, {own}, {threads})")
            done = _at(f, pool, _DONE)
            f.emit(f"atomicrmw add {done}, i32 1 release, align 4", "i32")

        f.if_(takes_part, work)
        return [epoch, f.not_(leaves)]

    if is_x86(target):
        module.declare("llvm.x86.sse.ldmxcsr", "void", ["ptr"])
    start = _load(f, _at(f, pool, _EPOCH))
    # Only who has looked at the epoch can tell a new one: from here on it is counted on.
    mine = f.shl(f.constant(1, "i64"), own)
    f.emit(f"atomicrmw or {_at(f, pool, READY)}, {mine} seq_cst, align 8", "i64")
    f.while_([start, f.constant(True, "i1")], stays, round)
    f.ret()


def _run(module: Module, target: Target) -> None:
    f = module.function("run", [("ptr", "pool"), ("ptr", "function"), ("ptr", "argument"),
                                ("i64", "threads")], result="i64", linkage="")
    pool, threads = f["pool"], f["threads"]

    def call(count: Value) -> Value:
        return f.emit(f"call i64 {f['function'].text}({f['argument']}, i64 0, {count})", "i64")

    def together() -> list[Value]:
        _step_aside(f, pool)
        f.store(f["function"], _at(f, pool, _FUNCTION))
        f.store(f["argument"], _at(f, pool, _ARGUMENT))
        if is_x86(target):  # everybody computes in the caller's mode
            module.declare("llvm.x86.sse.stmxcsr", "void", ["ptr"])
            f.do(f"call void @llvm.x86.sse.stmxcsr({_at(f, pool, _MODE)})")
        f.do(f"store atomic i32 0, {_at(f, pool, _DONE)} release, align 4")
        count = f.convert(threads, "i32")
        _announce(f, target, pool, count)
        result = call(threads)
        others = f.sub(count, 1)
        _spin_until(f, target, lambda: f.compare(
            "sge", _load(f, _at(f, pool, _DONE)), others), None)
        return [result]

    def mine() -> list[Value]:
        ready = f.emit(f"load atomic i64, {_at(f, pool, READY)} acquire, align 8", "i64")
        # bits 1 to threads - 1
        wanted = f.and_(f.lshr(f.constant(-1, "i64"), f.sub(f.index(64), threads)), -2)
        there = f.compare("eq", f.and_(ready, wanted), wanted)
        code = f.if_(there, together, lambda: [f.constant(NO_WORKERS, "i64")])[0]
        _give_back(f, pool)
        return [code]

    # The pool is at work for another thread: alone, then; the results are the same.
    f.ret(f.if_(_take(f, pool), mine, lambda: [call(f.constant(1, "i64"))])[0])


def _leave(module: Module, target: Target) -> None:
    """Tell all workers to go; whether they were told, which a long region prevents."""
    f = module.function("leave", [("ptr", "pool")], result="i64", linkage="")
    pool = f["pool"]

    def go() -> list[Value]:
        f.do(f"store atomic i64 0, {_at(f, pool, READY)} seq_cst, align 8")
        _announce(f, target, pool, f.constant(LEAVE, "i32"))
        _give_back(f, pool)
        return [f.constant(1, "i64")]

    taken = _spin_until(f, target, lambda: _take(f, pool), _PATIENCE)
    f.ret(f.if_(taken, go, lambda: [f.constant(0, "i64")])[0])


def _step_aside(f: Function, pool: Value) -> None:
    """Leave a worker's processor: restrict this thread to its others, then allow it all again."""
    f.module.declare("sched_getcpu", "i32", [])
    for name in ("sched_getaffinity", "sched_setaffinity"):
        f.module.declare(name, "i32", ["i32", "i64", "ptr"])
    allowed, fewer = (f.alloca("i64", _SET_BYTES // 8, align=8) for _ in range(2))
    here = f.convert(f.emit("call i32 @sched_getcpu()", "i32"), "i64")
    workers = f.load(_at(f, pool, WORKERS), "i64")
    bit = f.and_(f.lshr(workers, f.and_(here, 63)), 1)
    hit = f.and_(f.compare("ne", bit, 0), f.compare("ult", here, 64))

    def affinity(which: str, set_: Value) -> Value:
        return f.emit(f"call i32 @sched_{which}affinity(i32 0, i64 {_SET_BYTES}, {set_})", "i32")

    def move() -> None:
        known = f.compare("eq", affinity("get", allowed), 0)
        rest = f.and_(f.load(allowed, "i64"), f.not_(workers))
        zero = f.constant(0, "i64")
        for i in range(1, _SET_BYTES // 8):
            f.store(zero, f.offset(fewer, i, "i64"))
        f.store(rest, fewer)

        def there_and_back() -> None:
            affinity("set", fewer)
            affinity("set", allowed)

        f.if_(f.and_(known, f.compare("ne", rest, 0)), there_and_back)

    f.if_(hit, move)


def _barrier(module: Module, target: Target) -> None:
    f = module.function(BARRIER, [("ptr", "place"), ("i64", "threads")], linkage="")
    count, generation = f["place"], _at(f, f["place"], 64)

    def meet() -> None:
        before = _load(f, generation)
        arrived = f.emit(f"atomicrmw add {count}, i32 1 acq_rel, align 4", "i32")
        last = f.compare("eq", f.add(arrived, 1), f.convert(f["threads"], "i32"))

        def open_() -> None:
            f.do(f"store atomic i32 0, {count} monotonic, align 4")
            f.emit(f"atomicrmw add {generation}, i32 1 release, align 4", "i32")

        f.if_(last, open_, lambda: (_spin_until(f, target, lambda: f.compare(
            "ne", _load(f, generation), before), None), None)[1])

    f.if_(f.compare("sgt", f["threads"], 1), meet)
    f.ret()
