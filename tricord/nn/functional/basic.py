"""Linear maps, dropout, embeddings and distances on tensors."""

from __future__ import annotations

from typing import Any

from ...errors import DTypeError, NotSupportedError
from ...functions import dropout as dropouts
from ...functions import embedding as embeddings
from ...functions import linear as linears
from ...ir.dtypes import int64
from ...ir.node import Node
from ...ir.ops.reduce import argmax
from ...ir.ops.structural import stop_gradient
from ...random import Generator, default_generator
from ...tensor import Tensor, record, recording_gradients
from ...tensor.recorder import value_of
from ._record import in_place, record_some, tensors_only
from .activation import softmax

__all__ = ["alpha_dropout", "bilinear", "dropout", "dropout1d", "dropout2d", "dropout3d",
           "embedding", "embedding_bag", "feature_alpha_dropout", "gumbel_softmax", "linear",
           "one_hot"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    """``input @ weight.T + bias``; see `tricord.functions.linear.linear`."""
    if bias is None:
        return record(linears.linear, (input, weight))
    return record(linears.linear, (input, weight, bias))


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    """``out[o] = input1 @ weight[o] @ input2 + bias[o]``."""
    return record_some(linears.bilinear, (input1, input2, weight, bias))


# ---- dropout


def _recorded(function: Any, input: Tensor, rate: float, training: bool, inplace: bool,
              generator: Generator | None, *static: Any) -> Any:
    if not training or rate == 0.0:
        dropouts.check_rate(function.__name__, rate)
        return input
    key, ordinal = (generator or default_generator()).next_key()
    result = record(function, (input, key), (ordinal, rate, *static))
    return in_place(input, result) if inplace else result


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *,
            generator: Generator | None = None) -> Any:
    """Each element zero with probability ``p``, the others divided by ``1 - p``."""
    return _recorded(dropouts.dropout, input, p, training, inplace, generator)


def _channels(what: str, input: Tensor, spatial: int) -> bool:
    if input.ndim not in (spatial + 1, spatial + 2):
        raise DTypeError(f"{what}: expected {spatial + 1}D (unbatched) or {spatial + 2}D (batched) "
                         f"input, got shape {tuple(input.shape)}")
    return input.ndim == spatial + 2


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """`dropout` of whole channels of (N, C, L) or (C, L)."""
    batched = _channels("dropout1d", input, 1)
    return _recorded(dropouts.channel_dropout, input, p, training, inplace, None, batched)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """`dropout` of whole channels of (N, C, H, W), or of (N, C)."""
    return _recorded(dropouts.channel_dropout, input, p, training, inplace, None)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """`dropout` of whole channels of (N, C, D, H, W)."""
    batched = _channels("dropout3d", input, 3)
    return _recorded(dropouts.channel_dropout, input, p, training, inplace, None, batched)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False,
                  inplace: bool = False) -> Any:
    """Dropout that keeps mean and variance of self-normalising networks."""
    return _recorded(dropouts.alpha_dropout, input, p, training, inplace, None)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False,
                          inplace: bool = False) -> Any:
    """`alpha_dropout` of whole channels."""
    return _recorded(dropouts.alpha_dropout, input, p, training, inplace, None, True)


# ---- embeddings

def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None,
              max_norm: float | None = None, norm_type: float = 2.0,
              scale_grad_by_freq: bool = False, sparse: bool = False) -> Any:
    """``weight[input]``; see `tricord.functions.embedding.embedding`.

    ``max_norm`` shortens the rows that are looked up, in ``weight`` itself.
    """
    dense_only(sparse)
    tensors_only("embedding", input, weight)
    if max_norm is not None:
        _renormalise(weight, input, max_norm, norm_type)
    return record(embeddings.embedding, (input, weight), (padding_idx, scale_grad_by_freq))


def dense_only(sparse: bool) -> None:
    if sparse:
        raise NotSupportedError("embedding: sparse gradients are not offered", hint="sparse=False")


def _renormalise(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    with recording_gradients(False):
        in_place(weight, record(embeddings.renormalised, (weight, indices),
                                (float(max_norm), float(norm_type))))


def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None,
                  max_norm: float | None = None, norm_type: float = 2.0,
                  scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Any:
    """Sum, mean or maximum of the rows of each bag."""
    dense_only(sparse)
    if scale_grad_by_freq:
        raise NotSupportedError("embedding_bag: scale_grad_by_freq is not offered",
                                hint="embedding(..., scale_grad_by_freq=True).sum(1)")
    if max_norm is not None:
        _renormalise(weight, input, max_norm, norm_type)
    return record_some(embeddings.embedding_bag, (input, weight, offsets, per_sample_weights),
                       (mode, padding_idx, include_last_offset))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Any:
    """1 where a new last axis counts to the index, else 0, as int64.

    Without ``num_classes`` the largest index is looked at, which is an observation.
    """
    if num_classes == -1:
        if not tensor._type.size:
            raise DTypeError("one_hot: Can not infer total number of classes from empty tensor.")
        num_classes = int(value_of(record(embeddings.largest_index, (tensor,)))) + 1
    return record(embeddings.one_hot, (tensor,), (num_classes, int64))


# ---- drawing from a softmax

def gumbel_softmax(logits: Tensor, tau: float = 1.0, hard: bool = False, eps: float = 1e-10,
                   dim: int = -1) -> Any:
    """A random point of the simplex near the corners; ``hard`` gives the corner, with the
    gradient of the point.

    Source:  Jang et al. 2017; Maddison et al. 2017
    """
    noise = default_generator().gumbel(logits.shape, logits.dtype)
    soft = softmax(record(_noisy, (logits, noise), (float(tau),)), dim)
    return record(_straight_through, (soft,), (dim,)) if hard else soft


def _noisy(logits: Node, noise: Node, tau: float) -> Node:
    return (logits + noise) / tau


def _straight_through(soft: Node, axis: int) -> Node:
    at = axis % soft.ndim
    corner = embeddings.one_hot(argmax(soft, axis=at), soft.shape[at], soft.dtype, at, check=False)
    return corner + (soft - stop_gradient(soft))
