"""Data sets: map-style, iterable, over arrays, and the ones made of other data sets.

Names, argument order and behaviour follow ``torch.utils.data``. A data set whose samples are rows
of arrays says so (``can_take``), and a loader then makes a batch with one ``numpy.take`` per array
instead of one call per sample.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from ..errors import ArgumentError, EmptyDataError, IndexRangeError, NotSupportedError, ShapeError
from .arrays import as_array, is_tensor_like
from .seeds import Purpose, permutation, resolve_seed

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
    "train_validation_split",
]

Sample_co = TypeVar("Sample_co", covariant=True)


class Dataset(Generic[Sample_co]):
    """A map from index to sample. Subclasses write ``__getitem__`` and ``__len__``.

    A subclass may also write ``__getitems__(indices) -> list of samples`` to load a batch at once.
    """

    def __getitem__(self, index: Any) -> Sample_co:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __getitem__(self, index) that returns a sample")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])

    @property
    def can_take(self) -> bool:
        """Whether ``take`` works: every sample is a row of arrays held in memory."""
        return False

    def take(self, indices: np.ndarray | range) -> list[Any]:
        """The samples at ``indices``, already stacked: the columns of a batch.

        A range lies inside the data set; the indices of an array may count from the end.
        """
        raise NotSupportedError(f"{type(self).__name__} does not hold its samples as arrays")


class IterableDataset(Dataset[Sample_co]):
    """A stream of samples. Subclasses write ``__iter__``.

    With ``num_workers > 0`` every worker iterates its own copy: use ``get_worker_info()`` to give
    each a different part.
    """

    def __iter__(self) -> Iterator[Sample_co]:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __iter__(self) that returns an iterator")

    def __add__(self, other: Dataset) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple]):
    """Rows of arrays or tensors: sample ``i`` is ``(tensors[0][i], tensors[1][i], ...)``.

    Shapes:  every tensor (n, ...) with the same n
    Raises:  ShapeError if the first sizes differ or a tensor has no axis

    >>> data = TensorDataset(np.arange(6).reshape(3, 2), np.array([0, 1, 0]))
    >>> len(data), data[1]
    (3, (array([2, 3]), np.int64(1)))
    """

    def __init__(self, *tensors: Any):
        if not tensors:
            raise ArgumentError("TensorDataset: expected at least one array, got none",
                                hint="TensorDataset(inputs, labels)")
        self.tensors = tuple(
            tensor if is_tensor_like(tensor) else np.asarray(tensor) for tensor in tensors)
        shapes = [tuple(tensor.shape) for tensor in self.tensors]
        if any(not shape for shape in shapes):
            raise ShapeError(f"TensorDataset: every array needs a first axis, got shapes {shapes}")
        if len({shape[0] for shape in shapes}) > 1:
            raise ShapeError(
                f"Size mismatch between tensors: the first sizes must agree, got shapes {shapes}")
        self._length = shapes[0][0]

    def __getitem__(self, index: Any) -> tuple:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self._length

    @property
    def can_take(self) -> bool:
        # A subclass with its own __getitem__ (say, with a transform) must see every sample.
        return type(self).__getitem__ is TensorDataset.__getitem__

    def take(self, indices: np.ndarray | range) -> list[np.ndarray]:
        return [take_rows(as_array(tensor), indices) for tensor in self.tensors]


def take_rows(array: np.ndarray, indices: np.ndarray | range) -> np.ndarray:
    """A new array with these rows; never a view, so that changing a batch is safe."""
    if isinstance(indices, range):
        return array[indices.start:indices.stop:indices.step].copy()
    return np.take(array, indices, axis=0)


class Subset(Dataset[Sample_co]):
    """The samples of ``dataset`` at ``indices``, in that order."""

    def __init__(self, dataset: Dataset[Sample_co], indices: Sequence[int]):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Sample_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Sample_co]:
        inner = [self.indices[i] for i in indices]
        batched = getattr(self.dataset, "__getitems__", None)
        return batched(inner) if callable(batched) else [self.dataset[i] for i in inner]

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def can_take(self) -> bool:
        return (type(self).__getitem__ is Subset.__getitem__
                and isinstance(self.dataset, Dataset) and self.dataset.can_take)

    def take(self, indices: np.ndarray | range) -> list[Any]:
        # Only those asked for: the whole list as an array, at every batch, would cost more.
        return self.dataset.take(np.array([self.indices[i] for i in indices], np.int64))


class ConcatDataset(Dataset[Sample_co]):
    """Data sets one after the other.

    >>> both = TensorDataset([1, 2]) + TensorDataset([3])
    >>> len(both), both[-1]
    (3, (np.int64(3),))
    """

    def __init__(self, datasets: Iterable[Dataset[Sample_co]]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise EmptyDataError("ConcatDataset: datasets should not be an empty iterable")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise ArgumentError("ConcatDataset does not support IterableDataset",
                                    hint="use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Sample_co:
        length = len(self)
        if index < 0:
            if -index > length:
                raise IndexRangeError(
                    "absolute value of index should not exceed dataset length: "
                    f"got {index} for {length} samples")
            index += length
        elif index >= length:
            raise IndexRangeError(f"index {index} is out of range for {length} samples")
        part = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[part][index - (self.cumulative_sizes[part - 1] if part else 0)]

    @property
    def can_take(self) -> bool:
        return (type(self).__getitem__ is ConcatDataset.__getitem__
                and all(isinstance(d, Dataset) and d.can_take for d in self.datasets))

    def take(self, indices: np.ndarray | range) -> list[Any]:
        indices = np.asarray(indices)
        indices = np.where(indices < 0, indices + len(self), indices)
        outside = (indices < 0) | (indices >= len(self))
        if outside.any():
            raise IndexRangeError(f"index {indices[outside][0]} is out of range for "
                                  f"{len(self)} samples")
        part_of = np.searchsorted(self.cumulative_sizes, indices, side="right")
        starts = np.array([0, *self.cumulative_sizes[:-1]])
        # Stable order by part, so that one take per part fills consecutive rows.
        by_part = np.argsort(part_of, kind="stable")
        pieces = [self.datasets[part].take(indices[part_of == part] - starts[part])
                  for part in np.unique(part_of)]
        back = np.argsort(by_part, kind="stable")
        return [np.concatenate(columns)[back] for columns in zip(*pieces, strict=True)]


class ChainDataset(IterableDataset[Sample_co]):
    """Iterable data sets one after the other."""

    def __init__(self, datasets: Iterable[Dataset[Sample_co]]):
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[Sample_co]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise ArgumentError("ChainDataset only supports IterableDataset, got "
                                    f"{type(dataset).__name__}", hint="use ConcatDataset")
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)  # type: ignore[arg-type]


class StackDataset(Dataset):
    """Data sets of one length side by side: samples are tuples, or dicts when given by name."""

    def __init__(self, *args: Dataset, **kwargs: Dataset):
        if bool(args) == bool(kwargs):
            raise ArgumentError("StackDataset: pass data sets by position or by name, not both"
                                if args else "StackDataset: at least one dataset should be passed")
        self.datasets: Any = kwargs or args
        lengths = [len(d) for d in (kwargs.values() if kwargs else args)]  # type: ignore[arg-type]
        if len(set(lengths)) > 1:
            raise ShapeError(f"Size mismatch between datasets: lengths are {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


def _lengths_of_fractions(fractions: Sequence[float], total: int) -> list[int]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ArgumentError(f"Fraction at index {i} is not between 0 and 1, got {fraction}")
    lengths = [math.floor(total * fraction) for fraction in fractions]
    for i in range(total - sum(lengths)):  # what rounding left over goes round in turn
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(f"Length of split at index {i} is 0. This might result in an empty "
                          "dataset.", stacklevel=3)
    return lengths


def random_split(
    dataset: Dataset[Sample_co], lengths: Sequence[int | float], generator: Any = None,
) -> list[Subset[Sample_co]]:
    """Split at random into parts of these lengths, or of these fractions if they sum to 1.

    ``generator`` is a seed, an object with ``initial_seed()``, or None for the default seed. The
    split is a function of the seed and of the lengths alone.

    Raises:  ArgumentError if the lengths do not sum to the length of the data set

    >>> [len(part) for part in random_split(range(10), [0.75, 0.25], generator=1)]
    [8, 2]
    """
    total = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of_fractions(lengths, total)
    if sum(lengths) != total:
        raise ArgumentError(
            "random_split: Sum of input lengths does not equal the length of the input dataset! "
            f"{' + '.join(map(str, lengths))} = {sum(lengths)}, the data set has {total}")
    order = permutation(total, resolve_seed(generator), Purpose.SPLIT).tolist()
    ends = itertools.accumulate(int(length) for length in lengths)
    return [Subset(dataset, order[end - int(length):end])
            for end, length in zip(ends, lengths, strict=True)]


def train_validation_split(
    dataset: Dataset[Sample_co], fraction: float = 0.2, *, shuffle: bool = True,
    stratify: Any = None, generator: Any = None,
) -> tuple[Subset[Sample_co], Subset[Sample_co]]:
    """Split into a training part and a validation part of about ``fraction`` of the samples.

    With ``shuffle=False`` the validation part is the end of the data set, as in Keras. With
    ``stratify`` (one label per sample) every class is split in the same proportion.

    Raises:  EmptyDataError if either part would have no sample

    >>> train, validation = train_validation_split(range(10), 0.2)
    >>> len(train), len(validation)
    (8, 2)
    """
    total = len(dataset)  # type: ignore[arg-type]
    if not 0 < fraction < 1:
        raise ArgumentError(f"train_validation_split: expected 0 < fraction < 1, got {fraction}")
    if stratify is not None and len(stratify) != total:
        raise ShapeError(f"train_validation_split: {len(stratify)} labels for {total} samples")
    order = (permutation(total, resolve_seed(generator), Purpose.SPLIT)
             if shuffle else np.arange(total))
    if stratify is None:
        held_out = np.arange(total) >= total - int(total * fraction)
    else:
        held_out = _last_of_each_class(as_array(stratify)[order], fraction)
    train, validation = order[~held_out].tolist(), order[held_out].tolist()
    if not train or not validation:
        empty = "training" if not train else "validation"
        raise EmptyDataError(
            f"train_validation_split: a fraction of {fraction} of {total} samples leaves the "
            f"{empty} part empty", hint="use more samples or another fraction")
    return Subset(dataset, train), Subset(dataset, validation)


def _last_of_each_class(labels: np.ndarray, fraction: float) -> np.ndarray:
    """A mask of the last ``fraction`` of the samples of every class."""
    _, classes = np.unique(labels, return_inverse=True)
    counts = np.bincount(classes)
    by_class = np.argsort(classes, kind="stable")
    rank = np.empty(len(labels), np.int64)  # place of a sample among those of its class
    rank[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = counts - np.round(counts * fraction).astype(np.int64)
    return rank >= kept[classes]
