"""The time, for programs that note when their kernels run."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from ...compiler.llvm import Module
from ...compiler.program import CLOCK
from ...compiler.target import Target
from .machine import loaded

__all__ = ["HAS_CLOCK", "clock_symbols", "nanoseconds_ahead"]

#: Whether the C library tells the time the way `clock_symbols` asks for it.
HAS_CLOCK = hasattr(time, "clock_gettime_ns") and hasattr(time, "CLOCK_MONOTONIC")


@cache
def _image(target: Target) -> Any:
    module = Module(target)
    f = module.function(CLOCK, [], result="i64", linkage="")
    module.declare("clock_gettime", "i32", ["i32", "ptr"])
    now = f.alloca("i64", 2, align=16)  # seconds, nanoseconds
    f.do(f"call i32 @clock_gettime(i32 {time.CLOCK_MONOTONIC}, {now})")
    seconds, rest = (f.load(f.offset(now, i, "i64"), "i64") for i in range(2))
    f.ret(f.add(f.mul(seconds, 1_000_000_000), rest))
    address = ctypes.cast(ctypes.CDLL(None).clock_gettime, ctypes.c_void_p).value or 0
    return loaded(module.text(), target, {"clock_gettime": address})


def clock_symbols(target: Target) -> Mapping[str, int]:
    """The function that timed programs call."""
    return {CLOCK: _image(target).address(CLOCK)}


def nanoseconds_ahead() -> int:
    """How far `time.perf_counter_ns` is ahead of that function; nothing on Linux."""
    best = min(((time.perf_counter_ns(), time.clock_gettime_ns(time.CLOCK_MONOTONIC),
                 time.perf_counter_ns()) for _ in range(5)), key=lambda t: t[2] - t[0])
    ahead = (best[0] + best[2]) // 2 - best[1]
    return ahead if abs(ahead) > 1000 else 0
