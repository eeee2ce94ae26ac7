"""Composites with Keras's conventions against Keras: losses, paddings, layouts, GRU resets."""

from __future__ import annotations

import numpy as np
import pytest

from tricord.functions import class_loss, loss, pooling, recurrent
from tricord.functions import convolution as convolutions
from tricord.functions.activation import clipped_relu
from tricord.functions.creation import zeros
from tricord.ir.ops.movement import transpose
from tricord.tensor import record, tensor

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default")]

SEED = np.random.RandomState(0)
P = SEED.rand(4, 3).astype("float32") * 0.9 + 0.05
T = SEED.rand(4, 3).astype("float32")
T /= T.sum(1, keepdims=True)
Z = SEED.randn(4, 3).astype("float32")
B = (SEED.rand(4, 3) > 0.5).astype("float32")
S = SEED.randint(0, 3, 4)
IMAGE = SEED.randn(2, 7, 8, 3).astype("float32")


def same(ours, theirs, tolerance=2e-5):
    real = keras.ops.convert_to_numpy(theirs)
    assert ours.shape == real.shape
    np.testing.assert_allclose(ours.numpy(), real, rtol=tolerance, atol=tolerance)


LOSSES = {
    "categorical_crossentropy": [(T, P, {}), (T, Z, {"from_logits": True}),
                                 (T, P, {"label_smoothing": 0.1})],
    "sparse_categorical_crossentropy": [(S, P, {}), (S, Z, {"from_logits": True}),
                                        (S, P, {"ignore_class": 1})],
    "binary_crossentropy": [(B, P, {}), (B, Z, {"from_logits": True}),
                            (B, P, {"label_smoothing": 0.1})],
    "binary_focal_crossentropy": [(B, P, {"apply_class_balancing": True}),
                                  (B, Z, {"from_logits": True, "gamma": 1.5})],
    "categorical_focal_crossentropy": [(T, P, {}), (T, Z, {"from_logits": True, "alpha": 0.4})],
    "hinge": [(B, Z, {}), (B * 2 - 1, Z, {})],
    "squared_hinge": [(B, Z, {})],
    "categorical_hinge": [(B, Z, {})],
}


@pytest.mark.parametrize(("name", "target", "output", "options"), [
    (name, *row) for name, rows in LOSSES.items() for row in rows])
def test_losses(name, target, output, options):
    function = getattr(class_loss, name)
    names = function.__code__.co_varnames[2:function.__code__.co_argcount]
    values = dict(zip(names, function.__defaults__ or ())) | options
    same(record(function, (tensor(target), tensor(output)), tuple(values.values())),
         getattr(keras.losses, name)(target, output, **options))


@pytest.mark.parametrize("name", ["mean_absolute_percentage_error",
                                  "mean_squared_logarithmic_error"])
def test_losses_of_numbers(name):
    same(record(getattr(loss, name), (tensor(P), tensor(T))), getattr(keras.losses, name)(T, P))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("taps", "stride"), [(3, 2), (2, 3), (4, 2), (3, 1)])
def test_convolutions(padding, taps, stride):
    x = tensor(IMAGE)
    options = {"strides": stride, "padding": padding, "data_format": "channels_last"}
    w = SEED.randn(taps, taps, 3, 5).astype("float32")
    same(record(convolutions.conv, (x, tensor(w)),
                (None, stride, padding, 1, 1, "N*C", "*IO")),
         keras.ops.conv(IMAGE, w, **options), 1e-4)
    w = SEED.randn(taps, taps, 5, 3).astype("float32")
    widths = convolutions.keras_transpose_padding(padding, (taps,) * 2, (stride,) * 2, (1, 1))
    same(record(convolutions.conv_transpose, (x, tensor(w)),
                (None, stride, widths, 0, 1, 1, "N*C", "*OI")),
         keras.ops.conv_transpose(IMAGE, w, **options), 1e-4)
    w = SEED.randn(taps, taps, 3, 2).astype("float32")
    same(record(convolutions.depthwise_conv, (x, tensor(w)), (None, stride, padding)),
         keras.ops.depthwise_conv(IMAGE, w, **options), 1e-4)
    same(record(pooling.max_pool, (x,), (2, taps, stride, padding, 1, False, "N*C")),
         keras.ops.max_pool(IMAGE, taps, **options))


def test_average_pooling_does_not_count_padding():
    """Keras's TensorFlow and JAX backends; its torch backend averages a repeated border in."""
    x = tensor(np.ones((1, 5, 5, 1), np.float32))
    found = record(pooling.avg_pool, (x,), (2, 3, 2, "same", False, False, None, "N*C"))
    assert (found.numpy() == 1).all()


def _gru(x, kernel, recurrent_kernel, *biases):
    x = transpose(x, (1, 0, 2))
    projected = recurrent.project(x, kernel, biases[0], False)
    start = zeros((x.shape[1], recurrent_kernel.shape[0]), x.dtype)
    after = biases[1] if len(biases) > 1 else None
    outputs, _ = recurrent.gru(projected, start, recurrent_kernel, after, order="zrn",
                               reset_after=after is not None)
    return transpose(outputs, (1, 0, 2))


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru(reset_after):
    layer = keras.layers.GRU(4, return_sequences=True, reset_after=reset_after)
    x = SEED.randn(2, 5, 3).astype("float32")
    layer(x)
    kernel, inner, bias = (SEED.randn(*w.shape).astype("float32") for w in layer.get_weights())
    layer.set_weights([kernel, inner, bias])
    biases = [tensor(b) for b in bias] if reset_after else [tensor(bias)]
    same(record(_gru, (tensor(x), tensor(kernel), tensor(inner), *biases)), layer(x), 1e-4)


def test_relu_with_all_its_options():
    same(record(clipped_relu, (tensor(Z),), (0.2, 1.5, 0.3)), keras.activations.relu(
        Z, negative_slope=0.2, max_value=1.5, threshold=0.3))
