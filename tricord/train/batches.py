"""Sources of batches: one meaning for arrays, loaders, data sets, sequences and generators.

A source gives the batches of one epoch, each a tuple ``(x,)``, ``(x, y)`` or ``(x, y, weight)`` of
tensors, and knows how many there are if that can be known. An epoch is one pass, unless
``steps_per_epoch`` says otherwise. Order is a function of (seed, pass, step) alone, so that a run
that was broken off goes on with the batch that would have come next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from ..data.dataset import Dataset, IterableDataset
from ..data.loader import DataLoader
from ..data.seeds import Purpose, permutation, resolve_seed
from ..data.steps import EpochStream
from ..errors import ArgumentError, EmptyDataError
from ..tensor.recorder import wrap
from .arrays import (
    arrays_of,
    check_finite,
    check_lengths,
    is_array,
    rows_of,
    to_tensors,
    weights_of_classes,
)

__all__ = ["ArraySource", "BatchSequence", "IterableSource", "SequenceSource", "Source",
           "source_of", "unpack"]


def unpack(batch: Any) -> tuple[Any, Any, Any]:
    """A batch as (x, y, sample_weight), None for what it does not have.

    >>> unpack((1, 2))
    (1, 2, None)
    """
    if isinstance(batch, list):
        batch = tuple(batch)
    if not isinstance(batch, tuple) or hasattr(batch, "_fields"):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ArgumentError("Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, "
                            f"sample_weight)`, found a tuple of {len(batch)} elements")
    return (*batch, None, None)[:3]


class Source:
    """Where batches come from. ``steps`` is the number per epoch, None if only a pass can tell."""

    steps: int | None = None
    batch_size: int | None = None
    #: whether nobody else's code runs to make a batch
    is_quiet = False

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Any, ...]]:
        """The batches of pass ``number``, from step ``start`` on."""
        raise NotImplementedError

    def arrays(self, number: int, start: int = 0) -> Iterator[list[Any]] | None:
        """What `epoch` gives as numpy arrays that become tensors as they are; None if they do
        not."""
        return None

    def end_epoch(self) -> None:
        """An epoch has been used up."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue; the pass and the step are told to `epoch`."""


def _ordered(order: np.ndarray, size: int, start: int) -> Iterator[np.ndarray]:
    for at in range(start * size, len(order), size):
        yield order[at:at + size]


def _is_simple(part: Any) -> bool:
    """Whether rows of this become tensors as they are."""
    return part.__class__ is np.ndarray and part.dtype.kind not in "OUS" and (
        part.dtype != np.float64)


