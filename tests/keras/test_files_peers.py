"""Model files travel between the real Keras 3 and this face, in all three formats."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tricord import keras as face

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="session")
def real() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


def dense(k: Any) -> Any:
    return k.Sequential([k.Input((6,)), k.layers.Dense(5, activation="relu"),
                         k.layers.Dropout(0.5),
                         k.layers.Dense(3, activation="softmax", kernel_regularizer="l2")])


def deferred(k: Any) -> Any:
    model = k.Sequential([k.layers.Dense(4, activation="tanh"), k.layers.Dense(2)])
    model.build((None, 6))
    return model


def graph(k: Any) -> Any:
    a, b = k.Input((6,), name="a"), k.Input((4,), name="b")
    shared = k.layers.Dense(5, activation="gelu", name="shared")
    left = k.layers.BatchNormalization(name="norm")(shared(a))
    right = shared(k.layers.Dense(6, name="up")(b))
    joined = k.layers.Concatenate(name="joined")([left, right])
    summed = k.layers.add([left * 2.0 + 1.0, right])
    inner = k.Sequential([k.Input((5,)), k.layers.Dense(3)], name="inner")
    return k.Model([a, b], [k.layers.Dense(2, name="one")(joined), inner(summed)])


def images(k: Any) -> Any:
    return k.Sequential([
        k.Input((12, 12, 3)), k.layers.Conv2D(4, 3, padding="same", activation="relu"),
        k.layers.BatchNormalization(), k.layers.MaxPooling2D(), k.layers.SeparableConv2D(6, 3),
        k.layers.ZeroPadding2D(1), k.layers.DepthwiseConv2D(3), k.layers.Cropping2D(1),
        k.layers.UpSampling2D(2), k.layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
        k.layers.GlobalAveragePooling2D(), k.layers.Reshape((3, 1)), k.layers.Flatten(),
        k.layers.LayerNormalization(), k.layers.Dense(2)])


def sequences(k: Any) -> Any:
    return k.Sequential([
        k.Input((7,), dtype="int32"), k.layers.Embedding(11, 5, mask_zero=True),
        k.layers.Bidirectional(k.layers.LSTM(4, return_sequences=True)),
        k.layers.TimeDistributed(k.layers.Dense(3, activation="tanh")),
        k.layers.GRU(4, return_sequences=True), k.layers.SimpleRNN(3), k.layers.Dense(2)])


def attention(k: Any) -> Any:
    x = k.Input((5, 4))
    y = k.layers.MultiHeadAttention(2, 3)(x, x)
    y = k.layers.LayerNormalization()(k.layers.Add()([x, y]))
    return k.Model(x, k.layers.Dense(2)(k.layers.GlobalAveragePooling1D()(y)))


MODELS: list[Callable[[Any], Any]] = [dense, deferred, graph, images, sequences, attention]


def inputs_of(model: Any) -> Any:
    random = np.random.RandomState(0)

    def one(t: Any) -> Any:
        shape = (4, *t.shape[1:])
        if str(t.dtype) == "int32":
            return random.randint(0, 11, shape).astype("int32")
        return random.standard_normal(shape).astype("float32")
    found = [one(t) for t in model.inputs]
    return found[0] if len(found) == 1 else found


def outputs_of(model: Any, x: Any) -> list[Any]:
    found = model.predict(x, verbose=0)
    return list(found) if isinstance(found, (list, tuple)) else [found]


def trained(k: Any, make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """A model with two steps of training behind it, and data."""
    model = make(k)
    random = np.random.RandomState(1)
    model.set_weights([w if w.ndim == 0 else random.uniform(0.1, 0.6, w.shape).astype("float32")
                       for w in model.get_weights()])
    x = inputs_of(model)
    y = [np.ones_like(o) * 0.25 for o in outputs_of(model, x)]
    model.compile(optimizer=k.optimizers.Adam(0.01), loss="mse", metrics=["mae"] if len(y) == 1
                  else None)
    for _ in range(2):
        model.train_on_batch(x, y[0] if len(y) == 1 else y)
    return model, x


def same(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", MODELS, ids=lambda m: m.__name__)
def test_keras_reads_what_we_write(make: Any, suffix: str, real: Any, tmp_path: Path) -> None:
    if (make, suffix) == (graph, ".h5"):
        pytest.skip("Keras does not read operations in .h5 files, its own neither")
    model, x = trained(face, make)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    loaded = real.models.load_model(path)
    same(outputs_of(loaded, x), outputs_of(model, x))
    if suffix == ".h5":
        return  # Keras refuses to go on training what it has loaded from an .h5 file
    y = [np.zeros_like(o) for o in outputs_of(model, x)]
    target = y[0] if len(y) == 1 else y
    ours, theirs = (m.train_on_batch(x, target, return_dict=True) for m in (model, loaded))
    if make is not dense:  # dropout has its own random numbers
        np.testing.assert_allclose(float(ours["loss"]), float(theirs["loss"]), rtol=1e-4)
        # The optimizer went on from the same state.
        same(outputs_of(loaded, x), outputs_of(model, x))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", MODELS, ids=lambda m: m.__name__)
def test_we_read_what_keras_writes(make: Any, suffix: str, real: Any, tmp_path: Path) -> None:
    model, x = trained(real, make)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    loaded = face.models.load_model(path)
    same(outputs_of(loaded, x), outputs_of(model, x))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    y = [np.zeros_like(o) for o in outputs_of(model, x)]
    target = y[0] if len(y) == 1 else y
    if make is not dense:
        for m in (model, loaded):
            m.train_on_batch(x, target)
        same(outputs_of(loaded, x), outputs_of(model, x))


@pytest.mark.parametrize("make", MODELS, ids=lambda m: m.__name__)
def test_weights_go_both_ways(make: Any, real: Any, tmp_path: Path) -> None:
    for source, target in ((face, real), (real, face)):
        model, x = trained(source, make)
        path = tmp_path / f"{source.__name__.replace('.', '_')}.weights.h5"
        model.save_weights(path)
        other = make(target)
        other.load_weights(path)
        same(outputs_of(other, x), outputs_of(model, x))


def test_a_subclassed_model_exchanges_weights(real: Any, tmp_path: Path) -> None:
    def make(k: Any) -> Any:
        class Net(k.Model):
            def __init__(self) -> None:
                super().__init__()
                self.head = k.layers.Dense(2)
                self.blocks = [k.layers.Dense(4, activation="relu"), k.layers.Dense(4)]
                self.norm = k.layers.LayerNormalization()

            def call(self, x: Any) -> Any:
                for block in self.blocks:
                    x = block(x)
                return self.head(self.norm(x))
        return Net()

    x = np.random.RandomState(0).standard_normal((3, 5)).astype("float32")
    for source, target in ((face, real), (real, face)):
        one, two = make(source), make(target)
        np.asarray(source.ops.convert_to_numpy(one(x)))
        target.ops.convert_to_numpy(two(x))
        path = tmp_path / f"{source.__name__.replace('.', '_')}.weights.h5"
        one.save_weights(path)
        two.load_weights(path)
        np.testing.assert_allclose(source.ops.convert_to_numpy(one(x)),
                                   target.ops.convert_to_numpy(two(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta",
                                  "Adamax", "Nadam", "Ftrl", "Lion"])
def test_the_state_of_an_optimizer_has_the_same_order(name: str, real: Any) -> None:
    found = []
    for k in (real, face):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2, name="d")])
        model.compile(getattr(k.optimizers, name)(), "mse")
        model.train_on_batch(np.ones((2, 3), "float32"), np.zeros((2, 2), "float32"))
        found.append([(v.path.split("/")[-1], tuple(v.shape)) for v in model.optimizer.variables])
    theirs, ours = found
    assert [s for _, s in ours] == [s for _, s in theirs]
    assert len(ours) == len(theirs)
