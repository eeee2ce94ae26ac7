"""Functions that move elements, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tricord as tc
from tests.array_api.support import arrays, same, shapes

QUICK = settings(max_examples=25, deadline=None)
with_axes = shapes.filter(bool)


def axis_of(data, x):
    return data.draw(st.integers(-x.ndim, x.ndim - 1))


@given(st.data())
@QUICK
def test_concat_and_stack(data):
    x = data.draw(arrays(shape=with_axes))
    axis = axis_of(data, x)
    y = data.draw(arrays(dtype=x.dtype.name, shape=x.shape))
    pair = [tc.asarray(x), tc.asarray(y)]
    same(tc.concat(pair, axis=axis), np.concatenate([x, y], axis))
    same(tc.concat(tuple(pair), axis=None), np.concatenate([x, y], None))
    same(tc.stack(pair, axis=axis), np.stack([x, y], axis))


def test_concat_promotes():
    x = tc.concat([tc.zeros(1, dtype=tc.int8), tc.zeros(2, dtype=tc.uint8)])
    assert (x.dtype, x.shape) == (tc.int16, (3,))
    assert tc.stack([tc.ones(1), tc.ones(1, dtype=tc.float64)]).dtype is tc.float64


@given(st.data())
@QUICK
def test_shapes_and_axes(data):
    x = data.draw(arrays(shape=with_axes))
    t, axis = tc.asarray(x), axis_of(data, x)
    same(tc.reshape(t, (-1,) if x.size else (0,)), x.reshape(-1 if x.size else 0))
    same(tc.reshape(t, (1, *x.shape), copy=True), x[None])
    same(tc.expand_dims(t, axis=axis), np.expand_dims(x, axis))
    same(tc.expand_dims(t), x[None])
    same(tc.flip(t, axis=axis), np.flip(x, axis))
    same(tc.flip(t), np.flip(x))
    order = data.draw(st.permutations(range(x.ndim)))
    same(tc.permute_dims(t, tuple(order)), x.transpose(order))
    same(tc.moveaxis(t, axis, 0), np.moveaxis(x, axis, 0))
    same(tc.broadcast_to(t, (2, *x.shape)), np.broadcast_to(x, (2, *x.shape)))
    for actual, expected in zip(tc.unstack(t, axis=axis), np.moveaxis(x, axis, 0), strict=True):
        same(actual, expected)


@given(st.data())
@QUICK
def test_moveaxis_of_several(data):
    x = data.draw(arrays(dtype="float32", shape=(2, 3, 4)))
    source = tuple(data.draw(st.permutations(range(3)))[:2])
    target = tuple(data.draw(st.permutations([-1, 0, 1]))[:2])
    same(tc.moveaxis(tc.asarray(x), source, target), np.moveaxis(x, source, target))


@given(st.data())
@QUICK
def test_repetition_and_rolling(data):
    x = data.draw(arrays(shape=with_axes))
    t, axis = tc.asarray(x), axis_of(data, x)
    count = data.draw(st.integers(0, 3))
    same(tc.repeat(t, count, axis=axis), np.repeat(x, count, axis))
    same(tc.repeat(t, count), np.repeat(x, count))
    counts = data.draw(hnp.arrays(np.int64, x.shape[axis], elements=st.integers(0, 3)))
    same(tc.repeat(t, tc.asarray(counts), axis=axis), np.repeat(x, counts, axis))
    same(tc.repeat(t, tc.asarray([count]), axis=axis), np.repeat(x, count, axis))
    times = data.draw(st.lists(st.integers(0, 2), max_size=4).map(tuple))
    same(tc.tile(t, times), np.tile(x, times))
    shift = data.draw(st.integers(-9, 9))
    same(tc.roll(t, shift, axis=axis), np.roll(x, shift, axis))
    same(tc.roll(t, shift), np.roll(x, shift))
    both = (shift, 1) if x.ndim > 1 else (shift,)
    same(tc.roll(t, both, axis=(0, 1)[:len(both)]), np.roll(x, both, (0, 1)[:len(both)]))


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3, min_side=0))
@QUICK
def test_broadcasting(found):
    parts = [np.ones(s, np.float32) for s in found.input_shapes]
    for actual, expected in zip(tc.broadcast_arrays(*map(tc.asarray, parts)),
                                np.broadcast_arrays(*parts)):
        same(actual, expected)
    assert tc.broadcast_shapes(*found.input_shapes) == found.result_shape


def test_squeeze():
    x = tc.zeros((1, 2, 1))
    assert tc.squeeze(x, axis=0).shape == (2, 1)
    assert tc.squeeze(x, (0, -1)).shape == (2,)
    with pytest.raises(ValueError, match="size 2"):
        tc.squeeze(x, axis=1)


@pytest.mark.parametrize("axis", [4, -5])
def test_expand_dims_out_of_range_is_an_index_error(axis):
    with pytest.raises(IndexError):
        tc.expand_dims(tc.zeros((1, 2, 3)), axis=axis)


def test_a_reshape_without_copy_is_a_view():
    x = tc.zeros((2, 3))
    view = tc.reshape(x, (-1,), copy=False)
    view[0] = 5
    assert x.numpy()[0, 0] == 5
    copied = tc.reshape(x, (6,), copy=True)
    x[0, 0] = 1
    assert copied.numpy()[0] == 5


@pytest.mark.parametrize("shape", [(4,), (-1, 4), (-1, -1), (-2, 3)])
@pytest.mark.parametrize("copy", [None, False])
def test_a_reshape_that_does_not_fit_is_refused(shape, copy):
    with pytest.raises(ValueError, match="reshape"):
        tc.reshape(tc.zeros((2, 3)), shape, copy=copy)


@pytest.mark.parametrize(("mode", "numpys"), [("reflect", "reflect"), ("symmetric", "symmetric"),
                                              ("replicate", "edge"), ("circular", "wrap"),
                                              ("constant", "constant")])
def test_pad(mode, numpys):
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    same(tc.pad(tc.asarray(x), ((2, 1), (0, 3)), mode=mode), np.pad(x, ((2, 1), (0, 3)), numpys))


def test_windows_diagonals_and_turns():
    x = np.arange(20, dtype=np.float32).reshape(4, 5)
    t = tc.asarray(x)
    same(tc.sliding_windows(t, 3, step=2),
         np.lib.stride_tricks.sliding_window_view(x, 3, 1)[:, ::2])
    for k in range(-4, 6):
        same(tc.diag(t, k=k), np.diag(x, k))
        same(tc.diag(t[0], k=k), np.diag(x[0], k))
        same(tc.rot90(t, k), np.rot90(x, k))
    first, second = tc.split(t, (1, 4), axis=1)
    same(first, x[:, :1])
    same(second, x[:, 1:])