class ArraySource(Source):
    """Arrays, sliced in order as views, or shuffled anew each pass.

    ``shuffle`` True permutes samples, "batch" permutes whole batches.
    """

    is_quiet = True

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, *, batch_size: int = 32,
                 shuffle: bool | str = False, seed: Any = None, steps: int | None = None,
                 class_weight: Mapping[int, float] | None = None, check: bool = True,
                 float_dtype: Any = np.float32):
        self.batch_size = _positive("batch_size", batch_size)
        if shuffle not in (True, False, "batch"):
            raise ArgumentError(f"shuffle: True, False or 'batch', got {shuffle!r}")
        x = arrays_of(x, "x", float_dtype)
        y = arrays_of(y, "y", float_dtype)
        sample_weight = arrays_of(sample_weight, "sample_weight", float_dtype)
        self.count = check_lengths(("x", x), ("y", y), ("sample_weight", sample_weight))
        if class_weight:
            if sample_weight is not None:
                raise ArgumentError("You cannot `class_weight` and `sample_weight` at the same "
                                    "time.", hint="multiply them into one sample_weight")
            sample_weight = weights_of_classes(class_weight, y)
        if check:
            check_finite("x", x)
            check_finite("y", y)
            check_finite("sample_weight", sample_weight)
        parts = (x, y, sample_weight)
        self._parts = parts if sample_weight is not None else parts[:2] if y is not None else (x,)
        self.shuffle = shuffle
        self.seed = resolve_seed(seed)
        self._whole = math.ceil(self.count / self.batch_size)
        self.steps = self._whole if steps is None else _positive("steps_per_epoch", steps)
        self._limited = steps is not None

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Any, ...]]:
        if not self._limited:
            return self._pass(number, start)
        # With a number of steps, one epoch goes on where the last ended.
        return self._steps(number * self.steps + start, self.steps - start)  # type: ignore[operator]

    def _steps(self, first: int, count: int) -> Iterator[tuple[Any, ...]]:
        while count > 0:
            number, at = divmod(first, self._whole)
            for batch in islice(self._pass(number, at), count):
                first, count = first + 1, count - 1
                yield batch

    def _pass(self, number: int, start: int) -> Iterator[tuple[Any, ...]]:
        parts = self._parts
        if all(map(_is_simple, parts)):
            for arrays in self._pieces(number, start):
                yield tuple([wrap(a) for a in arrays])
            return
        for rows in self._rows(number, start):
            yield tuple([to_tensors(rows_of(p, rows)) for p in parts])

    def arrays(self, number: int, start: int = 0) -> Iterator[list[Any]] | None:
        if self._limited or not all(map(_is_simple, self._parts)):
            return None
        return self._pieces(number, start)

    def _pieces(self, number: int, start: int) -> Iterator[list[Any]]:
        parts = self._parts
        for rows in self._rows(number, start):
            yield [p[rows] if rows.__class__ is slice else p.take(rows, 0) for p in parts]

    def _rows(self, number: int, start: int) -> Iterator[Any]:
        """The rows of each batch: a slice, or numbers."""
        size = self.batch_size
        assert size is not None
        if self.shuffle is True:
            order = permutation(self.count, self.seed, Purpose.SHUFFLE, high=number)
            yield from _ordered(order, size, start)
            return
        places: Iterable[int] = range(start, self._whole)
        if self.shuffle == "batch":
            places = permutation(self._whole, self.seed, Purpose.SHUFFLE, high=number)[start:]
        for place in places:
            yield slice(int(place) * size, (int(place) + 1) * size)

    def state_dict(self) -> dict[str, Any]:
        return {"seed": self.seed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seed = state.get("seed", self.seed)


class BatchSequence:
    """Batches by number: ``self[i]`` is batch i of ``len(self)``. The base of Keras' Sequence."""

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


class SequenceSource(Source):
    """A sequence of batches; ``shuffle`` permutes their numbers."""

    def __init__(self, data: Any, *, shuffle: bool = False, seed: Any = None,
                 steps: int | None = None, class_weight: Mapping[int, float] | None = None):
        self._data = data
        self._class_weight = class_weight
        self.shuffle = shuffle
        self.seed = resolve_seed(seed)
        length = getattr(data, "num_batches", None)
        self._length: int = len(data) if length is None else length
        if self._length == 0:
            raise EmptyDataError("the sequence has 0 batches: there is nothing to train on")
        self.steps = self._length if steps is None else _positive("steps_per_epoch", steps)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Any, ...]]:
        assert self.steps is not None
        first = number * self.steps
        order, current = None, -1
        for place in range(first + start, first + self.steps):
            number, at = divmod(place, self._length)
            if self.shuffle and number != current:
                order = permutation(self._length, self.seed, Purpose.SHUFFLE, high=number)
                current = number
            yield _prepared(self._data[at if order is None else int(order[at])],
                            self._class_weight)

    def end_epoch(self) -> None:
        if hasattr(self._data, "on_epoch_end"):
            self._data.on_epoch_end()

    def state_dict(self) -> dict[str, Any]:
        return {"seed": self.seed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seed = state.get("seed", self.seed)


class IterableSource(Source):
    """A loader, or any other iterable of batches; an iterator is used up by one pass."""

    def __init__(self, data: Any, *, steps: int | None = None, epochs: int = 1,
                 class_weight: Mapping[int, float] | None = None):
        self._data = data
        self._class_weight = class_weight
        self._stream = EpochStream(data, steps, epochs)
        self.steps = self._stream.steps
        self._next: tuple[int, int] = (0, 0)
        size = getattr(data, "batch_size", None)
        self.batch_size = size if isinstance(size, int) else None

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Any, ...]]:
        loader = self._data if isinstance(self._data, DataLoader) else None
        skip = start
        if loader is not None and self._stream.steps_per_epoch is None:
            # A loader says itself what comes at this place.
            if start:
                loader.load_state_dict({**loader.state_dict(), "epoch": number, "cursor": start})
                skip = 0
            else:
                loader.set_epoch(number)
        elif self._stream.steps_per_epoch is not None and (number, start) != self._next:
            # Not where the last epoch ended: a run that goes on elsewhere.
            passed = self._next[0] * self._stream.steps_per_epoch + self._next[1]
            skip = number * self._stream.steps_per_epoch + start - passed
            for _ in range(skip - start):
                self._stream._next()
            skip = start
        self._next = (number + 1, 0)
        for batch in islice(self._stream.epoch(), skip, None):
            yield _prepared(batch, self._class_weight, loader is None)

    def state_dict(self) -> dict[str, Any]:
        return {}


