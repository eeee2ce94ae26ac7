"""Iterators in graphs: ``get_next()`` gives another element at each run (TensorFlow 1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...tensor.recorder import wrap
from ...tensor.trees import flatten, unflatten
from .._names import explain_keywords
from .._op import Spec, modes
from ..errors import FailedPreconditionError, OutOfRangeError
from ..graph import default_graph
from ..shapes import TensorShape
from ..tensors import EagerTensor, where_now
from . import elements as el

__all__ = ["Iterator", "get_output_shapes", "get_output_types", "make_initializable_iterator",
           "make_one_shot_iterator"]


class _Next:
    """The function of ``get_next``: one element per run."""

    def __init__(self, iterator: Iterator):
        self.iterator = iterator

    def __call__(self) -> Any:
        if modes.run.probing:
            return self.iterator._example()
        return self.iterator._advance(modes.sessions[-1] if modes.sessions else None)


class _Begin:
    """The function of an iterator's initializer."""

    def __init__(self, iterator: Iterator):
        self.iterator = iterator

    def __call__(self, *after: Any) -> None:
        if not modes.run.probing:
            self.iterator._restart()


class Iterator:
    """Goes through a data set, one element per run of ``get_next()``."""

    def __init__(self, dataset: Any, started: bool):
        self._dataset = dataset
        self._elements: Any = dataset._begin() if started else None
        self._graph = default_graph()
        self._initializer: Any = None
        if not started:
            operation = self._graph.new_operation(Spec(_Begin(self), "MakeIterator", host=True),
                                                  (), {}, None)
            operation.changes_state = True
            self._initializer = operation

    @property
    def initializer(self) -> Any:
        """Begins (again) from the first element."""
        if self._initializer is None:
            raise ArgumentError("The iterator does not have an initializer.", where=where_now())
        return self._initializer

    def get_next(self, name: str | None = None) -> Any:
        """Tensors that stand for the next element.

        Raises:  OutOfRangeError, when it is run, after the last element
        """
        return self._graph.add(Spec(_Next(self), "IteratorGetNext", host=True), (), {}, name)

    @property
    def output_types(self) -> Any:
        return get_output_types(self._dataset)

    @property
    def output_shapes(self) -> Any:
        return get_output_shapes(self._dataset)

    def _restart(self) -> None:
        self._elements = self._dataset._begin()

    def _advance(self, session: Any) -> Any:
        if self._elements is None:
            raise FailedPreconditionError("GetNext() failed because the iterator has not been "
                                          "initialized. Ensure that you have run the initializer "
                                          "operation for this iterator before getting the next "
                                          "element.")
        element = next(self._elements, None)
        if element is None:
            raise OutOfRangeError("End of sequence")
        return el.shown(element)

    def _example(self) -> Any:
        leaves, structure = flatten(self._dataset.element_spec)
        sizes = 32 if modes.run.which == 0 else 48
        return unflatten(structure, [
            wrap(np.zeros([sizes if d is None else d for d in _known(s.shape)], s.dtype.numpy),
                 EagerTensor) for s in leaves])


def _known(shape: TensorShape) -> list[int | None]:
    return [] if shape.rank is None else list(shape)


def make_one_shot_iterator(dataset: Any) -> Iterator:
    """An iterator that goes through the data set once."""
    return Iterator(dataset, True)


def make_initializable_iterator(dataset: Any, shared_name: str | None = None) -> Iterator:
    """An iterator that begins when its ``initializer`` is run."""
    return Iterator(dataset, False)


def get_output_types(dataset: Any) -> Any:
    """The dtypes of the elements."""
    leaves, structure = flatten(dataset.element_spec)
    return unflatten(structure, [s.dtype for s in leaves])


def get_output_shapes(dataset: Any) -> Any:
    """The shapes of the elements."""
    leaves, structure = flatten(dataset.element_spec)
    return unflatten(structure, [s.shape for s in leaves])


explain_keywords(globals())
