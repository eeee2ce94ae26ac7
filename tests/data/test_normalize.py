"""Scaling: against scikit-learn, in one piece and batch by batch."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.data.normalize import MinMax, Standardize
from tricord.errors import (
    ArgumentError,
    EmptyDataError,
    NonFiniteError,
    ShapeError,
    StateError,
)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_results_are_those_of_scikit_learn(rng, dtype):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = (rng.normal(size=(50, 4)) * [1, 10, 0, 1e-3] + [0, 5, 3, 100]).astype(dtype)
    tolerance = 1e-9 if dtype is np.float64 else 1e-2  # column 4 is 1e-3 wide around 100
    for ours, theirs in ((Standardize(), preprocessing.StandardScaler()),
                         (MinMax(feature_range=(-1, 2)),
                          preprocessing.MinMaxScaler(feature_range=(-1, 2)))):
        scaled = ours.fit_transform(x)
        expected = theirs.fit_transform(x.astype(np.float64))
        np.testing.assert_allclose(scaled, expected, rtol=tolerance, atol=tolerance)
        assert scaled.dtype == dtype
        np.testing.assert_allclose(ours.inverse_transform(scaled), x, rtol=1e-5)


def test_batch_by_batch_is_the_same_as_at_once(rng):
    images = rng.integers(0, 256, (23, 5, 6, 3)).astype(np.uint8)
    for scaler in (Standardize, MinMax):
        whole = scaler(axis=(0, 1, 2)).fit(images)
        parts = scaler(axis=(0, 1, 2)).fit_batches(
            (images[i:i + 4], "labels") for i in range(0, 23, 4))
        for name in scaler._fields:
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-12)
        assert parts.count == whole.count == 23 * 30
        assert whole.transform(images).dtype == np.float32
    np.testing.assert_allclose(Standardize((0, 1, 2)).fit(images).std,
                               images.std(axis=(0, 1, 2)), rtol=1e-12)


def test_a_large_offset_does_not_eat_the_variance():
    x = 1e9 + np.arange(1000.0)[:, None] % 2
    scaler = Standardize()
    for part in np.split(x, 10):
        scaler.partial_fit(part)
    np.testing.assert_allclose(scaler.std, [0.5], rtol=1e-9)


def test_a_state_makes_the_same_scaler(rng):
    x = rng.normal(size=(9, 2))
    for scaler in (Standardize, MinMax):
        one, other = scaler().fit(x), scaler(axis=1)
        other.load_state_dict(one.state_dict())
        assert (other.transform(x) == one.transform(x)).all()
    with pytest.raises(StateError, match="the state has no count, mean, squares"):
        Standardize().load_state_dict({"axis": [0]})


@pytest.mark.parametrize(("act", "error", "says"), [
    (lambda: Standardize().transform(np.zeros((2, 2))), StateError, "nothing was learnt"),
    (lambda: Standardize().fit(np.zeros((2, 2))).transform(np.zeros((2, 3))), ShapeError,
     r"shape \(2,\), got \(3,\)"),
    (lambda: Standardize(axis=4).fit(np.zeros((2, 2))), ShapeError, "axis 4 does not exist"),
    (lambda: Standardize().fit(np.zeros((0, 2))), EmptyDataError, "no values to learn from"),
    (lambda: Standardize().fit_batches([]), EmptyDataError, "no batches"),
    (lambda: MinMax().fit(np.array([[1.0], [np.nan]])), NonFiniteError, r"nan at index \(1, 0\)"),
    (lambda: MinMax(feature_range=(1, 1)), ArgumentError, "low < high"),
])
def test_misuse_says_what_is_wrong(act, error, says):
    with pytest.raises(error, match=says):
        act()
