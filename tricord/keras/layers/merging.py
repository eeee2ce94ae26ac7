"""Several tensors into one: sums, products, extremes, joins and dot products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ...errors import ArgumentError, ShapeError
from ...functions import manipulation
from ...functions import merging as composites
from ...tensor import record
from .base import Layer, mask_of

__all__ = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Merge", "Minimum", "Multiply",
           "Subtract", "add", "average", "concatenate", "dot", "maximum", "minimum", "multiply",
           "subtract"]


class Merge(Layer):
    """A list of tensors into one, element by element; they broadcast, except for the batch axis."""

    _composite: ClassVar[Callable[..., Any]]

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shapes = self._shapes(input_shape)
        batches = {s[0] for s in shapes if s} - {None}
        if len(batches) > 1:
            raise ShapeError("Cannot merge tensors with different batch sizes. Received tensors "
                             f"with shapes {shapes}")

    def _shapes(self, input_shape: Any) -> list[tuple[int | None, ...]]:
        good = isinstance(input_shape, (list, tuple)) and input_shape and all(
            isinstance(s, (list, tuple)) for s in input_shape)
        if not good:
            raise ShapeError(f"A merge layer ({type(self).__name__}) should be called on a list of "
                             f"inputs. Received: input_shape={input_shape} (not a list of shapes)",
                             hint=f"{type(self).__name__}()([a, b])")
        return [tuple(s) for s in input_shape]

    def call(self, inputs: Any) -> Any:
        return record(type(self)._composite, tuple(inputs))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or any(m is None for m in mask):
            return None
        return record(composites.either, tuple(mask))


class Add(Merge):
    """The sum.

    >>> import numpy as np
    >>> Add()([np.ones((1, 2)), np.ones((1, 2))]).numpy().tolist()
    [[2.0, 2.0]]
    """

    _composite = staticmethod(composites.add)


class Subtract(Merge):
    """The first minus the second of two."""

    _composite = staticmethod(composites.subtract)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ArgumentError("A `Subtract` layer should be called on exactly 2 inputs. "
                                f"Received: input_shape={input_shape}")


class Multiply(Merge):
    """The product; a masked step counts as 1."""

    _composite = staticmethod(composites.multiply)

    def call(self, inputs: Any) -> Any:
        masks = [mask_of(x) for x in inputs]
        there = tuple([m is not None for m in masks])
        if not any(there):
            return super().call(inputs)
        given = [m for m in masks if m is not None]
        return record(composites.multiply_kept, (*inputs, *given), (there,))


class Average(Merge):
    """The mean."""

    _composite = staticmethod(composites.average)


class Maximum(Merge):
    """The largest."""

    _composite = staticmethod(composites.maximum_of)


class Minimum(Merge):
    """The smallest."""

    _composite = staticmethod(composites.minimum_of)


class Concatenate(Merge):
    """Joined along ``axis``; the other sizes must agree."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        shapes = self._shapes(input_shape)
        rank = len(shapes[0])
        others = [[n for a, n in enumerate(s) if a != self.axis % rank] for s in shapes]
        if any(len(s) != rank for s in shapes) or any(
                len(set(sizes) - {None}) > 1 for sizes in zip(*others, strict=True)):
            raise ShapeError("A `Concatenate` layer requires inputs with matching shapes except "
                             f"for the concatenation axis. Received: input_shape={shapes}")

    def call(self, inputs: Any) -> Any:
        return record(manipulation.concat, tuple(inputs), (self.axis,))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or all(m is None for m in mask):
            return None
        there = tuple([m is not None for m in mask])
        given = [m for m in mask if m is not None]
        return record(composites.joined_mask, (*inputs, *given), (there, self.axis))


class Dot(Merge):
    """Sums of products over one axis of each of two tensors, example by example.

    ``normalize=True`` gives the cosine of the angle.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(
                isinstance(a, int) for a in pair):
            raise ArgumentError("Invalid format for argument `axes`: it should be an int or two. "
                                f"Received: axes={axes}")
        self.axes = axes
        self.normalize = normalize
        self._static = (tuple(pair), bool(normalize))

    def build(self, input_shape: Any) -> None:
        shapes = self._shapes(input_shape)
        if len(shapes) != 2:
            raise ArgumentError("A `Dot` layer should be called on a list of 2 inputs. Received: "
                                f"input_shape={input_shape}")

    def call(self, inputs: Any) -> Any:
        return record(composites.batch_dot, tuple(inputs), self._static)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


# ---- as functions

def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of a list of tensors."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first minus the second of two tensors."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of tensors."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of tensors."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of a list of tensors, element by element."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of a list of tensors, element by element."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """A list of tensors joined along an axis."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Sums of products over one axis of each of two tensors."""
    return Dot(axes=axes, **kwargs)(inputs)
