"""Random graphs: compiled for every target and on several threads they give what the interpreter
gives. ``python -m tests.compiler.random_graphs`` runs thousands of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.compiler.error_bounds import bounds_of, disagreement
from tests.compiler.graph_maker import Case, laid_out, make_case
from tests.compiler.helpers import RUNNABLE
from tests.compiler.random_graphs import complaint, expected, native, report, shrunk
from tricord import settings
from tricord.compiler import program as program_module
from tricord.ir.dtypes import float32
from tricord.ir.graph import make_input, toposort
from tricord.ir.node import clear_nodes
from tricord.ir.ops import elementwise as ew
from tricord.ir.ops.movement import transpose
from tricord.ir.ops.reduce import reduce_sum
from tricord.ir.shapes import tensor_type
from tricord.runtime.compiled import CompiledProgram
from tricord.runtime.native.memory import aligned_empty


def assert_right(case, run=native):
    wrong = complaint(case, run)
    assert not wrong, "\n" + report(case, wrong, run)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_compiled_graphs_give_what_interpreted_ones_give(first):
    for seed in range(first, first + 10):
        assert_right(make_case(seed))


@pytest.mark.parametrize("target", RUNNABLE)
def test_graphs_compiled_for_every_target(target):
    with settings.override(target=target):
        for seed in range(100, 108):
            assert_right(make_case(seed))


def test_graphs_on_machines_that_keep_subnormals():
    with settings.override(denormals="keep"):
        for seed in range(120, 130):
            assert_right(make_case(seed))


@pytest.fixture
def everything_in_parallel(monkeypatch):
    """Kernels of any size are shared among the threads."""
    monkeypatch.setattr(program_module, "_PARALLEL_KERNEL", 0)
    monkeypatch.setattr(program_module, "_PARALLEL_PROGRAM", 0)


def on_threads(case, threads):
    with settings.override(threads=threads):
        program = CompiledProgram(case.outputs)
        results = [np.array(r) for r in program(list(case.arrays))]
        return program, results


def bits(arrays):
    return [a.tobytes() for a in arrays]


@pytest.mark.parametrize("first", range(200, 240, 10))
def test_the_number_of_threads_changes_no_bit(first, everything_in_parallel):
    parallel = 0
    for seed in range(first, first + 10):
        case = make_case(seed, factor=3)
        _, alone = on_threads(case, 1)
        program, together = on_threads(case, 2)
        assert bits(alone) == bits(together), f"seed {seed}"
        assert_right(case)
        parallel += any(k.parallel for part in program.parts for k in part.plan.kernels)
    assert parallel >= 5, "hardly anything ran in parallel"


def test_large_graphs_run_in_parallel_by_themselves():
    x = make_input(0, tensor_type((700, 513), float32))
    y = ew.tanh(x)
    outputs = [reduce_sum(y, (0,)), reduce_sum(y, (1,)), y]
    array = np.random.default_rng(3).standard_normal((700, 513)).astype(np.float32)
    case = Case(-1, outputs, [array])
    program, together = on_threads(case, 2)
    assert any(k.parallel for k in program.parts[0].plan.kernels)
    assert bits(together) == bits(on_threads(case, 1)[1])
    assert bits(together) == bits([np.array(r) for r in program([array])]), "run again"
    assert_right(case)


def test_one_graph_is_compiled_to_one_text():
    """Whatever order nodes lie in memory: the text is the key of the kept object code."""
    def texts(seed):
        clear_nodes()
        case = make_case(seed)
        return [part.plan.text for part in CompiledProgram(case.outputs).parts], case

    for seed in range(400, 412):
        first, held = texts(seed)
        second, other = texts(seed)
        assert first == second, f"seed {seed}"
        assert len(held.outputs) == len(other.outputs)


# ---- arguments whose memory becomes that of results

def own_copy(array):
    """The same in memory that a program may write its results to."""
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


@pytest.mark.parametrize("first", range(300, 360, 20))
def test_donated_arguments_change_no_value(first):
    donations = 0
    for seed in range(first, first + 20):
        case = make_case(seed)
        program = CompiledProgram(case.outputs)
        if program.only is None:
            continue
        plain = [np.array(r) for r in program([own_copy(a) for a in case.arrays])]
        allowed = sorted(program.only.plan.may_donate)
        pairs = [(pair,) for pair in allowed]
        pairs += [p for p in itertools.combinations(allowed, 2)
                  if len({o for o, _ in p}) == len({s for _, s in p}) == 2]
        for donated in pairs[:12]:
            arguments = [own_copy(a) for a in case.arrays]
            found = program(arguments, [(*pair, True) for pair in donated])
            assert bits(found) == bits(plain), f"seed {seed}, donated {donated}"
            given_away = {slot for _, slot in donated}
            for output, slot in donated:
                assert found[output] is arguments[slot], f"seed {seed}: {slot} was not used"
            for slot, (now, then) in enumerate(zip(arguments, case.arrays, strict=True)):
                if slot not in given_away:
                    assert now.tobytes() == then.tobytes(), f"seed {seed}: {slot} written to"
            donations += 1
    assert donations >= 3


def test_what_may_not_be_donated_is_left_alone():
    """An argument that is read elsewhere than where it is written."""
    x = make_input(0, tensor_type((40, 40), float32))
    array = np.random.default_rng(1).standard_normal((40, 40)).astype(np.float32)
    outputs = [x + transpose(x, (1, 0)), ew.negative(x)]
    program = CompiledProgram(outputs)
    given = own_copy(array)
    found = program([given], [(0, 0, True)])
    np.testing.assert_array_equal(found[0], array + array.T)
    np.testing.assert_array_equal(found[1], -array)
    np.testing.assert_array_equal(given, array)


# ---- the tests' own tools

def test_one_seed_gives_one_graph():
    first, second = make_case(7), make_case(7)
    assert all(a is b for a, b in zip(first.outputs, second.outputs, strict=True))
    assert bits(first.arrays) == bits(second.arrays)


def test_a_wrong_program_is_found_and_made_small():
    """A compiler that drops the sign of the first result: seen, and shrunk to one operation."""
    def wrong(case):
        results = native(case)
        results[0] = np.abs(results[0]) if results[0].dtype.kind == "f" else results[0]
        return results

    noticed = [case for case in map(make_case, range(40)) if complaint(case, wrong)]
    assert len(noticed) >= 5
    for case in noticed[:3]:
        small = shrunk(case, wrong, seconds=5)
        assert complaint(small, wrong)
        assert len(small.outputs) <= 2
        assert sum(bool(n.parents) for n in toposort(small.outputs)) <= 3


def test_bounds_forgive_rounding_and_nothing_else():
    x = make_input(0, tensor_type((50,), float32))
    total = reduce_sum(x, (0,))
    array = np.random.default_rng(2).standard_normal(50).astype(np.float32)
    values, bounds = expected(Case(0, [total, ew.negative(x)], [array]))
    right = values[total]
    assert not disagreement(np.nextafter(right, np.float32(9)), right, bounds[total])
    assert disagreement(np.float32(right * np.float32(1.01)), right, bounds[total])
    minus = next(n for n in bounds if n.op is ew.negative)
    assert not bounds[minus].any()
    assert disagreement(np.nextafter(-array, np.float32(9)), -array, bounds[minus])
    assert disagreement(np.float32(0.0), np.float32(-0.0), np.zeros(()))
    assert bounds_of([x], {x: array})[x].shape == (50,)


def test_arrays_are_laid_out_in_many_ways():
    rng = np.random.default_rng(4)
    values = np.arange(24.0).reshape(2, 3, 4)
    made = [laid_out(rng, values) for _ in range(100)]
    assert all((m == values).all() for m in made)
    assert any(not m.flags.c_contiguous for m in made)
    assert any(min(m.strides) < 0 for m in made)
    assert any(not m.flags.aligned for m in made)
    assert any(not m.flags.writeable for m in made)
