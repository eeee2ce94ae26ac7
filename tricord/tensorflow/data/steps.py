"""How the steps of a data set are taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...data.seeds import Purpose, raw_words
from ...errors import DTypeError
from ...tensor.handle import Handle
from ...tensor.recorder import value_of
from ...tensor.trees import flatten, unflatten
from ..function import TensorSpec
from ..shapes import TensorShape
from ..tensors import where_now
from . import elements as el

__all__ = ["Elements", "Rows", "as_spec", "buffered", "deeper", "ordered", "padded",
           "row_batches", "spec_from_types"]

Elements = Iterator[Any]
#: arrays, how they are put together, and the order of their rows
Rows = tuple[list[np.ndarray[Any, Any]], Any, np.ndarray[Any, Any]]


def ordered(rows: Rows, part: slice) -> Rows:
    arrays, structure, order = rows
    return arrays, structure, order[part]


def row_batches(rows: Rows, size: int, drop_remainder: bool) -> Elements:
    arrays, structure, order = rows
    for start in np.arange(0, len(order), size).tolist():
        picked = order[start:start + size]
        if len(picked) < size and drop_remainder:
            return
        yield unflatten(structure, [np.take(a, picked, axis=0) for a in arrays])


def buffered(source: Elements, size: int, seed: int, epoch: int) -> Elements:
    """Each element drawn from a buffer that is filled up again."""
    buffer = list(itertools.islice(source, size))
    block, at = np.zeros(0, np.uint64), 0
    number = 0
    while buffer:
        if at == len(block):
            block, at = raw_words(256, seed, Purpose.SHUFFLE, epoch, number), 0
            number += 1
        place = int(block[at]) % len(buffer)
        at += 1
        element = buffer[place]
        following = next(source, _END)
        if following is _END:
            buffer[place] = buffer[-1]
            buffer.pop()
        else:
            buffer[place] = following
        yield element


_END = object()


def deeper(spec: Any, size: int | None) -> Any:
    leaves, structure = flatten(spec)
    return unflatten(structure, [TensorSpec([size, *s.shape], s.dtype) for s in leaves])


def spec_from_types(types: Any, shapes: Any) -> Any:
    leaves, structure = flatten(types)
    if shapes is None:
        sizes = [TensorShape(None)] * len(leaves)
    elif len(leaves) == 1:
        sizes = [TensorShape(shapes[0] if isinstance(types, tuple) else shapes)]
    else:
        sizes = [TensorShape(s) for s in shapes]
    return unflatten(structure, [TensorSpec(s, t) for s, t in zip(sizes, leaves, strict=True)])


def as_spec(value: Any, spec: TensorSpec) -> np.ndarray[Any, Any]:
    raw = value_of(value) if isinstance(value, Handle) else value
    found = np.asarray(raw).astype(spec.dtype.numpy, copy=False)
    if not spec.shape.is_compatible_with(found.shape):
        raise DTypeError(f"`generator` yielded an element of shape {found.shape} where an element "
                         f"of shape {spec.shape} was expected.", where=where_now())
    return np.array(found)


def padded(chunk: list[Any], shapes: Any, values: Any) -> list[Any]:
    found = [el.arrays_of(e) for e in chunk]
    structure = found[0][1]
    columns = list(zip(*(leaves for leaves, _ in found), strict=True))
    wanted = [None] * len(columns) if shapes is None else (
        [shapes] if len(columns) == 1 and not isinstance(shapes, tuple) else list(shapes))
    fills = flatten(values)[0] if values is not None else [0] * len(columns)
    fills = fills * len(columns) if len(fills) == 1 else fills
    made = []
    for column, shape, fill in zip(columns, wanted, fills, strict=True):
        longest = [max(sizes) for sizes in zip(*(p.shape for p in column), strict=True)]
        target = longest if shape is None else [
            n if s is None else s for s, n in zip(TensorShape(shape), longest, strict=True)]
        number = el.array(fill)
        made.append([_filled(p, target, number) for p in column])
    return [unflatten(structure, list(parts)) for parts in zip(*made, strict=True)]


def _filled(part: np.ndarray[Any, Any], sizes: list[int], number: Any) -> np.ndarray[Any, Any]:
    if not part.ndim:
        return part
    widths = [(0, size - n) for size, n in zip(sizes, part.shape, strict=True)]
    return np.pad(part, widths, constant_values=number)
