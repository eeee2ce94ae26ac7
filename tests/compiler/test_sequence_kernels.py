"""Kernels of random bits, running totals, sorting, searching, windows and triangular systems,
against the records' numpy references."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.compiler.helpers import RUNNABLE, compiled, native_and_numpy
from tricord import settings
from tricord.compiler.assemble import assemble
from tricord.compiler.kernels import GENERATORS
from tricord.compiler.llvm import Module
from tricord.compiler.target import TARGETS
from tricord.errors import SingularMatrixError
from tricord.ir.dtypes import ALL, as_dtype
from tricord.ir.graph import make_input
from tricord.ir.ops import reduce, window
from tricord.ir.ops.linalg import cholesky, triangular_solve
from tricord.ir.ops.random_bits import random_bits
from tricord.ir.ops.sort import searchsorted, sort, top_k
from tricord.ir.record import primitives
from tricord.ir.shapes import Shape, tensor_type
from tricord.runtime.compiled import CompiledProgram

NAMES = ["random_bits", "cumulative_sum", "cumulative_prod", "cumulative_max", "cumulative_min",
         "sort", "top_k", "searchsorted", "window_sum", "window_max", "window_min",
         "window_argmax", "window_argmin", "window_take", "window_put", "triangular_solve",
         "cholesky"]
RECORDS = {p.name: p for p in primitives() if p.name in NAMES}
REAL = [d for d in ALL if d.kind != "c"]
#: one of each kind and width that code differs by
SOME = [as_dtype(n) for n in ("bool", "int8", "uint16", "uint64", "float16", "bfloat16",
                              "float64")]
#: how far results may be from the reference's, where sums are taken in another order
TOLERANCE = {"float16": 1e-2, "bfloat16": 3e-2, "float32": 2e-6, "float64": 1e-14}

on_all_targets = pytest.mark.parametrize("target", RUNNABLE)


class Graph:
    """Nodes over inputs, and the numbers for those."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []

    def input(self, array: Any) -> Any:
        self.arrays.append(np.asarray(array))
        slot = len(self.arrays) - 1
        return make_input(slot, tensor_type(array.shape, as_dtype(array.dtype)))

    def check(self, nodes, target, *, exact=True, threads=1):
        pairs = native_and_numpy(nodes, self.arrays, target=target, threads=threads)
        for node, (found, expected) in zip(nodes, pairs, strict=True):
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            close = 0 if exact else TOLERANCE.get(node.dtype.name, 0)
            if node.dtype.kind == "f":
                found, expected = found.astype(float), expected.astype(float)
                scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
                np.testing.assert_allclose(found, expected, rtol=close, atol=close * scale,
                                           err_msg=f"{node.op.name} {node.params} {node.dtype}")
            else:
                np.testing.assert_array_equal(found, expected, f"{node.op.name} {node.params}")


def numbers(dtype, shape, seed=0, special=True):
    """Of the dtype's whole range, with ties; floats with NaN, infinities and zeros of both signs
    among them."""
    draw = np.random.default_rng(seed)
    if dtype.kind == "b":
        return draw.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        info = np.iinfo(dtype.numpy)
        some = draw.integers(info.min, info.max, shape, dtype.numpy, endpoint=True)
        return np.where(draw.random(shape) < 0.4, some % 3, some).astype(dtype.numpy)
    some = np.asarray(draw.standard_normal(shape) * 3).astype(np.float32).astype(dtype.numpy)
    if special:
        values = [np.nan, -np.nan, 0.0, -0.0, np.inf, -np.inf, 1.0, -1.0, 2.0**-20]
        few = np.array(values).astype(dtype.numpy)
        some = np.where(draw.random(shape) < 0.3, draw.choice(few, shape), some)
    return some


def bits(array):
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind != "b" else array


# ---- samples

def over_samples(name, dtypes="biuf"):
    """A graph and the nodes of all samples of a record."""
    graph, nodes = Graph(), []
    record = RECORDS[name]
    samples = record.samples() if callable(record.samples) else record.samples
    for sample in samples:
        arrays = [np.asarray(a) for a in sample.arrays]
        if all(as_dtype(a.dtype).kind in dtypes for a in arrays):
            made = record(*[graph.input(a) for a in arrays], **sample.params)
            nodes += made.outputs
    return graph, nodes


