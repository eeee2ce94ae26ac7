"""Random graphs, compiled and interpreted: both give the same, within what rounding allows.

``python -m tests.compiler.random_graphs --count 2000 --seed 0`` looks for a difference, shrinks
the graph that shows it, and prints it with its seed.
"""

from __future__ import annotations

import argparse
import ctypes
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from tests.compiler.error_bounds import bounds_of, disagreement
from tests.compiler.graph_maker import Case, make_case
from tricord import settings
from tricord.ir.graph import is_input, make_input, substitute, toposort
from tricord.ir.node import Node, clear_nodes
from tricord.ir.printer import print_nodes
from tricord.runtime.compiled import CompiledProgram
from tricord.runtime.interpreter import Interpreter

__all__ = ["complaint", "expected", "report", "shrunk"]

#: compiles a case and runs it
Run = Callable[[Case], list[np.ndarray]]


@contextmanager
def flushed_subnormals() -> Iterator[None]:
    """Let numpy compute as programs do: with subnormal floats taken for zero, if so set."""
    if (settings.get().denormals == "keep" or platform.machine() != "x86_64"
            or sys.platform != "linux"):
        yield
        return
    library = ctypes.CDLL(None)
    before, changed = (ctypes.create_string_buffer(32) for _ in range(2))
    library.fegetenv(before)
    library.fegetenv(changed)
    control = int.from_bytes(changed.raw[28:32], "little") | 0x8040
    changed[28:32] = control.to_bytes(4, "little")
    library.fesetenv(changed)
    try:
        yield
    finally:
        library.fesetenv(before)


def expected(case: Case) -> tuple[dict[Node, np.ndarray], dict[Node, np.ndarray]]:
    """The interpreter's values of all nodes, and how far off they may be."""
    order = toposort(case.outputs)
    with np.errstate(all="ignore"), flushed_subnormals():
        values = dict(zip(order, Interpreter(order)(case.arrays), strict=True))
    return values, bounds_of(order, values)


def native(case: Case) -> list[np.ndarray]:
    """What the compiled program gives, twice over: the second time its memory is not fresh."""
    program = CompiledProgram(case.outputs)
    given = program(list(case.arrays))
    results = [np.array(r) for r in given]
    for array in given:
        plain = array.flags.c_contiguous and array.flags.writeable
        if plain and not any(np.shares_memory(array, a) for a in case.arrays):
            array.reshape(-1).view(np.uint8)[...] = 77
    del given, array
    for first, second in zip(results, program(list(case.arrays)), strict=True):
        assert first.tobytes() == second.tobytes(), "another value when run again"
    return results


def complaint(case: Case, run: Run = native) -> str:
    """What is wrong with how a case is compiled; nothing if it is right."""
    values, bounds = expected(case)
    before = [a.copy() for a in case.arrays]
    try:
        found = run(case)
    except Exception as error:  # noqa: BLE001 - whatever it is, it should not be
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno})"
    if len(found) != len(case.outputs):
        return f"{len(found)} results of {len(case.outputs)}"
    for number, (node, result) in enumerate(zip(case.outputs, found, strict=True)):
        wrong = disagreement(result, values[node], bounds[node])
        if wrong:
            return f"output {number}: {wrong}"
    for slot, (now, then) in enumerate(zip(case.arrays, before, strict=True)):
        if now.tobytes() != then.tobytes():
            return f"argument {slot} was written to"
    return ""


# ---- making a failing case small

def shrunk(case: Case, run: Run = native, seconds: float = 30.0) -> Case:
    """A smaller case that fails in the same way: outputs dropped, nodes turned into inputs,
    arrays made plain; as long as something helps and there is time."""
    kind = _kind(complaint(case, run))
    stop = time.monotonic() + seconds
    improved = True
    while improved:
        improved = False
        for candidate in _smaller(case):
            if time.monotonic() > stop:
                return case
            if _kind(complaint(candidate, run)) == kind:
                case = candidate
                improved = True
                break
    return case


def _kind(text: str) -> str:
    """The class of an error; all differences of values are one kind."""
    head = text.split(":")[0]
    return "difference" if head.startswith("output") else head


def _smaller(case: Case) -> Iterator[Case]:
    outputs = case.outputs
    for i in range(len(outputs)):
        if len(outputs) > 1:
            yield _tidy(Case(case.seed, [*outputs[:i], *outputs[i + 1:]], case.arrays))
    order = [n for n in toposort(outputs) if n.parents and not n.op.several_outputs]
    values, _ = expected(case)
    for node in reversed(order):
        fresh = make_input(len(case.arrays), node.type)
        changed = substitute(outputs, {node: fresh})
        if any(not is_input(o) for o in changed):
            yield _tidy(Case(case.seed, changed, [*case.arrays, np.array(values[node])]))
    for node in order:
        for parent in node.parents:
            if parent.type == node.type:
                changed = substitute(outputs, {node: parent})
                if any(not is_input(o) for o in changed):
                    yield _tidy(Case(case.seed, changed, case.arrays))
    for slot, array in enumerate(case.arrays):
        if not (array.flags.c_contiguous and array.flags.aligned and array.flags.writeable):
            yield Case(case.seed, outputs, [
                np.array(a, order="C") if i == slot else a for i, a in enumerate(case.arrays)])


def _tidy(case: Case) -> Case:
    """Without the inputs that nobody reads."""
    used = sorted((n for n in toposort(case.outputs) if is_input(n)), key=lambda n: n.params.slot)
    new = {n: make_input(i, n.type) for i, n in enumerate(used)}
    return Case(case.seed, substitute(case.outputs, new), [case.arrays[n.params.slot]
                                                           for n in used])


def report(case: Case, wrong: str, run: Run = native) -> str:
    """The seed, the smallest case found, and what is wrong with it."""
    small = shrunk(case, run)
    arrays = [f"  input {i}: {a.dtype}{list(a.shape)} strides {a.strides} "
              f"{np.array2string(a, threshold=12, precision=4).replace(chr(10), '')}"
              for i, a in enumerate(small.arrays)]
    return "\n".join([f"seed {case.seed}: {wrong}", "smallest:", print_nodes(small.outputs),
                      *arrays, complaint(small, run)])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="compile random graphs and interpret them")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--factor", type=int, default=1, help="how much larger than usual")
    parser.add_argument("--target", default="")
    parser.add_argument("--denormals", default="flush", choices=["flush", "keep"])
    parser.add_argument("--stop-after", type=int, default=5, help="failures to stop at")
    options = parser.parse_args(arguments)
    failures = 0
    began = time.monotonic()
    with settings.override(target=options.target, denormals=options.denormals, cache=None,
                           check=1):
        for seed in range(options.seed, options.seed + options.count):
            if sys.stderr.isatty():
                print(f"\rseed {seed}, {failures} failures", end="", file=sys.stderr, flush=True)
            clear_nodes()
            case = make_case(seed, options.factor)
            wrong = complaint(case)
            if wrong:
                failures += 1
                print("\n" + report(case, wrong), flush=True)
                if failures >= options.stop_after:
                    break
    print(f"\n{seed - options.seed + 1} graphs, {failures} failures, "
          f"{time.monotonic() - began:.0f} s")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
