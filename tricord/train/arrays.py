"""Arrays as they are given to fit: nested lists, tuples and dicts of arrays and tensors.

All are brought to numpy once, checked once (lengths, NaN), and sliced per batch without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..data.arrays import as_array
from ..errors import ArgumentError, DTypeError, EmptyDataError, NonFiniteError, ShapeError
from ..tensor.handle import Handle
from ..tensor.recorder import value_of, wrap
from ..tensor.tensor import tensor

__all__ = ["arrays_of", "check_finite", "check_lengths", "is_array", "leaves", "map_leaves",
           "split_off", "to_tensors", "weights_of_classes"]

#: rows looked at at once when an array is searched for NaN
_CHUNK = 1 << 22


def is_array(value: Any) -> bool:
    """Whether this is one array: a tensor, a numpy array, or something that says it is (pandas)."""
    return isinstance(value, (Handle, np.ndarray)) or (
        hasattr(value, "__array__") and hasattr(value, "shape"))


def map_leaves(function: Callable[[str, Any], Any], tree: Any, path: str) -> Any:
    """``function(path, leaf)`` for each leaf of nested tuples, lists and dicts."""
    if isinstance(tree, Mapping):
        return {k: map_leaves(function, v, f"{path}[{k!r}]") for k, v in tree.items()}
    if isinstance(tree, tuple):
        parts = [map_leaves(function, v, f"{path}[{i}]") for i, v in enumerate(tree)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if isinstance(tree, list):
        return [map_leaves(function, v, f"{path}[{i}]") for i, v in enumerate(tree)]
    return function(path, tree)


def leaves(tree: Any, path: str) -> list[tuple[str, Any]]:
    """All leaves with their paths; None counts as no leaf."""
    found: list[tuple[str, Any]] = []

    def visit(where: str, leaf: Any) -> None:
        if leaf is not None:
            found.append((where, leaf))

    map_leaves(visit, tree, path)
    return found


def _is_numbers(tree: Any) -> bool:
    """Whether a list is one array written out: nested lists of numbers or text."""
    while isinstance(tree, (list, tuple)) and tree:
        tree = tree[0]
    return isinstance(tree, (bool, int, float, complex, np.generic))


def arrays_of(tree: Any, path: str, dtype: Any = np.float32) -> Any:
    """The same tree with numpy arrays as leaves; float64 becomes ``dtype`` (None keeps it).

    A list of numbers is an array, a list of arrays a list of inputs.

    Raises:  DTypeError for what is no array, ShapeError for a number where rows are needed
    """
    if isinstance(tree, (list, tuple)) and _is_numbers(tree):
        tree = np.asarray(tree)

    def convert(where: str, leaf: Any) -> Any:
        if leaf is None:
            return None
        array = value_of(leaf) if isinstance(leaf, Handle) else np.asarray(
            leaf.to_numpy() if hasattr(leaf, "to_numpy") else leaf)
        if array.dtype == object:
            raise DTypeError(f"{where}: an array of Python objects cannot be trained on",
                             hint="rows of different lengths? pad them to one length")
        if array.ndim == 0:
            raise ShapeError(f"{where}: expected an array with one row per sample, got a number")
        if dtype is not None and array.dtype == np.float64:
            array = array.astype(dtype)
        return array

    return map_leaves(convert, tree, path)


def check_lengths(*trees: tuple[str, Any]) -> int:
    """The number of samples that all arrays share.

    Raises:  EmptyDataError for none at all, ShapeError if they differ
    """
    found = [(path, len(a)) for name, tree in trees for path, a in leaves(tree, name)]
    if not found:
        raise EmptyDataError("there are no arrays to train on")
    sizes = {n for _, n in found}
    if len(sizes) > 1:
        listed = ", ".join(f"{path} has {n}" for path, n in found)
        raise ShapeError("Data cardinality is ambiguous. Make sure all arrays contain the same "
                         f"number of samples: {listed}")
    count = found[0][1]
    if count == 0:
        raise EmptyDataError(f"{found[0][0]} is empty, it has 0 samples: there is nothing to train "
                             "on")
    return count


def check_finite(name: str, tree: Any) -> None:
    """Refuse NaN and infinity, naming the array and the first row that holds one."""
    for path, array in leaves(tree, name):
        if array.dtype.kind not in "fc" and array.dtype.name != "bfloat16":
            continue
        if _is_surely_finite(array):
            continue
        rows = max(1, _CHUNK // max(1, array[0].size if len(array) else 1))
        for start in range(0, len(array), rows):
            finite = np.isfinite(array[start:start + rows])
            if not finite.all():
                bad = np.argwhere(~finite)[0]
                row = start + int(bad[0])
                value = array[start:start + rows][tuple(bad)]
                at = f", column {', '.join(map(str, bad[1:]))}" if len(bad) > 1 else ""
                raise NonFiniteError(f"{path} holds {value} in row {row}{at}",
                                     hint="remove or fill such rows, or check_finite=False")


def _is_surely_finite(array: np.ndarray[Any, Any]) -> bool:
    """Whether a quick look shows that there is neither NaN nor infinity: both pass into the sum of
    squares, which for numbers of common size is finite otherwise."""
    if array.dtype not in (np.float32, np.float64) or not array.flags.c_contiguous:
        return False
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))


def to_tensors(tree: Any, *, copy: bool = False, dtype: Any = np.float32) -> Any:
    """Arrays as tensors, zero-copy unless ``copy``; tensors and None stay, text stays."""

    def convert(path: str, leaf: Any) -> Any:
        if leaf is None or isinstance(leaf, (Handle, str, bytes)):
            return leaf
        if not isinstance(leaf, np.ndarray):
            if isinstance(leaf, (bool, int, float, complex)):
                return tensor(leaf)
            leaf = as_array(leaf)
        if leaf.dtype.kind in "OUS":
            return leaf
        if dtype is not None and leaf.dtype == np.float64:
            return wrap(leaf.astype(dtype))
        return wrap(leaf.copy() if copy else leaf)

    if tree.__class__ is np.ndarray and tree.dtype == np.float32 and not copy:
        return wrap(tree)
    return map_leaves(convert, tree, "batch")


def split_off(fraction: float, *trees: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The first part and the last ``fraction`` of all arrays, as views.

    Raises:  ArgumentError if the fraction is not inside (0, 1), EmptyDataError if a part is empty
    """
    if not 0 < fraction < 1:
        raise ArgumentError("`validation_split` must be between 0 and 1, got "
                            f"validation_split={fraction}")
    count = check_lengths(*(("data", t) for t in trees))
    at = math.floor(count * (1.0 - fraction))
    if at in (0, count):
        raise EmptyDataError(
            f"Training data contains {count} samples, which is not sufficient to split it into a "
            f"validation and training set as specified by `validation_split={fraction}`",
            hint="provide more data, or a different value for the `validation_split` argument")

    def part(rows: slice) -> tuple[Any, ...]:
        return tuple(map_leaves(lambda _, a: None if a is None else a[rows], t, "") for t in trees)

    return part(slice(0, at)), part(slice(at, count))


