"""Every function of `nn.functional`: its gradient against a central difference, in float64.

One random direction per input and function; inputs keep away from kinks.
"""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import tricord.nn.functional as fn
from tricord import nn
from tricord.tensor import tensor


def draw(*shape, low=-2.0, high=2.0, seed=0):
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape)


def distinct(*shape):
    size = int(np.prod(shape))
    return np.random.default_rng(size).permutation(size).reshape(shape) * 0.3 - size * 0.15 + 0.07


def probabilities(*shape, axis=1):
    value = draw(*shape, low=0.1, high=1.0, seed=3)
    return value / value.sum(axis, keepdims=True)


X = draw(3, 5)
LABELS = np.array([4, 0, 2])
SIGNS = np.array([1.0, -1.0, -1.0])
CASES = {
    **{name: (lambda x, name=name: getattr(fn, name)(x), X) for name in (
        "relu", "relu6", "elu", "celu", "selu", "gelu", "silu", "mish", "softplus", "softsign",
        "sigmoid", "tanh", "tanhshrink", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu",
        "logsigmoid", "softshrink", "hardshrink", "softmax", "log_softmax", "softmin")},
    "gelu tanh": (lambda x: fn.gelu(x, "tanh"), X),
    "glu": (fn.glu, draw(3, 6)),
    "prelu": (fn.prelu, X, draw(5, low=0.1, high=0.5)),
    "linear": (fn.linear, X, draw(4, 5), draw(4)),
    "bilinear": (fn.bilinear, X, draw(3, 2), draw(4, 5, 2), draw(4)),
    "cross_entropy": (lambda x: fn.cross_entropy(x, tensor(LABELS)), X),
    "cross_entropy all options": (
        lambda x: fn.cross_entropy(x, tensor(LABELS), tensor(draw(5, low=0.5, high=1.5)),
                                   ignore_index=2, label_smoothing=0.1, reduction="sum"), X),
    "cross_entropy probabilities": (
        lambda x: fn.cross_entropy(x, tensor(probabilities(3, 5)), label_smoothing=0.2), X),
    "nll_loss": (lambda x: fn.nll_loss(x, tensor(LABELS)), X),
    "binary_cross_entropy": (lambda x: fn.binary_cross_entropy(x, tensor(probabilities(3, 5))),
                             draw(3, 5, low=0.1, high=0.9)),
    "binary_cross_entropy_with_logits": (
        lambda x: fn.binary_cross_entropy_with_logits(
            x, tensor(probabilities(3, 5)), pos_weight=tensor(draw(5, low=0.5, high=2.0))), X),
    "mse_loss": (fn.mse_loss, X, draw(3, 5, seed=1)),
    "l1_loss": (fn.l1_loss, X, draw(3, 5, seed=1)),
    "smooth_l1_loss": (lambda x, y: fn.smooth_l1_loss(x, y, beta=0.7), X, draw(3, 5, seed=1)),
    "huber_loss": (lambda x, y: fn.huber_loss(x, y, delta=0.7), X, draw(3, 5, seed=1)),
    "kl_div": (lambda x: fn.kl_div(x, tensor(probabilities(3, 5)), reduction="batchmean"), X),
    "poisson_nll_loss": (lambda x: fn.poisson_nll_loss(
        x, tensor(np.arange(15.0).reshape(3, 5)), full=True), X),
    "gaussian_nll_loss": (lambda x, v: fn.gaussian_nll_loss(x, tensor(draw(3, 5, seed=2)), v), X,
                          draw(3, 5, low=0.5, high=2.0)),
    "hinge_embedding_loss": (lambda x: fn.hinge_embedding_loss(x, tensor(SIGNS)), draw(3)),
    "margin_ranking_loss": (lambda x, y: fn.margin_ranking_loss(x, y, tensor(SIGNS), 0.3), draw(3),
                            draw(3, seed=1)),
    "soft_margin_loss": (lambda x: fn.soft_margin_loss(x, tensor(SIGNS)), draw(3)),
    "multi_margin_loss": (lambda x: fn.multi_margin_loss(x, tensor(LABELS), p=2), X),
    "multilabel_margin_loss": (lambda x: fn.multilabel_margin_loss(
        x, tensor(np.array([[1, 4, -1, 0, 0], [0, -1, 1, 1, 1], [-1, 0, 0, 0, 0]]))), X),
    "multilabel_soft_margin_loss": (lambda x: fn.multilabel_soft_margin_loss(
        x, tensor((X > 0).astype(float))), X),
    "cosine_embedding_loss": (lambda x, y: fn.cosine_embedding_loss(x, y, tensor(SIGNS)), X,
                              draw(3, 5, seed=1)),
    "triplet_margin_loss": (lambda a, p, n: fn.triplet_margin_loss(a, p, n, swap=True), X,
                            draw(3, 5, seed=1), draw(3, 5, seed=2)),
    "cosine_similarity": (fn.cosine_similarity, X, draw(3, 5, seed=1)),
    "pairwise_distance": (lambda x, y: fn.pairwise_distance(x, y, p=3), X, draw(3, 5, seed=1)),
    "batch_norm": (lambda x, w, b: fn.batch_norm(x, None, None, w, b, training=True),
                   draw(4, 3, 2), draw(3), draw(3, seed=1)),
    "layer_norm": (lambda x, w, b: fn.layer_norm(x, (2, 5), w, b), draw(3, 2, 5), draw(2, 5),
                   draw(2, 5, seed=1)),
    "group_norm": (lambda x, w, b: fn.group_norm(x, 2, w, b), draw(2, 4, 3), draw(4),
                   draw(4, seed=1)),
    "instance_norm": (fn.instance_norm, draw(2, 3, 4)),
    "rms_norm": (lambda x, w: fn.rms_norm(x, (5,), w), X, draw(5)),
    "local_response_norm": (lambda x: fn.local_response_norm(x, 3, alpha=0.5), draw(2, 5, 3)),
    "normalize": (fn.normalize, X),
    "conv1d": (lambda x, w, b: fn.conv1d(x, w, b, 2, 1), draw(2, 3, 7), draw(4, 3, 3), draw(4)),
    "conv2d groups": (lambda x, w: fn.conv2d(x, w, None, 1, "same", 2, 2), draw(1, 4, 5, 5),
                      draw(2, 2, 3, 3)),
    "conv_transpose2d": (lambda x, w, b: fn.conv_transpose2d(x, w, b, 2, 1, 1), draw(1, 2, 3, 3),
                         draw(2, 3, 3, 3), draw(3)),
    "max_pool2d": (lambda x: fn.max_pool2d(x, 3, 2, 1), distinct(1, 2, 5, 5)),
    "avg_pool2d": (lambda x: fn.avg_pool2d(x, 3, 2, 1, True, False), draw(1, 2, 6, 6)),
    "lp_pool1d": (lambda x: fn.lp_pool1d(x, 3, 2), draw(1, 2, 6, low=0.5)),
    "adaptive_avg_pool1d": (lambda x: fn.adaptive_avg_pool1d(x, 3), draw(1, 2, 7)),
    "adaptive_max_pool1d": (lambda x: fn.adaptive_max_pool1d(x, 3), distinct(1, 2, 7)),
    "unfold": (lambda x: fn.unfold(x, 2, 1, 1, 2), draw(1, 2, 4, 4)),
    "fold": (lambda x: fn.fold(x, (4, 4), 2, 1, 0, 2), draw(1, 8, 4)),
    "pixel_shuffle": (lambda x: fn.pixel_shuffle(x, 2), draw(1, 4, 2, 3)),
    "interpolate bilinear": (lambda x: fn.interpolate(x, (5, 3), mode="bilinear"),
                             draw(1, 1, 3, 4)),
    "interpolate bicubic": (lambda x: fn.interpolate(x, (5, 7), mode="bicubic"),
                            draw(1, 1, 3, 4)),
    "pad reflect": (lambda x: fn.pad(x, (2, 1), "reflect"), draw(1, 2, 4)),
    "embedding": (lambda w: fn.embedding(tensor(LABELS), w), draw(5, 2)),
    "embedding_bag": (lambda w: fn.embedding_bag(tensor(LABELS), w, tensor(np.array([0, 2]))),
                      draw(5, 2)),
    "attention": (lambda q, k, v: fn.scaled_dot_product_attention(q, k, v, is_causal=True),
                  draw(2, 3, 4), draw(2, 3, 4, seed=1), draw(2, 3, 2)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_is_the_slope(name):
    function, *arrays = CASES[name]
    inputs = [tensor(a, requires_grad=True) for a in arrays]
    output = function(*inputs)
    random = np.random.default_rng(zlib.crc32(name.encode()))
    weights = random.uniform(-1, 1, output.shape)
    output.backward(tensor(weights))
    for place, array in enumerate(arrays):
        direction = random.uniform(-1, 1, array.shape)

        def value(sign, place=place, direction=direction):
            moved = [tensor(a + sign * 1e-6 * direction if i == place else a)
                     for i, a in enumerate(arrays)]
            return (function(*moved).numpy() * weights).sum()

        slope = (value(1) - value(-1)) / 2e-6
        found = (inputs[place].grad.numpy() * direction).sum()
        assert found == pytest.approx(slope, rel=1e-5, abs=1e-7), f"input {place}"


@pytest.mark.parametrize("layer", [
    nn.RNN(3, 4, nonlinearity="relu"), nn.LSTM(3, 4, 2, bidirectional=True), nn.GRU(3, 4),
    nn.LSTM(3, 4, proj_size=2), nn.GRUCell(3, 4), nn.LSTMCell(3, 4),
    nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True),
    nn.TransformerDecoderLayer(4, 2, 8, dropout=0.0)], ids=lambda m: type(m).__name__)
def test_the_gradient_of_a_layer_is_the_slope_along_its_parameters(layer):
    layer.double()
    if isinstance(layer, (nn.GRUCell, nn.LSTMCell)):
        arguments = [tensor(draw(2, 3))]
    elif isinstance(layer, nn.MultiheadAttention):
        arguments = [tensor(draw(3, 2, 4))] * 3
    elif isinstance(layer, nn.TransformerDecoderLayer):
        arguments = [tensor(draw(3, 2, 4)), tensor(draw(2, 2, 4))]
    else:
        arguments = [tensor(draw(5, 2, 3))]

    def total():
        found = layer(*arguments)
        first = found[0] if isinstance(found, tuple) else found
        return (first * tensor(draw(*first.shape, seed=9))).sum()

    total().backward()
    for name, parameter in layer.named_parameters():
        start = parameter.detach().numpy()
        direction = draw(*parameter.shape, seed=4)
        ends = []
        for sign in (1, -1):
            nn.state.set_value(parameter, start + sign * 1e-6 * direction)
            ends.append(total().item())
        nn.state.set_value(parameter, start)
        slope = (ends[0] - ends[1]) / 2e-6
        found = (parameter.grad.numpy() * direction).sum()
        assert found == pytest.approx(slope, rel=1e-4, abs=1e-6), name
