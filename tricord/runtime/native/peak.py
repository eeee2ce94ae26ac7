"""What this machine can do at most: multiply-adds in registers, and bytes of memory updated.

Both loops run on the threads that programs run on. A program cannot be faster than these unless
what it works on stays in the caches.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from ...compiler.llvm import Function, Module, Value, vector
from ...compiler.target import Target, host_target
from .entry import Entry
from .machine import loaded, machine
from .processors import threads_wanted
from .threads_code import NO_WORKERS

__all__ = ["Peak", "measured_peak"]

#: Multiply-adds in flight: latency times throughput of any processor there is.
_CHAINS: Final = 12
_ROUNDS: Final = 1_000_000
#: Far more than caches hold.
_MEMORY: Final = 256 << 20
_SCRATCH: Final = 4096
#: How long each loop is repeated, in seconds: other programs must let go of the processors once.
_PATIENCE: Final = 0.3


@dataclass(frozen=True)
class Peak:
    """Per second: float32 operations, and bytes read and written."""

    flops: float
    bytes: float


@cache
def _measured(target: Target, threads: int) -> Peak:
    lanes = target.lanes(4)
    flops = 2 * lanes * _CHAINS * _ROUNDS * threads
    return Peak(flops / _seconds(target, threads, _arithmetic(target), 0),
                2 * _MEMORY / _seconds(target, threads, _update(target), _MEMORY))


def measured_peak(threads: int = 0) -> Peak:
    """The peak of so many threads; by default as many as programs run on. Takes a
    second, once."""
    return _measured(host_target(), threads or threads_wanted())


def _seconds(target: Target, threads: int, text: str, nbytes: int) -> float:
    """The least time of several."""
    owner = machine(target)
    entry = Entry(owner, loaded(text, target, {}), [], [], [], arena_bytes=nbytes, status_bytes=128,
                  scratch_bytes=_SCRATCH, threads=threads)
    if entry.call([], []) == NO_WORKERS:
        entry.grow()
    best = float("inf")
    stop = time.perf_counter() + _PATIENCE
    while time.perf_counter() < stop:
        begin = time.perf_counter()
        code = entry.call([], [])
        best = min(best, time.perf_counter() - begin)
        assert code == 0, f"the measurement answered {code}"
    return best


def _program(target: Target) -> tuple[Module, Function]:
    """The context holds arena, status and scratch memory."""
    module = Module(target)
    f = module.function("program", [("ptr", "context"), ("i64", "thread"), ("i64", "threads")],
                        result="i64", linkage="")
    return module, f


def _arithmetic(target: Target) -> str:
    module, f = _program(target)
    kind = vector(target.lanes(4), "float")
    half, one = f.constant(np.float32(0.5), kind), f.constant(np.float32(1), kind)

    def turn(_: Value, *chains: Value) -> list[Value]:
        return [f.fma(c, half, one) for c in chains]

    ends = f.loop(0, _ROUNDS, turn, carried=[one] * _CHAINS)
    scratch = f.offset(f.load(f.offset(f["context"], 2, "ptr"), "ptr"),
                       f.mul(f["thread"], _SCRATCH), "i8")
    for i, end in enumerate(ends):
        f.store(end, f.offset(scratch, i, kind), align=4)
    f.ret(f.constant(0, "i64"))
    return module.text()


def _update(target: Target) -> str:
    """x = x / 2 + 1 over all of the memory, a share for each thread."""
    module, f = _program(target)
    lanes, unroll = target.lanes(4), 4
    kind = vector(lanes, "float")
    half, one = f.constant(np.float32(0.5), kind), f.constant(np.float32(1), kind)
    arena = f.load(f["context"], "ptr")
    blocks = _MEMORY // (4 * lanes * unroll)
    first = f.binary("udiv", f.mul(f["thread"], blocks), f["threads"])
    last = f.binary("udiv", f.mul(f.add(f["thread"], 1), blocks), f["threads"])

    def turn(block: Value) -> None:
        for i in range(unroll):
            at = f.offset(arena, f.add(f.mul(block, unroll), i), kind)
            f.store(f.add(f.mul(f.load(at, kind, align=4 * lanes), half), one), at,
                    align=4 * lanes)

    f.loop(first, last, turn)
    f.ret(f.constant(0, "i64"))
    return module.text()
