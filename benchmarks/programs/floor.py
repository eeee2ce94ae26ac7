"""The machine's floor: so many multiplications at its peak, so many bytes at its bandwidth.

Loops of machine code with nothing to wait for: fused multiply-adds in registers, and whole vectors
read, written, or updated in place. What a program must do at least takes as long as these do; no
cache is blocked, nothing is packed, no thread waits for another one between steps.

Fresh results are written past the caches where that is the faster way for arrays of that size.
"""

from __future__ import annotations

import ctypes
import statistics
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from .case import Case

__all__ = ["build"]

_LINE = 64  # bytes: of a cache line, and what every array here is aligned to
_UNROLL = 4  # lines per turn of a loop
_BLOCK = _LINE * _UNROLL
_PARTS = 40  # of a block of steps, timed one by one


def _lanes() -> int:
    """Floats in the widest register."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    return 8 if features.get("avx") else 4


def _loop(name: str, arguments: str, body: str, before: str = "", carried: str = "",
          after: str = "") -> str:
    """A function that goes ``rounds`` times from block ``first`` to block ``last``."""
    return f"""
define void @{name}({arguments}, i64 %first, i64 %last, i64 %rounds) {{
entry:
{before}  br label %round
round:
  %r = phi i64 [ 0, %entry ], [ %r1, %turned ]
  br label %block
block:
  %i = phi i64 [ %first, %round ], [ %i1, %block ]
{carried}{body}  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, %last
  br i1 %more, label %block, label %turned
turned:
  %r1 = add i64 %r, 1
  %again = icmp ult i64 %r1, %rounds
  br i1 %again, label %round, label %done
done:
{after}  ret void
}}
"""


def _lines(pointer: str, name: str) -> str:
    """Addresses of the lines of block i."""
    text = f"  %{name}o = mul i64 %i, {_BLOCK}\n"
    for u in range(_UNROLL):
        text += (f"  %{name}o{u} = add i64 %{name}o, {u * _LINE}\n"
                 f"  %{name}{u} = getelementptr i8, ptr {pointer}, i64 %{name}o{u}\n")
    return text


def _stream(name: str, reads: bool, writes: str) -> str:
    """``writes``: nothing, "place" (where it was read), "fresh" or "past" (the caches)."""
    line = "<16 x float>"
    body = _lines("%a", "a") if reads else ""
    for u in range(_UNROLL):
        body += f"  %v{u} = load volatile {line}, ptr %a{u}, align {_LINE}\n" if not writes \
            else f"  %v{u} = load {line}, ptr %a{u}, align {_LINE}\n"
    if writes == "place":
        half = "float 5.0e-01"
        for u in range(_UNROLL):
            body += (f"  %w{u} = fmul {line} %v{u}, <{', '.join([half] * 16)}>\n"
                     f"  store {line} %w{u}, ptr %a{u}, align {_LINE}\n")
    elif writes:
        past = ", !nontemporal !0" if writes == "past" else ""
        body += _lines("%b", "b")
        for u in range(_UNROLL):
            body += f"  store {line} %v{u}, ptr %b{u}, align {_LINE}{past}\n"
    return _loop(name, "ptr %a, ptr %b", body)


def _peak(lanes: int, chains: int) -> str:
    """Independent chains x = x * 0.5 + 1 in registers; the loop over blocks counts the turns."""
    vector = f"<{lanes} x float>"
    half, one = (f"<{', '.join([f'float {v}'] * lanes)}>" for v in ("5.0e-01", "1.0e+00"))
    carried = "".join(
        f"  %x{c} = phi {vector} [ {one}, %round ], [ %y{c}, %block ]\n" for c in range(chains))
    body = "".join(
        f"  %y{c} = call {vector} @llvm.fma.v{lanes}f32({vector} %x{c}, {vector} {half}, "
        f"{vector} {one})\n" for c in range(chains))
    # The last values are stored, so that nobody may leave them out.
    after = "".join(
        f"  %p{c} = getelementptr {vector}, ptr %a, i64 {c}\n"
        f"  store {vector} %y{c}, ptr %p{c}, align 4\n" for c in range(chains))
    declared = f"declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})\n"
    return declared + _loop("peak", "ptr %a, ptr %b", body, carried=carried, after=after)


_Loop = Callable[..., Any]
_FUNCTIONS = ("read", "place", "fresh", "past", "peak")


@cache
def _machine() -> tuple[Any, dict[str, _Loop], int]:
    """The engine that holds the code, the functions, and the flops of one turn of ``peak``."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    lanes = _lanes()
    chains = 24 if lanes == 16 else 12  # of 32 registers, or 16
    text = (_stream("read", True, "") + _stream("place", True, "place")
            + _stream("fresh", True, "fresh") + _stream("past", True, "past")
            + _peak(lanes, chains) + "!0 = !{i32 1}\n")
    module = llvm.parse_assembly(text)
    module.verify()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3)
    loops = {name: kind(engine.get_function_address(name)) for name in _FUNCTIONS}
    return engine, loops, 2 * lanes * chains