@on_all_targets
@pytest.mark.parametrize("name", NAMES)
def test_samples_give_what_numpy_gives(name, target):
    graph, nodes = over_samples(name)
    assert nodes
    assert name in GENERATORS
    graph.check(nodes, target, exact=name not in (
        "window_sum", "triangular_solve", "cholesky"))


@pytest.mark.parametrize("name", NAMES)
def test_code_for_arm_is_assembled(name):
    target = TARGETS["neon"]
    module = Module(target)
    nodes = {n.parents[0] if n.op.name == "pick" else n: None for n in over_samples(name)[1]}
    for node in nodes:
        if any(t.size for t in node.types):
            GENERATORS[name](node, target).emit(module)
    assert assemble(module.text(), target)[:4] == b"\x7fELF"


# ---- random bits

@on_all_targets
@pytest.mark.parametrize("threads", [1, 2])
def test_random_bits_are_those_of_the_reference(target, threads):
    graph = Graph()
    one = graph.input(np.array([7, 8, 9, 0xFFFFFFFF], np.uint32))
    # The number of the draw overflows into its high word, and out of it.
    two = graph.input(np.array([[1, 2, 0xFFFFFFFF, 5], [3, 4, 0xFFFFFFFE, 0xFFFFFFFF]], np.uint32))
    nodes = [random_bits(one, shape, ordinal) for ordinal, shape in enumerate(
        [(), (1,), (31,), (32, 2), (3, 43), (8192,), (8193,), (40_001,)])]
    nodes += [random_bits(two, shape, 3) for shape in [(), (5,), (9000,)]]
    graph.check(nodes, target, threads=threads)


# ---- running totals

@on_all_targets
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod", "cumulative_max",
                                  "cumulative_min"])
def test_running_totals_are_numpys_to_the_bit(name, target):
    graph, nodes = Graph(), []
    extreme = name in ("cumulative_max", "cumulative_min")
    for dtype in [as_dtype("float32"), *SOME] if extreme else REAL[1:]:
        for shape, axis in [((19, 7), 1), ((2, 5, 70), 1)]:
            x = graph.input(numbers(dtype, shape, special=extreme))
            nodes.append(getattr(reduce, name)(x, axis=axis))
    for shape, axis in [((3, 0), 1), ((0, 3), 1), ((4, 1, 3), 1), ((2, 3, 1), 2), ((1, 300), 1)]:
        nodes.append(getattr(reduce, name)(graph.input(np.ones(shape, np.float32)), axis=axis))
    graph.check(nodes, target)


# ---- order

SORTED_SHAPES = [((5,), 0), ((3, 20), 1), ((2, 600), 1), ((1100, 2), 0), ((2, 1, 3), 1)]


@on_all_targets
@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_sorting_is_stable_and_nan_is_the_largest(dtype, target):
    graph, nodes = Graph(), []
    for number, (shape, axis) in enumerate(SORTED_SHAPES):
        x = graph.input(numbers(dtype, shape, seed=number))
        nodes += sort(x, axis, descending=(number + dtype.itemsize) % 2 == 0)
    for found, expected in native_and_numpy(nodes, graph.arrays, target=target):
        np.testing.assert_array_equal(bits(found), bits(expected))


@on_all_targets
def test_subnormal_numbers_are_told_apart(target):
    x = np.array([3e-45, 0.0, 1e-45, -0.0, -1e-45], np.float32)
    graph = Graph()
    values, positions = compiled([*sort(graph.input(x))], [x], target=target)
    assert positions.tolist() == [4, 1, 3, 2, 0]
    assert bits(values).tolist() == bits(x[positions]).tolist()


@on_all_targets
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64"])
def test_the_first_k_are_those_of_the_reference(dtype, target):
    graph, nodes = Graph(), []
    for (shape, axis), counts in {((3, 20), 1): (0, 7, 20), ((2, 1201), 1): (1, 64, 65),
                                  ((600, 3), 0): (7,)}.items():
        x = graph.input(numbers(as_dtype(dtype), shape, seed=axis))
        for k, largest in itertools.product(counts, [False, True]):
            nodes += top_k(x, k, axis, largest)
    for found, expected in native_and_numpy(nodes, graph.arrays, target=target):
        np.testing.assert_array_equal(bits(found), bits(expected))


@on_all_targets
@pytest.mark.parametrize("order", [1, -1])
def test_the_first_k_of_what_is_in_order_already(order, target):
    graph = Graph()
    x = graph.input(np.arange(2000, dtype=np.float32)[::order].copy())
    graph.check([*top_k(x, 33), *top_k(x, 33, largest=False)], target)