def weights_of_classes(class_weight: Mapping[int, float], y: Any) -> np.ndarray:
    """One weight per sample, by its class: labels are class numbers or one-hot."""
    if isinstance(y, (Mapping, list, tuple)):
        raise ArgumentError("`class_weight` is only supported for models with a single output.",
                            hint="sample_weight takes one array per output")
    labels = value_of(y) if isinstance(y, Handle) else np.asarray(y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    if labels.dtype.kind == "f":
        labels = np.rint(labels)
    labels = labels.astype(np.int64)
    unknown = [k for k in class_weight if not isinstance(k, (int, np.integer))]
    if unknown:
        raise ArgumentError(f"class_weight: keys are class numbers, got {unknown[0]!r}")
    size = max([int(labels.max(initial=0)), *map(int, class_weight)]) + 1
    table = np.ones(size, np.float32)
    for label, weight in class_weight.items():
        table[int(label)] = weight
    weights: np.ndarray = table[labels]
    return weights


def rows_of(tree: Any, rows: Any) -> Any:
    """These rows (a slice, or numbers) of all arrays of a tree."""
    if tree.__class__ is np.ndarray:
        return tree[rows]
    return map_leaves(lambda _, a: None if a is None else a[rows], tree, "")


def batch_slices(count: int, size: int) -> Iterator[slice]:
    """Consecutive slices of ``size`` rows; the last may be shorter."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
