"""Look-up tables with learned rows."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from ..functions.embedding import embedding
from ..tensor import Parameter, Tensor, record
from . import functional as fn
from . import init
from .linear import parameter
from .module import Module
from .state import set_value

__all__ = ["Embedding", "EmbeddingBag"]


def _padding(padding_idx: int | None, rows: int) -> int | None:
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ArgumentError(f"Embedding: padding_idx must be within num_embeddings, got "
                            f"{padding_idx} for {rows} rows")
    return padding_idx % rows


class _Table(Module):
    """What `Embedding` and `EmbeddingBag` share."""

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None,
                 max_norm: float | None, norm_type: float, scale_grad_by_freq: bool, sparse: bool,
                 weight: Tensor | None, freeze: bool, device: Any, dtype: Any):
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _padding(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        fn.basic.dense_only(sparse)
        self.sparse = sparse
        if weight is None:
            self.weight = parameter((num_embeddings, embedding_dim), device, dtype)
            self.weight.requires_grad_(not freeze)
            self.reset_parameters()
        else:
            if tuple(weight.shape) != (num_embeddings, embedding_dim):
                raise ArgumentError("Embedding: Shape of weight does not match num_embeddings and "
                                    f"embedding_dim: {tuple(weight.shape)}")
            self.weight = Parameter(weight, not freeze)

    def reset_parameters(self) -> None:
        """Draw new rows; the padding row is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            value = self.weight.detach().numpy()
            value[self.padding_idx] = 0
            set_value(self.weight, value)

    def extra_repr(self) -> str:
        """Sizes and options."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        return text


class Embedding(_Table):
    """``weight[input]``.

    Shapes:  input (*) of integers -> (*, embedding_dim)
    Parameters:  weight (num_embeddings, embedding_dim), normal with deviation 1
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
                 max_norm: float | None = None, norm_type: float = 2.0,
                 scale_grad_by_freq: bool = False, sparse: bool = False,
                 _weight: Tensor | None = None, _freeze: bool = False, device: Any = None,
                 dtype: Any = None):
        super().__init__(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type,
                         scale_grad_by_freq, sparse, _weight, _freeze, device, dtype)

    def forward(self, input: Any) -> Any:
        """See the class."""
        if self.max_norm is not None:
            return fn.embedding(input, self.weight, self.padding_idx, self.max_norm,
                               self.norm_type, self.scale_grad_by_freq)
        # The weight first: the result is of its class.
        return record(_look_up, (self.weight, input), (self.padding_idx, self.scale_grad_by_freq))

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True,
                        padding_idx: int | None = None, max_norm: float | None = None,
                        norm_type: float = 2.0, scale_grad_by_freq: bool = False,
                        sparse: bool = False) -> Embedding:
        """A table with these rows, not trained unless ``freeze`` is false."""
        rows, width = embeddings.shape
        return cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse,
                   embeddings, freeze)


def _look_up(weight: Any, indices: Any, padding_idx: int | None, scale: bool) -> Any:
    return embedding(indices, weight, padding_idx, scale)


class EmbeddingBag(_Table):
    """Sum, mean or maximum of the rows of each bag.

    Shapes:  input (bags, size), or (n,) with offsets (bags,) -> (bags, embedding_dim)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None,
                 norm_type: float = 2.0, scale_grad_by_freq: bool = False, mode: str = "mean",
                 sparse: bool = False, _weight: Tensor | None = None,
                 include_last_offset: bool = False, padding_idx: int | None = None,
                 device: Any = None, dtype: Any = None):
        super().__init__(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type,
                         scale_grad_by_freq, sparse, _weight, False, device, dtype)
        self.mode = mode
        self.include_last_offset = include_last_offset

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """See the class."""
        return fn.embedding_bag(input, self.weight, offsets, self.max_norm, self.norm_type,
                               self.scale_grad_by_freq, self.mode, self.sparse,
                               per_sample_weights, self.include_last_offset, self.padding_idx)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return f"{super().extra_repr()}, mode={self.mode!r}"
