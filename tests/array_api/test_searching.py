"""Searching, sorting, indexing functions and sets, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tricord as tc
from tests.array_api.support import arrays, same, shapes

QUICK = settings(max_examples=25, deadline=None)
with_axes = shapes.filter(bool)


@given(st.data(), st.booleans())
@QUICK
def test_sort_and_argsort_are_stable(data, descending):
    x = data.draw(arrays("if", shape=with_axes, low=-3, high=3))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    key = -x.astype(np.float64) if descending else x
    order = np.argsort(key, axis, kind="stable")
    same(tc.argsort(tc.asarray(x), axis=axis, descending=descending), order)
    same(tc.sort(tc.asarray(x), axis=axis, descending=descending),
         np.take_along_axis(x, order, axis))


def test_top_k():
    values, places = tc.top_k(tc.asarray([3, 1, 4, 1, 5]), 2)
    assert (values.tolist(), places.tolist()) == ([5, 4], [4, 2])


@given(arrays("bifc"))
@QUICK
def test_nonzero(x):
    if not x.ndim:
        with pytest.raises(ValueError, match="0-d"):
            tc.nonzero(tc.asarray(x))
        return
    for actual, expected in zip(tc.nonzero(tc.asarray(x)), np.nonzero(x), strict=True):
        same(actual, expected)


@given(st.data(), st.sampled_from(["left", "right"]))
@QUICK
def test_searchsorted(data, side):
    row = data.draw(arrays("if", shape=(5,), low=-5, high=5))
    values = data.draw(arrays(dtype=row.dtype.name, low=-5, high=5))
    ordered = np.sort(row)
    same(tc.searchsorted(tc.asarray(ordered), tc.asarray(values), side=side),
         np.asarray(np.searchsorted(ordered, values, side)))
    order = np.argsort(row, kind="stable")
    same(tc.searchsorted(tc.asarray(row), tc.asarray(values), side=side, sorter=tc.asarray(order)),
         np.asarray(np.searchsorted(row, values, side, order)))


def test_searchsorted_takes_a_number_and_refuses_a_wrong_side():
    assert tc.searchsorted(tc.asarray([1.0, 2.0, 3.0]), 2.5).item() == 2
    with pytest.raises(ValueError, match="left, right"):
        tc.searchsorted(tc.zeros(2), tc.zeros(2), side="middle")


@given(st.data())
@QUICK
def test_take_and_take_along_axis(data):
    x = data.draw(arrays(shape=with_axes.filter(lambda s: 0 not in s)))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[axis]
    places = data.draw(hnp.arrays(np.int64, st.integers(0, 4), elements=st.integers(-n, n - 1)))
    same(tc.take(tc.asarray(x), tc.asarray(places), axis=axis), np.take(x, places, axis))
    shape = list(x.shape)
    shape[axis] = 2
    along = data.draw(hnp.arrays(np.int64, tuple(shape), elements=st.integers(-n, n - 1)))
    same(tc.take_along_axis(tc.asarray(x), tc.asarray(along), axis=axis),
         np.take_along_axis(x, along, axis))


def test_take_without_an_axis_needs_a_vector():
    assert tc.take(tc.asarray([5, 6]), tc.asarray([1])).tolist() == [6]
    with pytest.raises(ValueError, match="axis"):
        tc.take(tc.zeros((2, 2)), tc.asarray([0]))
    with pytest.raises(IndexError):
        tc.take(tc.zeros(2), tc.asarray([2])).tolist()


@given(arrays("bif", low=-2, high=2))
@QUICK
def test_unique(x):
    values, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True,
                                               return_counts=True, equal_nan=False)
    found = tc.unique_all(tc.asarray(x))
    for actual, expected in zip(found, (values, first, inverse.reshape(x.shape), counts),
                                strict=True):
        same(actual, expected)
    assert found._fields == ("values", "indices", "inverse_indices", "counts")
    same(tc.unique_values(tc.asarray(x)), values)
    assert tc.unique_counts(tc.asarray(x)).counts.tolist() == counts.tolist()
    same(tc.unique_inverse(tc.asarray(x)).inverse_indices, inverse.reshape(x.shape))


def test_each_nan_is_unique():
    found = tc.unique_all(tc.asarray([np.nan, 1.0, np.nan]))
    assert found.counts.tolist() == [1, 1, 1]
    assert sorted(found.indices.tolist()) == [0, 1, 2]


@given(st.data(), st.booleans())
@QUICK
def test_isin(data, invert):
    x = data.draw(arrays(dtype="int64", low=-4, high=4))
    members = data.draw(hnp.arrays(np.int64, st.integers(0, 30), elements=st.integers(-9, 9)))
    same(tc.isin(tc.asarray(x), tc.asarray(members), invert=invert),
         np.isin(x, members, invert=invert))


def test_counting():
    x = np.array([1, 3, 1, 0])
    same(tc.bincount(tc.asarray(x)), np.bincount(x))
    same(tc.bincount(tc.asarray(x), weights=tc.asarray([1.0, 2.0, 3.0, 4.0]), minlength=6),
         np.bincount(x, [1, 2, 3, 4], 6).astype(np.float32))
    same(tc.one_hot(tc.asarray(x), 4), np.eye(4, dtype=np.int64)[x])
