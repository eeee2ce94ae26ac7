"""Samplers: the order in which a loader visits the samples.

Names and arguments follow ``torch.utils.data``. Every order is a pure function of (seed, epoch):
``order(epoch)`` may be asked for any epoch at any time, which is how a loader resumes. Iterating a
sampler by hand moves to the next epoch each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from ..errors import ArgumentError, EmptyDataError
from .arrays import as_array
from .seeds import Purpose, permutation, raw_words, resolve_seed, uniform

__all__ = [
    "BatchSampler",
    "EpochSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

Item_co = TypeVar("Item_co", covariant=True)


class Sampler(Generic[Item_co]):
    """Yields indices or lists of them. Subclasses write ``__iter__``; ``__len__`` if known."""

    def __init__(self, data_source: Sized | None = None):
        del data_source  # taken because old subclasses pass it on

    def __iter__(self) -> Iterator[Item_co]:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __iter__(self) that yields indices")


class EpochSampler(Sampler[int]):
    """A sampler whose order is a function of the seed and the epoch. Subclasses write ``order``."""

    def __init__(self, generator: Any = None):
        self.generator = generator
        self.epoch = 0
        self._seed: int | None = None

    @property
    def seed(self) -> int:
        """Asked for when first needed, so that a seed set after construction still counts."""
        if self._seed is None:
            self._seed = resolve_seed(self.generator)
        return self._seed

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next ``__iter__`` visits."""
        self.epoch = epoch

    def order(self, epoch: int) -> np.ndarray | range:
        """The indices of one epoch, as an int64 array or a range."""
        raise NotImplementedError(f"{type(self).__name__} needs a method order(self, epoch)")

    def __iter__(self) -> Iterator[int]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        order = self.order(epoch)
        return iter(order if isinstance(order, range) else order.tolist())

    def state_dict(self) -> dict[str, int]:
        return {"seed": self.seed, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self._seed, self.epoch = int(state["seed"]), int(state["epoch"])


class SequentialSampler(EpochSampler):
    """0, 1, 2, ... always in the same order."""

    def __init__(self, data_source: Sized):
        super().__init__(generator=0)
        self.data_source = data_source

    def order(self, epoch: int) -> range:
        return range(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


def _positive_count(num_samples: Any) -> int:
    if (not isinstance(num_samples, (int, np.integer)) or isinstance(num_samples, bool)
            or num_samples <= 0):
        raise ArgumentError("num_samples should be a positive integer value, "
                            f"but got num_samples={num_samples}")
    return int(num_samples)


class RandomSampler(EpochSampler):
    """A new random order every epoch; with ``replacement``, independent draws.

    ``num_samples`` (default: all) may be larger than the data set: whole orders follow each other.

    Raises:  EmptyDataError (a ValueError) for an empty data set
    """

    def __init__(self, data_source: Sized, replacement: bool = False,
                 num_samples: int | None = None, generator: Any = None):
        super().__init__(generator)
        if not isinstance(replacement, bool):
            raise ArgumentError("replacement should be a boolean value, "
                                f"but got replacement={replacement}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = None if num_samples is None else _positive_count(num_samples)
        if self.num_samples <= 0 or len(data_source) == 0:
            raise EmptyDataError(
                "num_samples should be a positive integer value, but got "
                f"num_samples={self.num_samples}: there is nothing to shuffle in an empty data set")

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self, epoch: int) -> np.ndarray:
        size, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            words = raw_words(wanted, self.seed, Purpose.REPLACEMENT, epoch)
            return np.floor(uniform(words) * size).astype(np.int64)
        if wanted == size:
            return permutation(size, self.seed, Purpose.SHUFFLE, epoch)
        rounds = [permutation(size, self.seed, Purpose.SHUFFLE, epoch, i)
                  for i in range(-(-wanted // size))]
        return np.concatenate(rounds)[:wanted]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(EpochSampler):
    """The given indices, in a new random order every epoch."""

    def __init__(self, indices: Sequence[int], generator: Any = None):
        super().__init__(generator)
        self.indices = indices

    def order(self, epoch: int) -> np.ndarray:
        return np.asarray(as_array(self.indices), np.int64)[
            permutation(len(self.indices), self.seed, Purpose.SHUFFLE, epoch)]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(EpochSampler):
    """Index ``i`` is drawn with probability proportional to ``weights[i]``.

    Without replacement an index comes at most once. The weights need not sum to 1.

    Source: without replacement, Efraimidis and Spirakis, "Weighted random sampling with a
    reservoir", 2006: the ``num_samples`` smallest of ``Exponential(1) / weight``.
    """

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True,
                 generator: Any = None):
        super().__init__(generator)
        self.num_samples = _positive_count(num_samples)
        if not isinstance(replacement, bool):
            raise ArgumentError("replacement should be a boolean value, "
                                f"but got replacement={replacement}")
        self.weights = np.asarray(as_array(weights), np.float64)
        if self.weights.ndim != 1:
            raise ArgumentError("weights should be a 1d sequence but given weights have shape "
                                f"{self.weights.shape}")
        if not np.isfinite(self.weights).all() or (self.weights < 0).any():
            raise ArgumentError("weights should be finite and not negative")
        drawable = int((self.weights > 0).sum())
        needed = 1 if replacement else self.num_samples
        if drawable < needed:
            raise ArgumentError(
                f"WeightedRandomSampler: {drawable} weights are above zero, but {needed} different "
                "indices are to be drawn", hint="use replacement=True or a smaller num_samples")
        self.replacement = replacement

    def order(self, epoch: int) -> np.ndarray:
        count = self.num_samples if self.replacement else len(self.weights)
        draws = uniform(raw_words(count, self.seed, Purpose.WEIGHTED, epoch))
        if self.replacement:
            edges = np.cumsum(self.weights)
            found = np.searchsorted(edges, draws * edges[-1], side="right")
            # Rounding may land on the upper edge; the last index that can be drawn is meant.
            return np.minimum(found, np.flatnonzero(self.weights)[-1])
        with np.errstate(divide="ignore"):
            arrival = -np.log1p(-draws) / self.weights
        arrival[self.weights == 0] = np.inf
        return np.argsort(arrival, kind="stable")[:self.num_samples]

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Groups the indices of another sampler into lists of ``batch_size``.

    >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool = False):
        if (not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool)
                or batch_size <= 0):
            raise ArgumentError("batch_size should be a positive integer value, "
                                f"but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ArgumentError("drop_last should be a boolean value, "
                                f"but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = int(batch_size)
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
