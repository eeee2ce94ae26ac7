"""One-hot rows, padded sequences, normalised rows: numpy in, numpy out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import ArgumentError, IndexRangeError
from ...tensor.handle import Handle
from ...tensor.recorder import value_of
from .._arguments import checked

__all__ = ["normalize", "pad_sequences", "split_dataset", "timeseries_dataset_from_array",
           "to_categorical"]


@checked
def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray[Any, Any]:
    """One-hot rows of class numbers.

    Raises:  IndexRangeError for a class that is negative or not below ``num_classes``

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = np.array(value_of(x) if isinstance(x, Handle) else x, dtype="int64")
    shape = labels.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    flat = labels.reshape(-1)
    count = int(num_classes) if num_classes else (int(flat.max()) + 1 if flat.size else 0)
    if flat.size and (flat.min() < 0 or flat.max() >= count):
        bad = flat[(flat < 0) | (flat >= count)][0]
        raise IndexRangeError(f"to_categorical: class {bad} is not below num_classes={count}",
                              hint=f"num_classes={int(flat.max()) + 1}" if flat.min() >= 0 else
                              "subtract the smallest label")
    found = np.zeros((flat.size, count))
    found[np.arange(flat.size), flat] = 1
    return found.reshape((*shape, count))


@checked
def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray[Any, Any]:
    """Rows of norm one.

    >>> normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    array = np.asarray(x)
    norms = np.atleast_1d(np.linalg.norm(array, order, axis))
    norms[norms == 0] = 1
    return array / np.expand_dims(norms, axis)


@checked
def pad_sequences(sequences: Any, maxlen: int | None = None, dtype: Any = "int32",
                  padding: str = "pre", truncating: str = "pre", value: float = 0.0,
                  ) -> np.ndarray[Any, Any]:
    """Sequences of one length: filled up, or cut off, in front ("pre") or behind ("post").

    >>> pad_sequences([[1, 2, 3], [4]])
    array([[1, 2, 3],
           [0, 0, 4]], dtype=int32)
    """
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ArgumentError(f"pad_sequences: {name} is 'pre' or 'post', got {word!r}")
    if not hasattr(sequences, "__len__"):
        raise ArgumentError("`sequences` must be iterable.")
    rows = list(sequences)
    for row in rows:
        if not hasattr(row, "__len__"):
            raise ArgumentError("`sequences` must be a list of iterables. Found non-iterable: "
                                f"{row}")
    length = max((len(r) for r in rows), default=0) if maxlen is None else int(maxlen)
    sample: tuple[int, ...] = next((np.asarray(r).shape[1:] for r in rows if len(r)), ())
    found = np.full((len(rows), length, *sample), value, dtype=dtype)
    for place, row in enumerate(rows):
        if not len(row) or not length:
            continue
        cut = np.asarray(row[-length:] if truncating == "pre" else row[:length], dtype=dtype)
        if cut.shape[1:] != sample:
            raise ArgumentError(f"pad_sequences: sequence {place} has elements of shape "
                                f"{cut.shape[1:]}, the first of {sample}")
        if padding == "post":
            found[place, :len(cut)] = cut
        else:
            found[place, -len(cut):] = cut
    return found


@checked
def split_dataset(dataset: Any, left_size: Any = None, right_size: Any = None,
                  shuffle: bool = False, seed: int | None = None,
                  preferred_backend: str | None = None) -> tuple[Any, Any]:
    """Arrays (one, or a tuple of them) cut in two along the first axis."""
    parts = dataset if isinstance(dataset, tuple) else (dataset,)
    arrays = [np.asarray(p) for p in parts]
    count = len(arrays[0])

    def size(given: Any) -> int | None:
        return None if given is None else round(given * count) if isinstance(given, float) else (
            int(given))

    left, right = size(left_size), size(right_size)
    if left is None and right is None:
        raise ArgumentError("split_dataset: give left_size or right_size")
    left = count - right if left is None else left  # type: ignore[operator]
    right = count - left if right is None else right
    if left + right > count or left < 0 or right < 0:
        raise ArgumentError(f"split_dataset: {left} and {right} samples of {count}")
    order = np.random.default_rng(seed).permutation(count) if shuffle else np.arange(count)
    first = tuple(a[order[:left]] for a in arrays)
    second = tuple(a[order[left:left + right]] for a in arrays)
    return (first, second) if isinstance(dataset, tuple) else (first[0], second[0])


@checked
def timeseries_dataset_from_array(
        data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1,
        sampling_rate: int = 1, batch_size: int | None = 128, shuffle: bool = False,
        seed: int | None = None, start_index: int | None = None, end_index: int | None = None,
        format: str | None = None) -> Any:
    """Windows of a series as a sequence of batches ``(windows, targets)``."""
    from_, to = start_index or 0, end_index or len(data)
    values = np.asarray(data)[from_:to]
    last = len(values) if targets is None else min(len(values), len(targets) - from_)
    reach = (sequence_length - 1) * sampling_rate
    count = last if targets is not None else len(values)
    starts = np.arange(0, min(count, len(values) - reach), sequence_stride)
    if shuffle:
        starts = np.random.default_rng(seed).permutation(starts)
    places = starts[:, None] + np.arange(sequence_length) * sampling_rate
    y = None if targets is None else np.asarray(targets)[from_:][starts]
    return _Windows(values, places, y, batch_size or max(len(starts), 1))


class _Windows:
    """Batches by number; `fit` takes it as it is."""

    def __init__(self, values: Any, places: Any, y: Any, size: int):
        self._values, self._places, self._y, self._size = values, places, y, size

    def __len__(self) -> int:
        return math.ceil(len(self._places) / self._size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = slice(index * self._size, (index + 1) * self._size)
        x = self._values[self._places[rows]]
        return x if self._y is None else (x, self._y[rows])

    def on_epoch_end(self) -> None:
        """The order stays."""
