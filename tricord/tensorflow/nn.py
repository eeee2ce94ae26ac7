"""``tf.nn``."""

from __future__ import annotations

from . import math_ops, nn_ops
from ._names import public_names, refusal, unknown_name, words

_NAMES = words("""
    atrous_conv2d avg_pool avg_pool1d avg_pool2d avg_pool3d batch_normalization bias_add conv1d
    conv1d_transpose conv2d conv2d_transpose conv3d conv3d_transpose crelu depthwise_conv2d
    dropout elu embedding_lookup gelu in_top_k l2_loss l2_normalize leaky_relu
    local_response_normalization log_poisson_loss log_softmax max_pool max_pool1d max_pool2d
    max_pool3d moments pool relu relu6 selu separable_conv2d sigmoid
    sigmoid_cross_entropy_with_logits silu softmax softmax_cross_entropy_with_logits softplus
    softsign sparse_softmax_cross_entropy_with_logits swish tanh top_k
    weighted_cross_entropy_with_logits zero_fraction""")

globals().update({name: getattr(nn_ops, name) for name in _NAMES})
convolution = nn_ops.convolution_op
lrn = nn_ops.local_response_normalization
log_sigmoid = math_ops._unary.made["log_sigmoid"]

ctc_loss = refusal("tf.nn.ctc_loss", "tricord.torch.nn.CTCLoss")
nce_loss = refusal("tf.nn.nce_loss", "tf.nn.sampled softmax by hand, or the full softmax")

__getattr__ = unknown_name(__name__, lambda: public_names(globals()), {
    "rnn_cell": "tf.keras.layers.LSTMCell and its relatives",
    "dynamic_rnn": "tf.keras.layers.RNN"})