@on_all_targets
def test_places_in_a_sorted_axis(target):
    graph, nodes = Graph(), []
    for dtype in SOME:
        for lead, length, count in [((3,), 33, 20), ((2, 2), 64, 1), ((), 0, 3)]:
            rows = numbers(dtype, (*lead, length))
            comparable = rows.astype(np.float32) if dtype.name == "bfloat16" else rows
            order = np.argsort(comparable, axis=-1, kind="stable")
            ordered = graph.input(np.take_along_axis(rows, order, -1))
            values = graph.input(numbers(dtype, (*lead, count), seed=1))
            nodes += [searchsorted(ordered, values, side=side) for side in ("left", "right")]
    nodes.append(searchsorted(graph.input(np.arange(9.0)), graph.input(np.arange(700.0) / 70)))
    graph.check(nodes, target)


# ---- windows

def sliding(size, strides=None, low=None, high=None, dilation=None):
    zeros, ones = (0,) * len(size), (1,) * len(size)
    return {"size": size, "strides": strides or ones, "low": low or zeros, "high": high or zeros,
            "dilation": dilation or ones}


WINDOWS = {
    "pairs of the last axis": ((2, 17, 70), sliding((1, 2, 2), (1, 2, 2))),
    "overlapping, padded": ((3, 17, 35), sliding((1, 3, 3), (1, 2, 2), (0, 1, 1), (0, 1, 1))),
    "steps of three, much padding": ((2, 7, 70), sliding((1, 3, 3), (1, 3, 3), (0, 1, 2),
                                                         (0, 1, 3))),
    "channels last": ((2, 9, 11, 21), sliding((1, 3, 3, 1), (1, 2, 2, 1), (0, 1, 1, 0),
                                              (0, 1, 0, 0))),
    "long, and apart": ((3, 90), sliding((1, 20), (1, 2), (0, 3), (0, 40), (1, 2))),
    "far apart": ((3, 40), sliding((1, 2), (2, 5), (2, 9), (4, 5), (1, 7))),
    "padding alone": ((0,), sliding((2,), (1,), (2,), (4,))),
    "three axes": ((2, 6, 7, 8), sliding((1, 3, 3, 3), (1, 2, 1, 2), (0, 1, 1, 1), (0, 1, 1, 1))),
    "single elements, not all": ((3, 30), sliding((1, 1), (1, 2), (0, 1), (0, 3))),
}


@on_all_targets
@pytest.mark.parametrize("name", ["window_sum", "window_max", "window_min", "window_argmax",
                                  "window_argmin"])
def test_windows_are_reduced_as_the_reference_does_it(name, target):
    graph, nodes, special = Graph(), [], name != "window_sum"
    mirrored = name in ("window_min", "window_argmin")
    usual = WINDOWS["overlapping, padded"]
    for shape, p in [usual] if mirrored else WINDOWS.values():
        x = graph.input(numbers(as_dtype("float32"), shape, special=special))
        nodes.append(getattr(window, name)(x, **p))
    shape, p = usual
    for dtype in SOME[special is False:]:
        x = graph.input(numbers(dtype, shape, special=special))
        nodes.append(getattr(window, name)(x, **p))
    graph.check(nodes, target, exact=special)


@on_all_targets
@pytest.mark.parametrize("dtype", ["float32", "float16", "bool"])
def test_elements_of_windows_are_taken_and_put(dtype, target):
    dtype = as_dtype(dtype)
    graph, nodes = Graph(), []
    for shape, p in WINDOWS.values():
        x = graph.input(numbers(dtype, shape, special=False))
        counts = window.window_max(x, **p).shape
        # Some offsets are no element of a window.
        offsets = np.random.default_rng(3).integers(-1, np.prod(p["size"]) + 1, counts)
        offset = graph.input(offsets.astype(np.int32))
        values = graph.input(numbers(dtype, counts, special=False))
        nodes += [window.window_take(x, offset, **p),
                  window.window_put(values, offset, Shape(shape), **p)]
    graph.check(nodes, target)


# ---- triangular systems

@on_all_targets
@pytest.mark.parametrize("dtype, lead, size, columns", [
    ("float32", (2,), 9, 3), ("float32", (), 21, 40), ("float64", (3,), 5, 1)])
