"""From a list of samples to a batch.

All the work is done on numpy arrays (``stack_samples``), in whatever thread or process loads the
data. ``to_tensors`` is the one place where numpy becomes Tensor; a loader calls it in the thread
that consumes the batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..tensor import Tensor, wrap
from .arrays import as_array, is_tensor_like

__all__ = ["default_collate", "default_convert", "stack_samples", "to_tensors"]


def tensor_from_array(array: np.ndarray) -> Tensor:
    """The seam between this package and the Tensor class: a Tensor that owns ``array``."""
    own = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    return wrap(own)  # type: ignore[return-value]


def is_tensor(value: Any) -> bool:
    """Whether it is tricord's own Tensor."""
    return isinstance(value, Tensor)


def _rebuild(container: Any, convert: Callable[[Any], Any]) -> Any:
    """The same container with every element converted, or None if it is not a container."""
    if isinstance(container, Mapping):
        values = {key: convert(value) for key, value in container.items()}
        return _same_type(container, values)
    if isinstance(container, tuple) and hasattr(container, "_fields"):
        return type(container)(*(convert(value) for value in container))
    if isinstance(container, (str, bytes)) or not isinstance(container, Sequence):
        return None
    values = [convert(value) for value in container]
    return _same_type(container, values)


def _same_type(like: Any, values: dict | list) -> Any:
    """``values`` in a container of the type of ``like``; plain where that type refuses."""
    if type(like) in (dict, list):
        return values
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(values)
            return clone
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:  # the type has a constructor of its own
        return values


def _stack(samples: Sequence[Any]) -> np.ndarray:
    arrays = [as_array(sample) for sample in samples]
    for i, array in enumerate(arrays):
        if array.dtype.kind in "OSUMm":
            raise DTypeError(
                "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or "
                f"lists; found an array of dtype {array.dtype}",
                hint="convert it to numbers in the data set, or pass collate_fn")
        if array.shape != arrays[0].shape:
            raise ShapeError(
                "stack expects each tensor to be equal size, but got "
                f"{list(arrays[0].shape)} at entry 0 and {list(array.shape)} at entry {i}",
                hint="crop or pad the samples in the data set, or pass collate_fn")
    return np.stack(arrays)


def stack_samples(samples: Sequence[Any]) -> Any:
    """A batch of numpy arrays out of samples of one structure.

    Shapes:  arrays (...) -> (n, ...); Python numbers -> (n,)
    Dtypes:  kept; Python floats become float64, integers int64
    Raises:  ShapeError if shapes or lengths differ, DTypeError for what is not numeric

    >>> stack_samples([(1.0, {"id": 3}), (2.0, {"id": 4})])
    [array([1., 2.]), {'id': array([3, 4])}]
    """
    first = samples[0]
    if is_tensor_like(first):
        return _stack(samples)
    if isinstance(first, (np.generic, bool, int, float, complex)) and not isinstance(first, str):
        return _stack([np.asarray(sample) for sample in samples])
    if isinstance(first, (str, bytes)):
        return samples
    if isinstance(first, Mapping):
        return _same_type(first, {key: stack_samples([s[key] for s in samples]) for key in first})
    if isinstance(first, Sequence):
        lengths = [len(sample) for sample in samples]
        if len(set(lengths)) > 1:
            raise ShapeError("each element in list of batch should be of equal size, "
                             f"got lengths {lengths}", hint="pad them, or pass collate_fn")
        columns = [stack_samples(column) for column in zip(*samples, strict=True)]
        if isinstance(first, tuple):
            return type(first)(*columns) if hasattr(first, "_fields") else columns
        return _same_type(first, columns)
    raise DTypeError("default_collate: batch must contain tensors, numpy arrays, numbers, dicts or "
                     f"lists; found {type(first)}",
                     hint="convert it to an array in the data set, or pass collate_fn")


def to_tensors(batch: Any) -> Any:
    """Every numpy array in a nested batch as a Tensor; everything else as it is."""
    if isinstance(batch, np.ndarray):
        return tensor_from_array(batch)
    rebuilt = _rebuild(batch, to_tensors)
    return batch if rebuilt is None else rebuilt


def default_collate(batch: Sequence[Any]) -> Any:
    """What a loader does with the samples of a batch when it is given no ``collate_fn``.

    Arrays, numbers and Tensors are stacked along a new first axis; mappings, lists and tuples are
    collated element by element; strings stay as they are.
    """
    return to_tensors(stack_samples(batch))


def convert_sample(sample: Any) -> Any:
    """One sample with its numeric leaves as numpy arrays; strings and the like stay."""
    if is_tensor_like(sample) or isinstance(sample, np.generic):
        array = as_array(sample)
        return sample if array.dtype.kind in "OSUMm" else array
    rebuilt = _rebuild(sample, convert_sample)
    if type(rebuilt) is tuple:
        return list(rebuilt)  # as PyTorch does
    return sample if rebuilt is None else rebuilt


def default_convert(data: Any) -> Any:
    """What a loader does with one sample when it makes no batches (``batch_size=None``)."""
    return to_tensors(convert_sample(data))
