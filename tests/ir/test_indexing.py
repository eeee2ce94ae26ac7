"""Gather and scatter against numpy's indexing and against loops written out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ir.helpers import inputs, run
from tricord.autodiff import gradients
from tricord.errors import ArgumentError, IndexRangeError, ShapeError
from tricord.ir.ops.dynamic_slice import dynamic_slice, dynamic_update_slice
from tricord.ir.ops.indexing import (
    gather,
    index_arrays,
    put_along_axis,
    put_arrays,
    scatter,
    take,
    take_along_axis,
)


def evaluate(build, *arrays):
    return run([build(*inputs(*arrays))], arrays)[0]


@pytest.fixture
def x(rng):
    return rng.standard_normal((4, 5, 6))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("mode", ["raise", "clip", "wrap"])
def test_take_is_numpys(rng, x, axis, mode):
    bound = x.shape[axis]
    i = rng.integers(-bound if mode == "raise" else -9, bound if mode == "raise" else 9, (2, 3))
    if mode == "clip":
        i = np.abs(i)
    found = evaluate(lambda a, b: take(a, b, axis, mode), x, i)
    np.testing.assert_array_equal(found, np.take(x, i, axis, mode=mode))


def test_filled_places_read_zero(x):
    found = evaluate(lambda a, b: take(a, b, 0, "fill"), x, np.array([3, 4, -1]))
    np.testing.assert_array_equal(found, np.stack([x[3], 0 * x[0], 0 * x[0]]))


GRID, PAIR = np.array([[0, 3], [-1, 2]]), np.array([1, -5])


@pytest.mark.parametrize(("indices", "numpy_index"), [
    ((GRID, PAIR), (GRID, PAIR)),
    ((GRID, None, PAIR), (GRID, slice(None), PAIR)),
    ((None, PAIR, GRID), (slice(None), PAIR, GRID)),
    ((None, None, GRID), (slice(None), slice(None), GRID)),
    ((PAIR % 4, PAIR, PAIR), (PAIR % 4, PAIR, PAIR)),
])
def test_advanced_indexing_reads_and_writes_as_numpy_does(rng, x, indices, numpy_index):
    given = [i for i in indices if i is not None]

    def slots(nodes):
        left = iter(nodes)
        return [None if i is None else next(left) for i in indices]

    found = evaluate(lambda a, *nodes: index_arrays(a, slots(nodes)), x, *given)
    np.testing.assert_array_equal(found, x[numpy_index])
    updates = rng.standard_normal(found.shape[1:])
    written = evaluate(lambda a, u, *nodes: put_arrays(a, slots(nodes), u), x, updates, *given)
    expected = x.copy()
    expected[numpy_index] = updates
    np.testing.assert_array_equal(written, expected)


def test_take_along_axis_reads_less_than_the_whole_of_other_axes(rng, x):
    i = rng.integers(0, 5, (4, 7, 2))
    found = evaluate(lambda a, b: take_along_axis(a, b, 1), x, i)
    np.testing.assert_array_equal(found, np.take_along_axis(x[:, :, :2], i, 1))


UFUNCS = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


@pytest.mark.parametrize("reduce", ["set", *UFUNCS])
@pytest.mark.parametrize("width", [(), (3,)])
def test_scatter_combines_in_order(rng, reduce, width):
    x, updates = rng.standard_normal((5, *width)), rng.standard_normal((40, *width))
    i = rng.integers(0, 4, 40)
    found = evaluate(lambda a, u, b: scatter(a, u, b, axes=(0,), reduce=reduce), x, updates, i)
    expected = x.copy()
    for place, update in zip(i, updates, strict=True):
        expected[place] = update if reduce == "set" else UFUNCS[reduce](expected[place], update)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_last_write_stays_whatever_the_memory_order_of_indices(rng):
    i = np.asfortranarray(rng.integers(0, 3, (20, 30)))
    updates = np.arange(600.0).reshape(20, 30)
    found = evaluate(lambda a, u, b: scatter(a, u, b, axes=(0,)), np.zeros(3), updates, i)
    last = [np.flatnonzero(i.reshape(-1) == place)[-1] for place in range(3)]
    assert found.tolist() == last


def test_the_gradient_of_a_write_goes_to_the_update_that_stayed():
    arrays = [np.zeros(3), np.array([1.0, 2.0, 3.0]), np.array([1, 1, 9]), np.arange(1.0, 4.0)]
    x, u, i, g = inputs(*arrays)
    node = scatter(x, u, i, axes=(0,), mode="fill")
    into_x, into_u = run(gradients([node], [g], [x, u]), arrays)
    assert into_x.tolist() == [1, 0, 3]
    assert into_u.tolist() == [0, 2, 0]


def test_an_embedding_sums_the_gradients_of_a_word(rng):
    table, words = rng.standard_normal((10, 4)), rng.integers(0, 10, (3, 7))
    g = rng.standard_normal((3, 7, 4))
    t, w, gn = inputs(table, words, g)
    found = run(gradients([gather(t, w, axes=(0,))], [gn], [t]), [table, words, g])[0]
    expected = np.zeros_like(table)
    for word, row in zip(words.reshape(-1), g.reshape(-1, 4), strict=True):
        expected[word] += row
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("index", "says"), [
    (7, "gather: index 7 is out of range for axis 1 of size 5"),
    (-6, "gather: index -6 is out of range for axis 1 of size 5")])
def test_an_index_out_of_range_is_named_with_the_users_line(x, index, says):
    with pytest.raises(IndexRangeError) as caught:
        evaluate(lambda a, b: take(a, b, 1), x, np.array([0, index]))
    assert says in str(caught.value)
    assert "test_indexing.py" in str(caught.value)
    assert "legal are -5 to 4" in str(caught.value)


def test_wrong_arguments_are_refused(x):
    a, i = inputs(x, np.zeros((9, 2), int))
    with pytest.raises(ArgumentError, match="did you mean 'max'"):
        scatter(a, a, i, axes=(0,), reduce="maxx")
    with pytest.raises(ShapeError, match="must have as many axes"):
        take_along_axis(a, i, 0)
    b, j = inputs(np.zeros((3, 2)), np.zeros((2, 4), int))
    with pytest.raises(ShapeError, match="longer than the operand of shape \\(3, 2\\) on axis 1"):
        take_along_axis(b, j, 0)


def test_put_along_axis_writes_where_take_along_axis_reads(rng, x):
    i = np.argsort(rng.standard_normal((4, 3, 6)), axis=1)
    updates = rng.standard_normal(i.shape)
    found = evaluate(lambda a, b, u: put_along_axis(a, b, u, 1), x, i, updates)
    expected = x.copy()
    np.put_along_axis(expected, i, updates, 1)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("start", "first"), [((1, 2, 3), (1, 2, 3)), ((-4, 99, 0), (0, 3, 0))])
def test_a_box_is_moved_inside(rng, x, start, first):
    starts, sizes = [np.int64(s) for s in start], (2, 2, 3)
    inside = tuple(slice(f, f + s) for f, s in zip(first, sizes, strict=True))
    found = evaluate(lambda a, *s: dynamic_slice(a, s, sizes), x, *starts)
    np.testing.assert_array_equal(found, x[inside])
    updates = rng.standard_normal(sizes)
    written = evaluate(lambda a, u, *s: dynamic_update_slice(a, u, s), x, updates, *starts)
    expected = x.copy()
    expected[inside] = updates
    np.testing.assert_array_equal(written, expected)