def test_triangular_systems_are_solved(dtype, lead, size, columns, target):
    graph = Graph()
    draw = np.random.default_rng(2)
    a = draw.standard_normal((*lead, size, size)) / size + 2 * np.eye(size)
    a = graph.input(a.astype(dtype))
    b = graph.input(draw.standard_normal((*lead, size, columns)).astype(dtype))
    nodes = [triangular_solve(a, b, lower=lower, transposed=transposed, unit_diagonal=unit)
             for lower, transposed, unit in itertools.product([False, True], repeat=3)]
    graph.check(nodes, target, exact=False)


@on_all_targets
def test_the_other_triangle_is_not_looked_at(target):
    a = np.triu(np.full((6, 6), np.nan, np.float32), 1) + np.tril(np.ones((6, 6), np.float32))
    b = np.arange(6, dtype=np.float32)[:, None]
    graph = Graph()
    x, = compiled([triangular_solve(graph.input(a), graph.input(b), lower=True)], [a, b],
                  target=target)
    assert x[:, 0].tolist() == [0, 1, 1, 1, 1, 1]


# ---- Cholesky factors

def definite(dtype, *shape):
    """Positive definite matrices, but for a part that the mean with the transpose takes away."""
    draw = np.random.default_rng(4)
    x = draw.standard_normal((*shape, shape[-1]))
    skew = draw.standard_normal(x.shape)
    square = x @ x.swapaxes(-1, -2) + np.eye(shape[-1]) * shape[-1]
    return (square + skew - skew.swapaxes(-1, -2)).astype(dtype)


@on_all_targets
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_matrices_are_factored(dtype, target):
    graph = Graph()
    nodes = [cholesky(graph.input(definite(dtype, *shape)))
             for shape in [(1,), (3,), (2, 9), (0, 4), (33,), (70,)]]
    graph.check(nodes, target, exact=False)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_a_matrix_that_is_not_positive_definite_is_refused(value):
    a = np.stack([np.eye(20, dtype=np.float32)] * 3)
    graph = Graph()
    x, empty = graph.input(a), graph.input(np.zeros((0, 2, 2), np.float32))
    # A factor without elements is no step of the program, but has a place among what may refuse.
    program = CompiledProgram([cholesky(empty), cholesky(x), x * x])
    assert program.only is not None
    a[1, 12, 12] = value
    with pytest.raises(SingularMatrixError, match="not positive definite"):
        program([a, graph.arrays[1]])
    a[1, 12, 12] = 4
    np.testing.assert_array_equal(program([a, graph.arrays[1]])[1], np.sqrt(a))


# ---- threads

def large():
    """Nodes of every kernel, each with work for several threads."""
    graph, f32 = Graph(), as_dtype("float32")
    rows = graph.input(numbers(f32, (64, 1500), special=False))
    images = graph.input(numbers(f32, (40, 33, 33), special=False))
    p = sliding((1, 3, 3), (1, 2, 2), (0, 1, 1), (0, 1, 1))
    offset = window.window_argmax(images, **p)
    square = graph.input((np.eye(48) * 9 + numbers(f32, (4, 48, 48), special=False)).astype("f4"))
    right = graph.input(numbers(f32, (4, 48, 65), special=False))
    nodes = [random_bits(graph.input(np.arange(4, dtype=np.uint32)), (100_001,)),
             *(getattr(reduce, n)(rows, axis=axis) for n in NAMES[1:5] for axis in (0, 1)),
             *sort(rows, 1), *top_k(rows, 20, 1),
             searchsorted(graph.input(np.arange(64 * 99.0, dtype="f4").reshape(64, 99)), rows),
             *(getattr(window, n)(images, **p) for n in NAMES[8:13]),
             window.window_take(images, offset, **p),
             window.window_put(window.window_max(images, **p), offset, images.shape, **p),
             triangular_solve(square, right, lower=True),
             cholesky(graph.input(definite(np.float32, 6, 40)))]
    return graph, nodes


@on_all_targets
def test_results_do_not_depend_on_the_number_of_threads(target):
    graph, nodes = large()
    with settings.override(target=target, threads=2):
        program = CompiledProgram(nodes).only
        assert program is not None
        labels = {k.label for k in program.plan.kernels if k.parallel}
        assert labels >= set(NAMES), "too little work to be shared"
    one = compiled(nodes, graph.arrays, target=target, threads=1)
    two = compiled(nodes, graph.arrays, target=target, threads=2)
    for node, a, b in zip(nodes, one, two, strict=True):
        np.testing.assert_array_equal(bits(a), bits(b), node.op.name)
