"""Keywords and names are refused with the nearest one; files cannot run code."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from tricord import keras
from tricord.errors import FileFormatError, NotSupportedError, StateError, UnsafeFileError
from tricord.keras import layers

MODULES = [keras.layers, keras.losses, keras.metrics, keras.optimizers, keras.initializers,
           keras.regularizers, keras.constraints, keras.callbacks, keras.activations, keras.ops,
           keras.utils, keras.models, keras.saving, keras.random, keras.optimizers.schedules]


def public():
    for module in MODULES:
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) and name not in _TAKE_ANYTHING:
                yield f"{module.__name__.removeprefix('tricord.')}.{name}", thing


#: what passes keywords on to a function of the user's, or takes none at all
_TAKE_ANYTHING = {"LossFunctionWrapper", "MeanMetricWrapper", "Lambda", "CallbackList", "linear",
                  "TorchModuleWrapper", "RemoteMonitor", "get_file"}


@pytest.mark.parametrize(("name", "thing"), list(public()), ids=[n for n, _ in public()])
def test_an_unknown_keyword_is_refused(name, thing):
    with pytest.raises(TypeError) as raised:
        thing(utterly_unknown_keyword=1)
    words = ("utterly_unknown_keyword", "missing", "takes no arguments")
    assert any(w in str(raised.value) for w in words)


@pytest.mark.parametrize(("call", "nearest"), [
    (lambda: layers.Dense(3, activatoin="relu"), "activation"),
    (lambda: layers.Dense(3, kernel_initialiser="zeros"), "kernel_initializer"),
    (lambda: layers.LSTM(3, return_sequence=True), "return_sequences"),
    (lambda: keras.optimizers.Adam(learning_rat=0.1), "learning_rate"),
    (lambda: keras.losses.Huber(delt=1.0), "delta"),
    (lambda: keras.callbacks.EarlyStopping(patiance=3), "patience"),
    (lambda: keras.Input(shap=(3,)), "shape"),
    (lambda: keras.Sequential().compile(optimiser="sgd"), "optimizer"),
    (lambda: keras.Sequential().fit(epoch=3), "epochs"),
    (lambda: keras.ops.sum(np.ones(3), axs=0), "axis"),
    (lambda: keras.utils.to_categorical([1], num_class=2), "num_classes"),
])
def test_the_nearest_keyword_is_named(call, nearest):
    with pytest.raises(TypeError, match=nearest):
        call()


@pytest.mark.parametrize(("look", "nearest"), [
    (lambda: keras.layers.Dens, "Dense"), (lambda: keras.optimizers.Adamm, "Adam"),
    (lambda: keras.losses.MeanSquareError, "MeanSquaredError"), (lambda: keras.ops.summ, "sum"),
    (lambda: keras.Sequentail, "Sequential"), (lambda: keras.utils.to_categoric, "to_categorical"),
    (lambda: keras.metrics.Acuracy, "Accuracy"),
])
def test_the_nearest_name_of_a_module_is_named(look, nearest):
    with pytest.raises(AttributeError, match=nearest):
        look()


def test_metrics_and_losses_by_wrong_name_fail_at_compile():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="accuracy"):
        model.compile("sgd", "mse", metrics=["acuracy"])
    with pytest.raises(ValueError, match="list, tuple, or dict"):
        model.compile("sgd", "mse", metrics="accuracy")


# ---- files

def with_lambda(tmp_path, config):
    path = tmp_path / "bad.keras"
    good = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    good.save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {n: archive.read(n) for n in archive.namelist()}
    data = json.loads(entries["config.json"])
    data["config"]["layers"].append(config)
    entries["config.json"] = json.dumps(data).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in entries.items():
            archive.writestr(name, raw)
    return path


def test_a_lambda_in_a_file_is_refused_by_name(tmp_path):
    path = with_lambda(tmp_path, {
        "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
        "config": {"name": "evil", "function": {"class_name": "__lambda__",
                                                "config": {"code": "4wAA"}}}})
    with pytest.raises(UnsafeFileError, match="evil"):
        keras.models.load_model(path)
    with pytest.warns(UserWarning, match="safe_mode"), pytest.raises(UnsafeFileError):
        keras.models.load_model(path, safe_mode=False)


def test_a_lambda_works_here_and_is_not_saved(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x * 2, name="twice")])
    np.testing.assert_array_equal(model(np.ones((1, 2), "float32")), [[2, 2]])
    for name in ("m.keras", "m.h5"):
        with pytest.raises(UnsafeFileError, match="twice"):
            model.save(tmp_path / name)
        assert not (tmp_path / name).exists()


class Double(layers.Layer):
    def call(self, x):
        return x * 2


@pytest.mark.filterwarnings("ignore:No training configuration")
def test_an_unknown_class_lists_the_custom_objects(tmp_path):
    model = keras.Sequential([keras.Input((2,)), Double()])
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        with pytest.raises(StateError, match=r"Double(?s:.*)custom_objects"):
            keras.models.load_model(tmp_path / name)
        again = keras.models.load_model(tmp_path / name, custom_objects={"Double": Double})
        np.testing.assert_array_equal(again(np.ones((1, 2), "float32")), [[2, 2]])
        with keras.saving.custom_object_scope({"Double": Double}):
            keras.models.load_model(tmp_path / name)


def test_registered_classes_need_no_custom_objects(tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Triple(layers.Layer):
        def call(self, x):
            return x * 3

    model = keras.Sequential([keras.Input((2,)), Triple()])
    model.save(tmp_path / "m.keras")
    assert keras.models.load_model(tmp_path / "m.keras").layers[0].__class__ is Triple


def test_damaged_files_say_so(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    path = tmp_path / "m.keras"
    model.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(FileFormatError, match=r"m\.keras"):
        keras.models.load_model(path)
    renamed = tmp_path / "really_h5.keras"
    model.save(tmp_path / "m.h5")
    (tmp_path / "m.h5").rename(renamed)
    with pytest.warns(UserWarning, match="compiled"):
        assert keras.models.load_model(renamed).count_params() == 3  # the content decides
    np.savez(tmp_path / "x.npz", a=1)
    (tmp_path / "x.npz").rename(tmp_path / "n.keras")
    with pytest.raises(FileFormatError, match=r"n\.keras"):
        keras.models.load_model(tmp_path / "n.keras")


def test_weights_of_another_model_are_refused_and_can_be_skipped(tmp_path):
    path = tmp_path / "m.weights.h5"
    keras.Sequential([keras.Input((2,)), layers.Dense(1)]).save_weights(path)
    other = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        other.load_weights(path)
    assert other.load_weights(path, skip_mismatch=True) == ["layers/dense"]
    np.testing.assert_array_equal(other.get_weights()[0], before[0])


def test_what_is_not_offered_says_what_to_do():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    for call in (lambda: model.export("x"), lambda: keras.utils.plot_model(model),
                 lambda: keras.datasets.cifar10.load_data(),
                 lambda: keras.applications.ResNet50()):
        with pytest.raises(NotSupportedError) as raised:
            call()
        assert raised.value.hint
