"""fit, evaluate and predict replay the steps of a model; nothing but the time may tell."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from tricord import keras
from tricord.errors import TricordError
from tricord.keras import layers
from tricord.tensor.recorder import state
from tricord.tensor.series import Series

RNG = np.random.default_rng(5)
X = RNG.standard_normal((50, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 50)


def classifier(eager=False, optimizer="adam", dropout=0.0, dense=None, **options):
    keras.utils.set_random_seed(7)
    model = keras.Sequential([
        keras.Input((6,)), layers.Dense(8, activation="relu", **(dense or {})),
        layers.BatchNormalization(), layers.Dropout(dropout), layers.Dense(3)])
    options.setdefault("loss", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    options.setdefault("metrics", ["accuracy"])
    if callable(optimizer):
        optimizer = optimizer()
    model.compile(optimizer=optimizer, run_eagerly=eager, **options)
    return model


def everything(model, history):
    """All that training leaves behind, to the last bit."""
    return ([w.tolist() for w in model.get_weights()], history.history, history.epoch,
            [np.asarray(v).tolist() for v in model.optimizer.variables],
            model.optimizer.iterations.numpy().tolist())


def train(model, epochs=4, **options):
    options = {"batch_size": 8, "verbose": 0, "epochs": epochs, **options}
    return everything(model, model.fit(X, Y, **options))


def same_as_python(epochs=4, fit=None, **options):
    """Train replayed and as Python runs it; the model that was replayed."""
    found = []
    for eager in (True, False):
        model = classifier(eager, **options)
        given = fit() if fit is not None else {}
        found.append(train(model, epochs, **given))
    assert found[0] == found[1]
    return model


def learned(model, name="train_step"):
    return [what for f in model._compiled_steps[name].functions for _, what in f.history]


class Count(keras.callbacks.Callback):
    """What each epoch built and evaluated outside of replays."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self._before = state.programs_built, state.cuts

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append((state.programs_built - self._before[0], state.cuts - self._before[1]))


OPTIMIZERS = {
    "adam": "adam", "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "weight decay": lambda: keras.optimizers.AdamW(weight_decay=0.1),
    "clipped": lambda: keras.optimizers.RMSprop(global_clipnorm=0.5),
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(
        0.1, 3, 0.5)),
    "nadam": "nadam", "average": lambda: keras.optimizers.Adam(use_ema=True, ema_momentum=0.5),
    "accumulated": lambda: keras.optimizers.SGD(gradient_accumulation_steps=2)}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_replayed_training_gives_the_same_bits(optimizer):
    model = same_as_python(optimizer=optimizer)
    assert not model.optimizer.is_plain or "compiled" in learned(model)


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_dropout_weights_and_validation_give_the_same_bits(shuffle):
    weights = np.linspace(0.5, 1.5, 50).astype(np.float32)
    model = same_as_python(dropout=0.4, weighted_metrics=["accuracy"], fit=lambda: {
        "shuffle": shuffle, "sample_weight": weights, "validation_data": (X[:20], Y[:20])})
    assert learned(model).count("compiled") == 2  # whole batches, and the last, which is shorter
    assert "compiled" in learned(model, "test_step")


def test_an_epoch_builds_and_cuts_nothing():
    count = Count()
    train(classifier(dropout=0.3), 5, callbacks=[count])
    assert count.epochs[0][0] > 0 and count.epochs[2:] == [(0, 0)] * 3


def test_a_second_fit_goes_on_with_what_was_compiled():
    model, count = classifier(), Count()
    for _ in range(3):
        train(model, 1)
    assert learned(model) == ["compiled"] * 2
    train(model, 2, callbacks=[count])
    assert count.epochs == [(0, 0)] * 2 and learned(model) == ["compiled"] * 2


