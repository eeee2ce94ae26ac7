"""Gather, the scatters, boxes, checks and positions as machine code, against the references."""

from __future__ import annotations

import numpy as np
import pytest

import tricord
from tests.compiler.helpers import RUNNABLE, compiled, native_and_numpy
from tricord import torch as tt
from tricord.autodiff import gradients
from tricord.compiler.assemble import assemble
from tricord.compiler.fusion import fuse
from tricord.compiler.program import plan
from tricord.compiler.schedule import schedule
from tricord.compiler.simplify import simplify
from tricord.compiler.target import TARGETS
from tricord.errors import IndexRangeError
from tricord.ir.dtypes import as_dtype, float32
from tricord.ir.graph import make_input
from tricord.ir.ops.checks import check_bounds
from tricord.ir.ops.dynamic_slice import dynamic_slice, dynamic_update_slice
from tricord.ir.ops.indexing import MODES, gather, put_along_axis, scatter, take, take_along_axis
from tricord.ir.ops.movement import broadcast, reshape
from tricord.ir.ops.reduce import argmax, argmin
from tricord.ir.ops.structural import constant
from tricord.ir.record import primitives
from tricord.ir.shapes import tensor_type
from tricord.runtime.compiled import CompiledProgram

OURS = ("check_bounds", "gather", "scatter", "scatter_add", "scatter_max", "scatter_min",
        "scatter_mul", "dynamic_slice", "dynamic_update_slice", "argmax", "argmin")
DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "float16", "bfloat16", "float32", "float64")
REDUCE = ("set", "add", "mul", "min", "max")


def inputs(*arrays):
    return [make_input(i, tensor_type(a.shape, as_dtype(a.dtype))) for i, a in enumerate(arrays)]


def numbers(rng, shape, dtype):
    """Small whole numbers and halves, so that sums are exact in any order."""
    dtype = as_dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    drawn = rng.integers(0, 7, shape) if dtype.kind == "u" else rng.integers(-4, 5, shape)
    return np.asarray(drawn / 2 if dtype.kind == "f" else drawn).astype(dtype.numpy)


def agree(nodes, arrays, rtol=0.0, targets=RUNNABLE):
    """One native part, equal to the interpreter, with the same bits for two threads as for one."""
    for target in targets:
        bits = None
        for found, expected in native_and_numpy(nodes, arrays, target=target, threads=1):
            assert found.dtype == expected.dtype and found.shape == expected.shape
            if rtol:
                np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=rtol,
                                           atol=rtol)
            else:
                np.testing.assert_array_equal(found, expected)
            bits = [*(bits or []), found.tobytes()]
        again = compiled(nodes, arrays, target=target, threads=2)
        assert [a.tobytes() for a in again] == bits


def is_native(nodes):
    return CompiledProgram(nodes).only is not None


# ---- the records' own samples

SAMPLES = [(p, s) for p in primitives() if p.name in OURS for s in p.all_samples()
           if not any(np.asarray(a).dtype.kind == "c" for a in s.arrays)]


@pytest.mark.parametrize(("record", "sample"), SAMPLES,
                         ids=[f"{p.name}-{i}" for i, (p, _) in enumerate(SAMPLES)])
def test_samples(record, sample):
    arrays = [np.asarray(a) for a in sample.arrays]
    node = record(*inputs(*arrays), **sample.params)
    assert is_native([node])
    agree([node], arrays, rtol=1e-6)


def test_no_record_is_left_out():
    assert {p.name for p, _ in SAMPLES} == set(OURS)


# ---- gather

