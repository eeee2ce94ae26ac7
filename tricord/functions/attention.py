"""Attention: softmax of scaled products of queries and keys, applied to values.

Source: Vaswani et al. 2017, Attention Is All You Need, sections 3.2.1 and 3.2.2
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..errors import DTypeError, ShapeError
from ..ir.arithmetic import select
from ..ir.dtypes import bool_
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import broadcast, broadcast_to, concatenate, reshape, slice_, transpose
from ..ir.ops.reduce import reduce_sum
from ..ir.ops.structural import constant, iota
from ..ir.shapes import broadcast_shapes
from .activation import softmax
from .linear import linear
from .manipulation import repeat
from .random import dropout_mask

__all__ = ["MultiHead", "attention_weights", "causal_mask", "multi_head_attention",
           "scaled_dot_product_attention"]


def causal_mask(queries: int, keys: int) -> Node:
    """True where a query may look: at keys up to its own place."""
    shape = (queries, keys)
    return ew.less_equal(iota(shape, axis=1), iota(shape, axis=0))


def _masked(scores: Node, mask: Node) -> Node:
    """Scores, minus infinity where a bool mask is false; a floating mask is added."""
    if mask.dtype is bool_:
        return select(mask, scores, -math.inf)
    if mask.dtype.kind != "f":
        raise DTypeError(f"attention: the mask is bool or floating, got {mask.dtype}")
    return scores + ew.cast(mask, scores.dtype)


def attention_weights(q: Node, k: Node, mask: Node | None = None, causal: bool = False,
                      scale: float | None = None) -> Node:
    """``softmax(q @ k.T * scale)``; a query that may look nowhere has weights zero.

    Shapes:  q (*, L, E), k (*, S, E), mask broadcastable to (*, L, S) -> (*, L, S)
    """
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    lead = tuple(range(q.ndim - 2))
    scores = dot_general(q, k, ((q.ndim - 1,), (k.ndim - 1,)), (lead, lead)) * scale
    nothing = None
    if causal:
        scores = _masked(scores, causal_mask(*scores.shape[-2:]))
    if mask is not None:
        scores = _masked(scores, mask)
        if scores.shape[-1]:
            allowed = ew.cast(scores > -math.inf, scores.dtype)
            nothing = reduce_sum(allowed, (scores.ndim - 1,)) < 0.5
    if nothing is None:
        return softmax(scores, -1)
    empty = broadcast(nothing, scores.shape, range(nothing.ndim))
    weights = softmax(ew.where(empty, ew.zeros_like(scores), scores), -1)
    return ew.where(empty, ew.zeros_like(weights), weights)


def _dropped(weights: Node, key: Node | None, ordinal: int, rate: float) -> Node:
    if key is None or not rate:
        return weights
    keep = dropout_mask(key, weights.shape, ordinal, rate)
    return ew.where(keep, weights * (1 / (1 - rate)), ew.zeros_like(weights))


def _together(q: Node, k: Node, v: Node) -> tuple[Node, Node, Node]:
    lead = broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2], what="attention")
    q, k, v = (broadcast_to(x, (*lead, *x.shape[-2:])) for x in (q, k, v))
    return q, k, v


def scaled_dot_product_attention(q: Node, k: Node, v: Node, mask: Node | None = None,
                                 key: Node | None = None, ordinal: int = 0,
                                 dropout: float = 0.0, causal: bool = False,
                                 scale: float | None = None, grouped: bool = False) -> Node:
    """`attention_weights` times v.

    ``key`` and ``ordinal`` draw the dropout of weights. ``grouped`` repeats the heads of k and v to
    as many as q has.

    Shapes:  q (*, L, E), k (*, S, E), v (*, S, D) -> (*, L, D)
    Raises:  ShapeError if they do not fit
    """
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(f"attention: expected q (*, L, E), k (*, S, E) and v (*, S, D), got "
                         f"{tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}")
    if grouped:
        k, v = (repeat(x, q.shape[-3] // x.shape[-3], x.ndim - 3) for x in (k, v))
    q, k, v = _together(q, k, v)
    weights = _dropped(attention_weights(q, k, mask, causal, scale), key, ordinal, dropout)
    lead = tuple(range(q.ndim - 2))
    return dot_general(weights, v, ((q.ndim - 1,), (v.ndim - 2,)), (lead, lead))


class MultiHead(NamedTuple):
    """What multi-head attention is told besides its tensors (PyTorch's module)."""

    heads: int
    batch_first: bool = False
    #: whether in_proj_weight is one tensor, or three for q, k and v
    packed: bool = True
    add_zero: bool = False
    dropout: float = 0.0
    ordinal: int = 0
    need_weights: bool = True
    average: bool = True
    causal: bool = False


def multi_head_attention(q: Node, k: Node, v: Node, in_weight: Node | None, q_weight: Node | None,
                         k_weight: Node | None, v_weight: Node | None, in_bias: Node | None,
                         bias_k: Node | None, bias_v: Node | None, out_weight: Node,
                         out_bias: Node | None, padding: Node | None, mask: Node | None,
                         key: Node | None, spec: MultiHead) -> tuple[Node, ...]:
    """Queries, keys and values projected, split into heads, attended, joined, projected.

    In PyTorch's masks True means *not* to look: ``padding`` (N, S) per key, ``mask`` (L, S) or
    (N * heads, L, S). Floating masks are added.

    Shapes:  q (L, N, E), k (S, N, K), v (S, N, V), or batch first, or without N
             -> (L, N, E) and, with ``need_weights``, (N, L, S) or (N, heads, L, S)
    """
    batched = q.ndim == 3
    if q.ndim not in (2, 3) or {k.ndim, v.ndim} != {q.ndim}:
        raise ShapeError(f"multi_head_attention: expected 2-D or 3-D query, key and value, got "
                         f"{tuple(q.shape)}, {tuple(k.shape)}, {tuple(v.shape)}")
    if not batched:
        q, k, v = (reshape(x, (1, *x.shape)) for x in (q, k, v))
        padding = None if padding is None else reshape(padding, (1, *padding.shape))
    elif not spec.batch_first:
        q, k, v = (transpose(x, (1, 0, 2)) for x in (q, k, v))
    width = out_weight.shape[0]
    if spec.packed:
        assert in_weight is not None
        weights = [slice_(in_weight, (i * width, 0), ((i + 1) * width, in_weight.shape[1]))
                   for i in range(3)]
    else:
        assert q_weight is not None and k_weight is not None and v_weight is not None
        weights = [q_weight, k_weight, v_weight]
    biases = [None if in_bias is None else slice_(in_bias, (i * width,), ((i + 1) * width,))
              for i in range(3)]
    q, k, v = (linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True))
    k, added = _lengthened(k, bias_k, spec.add_zero)
    v, _ = _lengthened(v, bias_v, spec.add_zero)
    q, k, v = (_heads(x, spec.heads) for x in (q, k, v))
    scores = dot_general(q, k, ((3,), (3,)), ((0, 1), (0, 1))) * (1 / math.sqrt(q.shape[-1]))
    scores = _looked_away(scores, padding, mask, added, spec)
    weights_ = _dropped(softmax(scores, -1), key, spec.ordinal, spec.dropout)
    out = dot_general(weights_, v, ((3,), (2,)), ((0, 1), (0, 1)))
    out = reshape(transpose(out, (0, 2, 1, 3)), (out.shape[0], out.shape[2], width))
    out = linear(out, out_weight, out_bias)
    if not batched:
        out = reshape(out, out.shape[1:])
    elif not spec.batch_first:
        out = transpose(out, (1, 0, 2))
    if not spec.need_weights:
        return (out,)
    shown = reduce_sum(weights_, (1,)) / spec.heads if spec.average else weights_
    return out, shown if batched else reshape(shown, shown.shape[1:])


