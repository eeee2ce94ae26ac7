"""Scaling of features: learnt from the training data, applied to all, saved with the model.

Statistics are kept in float64 and can be gathered batch by batch; the result is that of the whole
data at once, up to rounding.

Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing
sample variances", 1979, for merging means and variances.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, EmptyDataError, NonFiniteError, ShapeError, StateError
from .arrays import as_array

__all__ = ["MinMax", "Standardize"]


class _Scaler:
    """``(x - shift) / scale`` per feature. Subclasses gather statistics and derive these two."""

    _fields: tuple[str, ...] = ()

    def __init__(self, axis: int | Sequence[int] = 0):
        self.axis = (axis,) if isinstance(axis, int) else tuple(axis)
        self.count = 0

    def partial_fit(self, x: Any) -> _Scaler:
        """Add the statistics of one more batch."""
        values = as_array(x).astype(np.float64)
        axes = self._axes(values.ndim)
        if any(values.shape[axis] == 0 for axis in axes):
            raise EmptyDataError(f"{type(self).__name__}: a batch of shape {values.shape} has no "
                                 "values to learn from")
        self._check_finite(values)
        self._check_features(values, axes)
        self._merge(values, axes, int(np.prod([values.shape[axis] for axis in axes])))
        return self

    def fit(self, x: Any) -> _Scaler:
        """Forget what was learnt, and learn from ``x``."""
        self.count = 0
        return self.partial_fit(x)

    def fit_batches(self, batches: Any) -> _Scaler:
        """Learn from an iterable of batches; of a (inputs, ...) batch, the inputs."""
        self.count = 0
        for batch in batches:
            self.partial_fit(batch[0] if isinstance(batch, (list, tuple)) else batch)
        if self.count == 0:
            raise EmptyDataError(f"{type(self).__name__}.fit_batches: there were no batches")
        return self

    def transform(self, x: Any) -> np.ndarray:
        """Scaled values; floats keep their dtype, others become float32."""
        values, shift, scale = self._prepare(x)
        return ((values - shift) / scale).astype(_float_dtype(values))

    def inverse_transform(self, x: Any) -> np.ndarray:
        """The values that ``transform`` would turn into ``x``."""
        values, shift, scale = self._prepare(x)
        return (values * scale + shift).astype(_float_dtype(values))

    def fit_transform(self, x: Any) -> np.ndarray:
        return self.fit(x).transform(x)

    def state_dict(self) -> dict[str, Any]:
        """Everything learnt, as numbers and arrays."""
        self._check_fitted()
        return {"axis": list(self.axis), "count": self.count,
                **{name: getattr(self, name).copy() for name in self._fields}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        missing = [name for name in ("axis", "count", *self._fields) if name not in state]
        if missing:
            raise StateError(f"{type(self).__name__}.load_state_dict: the state has no "
                             f"{', '.join(missing)}")
        self.axis = tuple(int(axis) for axis in state["axis"])
        self.count = int(state["count"])
        for name in self._fields:
            setattr(self, name, np.array(state[name], np.float64))

    # ---------------------------------------------------------------- what subclasses write

    def _merge(self, values: np.ndarray, axes: tuple[int, ...], count: int) -> None:
        raise NotImplementedError

    def _shift_and_scale(self) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    # ---------------------------------------------------------------- internal

    def _prepare(self, x: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._check_fitted()
        values = as_array(x)
        axes = self._axes(values.ndim)
        self._check_features(values, axes)
        shift, scale = self._shift_and_scale()
        # A feature that never varies is shifted and left as it is.
        safe = np.where(scale == 0, 1.0, scale)
        return values, np.expand_dims(shift, axes), np.expand_dims(safe, axes)

    def _axes(self, rank: int) -> tuple[int, ...]:
        for axis in self.axis:
            if not -rank <= axis < rank:
                raise ShapeError(f"{type(self).__name__}: axis {axis} does not exist in an array "
                                 f"of {rank} axes")
        return tuple(sorted(axis % rank for axis in self.axis))

    def _check_fitted(self) -> None:
        if self.count == 0:
            raise StateError(f"{type(self).__name__}: nothing was learnt yet",
                             hint="call fit(x_train) first")

    def _check_features(self, values: np.ndarray, axes: tuple[int, ...]) -> None:
        if self.count == 0:
            return
        known = getattr(self, self._fields[0]).shape
        found = tuple(size for axis, size in enumerate(values.shape) if axis not in axes)
        if found != known:
            raise ShapeError(f"{type(self).__name__}: learnt from features of shape {known}, got "
                             f"{found} in an array of shape {values.shape}")

    def _check_finite(self, values: np.ndarray) -> None:
        bad = ~np.isfinite(values)
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise NonFiniteError(f"{type(self).__name__}: value {values[where]} at index {where}",
                                 hint="replace missing values before scaling")


def _float_dtype(values: np.ndarray) -> np.dtype:
    return values.dtype if values.dtype.kind == "f" else np.dtype(np.float32)


class Standardize(_Scaler):
    """To mean 0 and standard deviation 1, per feature.

    ``axis`` are the axes that are averaged over: 0 for a table (n, features), ``(0, 1, 2)`` for one
    mean per channel of images (n, h, w, c).

    >>> scaler = Standardize().fit(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> scaler.mean, scaler.std
    (array([ 2., 20.]), array([ 1., 10.]))
    >>> scaler.transform(np.array([[3.0, 20.0]]))
    array([[1., 0.]])
    """

    _fields = ("mean", "squares")

    def __init__(self, axis: int | Sequence[int] = 0):
        super().__init__(axis)
        self.mean = np.zeros(())
        self.squares = np.zeros(())  # sum of squared distances from the mean

    @property
    def std(self) -> np.ndarray:
        """The standard deviation of the population."""
        return np.sqrt(self.squares / max(self.count, 1))

    def _merge(self, values: np.ndarray, axes: tuple[int, ...], count: int) -> None:
        mean = values.mean(axis=axes)
        squares = np.square(values - np.expand_dims(mean, axes)).sum(axis=axes)
        if self.count:
            total = self.count + count
            apart = mean - self.mean
            squares = self.squares + squares + apart**2 * (self.count * count / total)
            mean = self.mean + apart * (count / total)
        self.mean, self.squares, self.count = mean, squares, self.count + count

    def _shift_and_scale(self) -> tuple[np.ndarray, np.ndarray]:
        return self.mean, self.std


class MinMax(_Scaler):
    """To the range ``feature_range``, per feature.

    >>> MinMax().fit_transform(np.array([[1.0], [2.0], [5.0]])).ravel()
    array([0.  , 0.25, 1.  ])
    """

    _fields = ("low", "high")

    def __init__(self, axis: int | Sequence[int] = 0,
                 feature_range: tuple[float, float] = (0.0, 1.0)):
        super().__init__(axis)
        if not feature_range[0] < feature_range[1]:
            raise ArgumentError("MinMax: expected feature_range=(low, high) with low < high, got "
                                f"{feature_range}")
        self.feature_range = feature_range
        self.low = np.zeros(())
        self.high = np.zeros(())

    def _merge(self, values: np.ndarray, axes: tuple[int, ...], count: int) -> None:
        low, high = values.min(axis=axes), values.max(axis=axes)
        if self.count:
            low, high = np.minimum(low, self.low), np.maximum(high, self.high)
        self.low, self.high, self.count = low, high, self.count + count

    def _shift_and_scale(self) -> tuple[np.ndarray, np.ndarray]:
        start, end = self.feature_range
        scale = (self.high - self.low) / (end - start)
        return self.low - start * np.where(scale == 0, 1.0, scale), scale