@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_every_dtype_are_looked_up(rng, dtype):
    table = numbers(rng, (7, 37), dtype)
    index = rng.integers(-7, 7, (3, 5))
    agree([gather(*inputs(table, index), axes=(0,))], [table, index])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("shape", "axes", "rows"), [
    ((6,), (0,), (9,)), ((6, 3), (0,), (4,)), ((5, 7, 3), (1,), (2, 3)), ((4, 3, 5), (0, 2), (6,)),
    ((4, 3, 5), (2, 0), (6,)), ((4, 300), (0,), ()), ((1, 8, 1), (0, 2), (3,)),
    ((2, 3, 4, 5), (1, 2), (2, 2))])
def test_modes_and_axes(rng, mode, shape, axes, rows):
    x = numbers(rng, shape, "float32")
    indices = []
    for axis in axes:
        n = shape[axis]
        low, high = (-n, n) if mode == "raise" else (-2 * n - 3, 3 * n)
        indices.append(rng.integers(low, high, rows).astype("int32" if axis else "int64"))
    nodes = inputs(x, *indices)
    agree([gather(nodes[0], *nodes[1:], axes=axes, mode=mode)], [x, *indices])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "uint32", "uint64"])
@pytest.mark.parametrize("mode", MODES[1:])
def test_indices_of_every_dtype(rng, dtype, mode):
    info = np.iinfo(dtype)
    index = np.array([0, 1, 4, 5, 6, 100, info.min, info.max, info.max - 1], dtype)
    x = numbers(rng, (5, 3), "float32")
    agree([gather(*inputs(x, index), axes=(0,), mode=mode)], [x, index])


def test_long_rows_are_cut_into_pieces(rng):
    x, index = numbers(rng, (3, 2, 60_000), "float32"), np.array([2, 0, -1])
    agree([gather(*inputs(x, index), axes=(0,), mode="fill")], [x, index], targets=RUNNABLE[:1])
    agree([gather(*inputs(x, index), axes=(0,))], [x, index], targets=RUNNABLE[:1])


def test_many_rows_are_shared_by_threads(rng):
    x, index = numbers(rng, (50, 64), "float32"), rng.integers(0, 50, 3000)
    assert CompiledProgram([gather(*inputs(x, index), axes=(0,))]).only.plan.parallel
    agree([gather(*inputs(x, index), axes=(0,))], [x, index], targets=RUNNABLE[:1])


