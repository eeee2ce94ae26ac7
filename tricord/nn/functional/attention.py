"""Attention on tensors."""

from __future__ import annotations

from typing import Any

from ...functions import attention as composites
from ...random import default_generator
from ...tensor import Tensor
from ._record import record_some

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor,
                                 attn_mask: Tensor | None = None, dropout_p: float = 0.0,
                                 is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Any:
    """``softmax(query @ key.T * scale) @ value``.

    A bool ``attn_mask`` is True where a query may look; a floating one is added to the scores.

    Shapes:  query (*, L, E), key (*, S, E), value (*, S, D), attn_mask (*, L, S) -> (*, L, D)
    """
    random, ordinal = default_generator().next_key() if dropout_p else (None, 0)
    return record_some(composites.scaled_dot_product_attention,
                       (query, key, value, attn_mask, random),
                       (ordinal, float(dropout_p), is_causal, scale, enable_gqa))
