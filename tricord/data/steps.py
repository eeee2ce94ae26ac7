"""How many batches an epoch has, and where they come from. One meaning for all kinds of data.

An epoch is one pass. Data with a length give it; a list or a loader can be passed over again; an
iterator or a generator is used up by one pass and says so before training starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import ArgumentError, EmptyDataError

__all__ = ["EpochStream", "known_length", "require_batches"]


def known_length(data: Any) -> int | None:
    """The number of batches in one pass, or None if only a pass can tell.

    >>> known_length([1, 2]), known_length(iter([1, 2]))
    (2, None)
    """
    try:
        return len(data)
    except (TypeError, NotImplementedError, AttributeError):
        return None


def require_batches(batches: Iterable[Any], what: str = "the data") -> Iterator[Any]:
    """The same batches; raises EmptyDataError at once if there is not even one.

    >>> list(require_batches([1, 2]))
    [1, 2]
    """
    iterator = iter(batches)
    try:
        first = next(iterator)
    except StopIteration:
        raise EmptyDataError(f"{what} gave no batch", hint="is it empty, filtered to nothing, or a "
                             "generator that was used before?") from None

    def all_of_them() -> Iterator[Any]:
        yield first
        yield from iterator

    return all_of_them()


class EpochStream:
    """Exactly the batches that each epoch of a training run needs.

    ``steps_per_epoch`` None means one pass per epoch. With a number, data that can be passed over
    again are; an iterator must hold ``epochs * steps_per_epoch`` batches.

    Raises:  EmptyDataError before the first epoch if there is nothing, or if data of known length
             that cannot be passed over again are too short; both numbers are in the message

    >>> stream = EpochStream([1, 2, 3], steps_per_epoch=2, epochs=2)
    >>> [list(stream.epoch()) for _ in range(2)]
    [[1, 2], [3, 1]]
    """

    def __init__(self, data: Iterable[Any], steps_per_epoch: int | None = None, epochs: int = 1):
        if steps_per_epoch is not None and steps_per_epoch <= 0:
            raise ArgumentError(f"steps_per_epoch: expected a positive number or None, got "
                                f"{steps_per_epoch}")
        self.data = data
        self.steps_per_epoch = steps_per_epoch
        self.epochs = epochs
        self.repeatable = not isinstance(data, Iterator)
        self.length = known_length(data)
        self.delivered = 0
        self._check()
        self._batches: Iterator[Any] | None = None
        if not self.repeatable:
            self._batches = require_batches(data)

    @property
    def steps(self) -> int | None:
        """Batches in an epoch; None if it is not known before the first."""
        return self.steps_per_epoch if self.steps_per_epoch is not None else self.length

    def _check(self) -> None:
        if self.length == 0:
            raise EmptyDataError("the data have 0 batches: there is nothing to train on",
                                 hint="fewer samples than batch_size with drop_last=True?")
        if self.repeatable:
            return
        if self.steps_per_epoch is None and self.epochs > 1:
            raise ArgumentError(
                f"epochs={self.epochs}, but the data are an iterator, which can be passed over "
                "only once", hint="pass a list, a DataLoader or another object with __iter__, or "
                "give steps_per_epoch")
        needed = self.epochs * (self.steps_per_epoch or 0)
        if self.length is not None and self.length < needed:
            raise self._too_short(self.length)

    def _too_short(self, found: int) -> EmptyDataError:
        assert self.steps_per_epoch is not None
        return EmptyDataError(
            f"the data ended after {found} batches, but {self.epochs} epochs of "
            f"{self.steps_per_epoch} steps need {self.epochs * self.steps_per_epoch}",
            hint=f"steps_per_epoch={max(found // self.epochs, 1)}, or pass an object that can be "
                 "iterated again")

    def epoch(self) -> Iterator[Any]:
        """The batches of the next epoch."""
        if self.steps_per_epoch is None:
            yield from (require_batches(self.data) if self.repeatable else self._batches or ())
            return
        for _ in range(self.steps_per_epoch):
            batch = self._next()
            self.delivered += 1
            yield batch

    def _next(self) -> Any:
        for batch in self._batches or ():
            return batch
        if not self.repeatable:
            raise self._too_short(self.delivered)
        # A new pass; it was checked that a pass holds something.
        self._batches = require_batches(self.data)
        return next(self._batches)
