"""Sorting against numpy, Python's own stable sort and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ir.helpers import inputs, run
from tricord.autodiff import batch_graph, gradients
from tricord.ir.dtypes import as_dtype
from tricord.ir.ops.sort import argsort, searchsorted, sort, top_k

NAN = float("nan")


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("descending", [False, True])
def test_sorting_is_stable_in_both_directions(rng, axis, descending):
    x = rng.integers(0, 3, (6, 7, 5))
    values, positions = run(sort(*inputs(x), axis, descending), [x])
    rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    expected = [sorted(range(len(row)), key=lambda i, row=row: -row[i] if descending else row[i])
                for row in rows]
    found = np.moveaxis(positions, axis, -1).reshape(rows.shape)
    assert found.tolist() == expected
    np.testing.assert_array_equal(values, np.take_along_axis(x, positions, axis))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_nan_is_the_largest(dtype):
    x = np.array([2, NAN, -1, np.inf, NAN]).astype(as_dtype(dtype).numpy)
    found = run([argsort(*inputs(x)), argsort(*inputs(x), descending=True)], [x])
    assert [f.tolist() for f in found] == [[2, 0, 3, 1, 4], [1, 4, 3, 0, 2]]


@pytest.mark.parametrize("largest", [True, False])
def test_top_k_is_the_beginning_of_a_sort(rng, largest):
    x = rng.integers(0, 4, (3, 9)).astype(np.float32)
    node, = inputs(x)
    found = run([*top_k(node, 4, 1, largest), *sort(node, 1, largest)], [x])
    for part, whole in zip(found[:2], found[2:], strict=True):
        np.testing.assert_array_equal(part, whole[:, :4])


def test_the_gradient_of_the_largest_goes_where_they_were():
    x, g = np.array([1.0, 9.0, 5.0, 7.0]), np.array([10.0, 20.0])
    a, gn = inputs(x, g)
    found = run(gradients([top_k(a, 2)[0]], [gn], [a]), [x, g])[0]
    assert found.tolist() == [0, 10, 0, 20]


@pytest.mark.parametrize("side", ["left", "right"])
def test_values_are_found_in_sorted_rows_as_numpy_finds_them(rng, side):
    rows = np.sort(rng.integers(0, 9, (4, 13)), axis=-1).astype(np.float64)
    rows[:, -2:] = NAN
    values = np.concatenate([rng.integers(-2, 12, (4, 20)), np.full((4, 1), NAN)], axis=-1)
    found = run([searchsorted(*inputs(rows, values), side)], [rows, values])[0]
    for row, value, place in zip(rows, values, found, strict=True):
        np.testing.assert_array_equal(place, np.searchsorted(row, value, side))


def test_one_sorted_row_serves_values_of_any_shape(rng):
    row, values = np.sort(rng.standard_normal(11)), rng.standard_normal((2, 3, 4))
    a, b, one = inputs(row, values, values[0, 0])
    batched = batch_graph([searchsorted(a, one)], {one: inputs(row, values, values[0])[2]}, 3)[0]
    found, examples = run([searchsorted(a, b), batched], [row, values, values[0]])
    np.testing.assert_array_equal(found, np.searchsorted(row, values))
    np.testing.assert_array_equal(examples, np.searchsorted(row, values[0]))


@pytest.mark.peers("torch")
def test_order_is_that_of_torch(rng):
    torch = pytest.importorskip("torch")
    x = np.round(rng.standard_normal((5, 40)), 1).astype(np.float32)
    x[1, 3] = x[2, 7] = NAN
    for descending in (False, True):
        values, positions = run(sort(*inputs(x), 1, descending), [x])
        expected = torch.sort(torch.tensor(x), dim=1, descending=descending, stable=True)
        np.testing.assert_array_equal(values, expected.values.numpy())
        np.testing.assert_array_equal(positions, expected.indices.numpy())
        best = run([top_k(*inputs(x), 5, 1, descending)[0]], [x])[0]
        theirs = torch.topk(torch.tensor(x), 5, dim=1, largest=descending).values.numpy()
        np.testing.assert_array_equal(best, theirs)
