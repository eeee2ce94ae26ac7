"""Programs on memory that ends, or begins, where a page begins that may not be touched: one byte
read or written outside of an argument or a result ends the process.

``python -m tests.compiler.guard_pages graphs 0 60`` runs the random graphs of seeds 0 to 59;
``products`` instead of ``graphs``: matrix products of random shapes. A target may follow.
"""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import sys
from collections.abc import Sequence

import numpy as np

from tests.compiler.graph_maker import Case, make_case
from tests.compiler.random_graphs import complaint
from tricord import settings
from tricord.ir.dtypes import as_dtype
from tricord.ir.graph import is_input, make_input, toposort
from tricord.ir.node import clear_nodes
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.movement import broadcast, transpose
from tricord.ir.shapes import tensor_type
from tricord.runtime.compiled import CompiledProgram, NativePart

__all__ = ["Fence", "run_fenced", "too_little"]

_PAGE = mmap.PAGESIZE
_NOTHING = 0  # PROT_NONE


class Fence:
    """Memory between two pages that may not be touched, up against one of them."""

    def __init__(self, nbytes: int, at_end: bool):
        pages = -(-max(nbytes, 1) // _PAGE)
        self.memory = mmap.mmap(-1, (pages + 2) * _PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for page in (0, pages + 1):
            if protect(start + page * _PAGE, _PAGE, _NOTHING):
                raise OSError(ctypes.get_errno(), "mprotect")
        inside = pages * _PAGE - nbytes if at_end else 0
        self.address = start + _PAGE + inside
        self.nbytes = nbytes

    def array(self, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
        raw = (ctypes.c_char * self.nbytes).from_address(self.address)
        return np.frombuffer(raw, dtype, int(np.prod(shape))).reshape(shape)


def run_fenced(part: NativePart, arguments: Sequence[np.ndarray],
               at_end: bool) -> list[np.ndarray]:
    """The results of a program, all of whose memory is fenced."""
    fences: list[Fence] = []

    def fenced(nbytes: int) -> Fence:
        fences.append(Fence(nbytes, at_end))
        return fences[-1]

    plan = part.plan
    words = []
    for slot in plan.arguments:
        value = np.ascontiguousarray(arguments[slot])
        fence = fenced(value.nbytes)
        if value.nbytes:
            ctypes.memmove(fence.address, value.ctypes.data, value.nbytes)
        words.append(fence.address)
    results: dict[int, np.ndarray] = {}
    first_outputs = {}
    for number, (kind, index) in enumerate(plan.outputs):
        if kind == "result":
            first_outputs.setdefault(index, number)
    for index in range(plan.results):
        shape, dtype = part.types[first_outputs[index]]
        fence = fenced(dtype.itemsize * int(np.prod(shape)))
        ctypes.memset(fence.address, 0x7F, fence.nbytes)
        results[index] = fence.array(shape, dtype)
        words.append(fence.address)
    constants = [fenced(c.nbytes) for c in part._constants]
    for fence, value in zip(constants, part._constants, strict=True):
        ctypes.memmove(fence.address, value.ctypes.data, value.nbytes)
        words.append(fence.address)
    # The last three: memory between kernels, the status block, and the thread's own.
    for nbytes, filling in ((plan.arena_bytes, 0xFF), (4096, 0), (plan.scratch_bytes, 0xFF)):
        words.append(fenced(nbytes).address)
        ctypes.memset(words[-1], filling, nbytes)
    context = np.array(words, np.int64)
    program = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(
        part._image.address("program"))
    status = program(context.ctypes.data, 0, 1)
    assert status == 0, f"the program answered {status}"
    return [np.array(arguments[i] if kind == "argument" else results[i])
            for kind, i in plan.outputs]


def check(case: Case) -> None:
    """Fenced on either side, the same bits as in ordinary memory."""
    with settings.override(denormals="keep"):
        program = CompiledProgram(case.outputs)
        if program.only is None:
            return
        plain = [np.array(r) for r in program(list(case.arrays))]
    for at_end in (True, False):
        found = run_fenced(program.only, case.arrays, at_end)
        for a, b in zip(found, plain, strict=True):
            assert a.tobytes() == b.tobytes(), "other values than in ordinary memory"


def graph(seed: int) -> None:
    case = make_case(seed)
    check(case)
    # Every value in memory of its own.
    everything = [n for n in toposort(case.outputs) if n.size and not is_input(n)
                  and not n.op.several_outputs]
    if everything:
        check(Case(seed, everything, case.arrays))


def product(seed: int) -> None:
    """A matrix product of odd sizes, its operands perhaps transposed, perhaps with an epilogue."""
    rng = np.random.default_rng([seed, 77])
    m, n, k = (int(s) for s in rng.integers(1, 71, 3))
    if rng.random() < 0.4:  # columns enough for panels that each have one task
        n += 256
    batch = int(rng.choice([0, 0, 0, 3]))
    dtype = as_dtype(str(rng.choice(["float32", "float32", "float64", "int32", "bfloat16"])))
    lead = (batch,) if batch else ()
    arrays, operands, contract = [], [], []
    for rows, columns, last in ((m, k, True), (k, n, False)):
        turned, moved = rng.random(2) < 0.4
        shape = (*lead, columns, rows) if turned else (*lead, rows, columns)
        x = make_input(len(arrays), tensor_type(shape, dtype))
        inner = last != turned  # whether the inner axis is the last one
        arrays.append((rng.standard_normal(shape) * 3).astype(dtype.numpy))
        if moved:
            order = (*range(len(lead)), len(lead) + 1, len(lead))
            x, inner = transpose(x, order), not inner
        operands.append(x)
        contract.append(len(lead) + int(inner))
    b = tuple(range(len(lead)))
    y = dot_general(*operands, ((contract[0],), (contract[1],)), (b, b))
    outputs = [y]
    if rng.random() < 0.5 and not batch and dtype.kind == "f":
        bias = make_input(2, tensor_type((n,), dtype))
        arrays.append(rng.standard_normal(n).astype(dtype.numpy))
        outputs = [ew.maximum(y + broadcast(bias, (m, n), (1,)), y * 0.5)]
        if rng.random() < 0.3:
            outputs.append(ew.negative(outputs[0]))
    case = Case(seed, outputs, arrays)
    check(case)
    wrong = complaint(case)
    assert not wrong, wrong


def too_little() -> None:
    """A program told that its argument is larger than it is: this must not end well."""
    x = make_input(0, tensor_type((1000,), as_dtype("float32")))
    program = CompiledProgram([ew.negative(x)])
    assert program.only is not None
    run_fenced(program.only, [np.zeros(999, np.float32)], at_end=True)


def main(what: str, first: int, last: int, target: str = "") -> None:
    """Prints the number of each case before it runs, so that a crash names its own."""
    faulthandler.enable()
    run = {"graphs": graph, "products": product}[what]
    for seed in range(first, last):
        print(what, seed, flush=True)
        clear_nodes()
        with np.errstate(all="ignore"), settings.override(target=target, check=1):
            run(seed)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
