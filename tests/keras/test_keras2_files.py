"""Model files in the words of Keras 2: batch_input_shape, lists of inbound nodes, old options."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tricord import keras
from tricord.errors import ArgumentError, FileFormatError
from tricord.serialize import H5Group, save_hdf5

RANDOM = np.random.RandomState(0)


def dense(name, units, **more):
    return {"class_name": "Dense", "config": {
        "name": name, "trainable": True, "dtype": "float32", "units": units,
        "activation": "relu", "use_bias": True, "kernel_initializer": {
            "class_name": "GlorotUniform", "config": {"seed": None}},
        "bias_initializer": {"class_name": "Zeros", "config": {}}, "kernel_regularizer": None,
        "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None,
        "bias_constraint": None, **more}}


def written(path, config, weights, training=None):
    tree = H5Group({"keras_version": "2.4.0", "backend": "tensorflow",
                    "model_config": json.dumps(config)})
    if training:
        tree.attributes["training_config"] = json.dumps(training)
    group = tree.group("model_weights")
    group.attributes["layer_names"] = list(weights)
    for layer, arrays in weights.items():
        own = group.group(layer)
        own.attributes["weight_names"] = [f"{layer}/{n}:0" for n in arrays]
        for name, array in arrays.items():
            own.group(layer).members[f"{name}:0"] = array
    save_hdf5(path, tree)


def pair(inputs, units):
    return {"kernel": RANDOM.standard_normal((inputs, units)).astype("float32"),
            "bias": RANDOM.standard_normal(units).astype("float32")}


def test_a_sequential_model(tmp_path):
    weights = {"d1": pair(4, 3), "drop": {}, "d2": pair(3, 2)}
    config = {"class_name": "Sequential", "config": {"name": "old", "layers": [
        dense("d1", 3, batch_input_shape=[None, 4]),
        {"class_name": "Dropout", "config": {"name": "drop", "trainable": True, "rate": 0.5,
                                             "noise_shape": None, "seed": None}},
        dense("d2", 2)]}}
    training = {"loss": "mean_squared_error", "metrics": ["mae"], "sample_weight_mode": None,
                "optimizer_config": {"class_name": "Adam", "config": {
                    "name": "Adam", "learning_rate": 0.01, "decay": 0.0, "beta_1": 0.9,
                    "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}}}
    written(tmp_path / "old.h5", config, weights, training)
    model = keras.models.load_model(tmp_path / "old.h5")
    x = RANDOM.standard_normal((5, 4)).astype("float32")
    h = np.maximum(x @ weights["d1"]["kernel"] + weights["d1"]["bias"], 0)
    expected = np.maximum(h @ weights["d2"]["kernel"] + weights["d2"]["bias"], 0)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert model.compiled and float(model.optimizer.learning_rate) == pytest.approx(0.01)
    model.fit(x, expected * 0, verbose=0)


@pytest.mark.filterwarnings("ignore:No training configuration")
def test_a_functional_model_with_a_shared_layer(tmp_path):
    weights = {"a": {}, "b": {}, "shared": pair(4, 3), "cat": {}, "out": pair(6, 2)}
    entry = {"class_name": "InputLayer", "config": {
        "batch_input_shape": [None, 4], "dtype": "float32", "sparse": False, "ragged": False}}

    def layer(config, name, nodes):
        return {**config, "config": {**config["config"], "name": name}, "name": name,
                "inbound_nodes": nodes}
    config = {"class_name": "Model", "config": {"name": "old", "layers": [
        layer(entry, "a", []), layer(entry, "b", []),
        layer(dense("shared", 3), "shared", [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]),
        layer({"class_name": "Concatenate", "config": {"trainable": True, "axis": -1}}, "cat",
              [[["shared", 0, 0, {}], ["shared", 1, 0, {}]]]),
        layer(dense("out", 2, activation="linear"), "out", [[["cat", 0, 0, {}]]])],
        "input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["out", 0, 0]]}}
    written(tmp_path / "old.h5", config, weights)
    model = keras.models.load_model(tmp_path / "old.h5")
    a, b = (RANDOM.standard_normal((5, 4)).astype("float32") for _ in range(2))
    w = weights["shared"]
    h = np.concatenate([np.maximum(v @ w["kernel"] + w["bias"], 0) for v in (a, b)], -1)
    found = model.predict([a, b], verbose=0)
    found = found[0] if isinstance(found, list) else found
    np.testing.assert_allclose(found, h @ weights["out"]["kernel"] + weights["out"]["bias"],
                               rtol=1e-5, atol=1e-6)


def test_an_unknown_option_is_named(tmp_path):
    config = {"class_name": "Sequential", "config": {"name": "old", "layers": [
        dense("d1", 3, batch_input_shape=[None, 4], activaton="relu")]}}
    written(tmp_path / "old.h5", config, {"d1": pair(4, 3)})
    with pytest.raises(ArgumentError, match=r"d1(?s:.*)activaton(?s:.*)activation"):
        keras.models.load_model(tmp_path / "old.h5")


def test_weights_alone_are_no_model(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    for name in ("w.h5", "w.weights.h5"):
        model.save_weights(tmp_path / name)
        with pytest.raises(FileFormatError, match=r"load_weights"):
            keras.models.load_model(tmp_path / name)
        other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        other.load_weights(tmp_path / name)
        np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_weights_by_name(tmp_path):
    one = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="first"),
                            keras.layers.Dense(2, name="second")])
    one.save_weights(tmp_path / "w.h5")
    two = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="second")])
    two.load_weights(tmp_path / "w.h5", by_name=True)
    np.testing.assert_array_equal(two.get_weights()[0], one.get_weights()[2])
