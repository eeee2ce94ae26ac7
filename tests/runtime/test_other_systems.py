"""What runs where tricord cannot load object files itself, or not read Python's objects: whole
programs, forced onto those paths, give what they give here."""

from __future__ import annotations

import ctypes
import sys
import types
from collections.abc import Iterator

import numpy as np
import pytest

from tests.compiler.helpers import RUNNABLE
from tests.ir.helpers import inputs
from tests.runtime.support import answer_of_child, interpreter, linux
from tricord import settings
from tricord.compiler import assemble
from tricord.compiler.target import TARGETS
from tricord.errors import DTypeError, FileFormatError, IndexRangeError, NotSupportedError
from tricord.ir.node import Node
from tricord.ir.ops.checks import check_bounds
from tricord.ir.ops.contraction import dot_general
from tricord.ir.ops.elementwise import exp, multiply
from tricord.runtime.compiled import CompiledProgram
from tricord.runtime.native import layout, processors
from tricord.runtime.native import machine as machines
from tricord.runtime.native.machine import Machine

NO_LOADER, NO_LAYOUT, NO_POOL = "no own loader", "unknown layout", "no thread pool"
WAYS = [(), (NO_LOADER,), (NO_LAYOUT,), (NO_POOL,), (NO_LOADER, NO_LAYOUT, NO_POOL)]


@pytest.fixture(params=WAYS, ids=lambda way: ", ".join(way) or "as it is")
def way(request, monkeypatch) -> Iterator[tuple[str, ...]]:
    if NO_LOADER in request.param:
        monkeypatch.setattr(machines, "_OWN_LOADER", False)
    if NO_LAYOUT in request.param:
        monkeypatch.setattr(machines, "layout_is_known", lambda: False)
    if NO_POOL in request.param:
        monkeypatch.setattr(machines, "POOL_POSSIBLE", False)
        monkeypatch.setattr(processors, "POOL_POSSIBLE", False)
    made: dict[str, Machine] = {}
    monkeypatch.setattr(machines, "_machines", made)
    yield request.param
    for machine in made.values():
        if machine.workers:
            machine.workers.stop()


