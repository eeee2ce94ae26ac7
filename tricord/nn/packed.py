"""Sequences of several lengths in one batch, as PyTorch packs them (torch.nn.utils.rnn).

Lengths are numbers, not tensors of the program: packing looks at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, EmptyDataError, ShapeError
from ..functions.manipulation import pad, stack
from ..ir.dtypes import int64
from ..ir.node import Node
from ..ir.ops.indexing import gather, scatter
from ..ir.ops.movement import broadcast, transpose
from ..ir.ops.structural import constant
from ..tensor import Tensor, record, wrap

__all__ = ["PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
           "pad_sequence", "unpad_sequence"]

Array = np.ndarray[Any, Any]


class PackedSequence(NamedTuple):
    """All steps of all sequences without padding, step by step, the longest sequence first."""

    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None


def _lengths(lengths: Any) -> Array:
    found = np.asarray(lengths).astype(np.int64)
    if found.ndim != 1 or not found.size:
        raise ShapeError(f"pack_padded_sequence: lengths are a non-empty list, got shape "
                         f"{found.shape}")
    if found.min() <= 0:
        raise ArgumentError("pack_padded_sequence: Length of all samples has to be greater than 0, "
                            f"but found an element in 'lengths' that is <= 0: {found.min()}")
    return found


def _places(lengths: Array) -> tuple[Array, Array, Array]:
    """Step and row of each packed element, and how many sequences there are at each step."""
    sizes = (lengths[None, :] > np.arange(lengths.max())[:, None]).sum(1)
    steps = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.concatenate([np.arange(s) for s in sizes])
    return steps, rows, sizes


def _packed(x: Node, steps: tuple[int, ...], rows: tuple[int, ...]) -> Node:
    return gather(x, constant(steps, int64), constant(rows, int64), axes=(0, 1))


def _swapped(x: Node) -> Node:
    return transpose(x, (1, 0, *range(2, x.ndim)))


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """Padding left out: (L, N, *) and N lengths, longest first unless ``enforce_sorted`` is false.
    """
    found = _lengths(lengths)
    time, batch = (1, 0) if batch_first else (0, 1)
    if len(found) != input.shape[batch] or found.max() > input.shape[time]:
        raise ShapeError(f"pack_padded_sequence: lengths {found.tolist()} do not fit an input of "
                         f"shape {tuple(input.shape)}, batch_first={batch_first}")
    order = np.argsort(-found, kind="stable")
    if enforce_sorted and (np.diff(found) > 0).any():
        raise ArgumentError("pack_padded_sequence: `lengths` array must be sorted in decreasing "
                            "order when `enforce_sorted` is True",
                            hint="enforce_sorted=False")
    steps, rows, sizes = _places(found[order])
    if batch_first:
        input = record(_swapped, (input,))
    originals = order[rows]
    data = record(_packed, (input,), (tuple(steps.tolist()), tuple(originals.tolist())))
    indices = None if enforce_sorted else wrap(order)
    back = None if enforce_sorted else wrap(np.argsort(order))
    return PackedSequence(data, wrap(sizes.astype(np.int64)), indices, back)


def _of(packed: PackedSequence) -> tuple[Array, Array, Array, Array]:
    """Steps, rows (in the order of the batch the user gave), sizes and lengths likewise."""
    sizes = np.asarray(packed.batch_sizes)
    steps = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.concatenate([np.arange(s) for s in sizes])
    lengths = (sizes[:, None] > np.arange(sizes[0])).sum(0)
    if packed.sorted_indices is not None:
        order = np.asarray(packed.sorted_indices)
        rows = order[rows]
        back = np.empty_like(lengths)
        back[order] = lengths
        lengths = back
    return steps, rows, sizes, lengths


def _spread(data: Node, steps: tuple[int, ...], rows: tuple[int, ...], length: int, batch: int,
            value: float) -> Node:
    empty = broadcast(constant(value, data.dtype), (length, batch, *data.shape[1:]), ())
    return scatter(empty, data, constant(steps, int64), constant(rows, int64), axes=(0, 1))


def _unpacked(packed: PackedSequence, value: float, length: int) -> Any:
    steps, rows, sizes, _ = _of(packed)
    return record(_spread, (packed.data,), (tuple(steps.tolist()), tuple(rows.tolist()), length,
                                            int(sizes[0]), value))


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False,
                        padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Any, Any]:
    """The padded batch and the lengths again."""
    *_, sizes, lengths = _of(sequence)
    longest = len(sizes)
    if total_length is not None and total_length < longest:
        raise ArgumentError(f"pad_packed_sequence: Expected total_length to be at least the length "
                            f"of the longest sequence in input, but got total_length="
                            f"{total_length} and max sequence length being {longest}")
    padded = _unpacked(sequence, padding_value, total_length or longest)
    if batch_first:
        padded = record(_swapped, (padded,))
    return padded, wrap(lengths.astype(np.int64))


def padded_with_mask(packed: PackedSequence) -> tuple[Any, Any]:
    """A packed batch as (L, N, *), and which of its steps count (L, N)."""
    *_, sizes, lengths = _of(packed)
    mask = np.arange(len(sizes))[:, None] < lengths[None, :]
    return _unpacked(packed, 0.0, len(sizes)), wrap(mask)


def repacked(padded: Any, like: PackedSequence) -> PackedSequence:
    """(L, N, *) packed the way another sequence is."""
    steps, rows, _, _ = _of(like)
    data = record(_packed, (padded,), (tuple(steps.tolist()), tuple(rows.tolist())))
    return like._replace(data=data)


def _padded_stack(*arguments: Any) -> Node:
    *parts, value, side = arguments
    longest = max(p.shape[0] for p in parts)
    stretched = []
    for part in parts:
        missing = longest - part.shape[0]
        widths = (missing, 0) if side == "left" else (0, missing)
        stretched.append(pad(part, [widths, *[(0, 0)] * (part.ndim - 1)], "constant",
                             value))
    return stack(*stretched, 1)


def pad_sequence(sequences: Sequence[Tensor], batch_first: bool = False,
                 padding_value: float = 0.0, padding_side: str = "right") -> Any:
    """Tensors (L, *) of several lengths as one (L, N, *), filled up with ``padding_value``."""
    if not sequences:
        raise EmptyDataError("pad_sequence: there is no sequence")
    result = record(_padded_stack, tuple(sequences), (padding_value, padding_side))
    return record(_swapped, (result,)) if batch_first else result


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """`pack_padded_sequence` of a list of tensors."""
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences],
                                enforce_sorted=enforce_sorted)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The inverse of `pad_sequence`."""
    found = np.asarray(lengths)
    rows: Any = padded_sequences if batch_first else record(_swapped, (padded_sequences,))
    return [rows[i, :int(n)] for i, n in enumerate(found)]