@pytest.mark.parametrize("shape", [(4, 5, 6), (3, 11, 13), (2, 3, 70), (9, 40, 2), (40, 1, 9)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_counted_axes_are_not_read(rng, axis, shape):
    x, n = numbers(rng, shape, "float32"), shape[axis]
    index = rng.integers(-n, n, [s if a == axis else max(1, s - 1) for a, s in enumerate(shape)])
    nodes = inputs(x, index)
    taken = take_along_axis(*nodes, axis)
    agree([taken], [x, index])
    program = CompiledProgram([taken])
    assert [k.label for k in program.only.plan.kernels] == ["check_bounds", "gather"]
    updates = numbers(rng, index.shape, "float32")
    nodes = inputs(x, index, updates)
    agree([put_along_axis(*nodes, axis, reduce="add", mode="wrap"),
           put_along_axis(*nodes, axis, mode="fill")], [x, index, updates])


def test_take_along_any_axis(rng):
    x, index = numbers(rng, (3, 8, 5), "float32"), rng.integers(0, 3, (2, 2))
    for axis in range(3):
        agree([take(*inputs(x, index), axis)], [x, index])


@pytest.mark.parametrize("shape", [(3, 8, 5), (20, 30, 1), (7, 33, 16), (2, 3, 9, 4)])
@pytest.mark.parametrize("count", [(), (1,), (4,), (3, 10)])
def test_taking_along_an_inner_axis_moves_elements_once(rng, shape, count):
    x = numbers(rng, shape, "float32")
    for axis in range(1, len(shape)):
        n = shape[axis]
        index = np.asarray(rng.integers(-n, n, count))
        nodes = inputs(x, index)
        taken = take(*nodes, axis)
        agree([taken], [x, index])
        labels = [k.label for k in CompiledProgram([taken]).only.plan.kernels]
        assert labels == ["check_bounds", "gather"]
        g = numbers(rng, taken.shape, "float32")
        seed = make_input(2, tensor_type(g.shape, float32))
        back = gradients([take(*nodes, axis)], [seed], [nodes[0]])
        agree(back, [x, index, g])
        labels = [k.label for k in CompiledProgram(back).only.plan.kernels]
        assert labels == ["check_bounds", "scatter_add"]


# ---- scatter

@pytest.mark.parametrize("dtype", DTYPES)
def test_duplicates_of_every_dtype(rng, dtype):
    x, updates = numbers(rng, (5, 19), dtype), numbers(rng, (11, 19), dtype)
    index = rng.integers(-5, 5, 11)
    kinds = ("set", "min", "max") if dtype == "bool" else REDUCE
    agree([scatter(*inputs(x, updates, index), axes=(0,), reduce=r) for r in kinds],
          [x, updates, index])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("shape", "axes", "rows"), [
    ((6,), (0,), (9,)), ((6, 3), (0,), (4,)), ((5, 7, 3), (1,), (2, 3)), ((4, 3, 5), (0, 2), (6,)),
    ((4, 3, 5), (2, 0), (6,)), ((4, 300), (0,), ()), ((1, 8, 1), (0, 2), (3,)),
    ((0, 3), (0,), (0,))])
def test_scatter_modes_and_axes(rng, mode, shape, axes, rows):
    x = numbers(rng, shape, "float32")
    indices = []
    for axis in axes:
        n = shape[axis]
        low, high = (-n, max(n, 1)) if mode == "raise" else (-2 * n - 3, 3 * n + 1)
        indices.append(rng.integers(low, high, rows).astype("int32" if axis else "int64"))
    rest = [s for a, s in enumerate(shape) if a not in axes]
    updates = numbers(rng, (*rows, *rest), "float32")
    nodes = inputs(x, updates, *indices)
    agree([scatter(*nodes, axes=axes, mode=mode, reduce=r) for r in ("set", "add")],
          [x, updates, *indices])


@pytest.mark.parametrize(("shape", "axes", "rows"), [
    ((3000, 32), (0,), 300), ((40, 30, 64), (1,), 50), ((20, 300, 16), (0, 1), 200),
    ((20, 300, 16), (1, 0), 200), ((200_000,), (0,), 300), ((900, 9, 32), (0, 2), 100)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_parts_of_the_result(rng, shape, axes, rows, dtype):
    """Several tasks, and sums that depend on their order."""
    x = rng.standard_normal(shape).astype(as_dtype(dtype).numpy)
    indices = [rng.integers(0, shape[a], rows) // 3 for a in axes]
    rest = [s for a, s in enumerate(shape) if a not in axes]
    updates = rng.standard_normal((rows, *rest)).astype(as_dtype(dtype).numpy)
    nodes = inputs(x, updates, *indices)
    node = scatter(*nodes, axes=axes, reduce="add")
    kernels = CompiledProgram([node]).only.plan.kernels
    assert kernels[-1].tasks > 1 and kernels[-1].parallel
    agree([node], [x, updates, *indices], rtol=1e-5 if dtype == "float32" else 1e-2,
          targets=RUNNABLE[:1])


def test_sums_of_narrow_floats_are_rounded_once():
    x, updates = np.zeros(2, np.float16), np.full(4096, 0.25, np.float16)
    updates[0] = 2048
    index = np.zeros(4096, np.int32)
    node = scatter(*inputs(x, updates, index), axes=(0,), reduce="add")
    for target in RUNNABLE:
        assert compiled([node], [x, updates, index], target=target)[0].tolist() == [3072, 0]


def test_nan_goes_through_maxima(rng):
    x = np.array([[1, np.nan], [3, 4]], np.float32)
    updates = np.array([[np.nan, 1], [0, 9], [7, 7]], np.float32)
    index = np.array([0, 1, 1])
    nodes = inputs(x, updates, index)
    agree([scatter(*nodes, axes=(0,), reduce=r) for r in ("max", "min")], [x, updates, index])


def test_constants_are_not_written_down(rng):
    """Zeros to add to, and ones to add: a histogram reads its indices alone."""
    index = rng.integers(0, 50, 1000)
    node = inputs(index)[0]
    zeros = broadcast(constant(0, float32), (50,), ())
    ones = broadcast(constant(1, float32), (1000,), ())
    count = scatter(zeros, ones, node, axes=(0,), mode="clip", reduce="add")
    agree([count], [index])
    assert [k.label for k in CompiledProgram([count]).only.plan.kernels] == ["scatter_add"]
    low = broadcast(constant(-np.inf, as_dtype("float16")), (50, 3), ())
    updates = rng.standard_normal((1000, 3)).astype(np.float16)
    node, given = inputs(index, updates)
    agree([scatter(low, given, node, axes=(0,), mode="clip", reduce="max")], [index, updates])


def test_put_along_axis(rng):
    x, updates = numbers(rng, (4, 5), "float32"), numbers(rng, (3, 2), "float32")
    for axis in (0, 1):
        index = rng.integers(-2, 3, (3, 2))
        nodes = inputs(x, index, updates)
        agree([put_along_axis(*nodes, axis, reduce=r) for r in ("set", "add")],
              [x, index, updates])


def test_a_batch_scatters_each_example_into_its_own_row(rng):
    """Tasks go over the indices of their rows alone; fewer indices than rows are no matter."""
    x, updates = numbers(rng, (64, 900), "float32"), numbers(rng, (50, 700), "float32")
    index = rng.integers(-900, 900, (50, 700))
    nodes = inputs(x, index, updates)
    put = [put_along_axis(*nodes, 1, reduce=r) for r in ("set", "add")]
    kernels = CompiledProgram(put).only.plan.kernels
    assert all(k.tasks > 4 for k in kernels if k.label.startswith("scatter"))
    agree(put, [x, index, updates], targets=RUNNABLE[:1])


def test_the_result_may_lie_where_the_operand_does(rng):
    """A donated operand is changed in place; nothing else of it is touched."""
    x, updates = numbers(rng, (400, 100), "float32"), numbers(rng, (3, 100), "float32")
    index, starts = np.array([5, 399, 5]), [np.int32(390), np.int32(0)]
    for make, more in [(lambda a, u, i: scatter(a, u, i, axes=(0,), reduce="add", mode="clip"),
                        [index]), (lambda a, u, *s: dynamic_update_slice(a, u, s), starts)]:
        nodes = inputs(x, updates, *map(np.asarray, more))
        node = make(*nodes)
        expected = compiled([node], [x, updates, *more])[0]
        program = CompiledProgram([node])
        assert program.only.plan.may_donate == {(0, 0)}
        given = program([x, updates, *map(np.asarray, more)])[0]  # memory of tricord's own
        given[:] = x
        found = program([given, updates, *map(np.asarray, more)], donated=[(0, 0, True)])[0]
        assert found is given
        np.testing.assert_array_equal(found, expected)


# ---- checks

@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
                                   "uint64"])
@pytest.mark.parametrize("count", [0, 7, 500])
@pytest.mark.parametrize(("low", "size"), [(0, 120), (-100, 100), (0, 200), (0, 1),
                                           (-200, 1 << 20)])
def test_every_value_is_checked(rng, dtype, count, low, size):
    info = np.iinfo(dtype)
    fits = [max(low, info.min), min(size - 1, info.max)]
    legal = rng.integers(*fits, count, dtype=dtype, endpoint=True)
    legal[:2] = fits[:count]
    node = check_bounds(*inputs(legal), size, "{value} of {size}", low=low)
    program = CompiledProgram([node])
    np.testing.assert_array_equal(program([legal])[0], legal)
    for place in {0, count // 2, count - 1} if count else ():
        for wrong in {fits[0] - 1, fits[1] + 1, int(info.min), int(info.max)}:
            if low <= wrong < size or not info.min <= wrong <= min(info.max, 2**63 - 1):
                continue
            given = legal.copy()
            given[place] = wrong
            with pytest.raises(IndexRangeError, match=f"^{wrong} of {size}"):
                program([given])
    np.testing.assert_array_equal(program([legal])[0], legal)  # and nothing stays of it


@pytest.mark.parametrize("target", RUNNABLE)
def test_the_value_that_is_refused_is_told(target):
    for dtype in ("int8", "uint8", "int32", "int64"):
        given = np.arange(100, dtype=dtype) % 50
        for at, wrong in ((99, 60), (3, 50), (40, 120)):
            bad = given.copy()
            bad[at] = wrong
            node = check_bounds(*inputs(bad), 50, "{value} of {size}")
            assert compiled([node], [given], target=target)[0].tolist() == given.tolist()
            with pytest.raises(IndexRangeError, match=f"^{wrong} of 50"):
                compiled([node], [bad], target=target)


@pytest.mark.parametrize(("index", "says"), [
    (7, "gather: index 7 is out of range for axis 1 of size 5"),
    (-6, "gather: index -6 is out of range for axis 1 of size 5")])
def test_indices_out_of_range_are_refused_with_the_users_line(rng, index, says):
    x, at = numbers(rng, (3, 5), "float32"), np.array([0, index])
    node = take(*inputs(x, at), 1)
    with pytest.raises(IndexRangeError) as caught:
        compiled([node], [x, at])
    assert says in str(caught.value) and "legal are -5 to 4" in str(caught.value)
    assert "test_indexing_kernels.py" in str(caught.value)


def test_what_is_refused_leads_nowhere(rng):
    """A gather whose result is checked runs before its own check is looked at."""
    x, at = np.arange(6), np.array([1 << 40, -1 << 40, 2])
    nodes = inputs(x, at)
    chained = take(nodes[0], take(nodes[0], nodes[1]))
    with pytest.raises(IndexRangeError, match="index -1099511627776 is out of range"):
        compiled([chained], [x, at])
    found = compiled([chained], [x, np.array([5, 0, -1])])[0]
    assert found.tolist() == [5, 0, 5]


def test_indices_known_to_be_in_range_are_not_checked(rng):
    x, at = numbers(rng, (300, 5), "float32"), rng.integers(0, 200, 4).astype(np.uint8)
    nodes = inputs(x, at)
    checked = check_bounds(nodes[1], 250, "{value}")
    for node in (take(*nodes), take(nodes[0], reshape(checked, (2, 2))),
                 take(nodes[0], argmax(nodes[0], axis=1)),
                 take(nodes[0], constant(np.array([3, -300]), as_dtype("int64")))):
        labels = [k.label for k in CompiledProgram([node]).only.plan.kernels]
        assert labels.count("check_bounds") == (checked in node.parents[1].parents)


# ---- boxes

@pytest.mark.parametrize("dtype", ["bool", "int16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("shape", "sizes", "starts"), [
    ((7,), (3,), (-2,)), ((7,), (3,), (9,)), ((5, 6), (2, 6), (1, 3)),
    ((5, 6, 7), (5, 2, 7), (4, 1, 0)),
    ((5, 1, 7), (1, 1, 3), (2, 5, 2)), ((), (), ()), ((4, 3), (0, 2), (1, 1)),
    ((300, 20, 30), (280, 10, 30), (7, 4, 0)), ((1, 300, 90), (0, 2, 3), (0, 1, 1))])
def test_boxes(rng, dtype, shape, sizes, starts):
    x, update = numbers(rng, shape, dtype), numbers(rng, sizes, dtype)
    places = [np.asarray(s, d) for s, d in zip(starts, ("int64", "int32", "int8"), strict=False)]
    nodes = inputs(x, update, *places)
    agree([dynamic_slice(nodes[0], nodes[2:], sizes),
           dynamic_update_slice(nodes[0], nodes[1], nodes[2:])], [x, update, *places],
          targets=RUNNABLE if x.size < 1000 else RUNNABLE[:1])


def test_starts_that_are_large_and_not_signed(rng):
    x, start = numbers(rng, (9,), "float32"), np.uint64(2**64 - 1)
    nodes = inputs(x, np.asarray(start))
    agree([dynamic_slice(nodes[0], nodes[1:], (4,)),
           dynamic_slice(nodes[0], [constant(start, as_dtype("uint64"))], (4,))], [x, start])


# ---- positions

@pytest.mark.parametrize("dtype", DTYPES)
def test_positions_of_every_dtype(rng, dtype):
    """Many equal elements: the first of them is found."""
    x = numbers(rng, (5, 131), dtype)
    a = inputs(x)[0]
    agree([f(a, axis=axis) for f in (argmax, argmin) for axis in (0, 1)], [x])


@pytest.mark.parametrize("length", [1, 2, 3, 15, 16, 17, 64, 100, 257])
def test_positions_along_rows_of_any_length(rng, length):
    x = rng.standard_normal((6, length)).astype(np.float32)
    x[1, rng.integers(length)] = np.nan
    x[2, length // 2:] = np.nan
    x[3] = np.inf
    x[4] = -np.inf
    x[5, ::2] = 0.0
    x[5, 1::2] = -0.0
    a, b = inputs(x, np.ascontiguousarray(x.T))
    agree([f(n, axis=axis) for f in (argmax, argmin) for n, axis in ((a, 1), (b, 0))],
          [x, np.ascontiguousarray(x.T)])


def test_positions_in_the_middle_and_by_many_threads(rng):
    x = rng.standard_normal((3, 40, 700)).astype(np.float64)
    a = inputs(x)[0]
    agree([argmax(a, axis=axis) for axis in range(3)], [x], targets=RUNNABLE[:1])


# ---- programs

def test_all_targets_assemble(rng):
    """Also those that this machine cannot run."""
    x, index = numbers(rng, (30, 37), "bfloat16"), rng.integers(0, 30, (4, 5))
    nodes = inputs(x, index, np.asarray(3))
    found = gather(nodes[0], nodes[1], axes=(0,))
    outputs = [scatter(nodes[0], found, nodes[1], axes=(0,), reduce="add"),
               argmax(nodes[0], axis=1),
               dynamic_update_slice(nodes[0], dynamic_slice(nodes[0], [nodes[2]] * 2, (3, 7)),
                                    [nodes[2]] * 2)]
    for target in TARGETS.values():
        assert assemble(plan(schedule(fuse(simplify(outputs))), target).text, target)


def test_a_classifier_on_embeddings_is_one_native_part(monkeypatch):
    made = []
    original = CompiledProgram.__init__
    monkeypatch.setattr(CompiledProgram, "__init__",
                        lambda self, outputs: (original(self, outputs), made.append(self))[0])
    tricord.manual_seed(1)
    model = tt.nn.Sequential(tt.nn.Embedding(50, 8), tt.nn.Flatten(), tt.nn.Linear(32, 10))
    optimizer = tt.optim.SGD(model.parameters(), lr=0.1)
    loss_of = tt.nn.CrossEntropyLoss()
    words, labels = tt.randint(0, 50, (16, 4)), tt.randint(0, 10, (16,))
    words.numpy(), labels.numpy()
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = loss_of(model(words), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[0]
    steps = [p for p in made if any("scatter_add" in k.label for part in p.parts
                                    for k in part.plan.kernels)]
    assert steps and all(p.only is not None for p in steps)
