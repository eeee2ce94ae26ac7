"""Statistical and utility functions, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tricord as tc
from tests.array_api.support import arrays, same, shapes

QUICK = settings(max_examples=20, deadline=None)
with_axes = shapes.filter(bool)


def axes_of(data, x):
    """None, an axis, or a tuple of them."""
    if not x.ndim:
        return data.draw(st.sampled_from([None, ()]))
    one = st.integers(-x.ndim, x.ndim - 1)
    several = st.lists(st.integers(0, x.ndim - 1), unique=True, max_size=x.ndim).map(tuple)
    return data.draw(st.one_of(st.none(), one, several))


def sum_dtype(dtype):
    return {"b": np.int64, "i": np.int64, "u": np.uint64}.get(np.dtype(dtype).kind, dtype)


@pytest.mark.parametrize(("name", "kinds"), [("sum", "ifc"), ("prod", "if")])
@given(data=st.data(), keepdims=st.booleans())
@QUICK
def test_sums_and_products(name, kinds, data, keepdims):
    x = data.draw(arrays(kinds, low=-2, high=2))
    axis = axes_of(data, x)
    wide = sum_dtype(x.dtype)
    expected = getattr(np, name)(x, axis=axis, dtype=wide, keepdims=keepdims)
    same(getattr(tc, name)(tc.asarray(x), axis=axis, keepdims=keepdims), expected)
    expected = getattr(np, name)(x, axis=axis, dtype=np.complex128, keepdims=keepdims)
    same(getattr(tc, name)(tc.asarray(x), axis=axis, dtype=tc.complex128, keepdims=keepdims),
         expected)


@pytest.mark.parametrize("name", ["max", "min"])
@given(data=st.data(), keepdims=st.booleans())
@QUICK
def test_extremes(name, data, keepdims):
    x = data.draw(arrays("if", shape=shapes.filter(lambda s: 0 not in s)))
    axis = axes_of(data, x)
    same(getattr(tc, name)(tc.asarray(x), axis=axis, keepdims=keepdims),
         getattr(np, name)(x, axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("name", ["mean", "var", "std"])
@given(data=st.data(), keepdims=st.booleans())
@QUICK
def test_moments(name, data, keepdims):
    x = data.draw(arrays("f", shape=shapes.filter(lambda s: 0 not in s), low=-9, high=9))
    axis = axes_of(data, x)
    wide = getattr(np, name)(x.astype(np.float64), axis=axis, keepdims=keepdims)
    same(getattr(tc, name)(tc.asarray(x), axis=axis, keepdims=keepdims),
         np.asarray(wide).astype(x.dtype), tolerance=2e-5 if x.dtype == np.float32 else 1e-11)


def test_correction_of_variances():
    x = np.random.default_rng(0).normal(size=(3, 5))
    for correction in (0, 1, 1.5):
        same(tc.var(tc.asarray(x), axis=1, correction=correction),
             np.var(x, axis=1, ddof=correction))
        same(tc.std(tc.asarray(x), correction=correction), np.std(x, ddof=correction))
    assert np.isnan(tc.var(tc.asarray([1.0]), correction=1).item())


def test_reductions_of_nothing():
    x = tc.zeros((0, 2))
    assert tc.sum(x, axis=0).tolist() == [0, 0]
    assert tc.prod(x).item() == 1
    assert np.isnan(tc.mean(x, axis=0).numpy()).all()
    assert tc.all(x).item() is True
    assert tc.any(x).item() is False
    with pytest.raises(ValueError, match="empty"):
        tc.max(x)
    assert tc.max(x, axis=1).shape == (0,)


def test_nan_goes_through():
    x = tc.asarray([1.0, np.nan, 3.0])
    for name in ("sum", "prod", "mean", "max", "min", "std", "var"):
        assert np.isnan(getattr(tc, name)(x).item()), name
    assert tc.argmax(x).item() == tc.argmin(x).item() == 1


@pytest.mark.parametrize("name", ["all", "any", "count_nonzero"])
@given(data=st.data(), keepdims=st.booleans())
@QUICK
def test_truth(name, data, keepdims):
    x = data.draw(arrays("bifc", low=0, high=1))
    axis = axes_of(data, x)
    expected = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
    same(getattr(tc, name)(tc.asarray(x), axis=axis, keepdims=keepdims), expected)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@given(data=st.data(), keepdims=st.booleans())
@QUICK
def test_positions_of_extremes(name, data, keepdims):
    x = data.draw(arrays("if", shape=with_axes.filter(lambda s: 0 not in s), low=-3, high=3))
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)))
    same(getattr(tc, name)(tc.asarray(x), axis=axis, keepdims=keepdims),
         np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims)))


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@given(data=st.data(), initial=st.booleans())
@QUICK
def test_cumulative(name, data, initial):
    x = data.draw(arrays("if", shape=with_axes, low=-2, high=2))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    expected = getattr(np, name)(x, axis=axis, dtype=sum_dtype(x.dtype), include_initial=initial)
    same(getattr(tc, name)(tc.asarray(x), axis=axis, include_initial=initial), expected)


def test_cumulative_needs_an_axis_for_a_matrix():
    assert tc.cumulative_sum(tc.asarray([1, 2])).tolist() == [1, 3]
    with pytest.raises(ValueError, match="axis"):
        tc.cumulative_sum(tc.zeros((2, 2)))
    same(tc.cumulative_sum(tc.asarray([1, 2]), dtype=tc.float64), np.array([1.0, 3.0]))
    same(tc.cumulative_max(tc.asarray([1, 3, 2])), np.array([1, 3, 3]))
    same(tc.cumulative_min(tc.asarray([2, 3, 1])), np.array([2, 2, 1]))


@given(data=st.data(), n=st.integers(0, 3))
@QUICK
def test_diff(data, n):
    x = data.draw(arrays("if", shape=with_axes, low=-9, high=9))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    same(tc.diff(tc.asarray(x), axis=axis, n=n), np.diff(x, n, axis))
    n = max(n, 1)  # numpy's diff of order 0 leaves even the appended out
    edge = np.take(x, [0], axis) if x.shape[axis] else x
    same(tc.diff(tc.asarray(x), axis=axis, n=n, prepend=tc.asarray(edge), append=tc.asarray(edge)),
         np.diff(x, n, axis, edge, edge))


@pytest.mark.parametrize("axis", [2, -3, (0, 0)])
def test_an_axis_out_of_range_or_twice_is_an_error(axis):
    with pytest.raises(ValueError, match="axis"):
        tc.sum(tc.zeros((2, 2)), axis=axis)


def test_order_statistics_and_covariance():
    x = np.random.default_rng(1).normal(size=(3, 4, 5))
    t = tc.asarray(x)
    same(tc.median(t, axis=(0, 2)), np.median(x, (0, 2)))
    same(tc.quantile(t, (0.1, 0.75), axis=1, keepdims=True),
         np.quantile(x, (0.1, 0.75), 1, keepdims=True))
    same(tc.quantile(t, 0.3, method="lower"), np.quantile(x, 0.3, method="lower"))
    same(tc.cov(t[0]), np.cov(x[0]))
    same(tc.corrcoef(t[0]), np.corrcoef(x[0]))
    same(tc.norm(t, axis=1, ord=3), np.linalg.norm(x, 3, 1))
    same(tc.logsumexp(t, axis=0), np.log(np.exp(x).sum(0)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        tc.quantile(t, 1.5)


@pytest.mark.parametrize("call", [
    lambda x: tc.sum(tc.sin(x)), lambda x: tc.prod(x), lambda x: tc.max(x), lambda x: tc.std(x),
    lambda x: tc.norm(x), lambda x: tc.logsumexp(x), lambda x: tc.median(x),
    lambda x: tc.sum(tc.cumulative_prod(x)), lambda x: tc.sum(tc.unique_values(x) ** 2),
    lambda x: tc.sum(tc.hypot(x, x * 2)), lambda x: tc.sum(tc.logaddexp(x, x * 2)),
    lambda x: tc.sum(tc.clip(x, 0.2, 0.9) * x), lambda x: tc.sum(tc.sort(x) * tc.arange(4.0)),
    lambda x: tc.sum(tc.take(x, tc.asarray([1, 1, 3])) ** 2),
    lambda x: tc.sum(tc.pad(x, 2, mode="reflect") ** 2)])
def test_gradients_are_those_of_differences(call):
    x = np.array([0.3, 1.1, -0.7, 2.0])
    gradient = tc.grad(call)(tc.asarray(x)).numpy()
    step = 1e-6
    numeric = [(call(tc.asarray(x + step * e)).item() - call(tc.asarray(x - step * e)).item())
               / (2 * step) for e in np.eye(4)]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)