def _lengthened(x: Node, bias: Node | None, add_zero: bool) -> tuple[Node, int]:
    """A learned key or value, and one of zeros, at the end of the sequence; how many."""
    parts = [x]
    if bias is not None:
        parts.append(broadcast_to(bias, (x.shape[0], 1, x.shape[2])))
    if add_zero:
        parts.append(broadcast(constant(0, x.dtype), (x.shape[0], 1, x.shape[2]), ()))
    return (concatenate(parts, 1) if len(parts) > 1 else x), len(parts) - 1


def _heads(x: Node, heads: int) -> Node:
    """(N, L, E) -> (N, heads, L, E / heads)."""
    n, length, width = x.shape
    if width % heads:
        raise ShapeError(f"multi_head_attention: embed_dim must be divisible by num_heads, got "
                         f"{width} and {heads}")
    return transpose(reshape(x, (n, length, heads, width // heads)), (0, 2, 1, 3))


def _looked_away(scores: Node, padding: Node | None, mask: Node | None, added: int,
                 spec: MultiHead) -> Node:
    """Scores with PyTorch's masks applied."""
    n, heads, queries, keys = scores.shape
    if spec.causal and mask is None:
        allowed = broadcast(causal_mask(queries, keys - added), (n, heads, queries, keys - added),
                            (2, 3))
        mask4 = ew.bitwise_not(allowed)
    elif mask is not None:
        mask4 = _four_axes(mask, scores, keys - added)
    else:
        mask4 = None
    if mask4 is not None:
        scores = _hidden(scores, mask4, added)
    if padding is not None:
        if tuple(padding.shape) != (n, keys - added):
            raise ShapeError(f"multi_head_attention: expected key_padding_mask of shape "
                             f"{(n, keys - added)}, got {tuple(padding.shape)}")
        spread = broadcast(padding, (n, heads, queries, keys - added), (0, 3))
        scores = _hidden(scores, spread, added)
    return scores


def _four_axes(mask: Node, scores: Node, keys: int) -> Node:
    n, heads, queries, _ = scores.shape
    if tuple(mask.shape) == (queries, keys):
        return broadcast(mask, (n, heads, queries, keys), (2, 3))
    if tuple(mask.shape) == (n * heads, queries, keys):
        return reshape(mask, (n, heads, queries, keys))
    raise ShapeError(f"multi_head_attention: attn_mask should have shape {(queries, keys)} or "
                     f"{(n * heads, queries, keys)}, got {tuple(mask.shape)}")


def _hidden(scores: Node, mask: Node, added: int) -> Node:
    """Minus infinity where a bool mask is True; keys added at the end are always seen."""
    if added:
        tail = (*mask.shape[:-1], added)
        mask = concatenate([mask, broadcast(constant(0, mask.dtype), tail, ())], mask.ndim - 1)
    if mask.dtype is bool_:
        return select(mask, -math.inf, scores)
    return scores + ew.cast(mask, scores.dtype)