def _prepared(batch: Any, class_weight: Mapping[int, float] | None, copy: bool = True,
              ) -> tuple[Any, ...]:
    """A user's batch as a tuple of tensors; arrays are copied, as a generator may reuse them."""
    x, y, weight = unpack(batch)
    if class_weight:
        if weight is not None:
            raise ArgumentError("You cannot `class_weight` and `sample_weight` at the same time.")
        weight = weights_of_classes(class_weight, y)
    given = (x, y, weight) if weight is not None else (x, y) if y is not None else (x,)
    return tuple([to_tensors(part, copy=copy) for part in given])


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, (int, np.integer)) or value <= 0:
        raise ArgumentError(f"{name}: expected a positive number, got {value!r}")
    return int(value)


def _refuse(what: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None and value is not False:
            raise ArgumentError(f"{name} cannot be given together with {what}, which brings it "
                                "along", hint=f"remove {name}=")


def source_of(x: Any, y: Any = None, sample_weight: Any = None, *, batch_size: int | None = None,
              steps: int | None = None, epochs: int = 1, shuffle: bool | str = True,
              class_weight: Mapping[int, float] | None = None, seed: Any = None,
              check: bool = True) -> Source:
    """The source for whatever the user gave as data.

    Raises:  EmptyDataError, ShapeError, ArgumentError, NonFiniteError before any training
    """
    if isinstance(x, Source):
        return x
    if x is None:
        raise ArgumentError("there are no data: x is None")
    size = 32 if batch_size is None else batch_size
    if isinstance(x, BatchSequence) or (hasattr(x, "__getitem__") and hasattr(x, "on_epoch_end")):
        _refuse("a sequence of batches", y=y, sample_weight=sample_weight)
        return SequenceSource(x, shuffle=bool(shuffle), seed=seed, steps=steps,
                              class_weight=class_weight)
    if isinstance(x, Dataset) and not isinstance(x, IterableDataset):
        _refuse("a data set", y=y, sample_weight=sample_weight)
        loader = DataLoader(x, batch_size=size, shuffle=bool(shuffle), generator=seed)
        return IterableSource(loader, steps=steps, epochs=epochs, class_weight=class_weight)
    if isinstance(x, IterableDataset):
        _refuse("a data set", y=y, sample_weight=sample_weight)
        return IterableSource(DataLoader(x, batch_size=size), steps=steps,
                              epochs=epochs, class_weight=class_weight)
    if is_array(x) or isinstance(x, (list, tuple, Mapping)):
        return ArraySource(x, y, sample_weight, batch_size=size, shuffle=shuffle,
                           seed=seed, steps=steps, class_weight=class_weight, check=check)
    if isinstance(x, Iterable):
        what = "a generator" if isinstance(x, Iterator) else "an iterable of batches"
        _refuse(what, y=y, sample_weight=sample_weight)
        return IterableSource(x, steps=steps, epochs=epochs, class_weight=class_weight)
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        loader = DataLoader(x, batch_size=size, shuffle=bool(shuffle), generator=seed)
        return IterableSource(loader, steps=steps, epochs=epochs, class_weight=class_weight)
    raise ArgumentError(f"cannot train on a {type(x).__name__}",
                        hint="arrays, tensors, a data set, a loader, or an iterable of batches")
