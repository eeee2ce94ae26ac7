"""The entry function, generated and in Python: what is refused, not leaked, who may call."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tricord import settings
from tricord.compiler.target import host_target
from tricord.errors import DTypeError, IndexRangeError, ShapeError
from tricord.ir.dtypes import as_dtype
from tricord.ir.graph import make_input
from tricord.ir.ops.checks import check_bounds
from tricord.ir.ops.elementwise import add
from tricord.ir.shapes import TensorType
from tricord.runtime.compiled import CompiledProgram
from tricord.runtime.native import machine as machines
from tricord.runtime.native.entry import Entry, as_argument
from tricord.runtime.native.entry_code import BUSY, REFUSED
from tricord.runtime.native.layout import layout_is_known
from tricord.runtime.native.machine import Machine, loaded, machine
from tricord.runtime.native.memory import Bytes, aligned_empty

N = 24
SHAPE = (4, 6)
F32, I64 = np.dtype(np.float32), np.dtype(np.int64)

#: result[i] = a[i] + b, for a of float32 and b, one int64; answers what ``outside`` answers.
TEXT = f"""
declare i64 @outside(i64)
define i64 @program(ptr %context, i64 %thread, i64 %threads) {{
entry:
  %a = load ptr, ptr %context
  %p1 = getelementptr ptr, ptr %context, i64 1
  %p2 = getelementptr ptr, ptr %context, i64 2
  %b = load ptr, ptr %p1
  %r = load ptr, ptr %p2
  %n = load i64, ptr %b
  %x = sitofp i64 %n to float
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %pa = getelementptr float, ptr %a, i64 %i
  %pr = getelementptr float, ptr %r, i64 %i
  %v = load float, ptr %pa
  %s = fadd float %v, %x
  store float %s, ptr %pr
  %j = add i64 %i, 1
  %again = icmp slt i64 %j, {N}
  br i1 %again, label %loop, label %done
done:
  %code = call i64 @outside(i64 %n)
  ret i64 %code
}}
"""


class Caller:
    """An entry whose program can be made to call back and to answer a number."""

    def __init__(self, owner: Machine):
        self.answer: Callable[[int], int] = lambda n: 0
        self._callback = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(
            lambda n: self.answer(n))
        image = loaded(TEXT, host_target(), {
            "outside": ctypes.cast(self._callback, ctypes.c_void_p).value or 0})
        self.entry = Entry(owner, image, [(SHAPE, F32), ((), I64)], [(SHAPE, F32)], [],
                           arena_bytes=100, status_bytes=128, scratch_bytes=0, threads=1)
        self.call = self.entry.call


@pytest.fixture(scope="module")
def plain_machine() -> Machine:
    """A machine for an interpreter whose objects native code cannot read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machines, "layout_is_known", lambda: False)
        return Machine(host_target())


@pytest.fixture(params=["generated", "plain"])
def caller(request, plain_machine) -> Caller:
    owner = machine() if request.param == "generated" else plain_machine
    assert owner.reads_objects == (request.param == "generated")
    return Caller(owner)


def a() -> np.ndarray:
    return np.arange(N, dtype=np.float32).reshape(SHAPE)


def b(value: int = 10) -> np.ndarray:
    return np.array(value, I64)


def result() -> np.ndarray:
    made = aligned_empty(SHAPE, F32)
    made[...] = -1
    return made


def misaligned(dtype: np.dtype, shape: tuple[int, ...], by: int) -> np.ndarray:
    raw = aligned_empty((8 * N + 64,), np.dtype(np.uint8))
    return raw[by:by + dtype.itemsize * int(np.prod(shape))].view(dtype).reshape(shape)


class Sub(np.ndarray):
    pass


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def test_this_interpreter_is_known():
    assert layout_is_known()


def test_a_call(caller):
    out = result()
    assert caller.call([a(), b()], [out]) == 0
    assert (out == a() + 10).all()