def _aligned(size: int) -> np.ndarray:
    """Bytes whose address is a multiple of a line; a whole number of blocks."""
    size = -(-max(size, 1) // _BLOCK) * _BLOCK
    whole = np.empty(size + _LINE, np.uint8)
    whole.fill(0)  # np.zeros would leave them to one page of zeros, which is always in the cache
    start = -whole.ctypes.data % _LINE
    return whole[start:start + size]


class _Floor:
    """Each thread does its share of every step."""

    note = ""

    def __init__(self, flops: int, read: int, update: int, write: int, threads: int):
        """``update`` counts bytes that are read and written; they are moved twice."""
        self.engine, self.loops, turn = _machine()
        self.threads = threads
        self.first: list[float] = []
        self.turns = flops // turn
        copied = min(read, write)
        self.source = _aligned(max(read, write))
        self.target = _aligned(write)
        self.place = _aligned(update)
        self.rest = _aligned(2048 * threads)
        #: (function, first array, second array, blocks)
        self.streams = [
            ("fresh", self.source, self.target, copied // _BLOCK),
            ("read", self.source[copied:], self.source, (read - copied) // _BLOCK),
            ("place", self.place, self.place, update // _BLOCK),
        ]
        if copied:
            self.streams[0] = (self._quicker(), *self.streams[0][1:])

    def _quicker(self) -> str:
        """Whether results of this size are better written past the caches."""
        best = {"fresh": float("inf"), "past": float("inf")}
        _, source, target, blocks = self.streams[0]
        for _ in range(5):
            for name in best:
                started = time.perf_counter()
                self.loops[name](source.ctypes.data, target.ctypes.data, 0, blocks, 3)
                best[name] = min(best[name], time.perf_counter() - started)
        return min(best, key=lambda name: best[name])

    def check(self) -> list[list[float]]:
        return []

    def run(self, steps: int, warm: int) -> list[float]:
        """One figure: the slowest thread's median over parts of the block, as the medians of the
        others are over steps; what interrupts a part is left out here as it is there.

        A part is several steps if steps are short, a piece of one if they are long.
        """
        if warm:
            self._together(warm, 1, 1)
        each = max(1, steps // _PARTS)
        pieces = -(-_PARTS // steps)
        seconds = self._together(each, steps // each, pieces)
        return [max(map(statistics.median, seconds)) * pieces / each]

    def _together(self, each: int, times: int, pieces: int) -> list[list[float]]:
        """Seconds of each part, for each thread; all start at once and wait for nobody after."""
        jobs = [[self._jobs(number, each, piece, pieces) for piece in range(pieces)] * times
                for number in range(self.threads)]
        seconds: list[list[float]] = [[] for _ in jobs]
        ready = threading.Barrier(self.threads)

        def work(number: int) -> None:
            ready.wait()
            for part in jobs[number]:
                started = time.perf_counter()
                for function, arguments in part:
                    function(*arguments)
                seconds[number].append(time.perf_counter() - started)

        others = [threading.Thread(target=work, args=(n,)) for n in range(1, self.threads)]
        for thread in others:
            thread.start()
        work(0)
        for thread in others:
            thread.join()
        return seconds

    def _jobs(self, number: int, steps: int, piece: int,
              pieces: int) -> list[tuple[_Loop, tuple[int, ...]]]:
        """One thread's share of one piece of a step, ``steps`` times."""
        shares = self.threads * pieces
        share = number * pieces + piece
        jobs: list[tuple[_Loop, tuple[int, ...]]] = []
        turns = self.turns * steps // shares
        if turns:
            own = self.rest.ctypes.data + 2048 * number
            jobs.append((self.loops["peak"], (own, own, 0, turns, 1)))
        for name, a, b, blocks in self.streams:
            first, last = (blocks * n // shares for n in (share, share + 1))
            if last > first:
                jobs.append((self.loops[name], (a.ctypes.data, b.ctypes.data, first, last, steps)))
        return jobs


def build(framework: str, parameters: dict[str, Any]) -> Case:
    return _Floor(parameters.get("flops", 0), parameters.get("read", 0),
                  parameters.get("update", 0), parameters.get("write", 0), parameters["threads"])
