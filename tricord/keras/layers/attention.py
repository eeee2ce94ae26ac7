"""Attention, AdditiveAttention, MultiHeadAttention, GroupQueryAttention."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, NotSupportedError, ShapeError
from ...functions.heads import Looking, attend, scored
from ...functions.merging import multiply
from ...nn.functional._record import record_several
from ...tensor import record
from ...tensor.recorder import pending, record_nodes
from .._names import auto_name, name_scope
from .einsum_dense import EinsumDense
from .regularization import Randomised
from .standard import keep, number, one_of

__all__ = ["AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Attention(Randomised):
    """Values weighted by how well their keys fit the queries; called on [query, value(, key)].

    Shapes:  query (B, T, E), value (B, S, D), key (B, S, E) -> (B, T, D)
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._keep_seed(seed)
        self.use_scale = use_scale
        self.score_mode = one_of("score_mode", score_mode, ("dot", "concat"))
        self.dropout = number("dropout", dropout, 0, 1)
        self.scale: Any = None
        self.concat_score_weight: Any = None

    _mode = property(lambda self: self.score_mode)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape, "inputs")
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _check(self, given: Any, what: str) -> None:
        who = type(self).__name__
        if not isinstance(given, (list, tuple)) or any(
                n is None or isinstance(n, int) for n in given):
            raise ArgumentError(f"{who} layer must be called on a list of {what}, namely [query, "
                                f"value] or [query, value, key]. Received: {given}.")
        if len(given) not in (2, 3):
            raise ArgumentError(f"{who} layer accepts {what} list of length 2 or 3, namely [query, "
                                f"value] or [query, value, key]. Received length: {len(given)}.")

    def call(self, inputs: Any, mask: Any = None, training: bool = False,
             return_attention_scores: bool = False, use_causal_mask: bool = False) -> Any:
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        if mask is not None and (not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3)):
            raise ArgumentError(f"{type(self).__name__} layer mask must be a list, namely "
                                f"[query_mask, value_mask]. Received: mask={mask}.")
        masks = (None, None) if mask is None else (mask[0], mask[1])
        optional = (self.scale, self.concat_score_weight, *masks)
        rate = float(self.dropout) if training else 0.0
        draw, ordinal = self._draw() if rate else (None, 0)
        given = [o for o in (*optional, draw) if o is not None]
        found = record_nodes(scored, (query, key, value, *given), (
            self._mode, bool(use_causal_mask), tuple([o is not None for o in optional]), rate,
            ordinal))
        result, weights = [pending(n, query._result_class) for n in found]
        return (result, weights) if return_attention_scores else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if mask is None else mask[0]


class AdditiveAttention(Attention):
    """`Attention` whose scores are ``sum(scale * tanh(query + key))`` (Bahdanau et al. 2014)."""

    _not_settings = ("score_mode",)
    _mode = "additive"  # type: ignore[assignment]

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        kwargs.pop("score_mode", None)
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape, "inputs")
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "seed": self.seed}


