"""Layers: building, names, weights, masks, losses, and modules of the other style."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tricord import keras, nn
from tricord.errors import ArgumentError, ShapeError, StateError
from tricord.keras import layers
from tricord.tensor import tensor

X = np.arange(12, dtype="float32").reshape(3, 4) / 10


class Scale(layers.Layer):
    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), name="w",
                                 initializer=keras.initializers.Constant(self.start))

    def call(self, x):
        return x * self.w


def test_a_layer_is_built_by_its_first_input():
    layer = Scale(2.0)
    assert not layer.built and layer.weights == []
    np.testing.assert_allclose(layer(X), X * 2)
    assert layer.built and tuple(layer.w.shape) == (4,)
    assert layer.get_build_config() == {"input_shape": (3, 4)}


def test_unbuilt_layers_of_a_traced_model_know_no_batch_size():
    inner = Scale()

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def call(self, x):
            return self.inner(x)

    assert Outer()(keras.Input((4,))).shape == (None, 4)
    assert inner.get_build_config() == {"input_shape": (None, 4)}


def test_names_are_counted_and_paths_nest():
    keras.utils.clear_session()
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert layers.MaxPooling2D().name == "max_pooling2d"
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="d")], name="outer")
    assert [v.path for v in model.weights] == ["outer/d/kernel", "outer/d/bias"]


def test_names_are_unique_between_threads():
    keras.utils.clear_session()
    found = []
    workers = [threading.Thread(target=lambda: found.extend(
        layers.Identity().name for _ in range(200))) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len(set(found)) == 800


def test_trained_weights_stand_before_the_others_in_each_layer():
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(2)])
    assert [v.name for v in model.weights] == [
        "gamma", "beta", "moving_mean", "moving_variance", "kernel", "bias"]
    assert [v.name for v in model.non_trainable_weights] == ["moving_mean", "moving_variance"]


def test_frozen_layers_give_their_weights_to_the_others():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 2
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], epochs=2, verbose=0)
    after = model.get_weights()
    assert np.array_equal(before[0], after[0]) and not np.array_equal(before[2], after[2])


def test_a_frozen_batch_normalisation_keeps_its_statistics():
    layer = layers.BatchNormalization()
    layer(X)
    layer.trainable = False
    layer(X, training=True)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(4))
    layer.trainable = True
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), X.mean(0) * 0.01, rtol=1e-5)


def test_input_spec_speaks_kerass_words():
    layer = layers.Dense(10, name="dense")
    layer(np.zeros((2, 784), "float32"))
    with pytest.raises(ShapeError, match='Input 0 of layer "dense" is incompatible with the layer: '
                       r"expected axis -1 of input shape to have value 784, but received input "
                       r"with shape \(32, 10\)"):
        layer(np.zeros((32, 10), "float32"))


def test_a_layer_without_super_init_says_so():
    class Bad(layers.Layer):
        def __init__(self):
            self.inner = layers.Dense(1)

    with pytest.raises(StateError, match=r"super\(\).__init__"):
        Bad()


def test_masks_reach_layers_that_want_them_and_the_loss():
    x = np.array([[1, 2, 0], [3, 0, 0]])
    embedded = layers.Embedding(5, 2, mask_zero=True)(x)
    assert embedded._keras_mask.tolist() == [[True, True, False], [True, False, False]]
    mean = layers.GlobalAveragePooling1D()(embedded)
    np.testing.assert_allclose(mean[1], embedded[1, 0], rtol=1e-6)
    dense = layers.Dense(3)(embedded)
    assert dense._keras_mask is embedded._keras_mask
    loss = keras.losses.MeanSquaredError()(np.zeros((2, 3, 3)), dense)
    values = (dense.numpy() ** 2).mean(-1)
    keep = x != 0
    assert float(loss) == pytest.approx((values * keep).sum() / keep.sum(), rel=1e-5)


def test_losses_of_layers_and_weights_are_gathered_anew_each_call():
    class Adds(layers.Layer):
        def call(self, x):
            self.add_loss(x.sum())
            return x

    model = keras.Sequential([keras.Input((4,)), Adds(),
                              layers.Dense(1, kernel_regularizer="l2", activity_regularizer="l1")])
    for _ in range(2):
        model(X)
    assert len(model.losses) == 3
    assert float(model.losses[0]) == pytest.approx(X.sum())


def test_a_torch_module_is_a_layer():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), nn.Linear(4, 3), nn.Dropout(0.5),
                              layers.Dense(2)])
    assert len(model.trainable_weights) == 4
    np.testing.assert_array_equal(model(X).numpy(), model(X).numpy())  # evaluation
    assert not np.array_equal(model(X, training=True).numpy(), model(X).numpy())
    model.compile("sgd", "mse")
    first = model.evaluate(X, X[:, :2], verbose=0)
    model.fit(X, X[:, :2], epochs=5, verbose=0)
    assert model.evaluate(X, X[:, :2], verbose=0) < first


def test_a_layer_is_a_torch_module():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)
            self.norm = layers.BatchNormalization()

        def forward(self, x):
            return self.norm(self.dense(x))

    net = Net()
    net(tensor(X))
    assert [n for n, _ in net.named_parameters()] == [
        "dense.kernel", "dense.bias", "norm.gamma", "norm.beta"]
    assert list(net.state_dict()) == [
        "dense.kernel", "dense.bias", "norm.gamma", "norm.beta", "norm.moving_mean",
        "norm.moving_variance"]
    assert isinstance(net.dense, nn.Module)
    net.train()
    net(tensor(X)).sum().backward()
    assert net.dense.kernel.grad is not None
    assert float(abs(net.norm.moving_mean).sum()) > 0


def test_old_spellings_mean_the_same():
    model = keras.Sequential([layers.Dense(3, input_dim=4)])
    assert model.input_shape == (None, 4)
    assert keras.Sequential([layers.Dense(3, input_shape=(4,))]).input_shape == (None, 4)
    assert keras.Sequential([layers.Dense(3, batch_input_shape=(7, 4))]).input_shape == (7, 4)
    np.testing.assert_allclose(float(keras.optimizers.SGD(lr=0.25).learning_rate), 0.25)
    decayed = keras.optimizers.SGD(lr=0.5, decay=1.0)
    model.compile(decayed, "mse", metrics=["acc"])
    history = model.fit(X, X[:, :3], nb_epoch=2, verbose=0)
    assert len(history.epoch) == 2 and "acc" in history.history
    assert float(decayed.learning_rate) == pytest.approx(0.5 / 3)


def test_weights_can_be_given_and_set():
    kernel = np.ones((4, 2), "float32")
    layer = layers.Dense(2, weights=[kernel, np.zeros(2, "float32")])
    np.testing.assert_allclose(layer(X)[:, 0], X.sum(1), rtol=1e-6)
    with pytest.raises(ValueError, match="length 1"):
        layer.set_weights([kernel])
    with pytest.raises(ArgumentError, match="expected a positive integer"):
        layers.Dense(0)


def test_configs_make_equal_layers():
    for layer in (layers.Dense(3, "relu", kernel_regularizer="l2"), layers.Conv2D(2, 3),
                  layers.Dropout(0.3), layers.Embedding(4, 2), layers.Reshape((2, 2)),
                  layers.BatchNormalization(momentum=0.5), layers.LeakyReLU(0.2)):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()


def test_a_custom_layer_remembers_simple_arguments():
    layer = Scale(3.0, name="s")
    assert layer.get_config()["start"] == 3.0
    again = Scale.from_config(layer.get_config())
    assert again.start == 3.0 and again.name == "s"


def test_constraints_hold_after_each_step():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, kernel_constraint="non_neg")])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(X, -X[:, :2], epochs=3, verbose=0)
    assert (model.get_weights()[0] >= 0).all()