GOOD_ARGUMENTS = {
    "any alignment of elements": lambda: [misaligned(F32, SHAPE, 4), b()],
    "read-only": lambda: [read_only(a()), read_only(b())],
    "a view": lambda: [np.stack([a(), a()])[1], b()],
    "another shape of that size": lambda: [a().reshape(-1), b().reshape(1, 1)],
    "ones anywhere": lambda: [a()[:, None], b()],
}
BAD_ARGUMENTS = {
    "too few": lambda: [a()],
    "none": list,
    "too many": lambda: [a(), b(), b()],
    "not contiguous": lambda: [a().T.copy().T, b()],
    "strided": lambda: [np.zeros((4, 12), F32)[:, ::2], b()],
    "broadcast": lambda: [np.broadcast_to(np.float32(1), SHAPE), b()],
    "misaligned": lambda: [misaligned(F32, SHAPE, 2), b()],
    "dtype": lambda: [a().astype(np.float64), b()],
    "dtype of the same size": lambda: [a().view(np.int32), b()],
    "byte order": lambda: [a().astype(">f4"), b()],
    "too small": lambda: [a()[:3], b()],
    "too large": lambda: [np.zeros((5, 6), F32), b()],
    "empty": lambda: [a()[:0], b()],
    "subclass": lambda: [a().view(Sub), b()],
    "masked": lambda: [np.ma.masked_array(a()), b()],
    "scalar": lambda: [a(), np.int64(3)],
    "Python number": lambda: [a(), 3],
    "nothing": lambda: [None, b()],
    "list of numbers": lambda: [[1.0] * N, b()],
    "type": lambda: [np.ndarray, b()],
}
BAD_RESULTS = {
    "read-only": lambda: [read_only(result())],
    "not at a multiple of 64": lambda: [misaligned(F32, SHAPE, 16)],
    "a view of own memory": lambda: [aligned_empty((8, 6), F32)[:4]],
    "memory of something else": lambda: [np.frombuffer(bytearray(4 * N + 64), np.uint8)[
        :4 * N].view(F32).reshape(SHAPE)],
    "dtype": lambda: [aligned_empty(SHAPE, np.dtype(np.int32))],
    "size": lambda: [aligned_empty((3, 6), F32)],
    "transposed": lambda: [aligned_empty((6, 4), F32).T],
    "too many": lambda: [result(), result()],
    "none": list,
    "no array": lambda: [1.5],
    "subclass": lambda: [result().view(Sub)],
}


