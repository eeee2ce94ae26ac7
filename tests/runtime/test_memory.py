"""Arrays with memory of their own, and results that are used again when nobody holds them."""

from __future__ import annotations

import copy
import sys
import threading

import numpy as np
import pytest

from tests.runtime.support import answer_of_child, linux
from tricord.errors import OutOfMemoryError
from tricord.runtime.native import memory
from tricord.runtime.native.memory import ALIGNMENT, UNUSED, Pool, aligned_empty, is_own

F32 = np.dtype(np.float32)
SMALL, LARGE = (40,), (200, 200)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (16, 1024), (16, 1025), (0, 1 << 40)])
def test_arrays_are_aligned_dense_and_own_their_memory(shape):
    array = aligned_empty(shape, F32)
    assert array.shape == shape and array.dtype is F32
    assert array.ctypes.data % ALIGNMENT == 0
    array[...] = 3
    assert (array == 3).all() and is_own(array)


def test_too_large_is_said_in_words():
    with pytest.raises(OutOfMemoryError, match="no memory for"):
        aligned_empty((1 << 30, 1 << 20), F32)


@linux
@pytest.mark.parametrize("shape", [SMALL, LARGE])
def test_a_child_does_not_write_into_its_parents_arrays(shape):
    array = aligned_empty(shape, F32)
    array[...] = 1

    def write() -> float:
        array[...] = 7
        return float(array.max())

    assert answer_of_child(write) == 7
    assert (array == 1).all()


def test_what_is_not_own_memory():
    own = aligned_empty((64, 64), F32)
    copied = own.copy()
    assert is_own(own) and is_own(copied) == (copied.ctypes.data % ALIGNMENT == 0)
    assert not is_own(own[:32]), "a view: the count of its references says nothing"
    assert not is_own(own.T)
    assert not is_own(np.frombuffer(bytearray(256), F32))
    own.flags.writeable = False
    assert not is_own(own)


HOLDERS = {
    "itself": lambda a: a,
    "slice": lambda a: a[1:],
    "element view": lambda a: a[:1],
    "reshaped": lambda a: a.reshape(-1),
    "transposed": lambda a: a.T,
    "other dtype": lambda a: a.view(np.int32),
    "view of a view": lambda a: a[1:][1:].view(np.uint8)[::2],
    "subclass": lambda a: a.view(type("Sub", (np.ndarray,), {})),
    "memoryview": memoryview,
    "iterator": lambda a: a.flat,
    "broadcast": lambda a: np.broadcast_to(a, (2, *a.shape)),
    "strided": lambda a: np.lib.stride_tricks.as_strided(a, (2,), (0,)),
    "as array": lambda a: np.asarray(memoryview(a)),
    "dlpack": lambda a: np.from_dlpack(a),
    "frombuffer": lambda a: np.frombuffer(a, np.uint8),
    "real part": lambda a: a.real,
    "method": lambda a: a.sum,
    "in a list": lambda a: [a],
    "in a closure": lambda a: lambda: a,
    "shallow copy of a list": lambda a: copy.copy([a]),
}


@pytest.mark.parametrize("shape", [SMALL, LARGE])
@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS.keys())
def test_nothing_is_handed_out_while_somebody_holds_it(hold, shape):
    pool = Pool(shape, F32)
    address = pool.take().ctypes.data
    held = hold(pool.take())
    others = [pool.take() for _ in range(3)]
    assert address not in [o.ctypes.data for o in others]
    assert len({o.ctypes.data for o in others}) == 3
    del held
    assert pool.take().ctypes.data == address


def test_unused_results_are_used_again():
    pool = Pool(LARGE, F32)
    assert UNUSED > 0
    assert len({pool.take().ctypes.data for _ in range(10)}) == 1


def test_a_pool_keeps_few():
    for shape, kept in ((SMALL, 2), ((1 << 24,), 2), ((1 << 25,), 1)):
        pool = Pool(shape, F32)
        held = [pool.take() for _ in range(5)]
        assert len({h.ctypes.data for h in held}) == 5 and len(pool.arrays) == kept


def test_without_counts_nothing_is_used_again(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert memory._count_of_unused() == -1
    monkeypatch.setattr(memory, "UNUSED", -1)
    pool = Pool(SMALL, F32)
    first = pool.take()
    address = first.ctypes.data
    assert pool.take() is not first
    del first
    assert address not in {pool.take().ctypes.data for _ in range(3)}


def test_several_threads_never_get_the_same_array():
    pool = Pool(SMALL, F32)
    errors = []

    def work(number: int) -> None:
        for _ in range(3000):
            array = pool.take()
            array[...] = number
            if not (array == number).all():
                errors.append(number)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not errors
