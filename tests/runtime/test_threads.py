"""The generated thread pool: every task once, asleep when idle, forks, several callers, the end."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.ir.helpers import inputs
from tests.runtime.support import answer_of_child, interpreter, linux
from tricord import settings
from tricord.compiler.llvm import Module
from tricord.compiler.program import BARRIER
from tricord.compiler.target import host_target
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.elementwise import multiply
from tricord.ir.ops.reduce import reduce_sum
from tricord.runtime.compiled import CompiledProgram
from tricord.runtime.native.machine import loaded, machine
from tricord.runtime.native.threads_code import NO_WORKERS
from tricord.runtime.native.workers import Workers

pytestmark = [linux, pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")]

MOST = 6
TASKS = 1003


def _share(f, threads):
    tasks = TASKS
    first = f.binary("udiv", f.mul(f["thread"], tasks), threads)
    last = f.binary("udiv", f.mul(f.add(f["thread"], 1), tasks), threads)
    return first, last


def _programs() -> Module:
    """``count(counters)``: one is added to the counter of each task. ``shift(block)``: numbers move
    one place to the left, again and again, between two rows; right only if all threads meet each
    time. ``mode(words)``: the floating-point mode of each thread."""
    module = Module(host_target())
    arguments = [("ptr", "context"), ("i64", "thread"), ("i64", "threads")]
    f = module.function("count", arguments, result="i64", linkage="")
    first, last = _share(f, f["threads"])
    f.loop(first, last, lambda i: f.do(
        f"atomicrmw add {f.offset(f['context'], i, 'i32')}, i32 1 monotonic, align 4"))
    f.ret(f.add(f["threads"], 1000))

    module.declare(BARRIER, "void", ["ptr", "i64"])
    f = module.function("shift", arguments, result="i64", linkage="")
    first, last = _share(f, f["threads"])
    rows = [f.offset(f["context"], 128 + 4 * TASKS * i, "i8") for i in range(2)]

    def round(_: Any) -> None:
        for here, there in (rows, rows[::-1]):
            def one(i: Any, here: Any = here, there: Any = there) -> None:
                source = f.binary("urem", f.add(i, 1), f.index(TASKS))
                f.store(f.load(f.offset(here, source, "i32"), "i32"), f.offset(there, i, "i32"))

            f.loop(first, last, one)
            f.call(BARRIER, "void", f["context"], f["threads"])

    f.loop(0, 50, round)
    f.ret(f.constant(0, "i64"))

    f = module.function("mode", arguments, result="i64", linkage="")
    if module.target.triple.startswith("x86"):
        module.declare("llvm.x86.sse.stmxcsr", "void", ["ptr"])
        f.do(f"call void @llvm.x86.sse.stmxcsr({f.offset(f['context'], f['thread'], 'i32')})")
    f.ret(f.constant(0, "i64"))
    return module


class Runner:
    def __init__(self) -> None:
        target = host_target()
        self.machine = machine(target)
        self.image = loaded(_programs().text(), target, self.machine.externals)
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                                ctypes.c_int64)
        self._run = kind(self.machine.image.address("run"))
        self.workers = self.machine.workers

    def __call__(self, name: str, context: np.ndarray, threads: int) -> int:
        """Run a program in the pool, which is as large as it is."""
        return self._run(self.workers.address, self.image.address(name), context.ctypes.data,
                         threads)

    def counted(self, threads: int, times: int = 1) -> None:
        """Every task is done exactly once each time, however many threads there were."""
        counters = np.zeros(TASKS, np.int32)
        for _ in range(times):
            code = self("count", counters, threads)
            while code == NO_WORKERS:  # somebody stopped them
                assert self.workers.grow(threads) >= threads
                code = self("count", counters, threads)
            assert code in (1000 + threads, 1001)
        assert (counters == times).all()


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.workers.stop()


def idle_seconds(seconds: float) -> float:
    """Processor time that the whole process takes while its Python sleeps."""
    before = time.process_time()
    time.sleep(seconds)
    return time.process_time() - before


@pytest.mark.parametrize("threads", range(1, MOST + 1))
def test_every_task_is_done_exactly_once(runner, threads):
    runner.counted(threads, 200 if threads <= 2 else 10)


def test_results_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in ((333, 450), (450, 271))]
    found = []
    for threads in range(1, 5):
        a, b = inputs(*arrays)
        product = dot_general(a, b, ((1,), (0,)))
        with settings.override(threads=threads):
            program = CompiledProgram([product, reduce_sum(multiply(product, product), (0, 1))])
        assert program.only.threads == threads
        found.append([r.tobytes() for r in program(arrays)])
    assert found == found[:1] * 4


def test_sleeping_workers_wake_for_every_region(runner):
    for _ in range(5):
        runner.counted(3)
        time.sleep(0.01)  # longer than they spin


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_meet_at_the_barrier(runner, threads):
    runner.workers.grow(threads)
    block = np.zeros(32 + 2 * TASKS, np.int32)
    block[32:32 + TASKS] = np.arange(TASKS)
    assert runner("shift", block, threads) == 0
    assert (block[32:32 + TASKS] == (np.arange(TASKS) + 100) % TASKS).all()


def test_idle_workers_sleep(runner):
    runner.counted(4)
    assert len(runner.workers._threads) >= 3
    time.sleep(0.02)
    assert idle_seconds(0.3) < 0.03


def test_workers_compute_in_the_callers_mode(runner):
    if not host_target().triple.startswith("x86"):
        pytest.skip("x86 only")
    runner.workers.grow(3)
    words = np.zeros(3, np.uint32)
    for flush in (0x8040, 0):
        runner("count", np.zeros(TASKS, np.int32), 3)
        block = np.zeros(13, np.int64)
        block[[2, 3, 4, 5, 6]] = [words.ctypes.data, runner.image.address("mode"),
                                  runner.workers.address, 3, flush]
        assert runner.machine.launch(block.ctypes.data) == 0
        assert words.tolist() == [0x1F80 | flush] * 3
    # and the caller has its own mode back: denormals are numbers again
    tiny = np.float32(1e-40)
    assert tiny * np.float32(1) == tiny


def test_several_python_threads_at_once(runner):
    runner.workers.grow(3)
    errors: list[BaseException] = []

    def work(threads: int) -> None:
        try:
            runner.counted(threads, 30)
        except BaseException as error:
            errors.append(error)
            raise

    callers = [threading.Thread(target=work, args=(1 + i % 3,)) for i in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(20)
        assert not caller.is_alive()
    assert not errors


def test_a_worker_that_has_just_started_takes_part_at_once(runner):
    for _ in range(8):
        runner.workers.stop()
        assert runner("count", np.zeros(TASKS, np.int32), 2) == NO_WORKERS
        runner.counted(2)
        runner.counted(4)


def test_a_region_waits_for_no_worker_that_is_not_there_yet(runner):
    """Workers may come in any order: the second alone is not enough for two threads."""
    workers = Workers(runner.machine.image)
    run = runner._run
    counters = np.zeros(TASKS, np.int32)
    function = runner.image.address("count")
    second = threading.Thread(target=workers._work, args=(2, []), daemon=True)
    second.start()
    while not workers._ready[0]:
        time.sleep(1e-4)
    for threads in (2, 3, 64):
        assert run(workers.address, function, counters.ctypes.data, threads) == NO_WORKERS
    assert workers._leave(workers.address)
    second.join()


def test_stopped_workers_are_gone(runner):
    runner.counted(3)
    threads = list(runner.workers._threads)
    assert len(threads) >= 2 and all(t.is_alive() for t in threads)
    runner.workers.stop()
    assert not any(t.is_alive() for t in threads)
    assert runner("count", np.zeros(TASKS, np.int32), 2) == NO_WORKERS


def test_a_stop_in_the_middle_of_other_threads_regions(runner):
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            runner.counted(3)

    callers = [threading.Thread(target=work) for _ in range(2)]
    for caller in callers:
        caller.start()
    for _ in range(15):
        runner.workers.stop()
        time.sleep(1e-4)
    done.set()
    for caller in callers:
        caller.join(20)
        assert not caller.is_alive()


def test_a_process_that_may_start_no_more_threads_runs_alone(runner, monkeypatch):
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    runner.workers.stop()
    workers = Workers(runner.machine.image)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert workers.grow(4) == 1
    assert workers.grow(2) == 2
    workers.stop()


def test_the_callers_processors_stay_its_own(runner):
    runner.workers.stop()
    runner.workers.grow(2)  # one worker, with a processor of its own if there are two
    everything = os.sched_getaffinity(0)
    found = []

    def work(allowed: set[int]) -> None:
        for processor in everything:  # also the worker's own, which it will leave
            os.sched_setaffinity(0, {processor})
            os.sched_setaffinity(0, allowed)
            runner.counted(2)
            found.append((allowed, os.sched_getaffinity(0)))

    for allowed in [{p} for p in everything] + [everything]:
        caller = threading.Thread(target=work, args=(allowed,))
        caller.start()
        caller.join()
    assert len(found) == (len(everything) + 1) * len(everything)
    assert all(before == after for before, after in found)


def test_a_forked_child_has_workers_of_its_own(runner):
    runner.counted(3, 5)

    def work() -> list[int]:
        alone = runner("count", np.zeros(TASKS, np.int32), 2)
        runner.counted(3, 10)
        return [alone, len(runner.workers._threads)]

    assert answer_of_child(work) == [NO_WORKERS, 2]
    assert not runner.workers._threads, "no threads of ours while the process was copied"
    runner.counted(3, 10)


def test_forks_in_the_middle_of_other_threads_regions(runner):
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            runner.counted(2)

    def in_child() -> bool:
        runner.counted(2, 5)
        return True

    callers = [threading.Thread(target=work) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        for _ in range(5):
            assert answer_of_child(in_child)
    finally:
        done.set()
        for caller in callers:
            caller.join(20)
    assert not any(c.is_alive() for c in callers)


PROGRAM = """
import atexit, os, sys, threading, time
import numpy as np
from tests.ir.helpers import inputs
from tricord import settings
from tricord.ir.ops.elementwise import multiply
from tricord.runtime.compiled import CompiledProgram

x = np.ones(300_000, np.float32)

def check():
    assert (program([x])[0] == 1).all()

settings._process_settings = settings.replace(settings.get(), threads=3)
atexit.register(lambda: (check(), print("bye")))
program = CompiledProgram([multiply(*inputs(x) * 2)])
assert program.only.threads == 3
check()
"""


def test_an_interpreter_ends_while_its_workers_sleep():
    assert interpreter(PROGRAM + "time.sleep(0.05)") == "bye\n"


def test_an_interpreter_ends_while_other_threads_run_programs():
    loop = """
def forever():
    while True:
        check()
for _ in range(2):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.05)
"""
    assert interpreter(PROGRAM + loop) == "bye\n"


def test_a_child_that_ends_as_interpreters_do():
    fork = """
child = os.fork()
check()
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    assert interpreter(PROGRAM + fork) == "bye\nbye\n"
