"""Sequential, functional and subclassed models: graphs, training, what fit is given."""

from __future__ import annotations

import numpy as np
import pytest

from tricord import keras
from tricord.errors import ArgumentError, NotCompiledError, StateError
from tricord.keras import layers

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((20, 4)).astype("float32")
Y = RANDOM.randint(0, 3, 20)


def classifier(**options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"),
                              layers.Dense(3, activation="softmax")])
    model.compile(**({"optimizer": "adam", "loss": "sparse_categorical_crossentropy",
                      "metrics": ["accuracy"]} | options))
    return model


def test_layers_are_added_and_popped():
    model = keras.Sequential()
    model.add(layers.Dense(3, input_dim=4))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    model.pop()
    assert model.output_shape == (None, 3) and len(model.layers) == 1


def test_a_model_without_input_is_built_by_data():
    model = keras.Sequential([layers.Dense(3), layers.Dense(1)])
    assert not model.built
    with pytest.raises(ValueError, match="0 weights"):
        model.set_weights([np.zeros((4, 3))])
    model(X)
    assert model.built and model.count_params() == 19


def test_shared_layers_and_several_outputs():
    a, b = keras.Input((4,)), keras.Input((4,))
    shared = layers.Dense(3)
    model = keras.Model([a, b], {"sum": shared(a) + shared(b), "left": shared(a)})
    found = model([X, X])
    np.testing.assert_allclose(found["sum"], 2 * found["left"].numpy(), rtol=1e-5)
    assert len(model.weights) == 2


def test_inputs_by_name():
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    model = keras.Model([a, b], layers.Concatenate()([a, b]))
    by_name = model({"b": X[:, :2], "a": X})
    np.testing.assert_array_equal(by_name, model([X, X[:, :2]]))
    with pytest.raises(ArgumentError, match="Missing data for input \"b\""):
        model({"a": X})


def test_a_graph_that_lacks_an_input_says_which():
    a, b = keras.Input((4,), name="given"), keras.Input((4,), name="forgotten")
    with pytest.raises(StateError, match="forgotten"):
        keras.Model(a, layers.add([a, b]))


def test_symbolic_tensors_have_no_value():
    a = keras.Input((4,))
    with pytest.raises(TypeError, match="symbolic"):
        bool(a > 0)
    with pytest.raises(TypeError, match="symbolic"):
        np.asarray(a)


def test_unknown_sizes_stay_unknown():
    x = keras.Input((None, 4))
    y = layers.Conv1D(3, 2, padding="same")(x)
    assert y.shape == (None, None, 3)
    assert layers.GlobalMaxPooling1D()(y).shape == (None, 3)
    assert layers.LSTM(5, return_sequences=True)(x).shape == (None, None, 5)
    assert keras.ops.reshape(x, (-1, 2)).shape == (None, 2)


def test_models_nest():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="inner")
    outer = keras.Sequential([inner, layers.Dense(1)])
    assert outer.input_shape == (None, 4) and len(outer.weights) == 4
    assert outer.get_layer("inner") is inner
    with pytest.raises(ValueError, match=r"Existing layers.*(?s:.*)did you mean 'inner'"):
        outer.get_layer("iner")


def test_a_subclass_trains_and_knows_training():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)
            self.seen = []

        def call(self, x, training=False):
            self.seen.append(training)
            return self.dense(x)

    net = Net()
    net.compile("sgd", "mse")
    net.fit(X, X[:, :3], epochs=1, batch_size=20, verbose=0)
    net.predict(X, verbose=0)
    assert net.seen[0] is True and net.seen[-1] is False
    lines = []
    net.summary(print_fn=lines.append)
    assert "15" in lines[0] and "dense" in lines[0]


def test_summary_of_a_subclass_shows_true_shapes():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = layers.Dense(7)
            self.second = layers.Dense(2)

        def call(self, x):
            return self.second(self.first(x))

    net = Net()
    net(X)
    lines = []
    net.summary(print_fn=lines.append)
    assert "(None, 7)" in lines[0] and "(None, 2)" in lines[0]


def test_a_custom_train_step():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.tracker = keras.metrics.Mean(name="mine")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            loss = keras.losses.MeanSquaredError()(y, self(x, training=True))
            loss.backward()
            self.optimizer.apply_gradients(
                [(v.grad, v) for v in self.trainable_variables])
            for v in self.trainable_variables:
                v.grad = None
            self.tracker.update_state(loss)
            return {"mine": self.tracker.result()}

        @property
        def metrics(self):
            return [self.tracker]

    net = Net()
    net.compile(keras.optimizers.SGD(0.1))
    history = net.fit(X, X[:, :1], epochs=3, verbose=0).history["mine"]
    assert history[-1] < history[0]


def test_fit_before_compile():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    with pytest.raises(NotCompiledError, match=r"compile\(\).*fit\(\)"):
        model.fit(X, Y)


def test_generators_sequences_and_validation():
    model = classifier()

    def batches():
        for at in range(0, 20, 5):
            yield X[at:at + 5], Y[at:at + 5]

    history = model.fit(batches(), verbose=0, validation_data=(X, Y))
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} == set(history.history)

    class Halves(keras.utils.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return X[10 * i:10 * i + 10], Y[10 * i:10 * i + 10]

    assert len(model.fit(Halves(), epochs=2, verbose=0).epoch) == 2


def test_callbacks_stop_and_change_the_rate(tmp_path):
    model = classifier()
    path = tmp_path / "best.keras"
    history = model.fit(X, Y, epochs=30, verbose=0, validation_data=(X, Y), callbacks=[
        keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10.0),
        keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True)])
    assert len(history.epoch) == 2 and path.exists()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1))])
    assert float(model.optimizer.learning_rate) == 0.25


def test_saved_models_go_on_with_the_same_numbers(tmp_path):
    for suffix in (".keras", ".h5"):
        model = classifier()
        model.fit(X, Y, epochs=2, verbose=0, shuffle=False)
        path = tmp_path / f"m{suffix}"
        model.save(path)
        again = keras.models.load_model(path)
        for m in (model, again):
            m.fit(X, Y, epochs=1, verbose=0, shuffle=False)
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_clones_have_their_own_weights():
    model = classifier()
    clone = keras.models.clone_model(model)
    assert clone.get_weights()[0].shape == model.get_weights()[0].shape
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    a = keras.Input((4,))
    graph = keras.Model(a, layers.Dense(2)(a) * 3)
    assert keras.models.clone_model(graph)(X).shape == (20, 2)
    assert keras.models.model_from_json(graph.to_json())(X).shape == (20, 2)


def test_the_same_seed_gives_the_same_model():
    found = []
    for _ in range(2):
        model = classifier()
        model.fit(X, Y, epochs=2, verbose=0)
        found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradients_are_accumulated():
    weights = []
    for steps, size in ((None, 20), (2, 10)):
        model = classifier(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=steps))
        model.fit(X, Y, epochs=1, batch_size=size, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_losses_that_layers_add_train_a_graph():
    class Pull(layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(keras.ops.square(x - 3.0)))
            return x

    a = keras.Input((4,))
    model = keras.Model(a, Pull()(layers.Dense(2)(a)))
    model.compile(keras.optimizers.SGD(0.1))
    losses = model.fit(X, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2