def named(cases: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("make", cases.values(), ids=cases.keys())


@named(GOOD_ARGUMENTS)
def test_good_arguments(caller, make):
    given, out = make(), result()
    assert caller.call(given, [out]) == 0
    assert (out.reshape(-1) == given[0].reshape(-1) + given[1].reshape(())).all()


@named(BAD_ARGUMENTS)
def test_bad_arguments_are_refused_and_nothing_is_done(caller, make):
    caller.answer = lambda n: pytest.fail("it ran")
    out = result()
    assert caller.call(make(), [out]) == REFUSED
    assert (out == -1).all()


@named(BAD_RESULTS)
def test_bad_results_are_refused_and_nothing_is_done(caller, make):
    caller.answer = lambda n: pytest.fail("it ran")
    out = make()
    before = [np.array(o) for o in out]
    assert caller.call([a(), b()], out) == REFUSED
    assert all(np.array_equal(x, y, equal_nan=True) for x, y in zip(before, out, strict=True))


def test_good_results(caller):
    for make in (lambda: aligned_empty((N,), F32),
                 lambda: np.ndarray(SHAPE, F32, buffer=aligned_empty((1 << 16,), F32).base)):
        out = make()
        assert caller.call([a(), b(3)], [out]) == 0
        assert (out.reshape(SHAPE) == a() + 3).all()


def test_an_array_that_owns_its_memory_may_be_a_result(caller):
    for _ in range(1000):
        out = np.empty(SHAPE, F32)
        aligned = out.ctypes.data % 64 == 0
        assert out.flags.owndata
        assert caller.call([a(), b()], [out]) == (0 if aligned else REFUSED)


@pytest.mark.parametrize("arguments", [
    (), ([],), ((), ()), ([], [], []), (None, None), (1, 2), ({}, {}),
    (np.zeros(3), np.zeros(3)), ((np.zeros(SHAPE, np.float32), np.array(1)), [])])
def test_what_are_no_lists_is_refused(arguments):
    assert Caller(machine()).call(*arguments) == REFUSED


@pytest.mark.parametrize("refused", [False, True])
def test_nothing_is_leaked(caller, refused):
    given, out = [a(), b()], [result()]
    if refused:
        given[0] = np.zeros((4, 12), F32)[:, ::2]
    everything = [*given, *out, given, out, F32, I64, Bytes, np.ndarray, None, caller.call, REFUSED,
                  0]
    call = caller.call

    def many(times: int) -> None:
        for _ in range(times):
            code = call(given, out)
        assert code == (REFUSED if refused else 0)

    many(100)
    gc.collect()
    counts = [sys.getrefcount(x) for x in everything]
    blocks = sys.getallocatedblocks()
    many(10_000)
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 200
    assert all(abs(sys.getrefcount(x) - c) < 50 for x, c in zip(everything, counts, strict=True))
    tracemalloc.start()
    try:
        many(10)
        first, _ = tracemalloc.get_traced_memory()
        many(1000)
        last, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert last - first < 2000


def test_a_program_at_work_is_busy_and_then_free_again(caller):
    answers = []

    def again(n: int) -> int:
        caller.answer = lambda n: 0
        answers.append(caller.call([a(), b()], [result()]))
        return 0

    caller.answer = again
    assert caller.call([a(), b()], [result()]) == 0
    assert answers == [BUSY]
    assert caller.call([a(), b()], [result()]) == 0


def test_after_a_refused_value_it_is_busy_until_released(caller):
    caller.answer = lambda n: n
    assert caller.call([a(), b(7)], [result()]) == 7
    assert caller.call([a(), b(0)], [result()]) == BUSY
    caller.entry.release()
    assert caller.call([a(), b(0)], [result()]) == 0


def test_other_threads_run_meanwhile(caller):
    inside, go = threading.Event(), threading.Event()

    def wait(n: int) -> int:
        inside.set()
        return 0 if go.wait(10) else 1

    caller.answer = wait
    codes = []
    thread = threading.Thread(target=lambda: codes.append(caller.call([a(), b()], [result()])))
    thread.start()
    assert inside.wait(10)  # this thread runs although the call has not come back
    go.set()
    thread.join()
    assert codes == [0]


def test_the_function_keeps_alive_what_it_needs(caller):
    call, entry = caller.call, weakref.ref(caller.entry)
    callback = caller._callback
    if caller.entry._owner.reads_objects:
        del caller.entry
        gc.collect()
        assert entry() is None
    rubbish = [bytearray(256) for _ in range(1000)]
    out = result()
    assert call([a(), b(5)], [out]) == 0 and (out == a() + 5).all()
    del callback, rubbish


# ---- whole programs: what is refused is mended, or said in words

def two_inputs(dtype: str = "float32") -> CompiledProgram:
    kind = TensorType(SHAPE, as_dtype(dtype))
    return CompiledProgram([add(make_input(0, kind), make_input(1, kind))])


@pytest.mark.parametrize("change", [
    lambda x: x.T.copy().T, lambda x: np.asfortranarray(x), read_only,
    lambda x: np.repeat(x, 2, axis=0)[::2], lambda x: x.view(Sub), lambda x: x.tolist(),
    lambda x: np.broadcast_to(x[:1], SHAPE), lambda x: x.astype(x.dtype.newbyteorder("=")),
    lambda x: np.frombuffer(b"x" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(SHAPE)])
def test_arguments_are_mended(change):
    program = two_inputs("float64")
    x = a().astype(np.float64)
    changed = change(x.copy())
    assert (program([changed, x])[0] == np.asarray(changed) + x).all()


def test_equal_dtypes_are_one():
    other = np.dtype("float32", metadata={"a": 1})
    assert other == F32 and other is not F32
    program = two_inputs()
    assert (program([a().astype(other), a()])[0] == a() * 2).all()
    assert as_argument(a().astype(other), (SHAPE, F32)).dtype is F32


def test_what_cannot_be_mended_is_said_in_words():
    program = two_inputs()
    with pytest.raises(DTypeError, match="dtype float32, got float64"):
        program([a(), a().astype(np.float64)])
    with pytest.raises(ShapeError, match=r"shape \(4, 6\), got \(24,\)"):
        program([a().reshape(-1), a()[:3]])
    assert (program([a(), a()])[0] == 2 * a()).all()


def test_a_donated_array_that_is_not_own_memory_is_left_alone():
    program = two_inputs()
    whole = np.zeros((2, *SHAPE), F32)
    whole[0] = a()
    (out,) = program([whole[0], a()], [(0, 0, True)])
    assert (out == 2 * a()).all() and (whole[0] == a()).all()


def bounded(size: int) -> CompiledProgram:
    x = make_input(0, TensorType((1000,), as_dtype("int64")))
    return CompiledProgram([add(check_bounds(x, size, "{value} of {size}"), x)])


def test_threads_that_are_refused_at_once_each_learn_their_own_value():
    program = bounded(100)
    errors = []

    def work(number: int) -> None:
        for turn in range(300):
            values = np.full(1000, turn % 100, np.int64)
            bad = turn % 3 == 0
            if bad:
                values[500] = 1000 * number + turn + 100
            try:
                (found,) = program([values])
                fine = not bad and (found == 2 * values).all()
            except IndexRangeError as error:
                fine = bad and error.message == f"{values[500]} of 100"
            if not fine:
                errors.append((number, turn))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors


def test_many_checks_in_one_program():
    count = 260
    x = make_input(0, TensorType((count,), as_dtype("int64")))
    y = make_input(1, TensorType((count,), as_dtype("int64")))
    node = add(x, y)
    for i in range(count):
        node = add(node, check_bounds(x, 9_000 if i == 257 else 10_000, f"check {i}: {{value}}"))
    with settings.override(threads=2):
        program = CompiledProgram([node])
    good = np.arange(count)
    (found,) = program([good, good])
    assert (found == good * (count + 2)).all()
    bad = good.copy()
    bad[3] = 9800
    for _ in range(3):
        with pytest.raises(IndexRangeError, match="check 257: 9800"):
            program([bad, good])
        assert (program([good, good])[0] == found).all()
    assert program.only is not None and not program.only._spare, "the first entry is free again"
