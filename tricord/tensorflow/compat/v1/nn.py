"""``tf.compat.v1.nn``: the arguments of TensorFlow 1."""

from __future__ import annotations

from typing import Any

from ... import nn as _nn
from ... import nn_ops
from ..._names import public_names, unknown_name
from ..._op import op

globals().update({name: value for name, value in vars(_nn).items()
                  if not name.startswith("_") and callable(value)})
softmax_cross_entropy_with_logits_v2 = nn_ops.softmax_cross_entropy_with_logits


@op
def xw_plus_b(x: Any, weights: Any, biases: Any) -> Any:
    """``x @ weights + biases``."""
    return nn_ops.bias_add(nn_ops.math_ops.matmul(x, weights), biases)


@op
def relu_layer(x: Any, weights: Any, biases: Any) -> Any:
    """``relu(x @ weights + biases)``."""
    return nn_ops.relu(xw_plus_b(x, weights, biases))


@op(random=True)
def dropout(x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None,
            rate: Any = None) -> Any:
    """Each element kept with probability ``keep_prob``, or dropped with ``rate``."""
    if rate is None:
        rate = nn_ops.math_ops.subtract(1.0, 1.0 if keep_prob is None else keep_prob)
    return nn_ops.dropout(x, rate, noise_shape, seed)


__getattr__ = unknown_name(__name__, lambda: public_names(globals()), {
    "rnn_cell": "tf.keras.layers.LSTMCell", "dynamic_rnn": "tf.keras.layers.RNN",
    "static_rnn": "tf.keras.layers.RNN"})
