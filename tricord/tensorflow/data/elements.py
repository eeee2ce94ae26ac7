"""Elements of data sets: nested tuples and dicts whose leaves are arrays or tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import DTypeError, InvalidArgumentError, ShapeError
from ...tensor.handle import Handle
from ...tensor.recorder import value_of, wrap
from ...tensor.trees import flatten, unflatten
from ..function import TensorSpec
from ..shapes import TensorShape
from ..tensors import EagerTensor, array_of, convert, where_now

__all__ = ["array", "arrays_of", "batched", "is_list", "shown", "spec_of", "structured"]


def is_list(value: Any) -> bool:
    return type(value) is list


def array(leaf: Any) -> np.ndarray[Any, Any]:
    """A leaf as an array."""
    if isinstance(leaf, Handle):
        return value_of(leaf)
    return leaf if isinstance(leaf, np.ndarray) else array_of(leaf)


def arrays_of(tree: Any) -> tuple[list[np.ndarray[Any, Any]], Any]:
    """The leaves as arrays; a list counts as one array, a tuple or dict as a structure."""
    leaves, structure = flatten(tree, is_leaf=is_list)
    return [array(leaf) for leaf in leaves], structure


def structured(tree: Any) -> tuple[list[Any], Any]:
    """The leaves as arrays or tensors."""
    leaves, structure = flatten(tree, is_leaf=is_list)
    found = [v if isinstance(v, (Handle, np.ndarray)) else
             convert(v) if is_list(v) else array_of(v) for v in leaves]
    return found, structure


def shown(tree: Any) -> Any:
    """An element as a user sees it: its leaves are tensors."""
    leaves, structure = flatten(tree, is_leaf=is_list)
    return unflatten(structure, [_tensor(v) for v in leaves])


def _tensor(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        return wrap(leaf, EagerTensor)
    if isinstance(leaf, np.generic):
        return wrap(np.asarray(leaf), EagerTensor)
    if getattr(leaf, "is_data_set", False):
        return leaf
    return convert(leaf)


def batched(elements: Sequence[Any]) -> Any:
    """Elements one upon another.

    Raises:  InvalidArgumentError if their shapes differ
    """
    found = [arrays_of(e) for e in elements]
    columns = []
    for component, column in enumerate(zip(*(leaves for leaves, _ in found), strict=True)):
        for number, part in enumerate(column):
            if part.shape != column[0].shape:
                raise InvalidArgumentError(
                    f"Cannot batch tensors with different shapes in component {component}. First "
                    f"element had shape {list(column[0].shape)} and element {number} had shape "
                    f"{list(part.shape)}.", where=where_now(), hint="padded_batch, or map first")
        columns.append(np.stack(column))
    return unflatten(found[0][1], columns)


def spec_of(tree: Any, more: tuple[int | None, ...] = ()) -> Any:
    """Shapes and dtypes of an element, ``more`` axes in front."""
    leaves, structure = flatten(tree, is_leaf=is_list)
    return unflatten(structure, [
        TensorSpec(TensorShape([*more, *np.shape(array(v))]), array(v).dtype) for v in leaves])


def first_size(leaves: Sequence[np.ndarray[Any, Any]]) -> int:
    """The common first size.

    Raises:  DTypeError for a leaf without axes, ShapeError if the sizes differ
    """
    if not leaves:
        raise DTypeError("from_tensor_slices: there is nothing to slice", where=where_now())
    if any(not leaf.ndim for leaf in leaves):
        raise DTypeError("Unbatching a tensor is only supported for rank >= 1",
                         where=where_now())
    sizes = {len(leaf) for leaf in leaves}
    if len(sizes) > 1:
        raise ShapeError(
            f"Dimensions {' and '.join(map(str, sorted(sizes)))} are not compatible: the tensors "
            "of from_tensor_slices need one first size", where=where_now())
    return sizes.pop()