class _Projected(Randomised):
    """Queries, keys and values projected into heads, attended, and projected back."""

    def _keep(self, dropout: float, seed: int | None, sliding_window: int | None,
              flash_attention: bool | None, **settings: Any) -> None:
        self._keep_seed(seed)
        keep(self, **settings)
        self.dropout = number("dropout", dropout, 0, 1)
        if sliding_window is not None and (
                not isinstance(sliding_window, int) or sliding_window <= 0):
            raise ArgumentError("`sliding_window` must be `None` or a positive integer. Received: "
                                f"sliding_window={sliding_window}")
        if flash_attention and dropout:
            raise NotSupportedError("Dropout is not supported when flash attention is enabled.")
        self.sliding_window = sliding_window
        self.flash_attention = flash_attention

    def _dense(self, name: str, equation: str, output_shape: tuple[Any, ...], bias_axes: str,
               input_shape: Any, activation: Any = None) -> EinsumDense:
        made = EinsumDense(
            equation, output_shape, activation, bias_axes if self.use_bias else None,
            kernel_initializer=_again(self.kernel_initializer),
            bias_initializer=_again(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer, bias_regularizer=self.bias_regularizer,
            activity_regularizer=self.activity_regularizer,
            kernel_constraint=self.kernel_constraint, bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy, name=name)
        with name_scope(name):
            made.build(input_shape)
        return made

    def _into_heads(self, name: str, shape: Any, heads: int, width: int,
                    activation: Any = None) -> EinsumDense:
        """(B, *, E) -> (B, *, heads, width)"""
        free = _LETTERS[:len(shape) - 1]
        e, h, w = _LETTERS[len(free):len(free) + 3]
        return self._dense(name, f"{free}{e},{e}{h}{w}->{free}{h}{w}",
                           (*(None,) * (len(free) - 1), heads, width), h + w, shape, activation)

    def _out_of_heads(self, shape: Any, heads: int, width: int,
                      sizes: tuple[int, ...]) -> EinsumDense:
        """(B, *, heads, width) -> (B, *, *sizes)"""
        free = _LETTERS[:len(shape) - 1]
        h, w, *rest = _LETTERS[len(free):len(free) + 2 + len(sizes)]
        out = "".join(rest)
        return self._dense("attention_output", f"{free}{h}{w},{h}{w}{out}->{free}{out}",
                           (*(None,) * (len(free) - 1), *sizes), out,
                           (*shape[:-1], heads, width))

    def _attend(self, query: Any, key: Any, value: Any, masks: tuple[Any, ...], training: Any,
                causal: bool, axes: tuple[int, ...], repeats: int) -> list[Any]:
        rate = float(self.dropout) if training else 0.0
        draw, ordinal = self._draw() if rate else (None, 0)
        given = [o for o in (*masks, draw) if o is not None]
        spec = Looking(axes, bool(causal), self.sliding_window,
                       tuple([m is not None for m in masks]),  # type: ignore[arg-type]
                       rate, ordinal, repeats)
        return record_several(attend, (query, key, value, *given), (spec,))

    def compute_mask(self, query: Any, *rest: Any, **masks: Any) -> Any:
        return rest[-1] if rest else None


def _again(initializer: Any) -> Any:
    """Another one like it, so that two projections do not start equal."""
    if hasattr(initializer, "get_config"):
        return type(initializer).from_config(initializer.get_config())
    return initializer


class MultiHeadAttention(_Projected):
    """Attention in several projections at once (Vaswani et al. 2017).

    Called as ``layer(query, value, key=None)``; the key is the value if it is not given.

    >>> import numpy as np
    >>> x = np.ones((2, 5, 8), "float32")
    >>> MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape
    (2, 5, 8)
    """

    _not_settings = ("flash_attention",)

    def __init__(self, num_heads: int, key_dim: int, value_dim: int | None = None,
                 dropout: float = 0.0, use_bias: bool = True, output_shape: Any = None,
                 attention_axes: Any = None, sliding_window: int | None = None,
                 flash_attention: bool | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, use_gate: bool = False, seed: int | None = None,
                 **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        for what, size in (("num_heads", num_heads), ("key_dim", key_dim)):
            number(what, size, 1)
        if isinstance(attention_axes, int):
            attention_axes = (attention_axes,)
        self._keep(dropout, seed, sliding_window, flash_attention, num_heads=num_heads,
                   key_dim=key_dim, value_dim=value_dim if value_dim else key_dim,
                   use_bias=use_bias, use_gate=use_gate, kernel_initializer=kernel_initializer,
                   bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                   bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
                   bias_constraint=bias_constraint)
        self.attention_axes = None if attention_axes is None else tuple(attention_axes)
        # Not under the name of the argument: that is the shape of a functional output.
        self._sizes = ((output_shape,) if isinstance(output_shape, int) else
                       None if output_shape is None else tuple(output_shape))

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ShapeError("All dimensions of `value` and `key`, except the last one, must be "
                             f"equal. Received: value_shape={value_shape} and "
                             f"key_shape={key_shape}")
        heads = self.num_heads
        self.query_dense = self._into_heads("query", query_shape, heads, self.key_dim)
        self.key_dense = self._into_heads("key", key_shape, heads, self.key_dim)
        if self.use_gate:
            self._gate_dense = self._into_heads("gate", query_shape, heads, self.value_dim,
                                                "sigmoid")
        self.value_dense = self._into_heads("value", value_shape, heads, self.value_dim)
        self.output_dense = self._out_of_heads(query_shape, heads, self.value_dim,
                                               self._sizes or (query_shape[-1],))
        rank = len(value_shape)
        self.attention_axes = tuple(range(1, rank - 1)) if self.attention_axes is None else tuple(
            a % rank for a in self.attention_axes)

    def call(self, query: Any, value: Any, key: Any = None, query_mask: Any = None,
             value_mask: Any = None, key_mask: Any = None, attention_mask: Any = None,
             return_attention_scores: bool = False, training: Any = None,
             use_causal_mask: bool = False) -> Any:
        gate = self._gate_dense(query) if self.use_gate else None
        assert self.attention_axes is not None
        result, weights = self._attend(
            self.query_dense(query), self.key_dense(value if key is None else key),
            self.value_dense(value), (query_mask, value_mask, key_mask, attention_mask), training,
            use_causal_mask, self.attention_axes, 1)
        if gate is not None:
            result = record(multiply, (result, gate))
        output = self.output_dense(result)
        return (output, weights) if return_attention_scores else output

    def _settings(self) -> dict[str, Any]:
        names = ("num_heads", "key_dim", "value_dim", "dropout", "use_bias", "use_gate",
                 "attention_axes", "sliding_window", "kernel_initializer", "bias_initializer",
                 "kernel_regularizer", "bias_regularizer", "activity_regularizer",
                 "kernel_constraint", "bias_constraint", "seed")
        return {"output_shape": self._sizes, **{n: getattr(self, n) for n in names}}


class GroupQueryAttention(_Projected):
    """Multi-head attention in which several heads of queries share keys and values.

    Source:  Ainslie et al. 2023, GQA
    """

    _not_settings = ("flash_attention",)

    def __init__(self, head_dim: int, num_query_heads: int, num_key_value_heads: int,
                 dropout: float = 0.0, use_bias: bool = True, sliding_window: int | None = None,
                 flash_attention: bool | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, use_gate: bool = False, seed: int | None = None,
                 **kwargs: Any):
        if kwargs.get("name") is None:
            kwargs["name"] = auto_name("grouped_query_attention")
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if num_query_heads % num_key_value_heads:
            raise ArgumentError("`num_query_heads` must be divisible by `num_key_value_heads`. "
                                f"Received: num_query_heads={num_query_heads}, "
                                f"num_key_value_heads={num_key_value_heads}")
        self._keep(dropout, seed, sliding_window, flash_attention, head_dim=head_dim,
                   num_query_heads=num_query_heads, num_key_value_heads=num_key_value_heads,
                   use_bias=use_bias, use_gate=use_gate, kernel_initializer=kernel_initializer,
                   bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                   bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
                   bias_constraint=bias_constraint)

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        heads, shared, width = self.num_query_heads, self.num_key_value_heads, self.head_dim
        self._query_dense = self._into_heads("query", query_shape, heads, width)
        self._key_dense = self._into_heads("key", key_shape, shared, width)
        if self.use_gate:
            self._gate_dense = self._into_heads("gate", query_shape, heads, width, "sigmoid")
        self._value_dense = self._into_heads("value", value_shape, shared, width)
        self._output_dense = self._out_of_heads(query_shape, heads, width, (query_shape[-1],))

    def call(self, query: Any, value: Any, key: Any = None, query_mask: Any = None,
             value_mask: Any = None, key_mask: Any = None, attention_mask: Any = None,
             return_attention_scores: bool = False, training: Any = None,
             use_causal_mask: bool = False) -> Any:
        gate = self._gate_dense(query) if self.use_gate else None
        result, weights = self._attend(
            self._query_dense(query), self._key_dense(value if key is None else key),
            self._value_dense(value), (query_mask, value_mask, key_mask, attention_mask), training,
            use_causal_mask, (1,), self.num_query_heads // self.num_key_value_heads)
        if gate is not None:
            result = record(multiply, (result, gate))
        output = self._output_dense(result)
        return (output, weights) if return_attention_scores else output
