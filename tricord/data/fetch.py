"""Loading one batch, the same way in this thread, in the prefetch thread and in a worker.

A fetcher is given jobs (a batch's number and indices) and returns the batch in numpy form when the
loader collates, or whatever ``collate_fn`` returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import as_array, is_tensor_like
from .collate import convert_sample, stack_samples
from .dataset import Dataset, IterableDataset, take_rows
from .seeds import Purpose, SampleContext, current_sample, seed_global_generators

__all__ = ["END", "Fetcher", "LoadPlan", "make_fetcher", "takes_rows"]

# What a fetcher returns when an iterable data set has no more samples.
END = object()
# A sample without an integer index is keyed by its place, out of the way of real indices.
_PLACE = 1 << 62


@dataclass(frozen=True)
class LoadPlan:
    """Everything that decides what a batch holds, apart from the jobs. Sent to the workers."""

    dataset: Any
    collate_fn: Callable[[Any], Any] | None  # None: the default, on numpy arrays
    batched: bool
    drop_last: bool
    seed: int


def takes_rows(plan: LoadPlan) -> bool:
    """Whether batches are rows of arrays in memory, so that no sample is touched on its own."""
    dataset = plan.dataset
    held = (isinstance(dataset, Dataset) and dataset.can_take) or is_tensor_like(dataset)
    return held and plan.batched and plan.collate_fn is None


class Fetcher:
    """Loads batches of one epoch. ``watch(place)`` is told which sample of a batch comes next."""

    def __init__(self, plan: LoadPlan, epoch: int, *, seed_globals: bool = False,
                 watch: Callable[[int], None] | None = None):
        self.plan = plan
        self.epoch = epoch
        self.seed_globals = seed_globals
        self.watch = watch
        self.context = SampleContext(plan.seed, epoch)

    def fetch(self, number: int, indices: Any) -> Any:
        raise NotImplementedError

    @contextmanager
    def _loading(self) -> Iterator[None]:
        """While samples are loaded, their generator is the current one."""
        token = current_sample.set(self.context)
        try:
            yield
        finally:
            current_sample.reset(token)

    def _enter(self, key: int, place: int) -> None:
        """The next sample: its place in the batch, and what its generator is keyed by."""
        self.context.move_to(key)
        if self.watch is not None:
            self.watch(place)
        if self.seed_globals:
            seed_global_generators(self.plan.seed, Purpose.GLOBAL, self.epoch, key)

    def _finish(self, samples: Any) -> Any:
        if self.plan.collate_fn is not None:
            return self.plan.collate_fn(samples)
        return stack_samples(samples) if self.plan.batched else convert_sample(samples)


class RowFetcher(Fetcher):
    """Rows of arrays: one take per array."""

    def fetch(self, number: int, indices: Any) -> Any:
        rows = indices if isinstance(indices, range) else np.asarray(indices, np.int64)
        dataset = self.plan.dataset
        if isinstance(dataset, Dataset):
            return dataset.take(rows)
        return take_rows(as_array(dataset), rows)


class MapFetcher(Fetcher):
    """``dataset[index]`` for each index, or ``dataset.__getitems__`` where it is written."""

    def fetch(self, number: int, indices: Any) -> Any:
        if not self.plan.batched:
            return self._finish(self._load([indices], number)[0])
        # Data sets expect Python integers.
        wanted = indices.tolist() if isinstance(indices, np.ndarray) else list(indices)
        if callable(getattr(self.plan.dataset, "__getitems__", None)):
            return self._finish(self._load_together(wanted, number))
        return self._finish(self._load(wanted, number))

    def _load(self, indices: list[Any], number: int) -> list[Any]:
        dataset = self.plan.dataset
        samples = []
        with self._loading():
            for place, index in enumerate(indices):
                self._enter(int(index) if isinstance(index, (int, np.integer))
                            else _PLACE + (number << 24) + place,
                            place)
                try:
                    samples.append(dataset[index])
                except StopIteration as error:  # would end the epoch in silence
                    raise RuntimeError(f"the data set raised StopIteration for {index!r}"
                                       ) from error
                except Exception as error:
                    error.add_note(f"while loading sample {index}")
                    raise
        return samples

    def _load_together(self, indices: list[Any], number: int) -> Any:
        with self._loading():
            self._enter(_PLACE + number, -1)
            try:
                return self.plan.dataset.__getitems__(indices)
            except Exception as error:
                error.add_note(f"while loading samples {shorten(indices)}")
                raise


class StreamFetcher(Fetcher):
    """The next samples of an iterable data set. ``part`` keeps the workers' generators apart."""

    def __init__(self, plan: LoadPlan, epoch: int, *, part: int = 0, **options: Any):
        super().__init__(plan, epoch, **options)
        self.part = part
        self.count = 0
        self.iterator = iter(plan.dataset)

    def fetch(self, number: int, indices: Any) -> Any:
        wanted = len(indices) if self.plan.batched else 1
        samples = self._load(wanted)
        if not samples or (self.plan.drop_last and len(samples) < wanted):
            return END
        return self._finish(samples if self.plan.batched else samples[0])

    def _load(self, wanted: int) -> list[Any]:
        samples: list[Any] = []
        with self._loading():
            for place in range(wanted):
                self._enter(_PLACE + (self.part << 48) + self.count, place)
                try:
                    samples.append(next(self.iterator))
                except StopIteration:
                    break
                except Exception as error:
                    error.add_note(f"while loading number {self.count} of the stream")
                    raise
                self.count += 1
        return samples


def make_fetcher(plan: LoadPlan, epoch: int, *, part: int = 0, **options: Any) -> Fetcher:
    """The fetcher that fits the data set."""
    if isinstance(plan.dataset, IterableDataset):
        return StreamFetcher(plan, epoch, part=part, **options)
    if takes_rows(plan):
        return RowFetcher(plan, epoch, **options)
    return MapFetcher(plan, epoch, **options)


def shorten(indices: Sequence[Any]) -> str:
    """A list of indices for an error message: all of a few, the ends of many."""
    shown = [str(index) for index in indices]
    if len(shown) > 8:
        shown = shown[:4] + ["..."] + shown[-2:]
    return f"[{', '.join(shown)}]"
