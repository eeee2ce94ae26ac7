"""Losses on tensors, with PyTorch's names and defaults. Each is one recorded operation.

The old ``size_average`` and ``reduce`` are taken and mean what they meant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...functions import class_loss, loss
from ...functions.ctc import ctc_loss as _ctc
from ...functions.elementwise import minimum
from ...ir.ops.indexing import take
from ...ir.ops.movement import expand_dims, reshape
from ...tensor import Tensor, record, wrap
from ._record import record_some

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss",
    "cosine_similarity", "cross_entropy", "ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss",
    "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "pairwise_distance",
    "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """What the two old flags meant, if one of them is given."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None,
                  size_average: bool | None = None, ignore_index: int = -100,
                  reduce: bool | None = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Any:
    """``-log(softmax(input)[target])``; see `tricord.functions.class_loss.cross_entropy`.

    >>> from tricord.tensor import tensor
    >>> round(cross_entropy(tensor([[0.0, 0.0]]), tensor([1])).item(), 4)
    0.6931
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is None:
        return record(class_loss.cross_entropy, (input, target),
                      (None, ignore_index, reduction, label_smoothing))
    return record(class_loss.cross_entropy, (input, target, weight),
                  (ignore_index, reduction, label_smoothing))


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None,
             size_average: bool | None = None, ignore_index: int = -100,
             reduce: bool | None = None, reduction: str = "mean") -> Any:
    """``-input[target]`` of log-probabilities."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record_some(class_loss.nll_loss, (input, target, weight), (ignore_index, reduction))


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None,
                         size_average: bool | None = None, reduce: bool | None = None,
                         reduction: str = "mean") -> Any:
    """``-(t*log(x) + (1-t)*log(1-x))`` of probabilities."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record_some(class_loss.binary_cross_entropy, (input, target, weight), (reduction,))


def _with_logits(input: Any, target: Any, weight: Any, pos_weight: Any, reduction: str) -> Any:
    return class_loss.binary_cross_entropy_with_logits(input, target, weight, reduction,
                                                       pos_weight)


def binary_cross_entropy_with_logits(
        input: Tensor, target: Tensor, weight: Tensor | None = None,
        size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
        pos_weight: Tensor | None = None) -> Any:
    """`binary_cross_entropy` of ``sigmoid(input)``, without overflow."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record_some(_with_logits, (input, target, weight, pos_weight), (reduction,))


def _mse(input: Any, target: Any, weight: Any, reduction: str) -> Any:
    return loss.mse_loss(input, target, reduction, weight)


def _l1(input: Any, target: Any, weight: Any, reduction: str) -> Any:
    return loss.l1_loss(input, target, reduction, weight)


def _huber(input: Any, target: Any, weight: Any, delta: float, reduction: str) -> Any:
    return loss.huber_loss(input, target, delta, reduction, weight)


def mse_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
             reduce: bool | None = None, reduction: str = "mean",
             weight: Tensor | None = None) -> Any:
    """``(input - target)**2``."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is None:
        return record(loss.mse_loss, (input, target), (reduction,))
    return record(_mse, (input, target, weight), (reduction,))


def l1_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
            reduce: bool | None = None, reduction: str = "mean",
            weight: Tensor | None = None) -> Any:
    """``|input - target|``."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is None:
        return record(loss.l1_loss, (input, target), (reduction,))
    return record(_l1, (input, target, weight), (reduction,))


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
                   reduce: bool | None = None, reduction: str = "mean", beta: float = 1.0) -> Any:
    """Quadratic below ``beta``, linear above."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.smooth_l1_loss, (input, target), (beta, reduction))


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
               weight: Tensor | None = None) -> Any:
    """Quadratic up to ``delta``, linear above."""
    if weight is None:
        return record(loss.huber_loss, (input, target), (delta, reduction))
    return record(_huber, (input, target, weight), (delta, reduction))


def kl_div(input: Tensor, target: Tensor, size_average: bool | None = None,
           reduce: bool | None = None, reduction: str = "mean", log_target: bool = False) -> Any:
    """``target * (log(target) - input)``; ``"batchmean"`` is the divergence."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.kl_div, (input, target), (log_target, reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool = True, full: bool = False,
                     size_average: bool | None = None, eps: float = 1e-8,
                     reduce: bool | None = None, reduction: str = "mean") -> Any:
    """Negative log-likelihood of counts."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.poisson_nll_loss, (input, target), (log_input, full, eps, reduction))


def gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor | float, full: bool = False,
                      eps: float = 1e-6, reduction: str = "mean") -> Any:
    """Negative log-likelihood of a normal distribution with mean ``input``."""
    if not isinstance(var, Tensor):
        return record(_gaussian_of_number, (input, target), (float(var), full, eps, reduction))
    return record(loss.gaussian_nll_loss, (input, target, var), (full, eps, reduction))


def _gaussian_of_number(input: Any, target: Any, var: float, *static: Any) -> Any:
    return loss.gaussian_nll_loss(input, target, input * 0 + var, *static)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0,
                         size_average: bool | None = None, reduce: bool | None = None,
                         reduction: str = "mean") -> Any:
    """``input`` for targets 1, ``max(0, margin - input)`` for targets -1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.hinge_embedding_loss, (input, target), (margin, reduction))


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0,
                        size_average: bool | None = None, reduce: bool | None = None,
                        reduction: str = "mean") -> Any:
    """``max(0, -target * (input1 - input2) + margin)``."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.margin_ranking_loss, (input1, input2, target), (margin, reduction))


def soft_margin_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
                     reduce: bool | None = None, reduction: str = "mean") -> Any:
    """``log(1 + exp(-target * input))``."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.soft_margin_loss, (input, target), (reduction,))


