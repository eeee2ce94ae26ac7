"""Attention as Keras has it: heads on the last axis but one, attention over any other axes.

Masks are bools, True where a query may look. A query that may look nowhere gets zeros.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import ShapeError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.dtypes import bool_, float16
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import broadcast, broadcast_to, expand_dims, reshape, transpose
from ..ir.ops.reduce import reduce_sum
from ..ir.ops.structural import iota
from .activation import softmax
from .dropout import dropout
from .gated import softmax_of_kept
from .manipulation import broadcast_together, repeat
from .mixed import same_dtype

__all__ = ["Looking", "attend", "scored"]


class Looking(NamedTuple):
    """What attention is told besides its tensors."""

    #: the axes of queries and keys that are attended over
    axes: tuple[int, ...] = (1,)
    causal: bool = False
    window: int | None = None
    #: which masks come with the operands: of queries, values, keys, and pairs
    masks: tuple[bool, bool, bool, bool] = (False, False, False, False)
    #: dropout of the weights; a key comes with the operands if it is not zero
    rate: float = 0.0
    ordinal: int = 0
    #: how often each head of keys and values is used
    repeats: int = 1


def _grouped(x: Node, axes: tuple[int, ...]) -> tuple[Node, tuple[int, ...]]:
    """(*others, product of the attended sizes, features), and how the axes were moved."""
    last = x.ndim - 1
    others = tuple(a for a in range(last) if a not in axes)
    order = (*others, *axes, last)
    lead = tuple(x.shape[a] for a in others)
    size = math.prod(x.shape[a] for a in axes)
    return reshape(transpose(x, order), (*lead, size, x.shape[last])), order


def _as_bool(mask: Node) -> Node:
    return mask if mask.dtype is bool_ else ew.not_equal(mask, ew.zeros_like(mask))


def _both(first: Node | None, second: Node | None) -> Node | None:
    """True where both are; None allows all."""
    if first is None or second is None:
        return second if first is None else first
    return ew.bitwise_and(*broadcast_together(first, second))


def _allowed(masks: Sequence[Node | None], lengths: tuple[int, int], spec: Looking) -> Node | None:
    """All masks as one (B, T, S), or as the mask of pairs came."""
    of_query, of_value, of_key, pairs = [None if m is None else _as_bool(m) for m in masks]
    found = None if of_query is None else expand_dims(of_query, of_query.ndim)
    for mask in (of_value, of_key):
        found = _both(found, None if mask is None else expand_dims(mask, mask.ndim - 1))
    near = _near(lengths, spec)
    return _both(pairs, _both(found, None if near is None else expand_dims(near, 0)))


def _near(lengths: tuple[int, int], spec: Looking) -> Node | None:
    """Where a query may look for reasons of place alone: not ahead, not too far."""
    query, key = iota(lengths, axis=0), iota(lengths, axis=1)
    found = ew.less_equal(key, query) if spec.causal else None
    if spec.window is not None:
        far = ew.absolute(query - key)
        found = _both(found, ew.less(far, ew.scalar_like(spec.window, far)))
    return found


def attend(*arguments: object) -> tuple[Node, Node]:
    """``attend(q, k, v, [masks], [key], spec)``: the result, and the weights before dropout.

    Shapes:  q (B, *T, heads, E), k (B, *S, heads, E), v (B, *S, heads, D)
             -> (B, *T, heads, D), (B, heads, *T, *S)
    Source:  Vaswani et al. 2017; keras.layers.MultiHeadAttention
    """
    *operands, spec = arguments
    assert isinstance(spec, Looking)
    q, k, v, *rest = [o for o in operands if isinstance(o, Node)]
    q, k, v = same_dtype(q, k, v)
    masks = [rest.pop(0) if there else None for there in spec.masks]
    if spec.repeats > 1:
        k, v = (repeat(x, spec.repeats, x.ndim - 2) for x in (k, v))
    if k.shape[:-1] != v.shape[:-1] or q.shape[-1] != k.shape[-1]:
        raise ShapeError(f"attention: queries {tuple(q.shape)}, keys {tuple(k.shape)} and values "
                         f"{tuple(v.shape)} do not fit together")
    (qs, order), (ks, _), (vs, _) = (_grouped(x, spec.axes) for x in (q, k, v))
    batch = tuple(range(qs.ndim - 2))
    last = qs.ndim - 1
    scores = dot_general(qs * (1 / math.sqrt(q.shape[-1])), ks, ((last,), (last,)), (batch, batch))
    lead = qs.shape[:-2]
    full = (*lead, *(q.shape[a] for a in spec.axes), *(k.shape[a] for a in spec.axes))
    allowed = _allowed(masks, (q.shape[1], k.shape[1]), spec)
    if allowed is None:
        weights = softmax(scores, -1)
    else:
        while allowed.ndim < len(full):
            allowed = expand_dims(allowed, allowed.ndim - 2 * len(spec.axes))
        weights = softmax_of_kept(scores, reshape(broadcast_to(allowed, full), scores.shape))
    used = dropout(weights, rest[0], spec.ordinal, spec.rate) if spec.rate else weights
    out = dot_general(used, vs, ((last,), (last - 1,)), (batch, batch))
    out = reshape(out, (*lead, *(q.shape[a] for a in spec.axes), v.shape[-1]))
    back = tuple(order.index(a) for a in range(q.ndim))
    return transpose(out, back), reshape(weights, full)


def scored(*arguments: object) -> tuple[Node, Node]:
    """``scored(q, k, v, [scale], [concat weight], [query mask], [value mask], [key], mode, causal,
    present, rate, ordinal)``: the result and the weights (Keras's Attention).

    ``mode`` is ``dot``: ``q @ k.T * scale``, ``concat``: ``w * sum(tanh(scale * (q + k)))`` or
    ``additive``: ``sum(scale * tanh(q + k))``. ``present`` says which optional operands came.

    Shapes:  q (B, T, E), k (B, S, E), v (B, S, D) -> (B, T, D), (B, T, S)
    """
    *operands, mode, causal, present, rate, ordinal = arguments
    q, k, v, *rest = [o for o in operands if isinstance(o, Node)]
    q, k, v = same_dtype(q, k, v)
    assert isinstance(present, tuple) and isinstance(rate, float) and isinstance(ordinal, int)
    scale, weight, q_mask, v_mask = [rest.pop(0) if there else None for there in present]
    scores = _scores(q, k, scale, weight, str(mode))
    allowed = None if v_mask is None else _as_bool(v_mask)
    if allowed is not None and allowed.ndim == q.ndim - 1:
        allowed = expand_dims(allowed, allowed.ndim - 1)
    if causal:
        near = _near((scores.shape[-2], scores.shape[-1]), Looking(causal=True))
        assert near is not None
        allowed = _both(allowed, broadcast_to(near, scores.shape))
    if allowed is not None:
        low = 65504.0 if scores.dtype is float16 else 1e9
        scores = ew.where(broadcast_to(allowed, scores.shape), scores, scores - low)
    weights = softmax(scores, -1)
    used = dropout(weights, rest[0], ordinal, rate) if rate else weights
    batch = tuple(range(q.ndim - 2))
    out = dot_general(used, v, ((q.ndim - 1,), (q.ndim - 2,)), (batch, batch))
    if q_mask is not None:
        kept = broadcast(_as_bool(q_mask), out.shape, range(q_mask.ndim))
        out = ew.where(kept, out, ew.zeros_like(out))
    return out, weights


def _scores(q: Node, k: Node, scale: Node | None, weight: Node | None, mode: str) -> Node:
    if mode == "dot":
        batch = tuple(range(q.ndim - 2))
        scores = dot_general(q, k, ((q.ndim - 1,), (k.ndim - 1,)), (batch, batch))
        return scores if scale is None else scores * ew.cast(scale, scores.dtype)
    both = expand_dims(q, q.ndim - 1) + expand_dims(k, k.ndim - 2)
    scale = None if scale is None else ew.cast(scale, both.dtype)
    if mode == "additive":
        terms = ew.tanh(both)
        return reduce_sum(terms if scale is None else terms * scale, (both.ndim - 1,))
    total = reduce_sum(ew.tanh(both if scale is None else both * scale), (both.ndim - 1,))
    return total if weight is None else total * ew.cast(weight, total.dtype)