def test_callbacks_are_told_the_same_logs():
    class Logs(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.kept, self.read = [], []

        def on_train_batch_end(self, batch, logs=None):
            self.kept.append(logs)
            if batch % 2:
                self.read.append((batch, dict(logs)))

        def told(self):
            return self.read, [dict(logs) for logs in self.kept]

    told = []
    for eager in (True, False):
        model, logs = classifier(eager), Logs()
        train(model, callbacks=[logs])
        told.append(logs.told())
    assert told[0] == told[1] and learned(model).count("compiled") == 2


def changes():
    def rate(model, epoch):
        model.layers[2].rate = 0.1 * epoch

    def learning_rate(model, epoch):
        model.optimizer.learning_rate = 0.1 / (epoch + 1)

    def beta(model, epoch):
        model.optimizer.beta_1 = 0.5 + 0.05 * epoch

    def frozen(model, epoch):
        model.layers[0].trainable = bool(epoch % 2)

    def weights(model, epoch):
        model.set_weights([w * np.float32(0.5) for w in model.get_weights()])

    def momentum(model, epoch):
        model.layers[1].momentum = 0.5 + 0.1 * epoch

    def constraint(model, epoch):
        model.layers[0].kernel.constraint = keras.constraints.MaxNorm(0.1) if epoch == 2 else None

    def compiled(model, epoch):
        if epoch == 2:
            model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                          run_eagerly=model.run_eagerly)

    return {f.__name__: f for f in (rate, learning_rate, beta, frozen, weights, momentum,
                                    constraint, compiled)}


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_end"])
@pytest.mark.parametrize("change", changes().values(), ids=changes())
def test_what_a_callback_changes_counts(change, hook):
    if change.__name__ in ("compiled", "frozen") and hook == "on_train_batch_end":
        pytest.skip("is the same as at the beginning of an epoch")

    def callbacks():
        class Change(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if hook == "on_epoch_begin":
                    change(self.model, epoch)

            def on_train_batch_end(self, batch, logs=None):
                if hook == "on_train_batch_end":
                    change(self.model, batch // 2)

        if hook == "on_epoch_begin":
            del Change.on_train_batch_end
        return {"callbacks": [Change()]}

    same_as_python(6, dropout=0.2, fit=callbacks)


def test_a_step_of_ones_own_runs_for_each_batch():
    calls = []

    class Own(keras.Model):
        def train_step(self, data):
            calls.append(len(data))
            return super().train_step(data)

    inputs = keras.Input((6,))
    model = Own(inputs, layers.Dense(3)(inputs))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, Y, batch_size=10, epochs=3, verbose=0)
    assert calls == [2] * 15


class OwnLayer(layers.Layer):
    def call(self, x):
        CALLS.append(1)
        return x * 2


class OwnMetric(keras.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        CALLS.append(1)
        super().update_state(y_pred)


def own_loss(y_true, y_pred):
    CALLS.append(1)
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


CALLS: list[int] = []


@pytest.mark.parametrize("part", ["layer", "metric", "loss", "lambda", "activation"])
def test_python_of_ones_own_runs_for_each_batch(part):
    def double(x):
        CALLS.append(1)
        return x * 2

    keras.utils.set_random_seed(1)
    own = {"layer": OwnLayer(), "lambda": layers.Lambda(double),
           "activation": layers.Dense(4, activation=double)}.get(part, layers.Dense(4))
    model = keras.Sequential([keras.Input((6,)), own, layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", own_loss if part == "loss" else loss,
                  metrics=[OwnMetric(name="own")] if part == "metric" else None)
    CALLS.clear()
    model.fit(X, Y, batch_size=10, epochs=4, verbose=0)
    assert len(CALLS) == 20
    model.evaluate(X, Y, batch_size=10, verbose=0)
    assert len(CALLS) == 25


def test_a_hook_that_is_added_later_runs():
    model = classifier()
    train(model, 2)
    model.layers[0].register_forward_hook(lambda *_: CALLS.append(1))
    CALLS.clear()
    train(model, 2)
    assert len(CALLS) == 14


def test_after_a_refused_label_the_weights_are_unharmed():
    bad = Y.copy()
    bad[40] = 11
    ends = []
    for eager in (True, False):
        model = classifier(eager)
        train(model, 2)
        with pytest.raises(TricordError):
            model.fit(X, bad, batch_size=8, epochs=1, shuffle=False, verbose=0)
        assert all(np.isfinite(w).all() for w in model.get_weights())
        ends.append(([w.tolist() for w in model.get_weights()], train(model, 2)))
    assert ends[0] == ends[1]


def test_arrays_that_somebody_holds_are_not_written_over():
    model = classifier()
    train(model, 2)
    held = [np.asarray(v) for v in model.trainable_variables]
    before = [h.copy() for h in held]
    train(model, 1)
    assert all((h == b).all() for h, b in zip(held, before, strict=True))
    assert not (model.get_weights()[0] == before[0]).all()


def test_evaluate_and_predict_are_replayed_with_the_same_bits():
    found = []
    for eager in (True, False):
        model = classifier(eager, dropout=0.5)
        train(model, 1)
        found.append(([model.evaluate(X, Y, batch_size=8, verbose=0) for _ in range(3)],
                      [model.predict(X, batch_size=8, verbose=0).tolist() for _ in range(3)],
                      model.predict_on_batch(X[:4]).tolist(), model.test_on_batch(X[:4], Y[:4])))
    assert found[0] == found[1]
    before = state.programs_built, state.cuts
    model.predict(X, batch_size=8, verbose=0)
    model.evaluate(X, Y, batch_size=8, verbose=0)
    assert (state.programs_built, state.cuts) == before


def test_train_on_batch_is_replayed_with_the_same_bits():
    found = []
    for eager in (True, False):
        model = classifier(eager)
        found.append([model.train_on_batch(X[i:i + 8], Y[i:i + 8]) for i in range(0, 40, 8)])
    assert [np.asarray(f).tolist() for f in found[0]] == [np.asarray(f).tolist() for f in found[1]]
    assert learned(model) == ["compiled"]


def test_several_outputs_and_inputs_by_name():
    found = []
    for eager in (True, False):
        keras.utils.set_random_seed(2)
        a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
        hidden = layers.Dense(5, activation="tanh")(layers.Concatenate()([a, b]))
        model = keras.Model({"a": a, "b": b}, {"u": layers.Dense(3)(hidden),
                                               "v": layers.Dense(1)(hidden)})
        model.compile("adam", {"u": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                               "v": "mse"}, metrics={"v": ["mae"]}, run_eagerly=eager)
        history = model.fit({"a": X, "b": X * 2}, {"u": Y, "v": X[:, :1]}, epochs=5, verbose=0)
        found.append(everything(model, history))
    assert found[0] == found[1] and "compiled" in learned(model)


def test_a_generator_of_batches_gives_the_same_bits():
    def batches():
        for _ in range(4):
            for i in range(0, 48, 8):
                yield X[i:i + 8], Y[i:i + 8]

    found = []
    for eager in (True, False):
        model = classifier(eager)
        found.append(everything(model, model.fit(batches(), steps_per_epoch=6, epochs=4,
                                                 verbose=0)))
    assert found[0] == found[1] and learned(model) == ["compiled"]


def test_a_copy_and_a_saved_model_have_steps_of_their_own(tmp_path):
    model = classifier()
    train(model, 3)
    model.save(tmp_path / "m.keras")
    read = keras.models.load_model(tmp_path / "m.keras")
    copied = keras.models.clone_model(model)
    copied.set_weights(model.get_weights())
    copied.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = [w.tolist() for w in model.get_weights()]
    ends = []
    for other in (read, copied):
        ends.append(train(other, 3)[0])
        assert [w.tolist() for w in model.get_weights()] == before
    assert ends[0] != before


def test_a_deep_copy_goes_on_as_the_model_does():
    model = classifier()
    train(model, 3)
    before = [w.tolist() for w in model.get_weights()]
    copied = copy.deepcopy(model)
    end = train(copied, 3, shuffle=False)[0]
    assert [w.tolist() for w in model.get_weights()] == before != end
    assert train(model, 3, shuffle=False)[0] == end


@pytest.mark.parametrize("listening", [False, True])
def test_where_nobody_looks_operands_are_gathered_once(monkeypatch, listening):
    steps, begun = [], []
    step, begin = Series.step, Series.begin
    monkeypatch.setattr(Series, "step", lambda *a: steps.append(step(*a)) or steps[-1])
    monkeypatch.setattr(Series, "begin", lambda plan: begun.append(plan) or begin(plan))
    model = classifier()
    for epochs in (2, 5):
        callbacks = [keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_: None)]
        model.fit(X[:48], Y[:48], batch_size=8, epochs=epochs, verbose=0,
                  callbacks=callbacks if listening else None)
        if epochs == 2:
            steps.clear(), begun.clear()
    # Of six steps an epoch one is replayed alone, and shows what the others are like.
    assert (steps, len(begun)) == (([], 0) if listening else ([True] * 25, 5))
