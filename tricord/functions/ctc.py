"""Connectionist temporal classification: the likelihood of a label sequence over all alignments.

Source: Graves et al. 2006, sections 3.1 and 4.1. The forward variables are a scan over time, in
logarithms; the gradient is that of the scan.
"""

from __future__ import annotations

import math

from ..errors import ShapeError
from ..ir.dtypes import float32, int64
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.checks import check_bounds
from ..ir.ops.indexing import take_along_axis
from ..ir.ops.movement import broadcast, concatenate, expand_dims, pad, reshape, slice_
from ..ir.ops.reduce import reduce_sum
from ..ir.ops.structural import constant, iota, stop_gradient
from .control import scan
from .loss import check_reduction, reduce_loss

__all__ = ["ctc_loss"]

#: Stands for the logarithm of zero: finite, so that differences of two of them are.
_NEVER = -1e30


def ctc_loss(logs: Node, targets: Node, input_lengths: Node, target_lengths: Node,
             blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> Node:
    """Minus the logarithm of the targets' probability.

    The mean divides each loss by its target's length first, as PyTorch does. A target that does
    not fit into its input has an infinite loss, or zero with ``zero_infinity``.

    Shapes:  logs (T, N, C) of log-probabilities, targets (N, S) of class indices, both lengths (N,)
    Raises:  IndexRangeError when it runs, for a target that is no class
    """
    check_reduction("ctc_loss", reduction)
    if logs.ndim != 3 or targets.ndim != 2 or targets.shape[0] != logs.shape[1]:
        raise ShapeError(f"ctc_loss: expected log-probabilities (T, N, C) and targets (N, S), got "
                         f"{tuple(logs.shape)} and {tuple(targets.shape)}")
    time, batch, classes = logs.shape
    for name, lengths in (("input", input_lengths), ("target", target_lengths)):
        if tuple(lengths.shape) != (batch,):
            raise ShapeError(f"ctc_loss: {name}_lengths must be of size {batch}, got "
                             f"{tuple(lengths.shape)}")
    dtype = logs.dtype
    logs = ew.cast(logs, float32) if dtype.itemsize == 2 else logs
    input_lengths, target_lengths, targets = (
        ew.cast(x, int64) for x in (input_lengths, target_lengths, targets))
    labels = _with_blanks(targets, target_lengths, blank, classes)
    width = labels.shape[1]
    shape = (time, batch, width)
    emitted = take_along_axis(logs, broadcast(labels, shape, (1, 2)), 2)
    skips = _may_skip(labels, blank)
    start = ew.where(iota((batch, width), int64, axis=1) < 2,
                     reshape(slice_(emitted, (0, 0, 0), (1, batch, width)), (batch, width)),
                     _full(_NEVER, (batch, width), logs))
    inside = ew.less(iota((time, batch), int64), broadcast(input_lengths, (time, batch), (1,)))

    def step(carry: tuple[Node, ...], xs: tuple[Node, ...]) -> tuple[list[Node], list[Node]]:
        alpha, (emission, counts) = carry[0], xs
        once = _shifted(alpha, 1)
        twice = ew.where(skips, _shifted(alpha, 2), _full(_NEVER, alpha.shape, alpha))
        new = _log_sum(alpha, once, twice) + emission
        return [ew.where(broadcast(counts, new.shape, (0,)), new, alpha)], []

    (alpha,), _ = scan(step, [start], [
        slice_(emitted, (1, 0, 0), shape), slice_(inside, (1, 0), (time, batch))])
    at = expand_dims(target_lengths * 2, 1)
    last = reshape(take_along_axis(alpha, at, 1), (batch,))
    before = reshape(take_along_axis(alpha, ew.maximum(at - 1, ew.zeros_like(at)), 1), (batch,))
    before = ew.where(target_lengths > 0, before, _full(_NEVER, (batch,), alpha))
    loss = -_log_sum(last, before, _full(_NEVER, (batch,), alpha))
    impossible = loss > -_NEVER / 2
    loss = ew.where(impossible, _full(0.0 if zero_infinity else math.inf, (batch,), loss), loss)
    loss = ew.cast(loss, dtype)
    if reduction != "mean":
        return reduce_loss(loss, reduction)
    per = ew.cast(ew.maximum(target_lengths, ew.scalar_like(1, target_lengths)), dtype)
    return reduce_sum(loss / per, (0,)) / batch


def _full(value: float, shape: tuple[int, ...], like: Node) -> Node:
    return broadcast(constant(value, like.dtype), shape, ())


def _with_blanks(targets: Node, lengths: Node, blank: int, classes: int) -> Node:
    """(N, S) -> (N, 2S + 1): a blank before, between and after; padding becomes blank."""
    batch, count = targets.shape
    used = ew.less(iota((batch, count), int64, axis=1), broadcast(lengths, targets.shape, (0,)))
    safe = ew.where(used, targets, _full(blank, targets.shape, targets))
    safe = check_bounds(safe, classes,
                        "ctc_loss: Target {value} is out of bounds (there are {size} classes)")
    blanks = _full(blank, (batch, count, 1), targets)
    pairs = reshape(concatenate([blanks, expand_dims(safe, 2)], 2), (batch, 2 * count))
    return concatenate([pairs, _full(blank, (batch, 1), targets)], 1)


def _may_skip(labels: Node, blank: int) -> Node:
    """Where the blank before may be left out: at a label other than the one before it."""
    batch, width = labels.shape
    earlier = pad(slice_(labels, (0, 0), (batch, max(width - 2, 0))), constant(-1, int64),
                  (0, min(2, width)), (0, 0))
    return ew.bitwise_and(ew.not_equal(labels, _full(blank, labels.shape, labels)),
                          ew.not_equal(labels, earlier))


def _shifted(alpha: Node, by: int) -> Node:
    batch, width = alpha.shape
    kept = max(width - by, 0)
    return pad(slice_(alpha, (0, 0), (batch, kept)), constant(_NEVER, alpha.dtype),
               (0, width - kept), (0, 0))


def _log_sum(a: Node, b: Node, c: Node) -> Node:
    top = stop_gradient(ew.maximum(ew.maximum(a, b), c))
    return top + ew.log(ew.exp(a - top) + ew.exp(b - top) + ew.exp(c - top))