def _multi_margin(input: Any, target: Any, weight: Any, p: int, margin: float,
                  reduction: str) -> Any:
    return class_loss.multi_margin_loss(input, target, p, margin, weight, reduction)


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0,
                      weight: Tensor | None = None, size_average: bool | None = None,
                      reduce: bool | None = None, reduction: str = "mean") -> Any:
    """The margins by which wrong classes come too near to the right one."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record_some(_multi_margin, (input, target, weight), (p, margin, reduction))


def multilabel_margin_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
                           reduce: bool | None = None, reduction: str = "mean") -> Any:
    """`multi_margin_loss` for several right classes; the list of targets ends at -1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(class_loss.multilabel_margin_loss, (input, target), (reduction,))


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                size_average: bool | None = None, reduce: bool | None = None,
                                reduction: str = "mean") -> Any:
    """Binary cross entropy of logits, averaged over the classes."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record_some(class_loss.multilabel_soft_margin_loss, (input, target, weight),
                       (reduction,))


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0,
                          size_average: bool | None = None, reduce: bool | None = None,
                          reduction: str = "mean") -> Any:
    """``1 - cos`` for targets 1, ``max(0, cos - margin)`` for targets -1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.cosine_embedding_loss, (input1, input2, target), (margin, reduction))


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0,
                        p: float = 2, eps: float = 1e-6, swap: bool = False,
                        size_average: bool | None = None, reduce: bool | None = None,
                        reduction: str = "mean") -> Any:
    """``max(0, distance(anchor, positive) - distance(anchor, negative) + margin)``."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return record(loss.triplet_margin_loss, (anchor, positive, negative),
                  (margin, p, eps, swap, reduction))


def _margin_of(near: Any, far: Any, margin: float, reduction: str) -> Any:
    return loss.margin_ranking_loss(far, near, far * 0 + 1, margin, reduction)


def triplet_margin_with_distance_loss(
        anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Any = None,
        margin: float = 1.0, swap: bool = False, reduction: str = "mean") -> Any:
    """`triplet_margin_loss` with a distance of one's own."""
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        between = distance(positive, negative)
        far = record(minimum, (far, between))
    return record(_margin_of, (near, far), (margin, reduction))


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6,
                      keepdim: bool = False) -> Any:
    """The p-norm of ``x1 - x2`` over the last axis."""
    return record(loss.pairwise_distance, (x1, x2), (p, eps, keepdim))


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Any:
    """``x1 . x2 / (|x1| * |x2|)`` along ``dim``."""
    return record(loss.cosine_similarity, (x1, x2), (dim, eps))


def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any,
             blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> Any:
    """Minus the log-likelihood of label sequences over all alignments (Graves et al. 2006).

    Shapes:  log_probs (T, N, C) or (T, C), targets (N, S), or all one after another (sum of
             lengths,); lengths (N,), tensors or numbers
    """
    lengths = [x if isinstance(x, Tensor) else wrap(np.asarray(x, np.int64))
               for x in (input_lengths, target_lengths)]
    single = log_probs.ndim == 2
    if single:
        log_probs = record(_leading, (log_probs,), (1,))
        lengths = [record(_leading, (x,), (0,)) if not x.ndim else x for x in lengths]
    if targets.ndim == 1:
        counts = np.asarray(lengths[1]).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        index = starts[:, None] + np.arange(max(int(counts.max(initial=0)), 1))
        index = np.minimum(index, max(targets.shape[0] - 1, 0))
        targets = record(take, (targets, wrap(index)), (0,))
    result = record(_ctc, (log_probs, targets, *lengths), (blank, reduction, zero_infinity))
    return record(_without_leading, (result,)) if single and reduction == "none" else result


def _leading(x: Any, axis: int) -> Any:
    return expand_dims(x, axis)


def _without_leading(x: Any) -> Any:
    return reshape(x, x.shape[1:])