def graph() -> tuple[list[Node], list[np.ndarray], list[np.ndarray]]:
    """Nodes that make a parallel program with a constant, values for its inputs, and what comes."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((500, 300)).astype(np.float32)
    y = rng.standard_normal((300, 200)).astype(np.float32)
    a, b = inputs(x, y)
    product = dot_general(a, b, ((1,), (0,)))
    nodes = [product, exp(multiply(a, a))]
    return nodes, [x, y], [x @ y, np.exp(x * x)]


@pytest.mark.parametrize("threads", [1, 3])
def test_programs_run(way, threads):
    nodes, arrays, expected = graph()
    with settings.override(threads=threads):
        program = CompiledProgram(nodes)
    assert program.only is not None
    assert program.only.threads == (1 if NO_POOL in way else threads)
    first = [r.copy() for r in program(arrays)]
    for found, right in zip(first, expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=2e-5, atol=2e-5)
    for _ in range(3):
        again = program([arrays[0], np.asfortranarray(arrays[1])])
        assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True))
    del again
    # results that nobody holds are used again, and those that somebody holds are not
    held, _ = program(arrays)
    other, _ = program([2 * arrays[0], arrays[1]])
    assert np.array_equal(held, first[0]) and not np.array_equal(other, held)


@pytest.mark.parametrize("target", RUNNABLE)
def test_every_target_runs(way, target):
    nodes, arrays, expected = graph()
    with settings.override(target=target, threads=2):
        found = CompiledProgram(nodes)(arrays)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-5, atol=2e-5)


def test_refusals_come_through(way):
    values = np.arange(10)
    (x,) = inputs(values)
    program = CompiledProgram([multiply(check_bounds(x, 10, "{value} is too large"), x)])
    for _ in range(2):
        assert (program([values])[0] == values**2).all()
        with pytest.raises(IndexRangeError, match="12 is too large"):
            program([values + 3])
        with pytest.raises(DTypeError):
            program([values.astype(np.int32)])


def test_denormals_are_flushed_on_x86_alone(way):
    x = np.full(40, 1e-40, np.float32)
    (node,) = inputs(x)
    (found,) = CompiledProgram([multiply(node, node * 0 + 1)])([x])
    x86 = machines.host_target().triple.startswith("x86")
    assert (found == (0 if x86 else x)).all()
    assert (x * np.float32(1) == x).all()  # numpy computes as before


@linux
def test_a_child_runs_programs(way):
    nodes, arrays, expected = graph()
    with settings.override(threads=3):
        program = CompiledProgram(nodes)
    program(arrays)
    close = answer_of_child(lambda: bool(np.allclose(program(arrays)[0], expected[0], atol=1e-4)))
    assert close


def test_targets_side_by_side_with_llvms_loader(monkeypatch):
    """Outside symbols are known by name to the whole process: each must find its own."""
    monkeypatch.setattr(machines, "_OWN_LOADER", False)
    monkeypatch.setattr(machines, "_machines", {})
    nodes, arrays, expected = graph()
    programs = []
    for target in RUNNABLE:
        with settings.override(target=target, threads=2):
            programs.append(CompiledProgram(nodes))
    for program in programs + programs[::-1]:
        np.testing.assert_allclose(program(arrays)[0], expected[0], rtol=2e-5, atol=2e-5)


def test_what_is_no_object_file_is_refused():
    for data in (b"", b"MZ", b"#!/bin/sh\n"):
        with pytest.raises(FileFormatError, match="neither ELF nor Mach-O"):
            assemble.load_with_llvm(data, {})


def test_objects_for_windows_are_what_its_loader_takes(monkeypatch):
    monkeypatch.setattr(assemble.os, "name", "nt")
    text = "define i64 @f() { ret i64 1 }"
    assert assemble.assemble(text, TARGETS["sse2"])[:4] == b"\x7fELF"
    assert assemble._triple(TARGETS["sse2"]).endswith("-elf")


# ---- what makes a layout unknown

def changed(monkeypatch: pytest.MonkeyPatch) -> bool:
    layout.layout_is_known.cache_clear()
    try:
        return layout.layout_is_known()
    finally:
        monkeypatch.undo()
        layout.layout_is_known.cache_clear()


def test_other_interpreters_are_unknown(monkeypatch):
    monkeypatch.setattr(sys, "implementation", types.SimpleNamespace(name="pypy"))
    assert not changed(monkeypatch)


def test_interpreters_without_a_lock_are_unknown(monkeypatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert not changed(monkeypatch)


@pytest.mark.parametrize("name", [
    "TYPE", "LIST_SIZE", "LIST_ITEMS", "ARRAY_DATA", "ARRAY_RANK", "ARRAY_SHAPE", "ARRAY_BASE",
    "ARRAY_DTYPE", "ARRAY_FLAGS"])
@pytest.mark.parametrize("by", [-8, 8])
def test_every_offset_is_looked_at(monkeypatch, name, by):
    monkeypatch.setattr(layout, name, getattr(layout, name) + by)
    assert not changed(monkeypatch)


@pytest.mark.parametrize("name", ["C_CONTIGUOUS", "OWNDATA", "ALIGNED", "WRITEABLE"])
def test_every_flag_is_looked_at(monkeypatch, name):
    monkeypatch.setattr(layout, name, 0x2000)  # NPY_ARRAY_WRITEBACKIFCOPY: never set
    assert not changed(monkeypatch)


def test_python_with_32_bits_is_told(monkeypatch):
    monkeypatch.setattr(ctypes, "sizeof", lambda _: 4)
    with pytest.raises(NotSupportedError, match="64-bit"):
        Machine(machines.host_target())


def test_own_objects_are_loaded_without_llvm():
    """Loading what the disk has takes a hundredth of what importing llvmlite takes."""
    program = """
import sys
import numpy as np
from tests.ir.helpers import inputs
from tricord.ir.ops.elementwise import exp
from tricord.runtime.compiled import CompiledProgram
x = np.zeros(2000, np.float32)
assert (CompiledProgram([exp(*inputs(x))])([x])[0] == 1).all()
print("llvmlite" in sys.modules)
"""
    interpreter(program)  # now it is kept
    assert interpreter(program) == f"{not machines._OWN_LOADER}\n"
