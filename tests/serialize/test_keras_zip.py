"""``.keras`` archives: taken apart and put together; code in a configuration is refused."""

import io
import json
import zipfile

import numpy as np
import pytest

from tests.serialize.damage import equal, notices_every_flip, refuses_every_truncation
from tricord.errors import ArgumentError, FileFormatError, UnsafeFileError
from tricord.serialize import (
    H5Group,
    KerasArchive,
    load_hdf5,
    load_keras_zip,
    parse_json,
    read_names,
    refuse_code,
    save_keras_zip,
)

CONFIG = {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [
    {"class_name": "Dense", "config": {"name": "d", "units": 3}}]}}
WEIGHTS = H5Group(members={"layers": H5Group(members={"dense": H5Group(
    members={"vars": H5Group({"name": "d"}, {"0": np.arange(6, dtype=np.float32)})})})})
ARCHIVE = KerasArchive(CONFIG, {"keras_version": "3.15.1"}, WEIGHTS, {"d/words.txt": b"a\nb"})


def saved(archive) -> bytes:
    file = io.BytesIO()
    save_keras_zip(file, archive)
    return file.getvalue()


def parts(archive: KerasArchive):
    return [archive.config, archive.metadata, archive.weights.arrays(), archive.assets,
            archive.weights["layers/dense/vars"].attributes]


def test_the_parts_come_back_and_bytes_are_the_same(tmp_path):
    save_keras_zip(tmp_path / "m.keras", ARCHIVE)
    assert (tmp_path / "m.keras").read_bytes() == saved(ARCHIVE)
    assert equal(parts(load_keras_zip(tmp_path / "m.keras")), parts(ARCHIVE))


def test_damage_is_noticed():
    raw = saved(ARCHIVE)
    refuses_every_truncation(raw, load_keras_zip, step=5)
    notices_every_flip(raw, load_keras_zip, lambda back: equal(
        [back.config, back.weights.arrays()], [CONFIG, WEIGHTS.arrays()]), step=7)


def rezipped(changes: dict[str, bytes | None]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(ARCHIVE))) as old, zipfile.ZipFile(file, "w") as new:
        entries = {name: old.read(name) for name in old.namelist()} | changes
        for name, raw in entries.items():
            if raw is not None:
                new.writestr(name, raw)
    return io.BytesIO(file.getvalue())


@pytest.mark.parametrize(("changes", "words"), [
    ({"model.weights.h5": None}, "'model.weights.h5' is missing"),
    ({"model.weights.h5": b"no"}, "expected an HDF5 file"),
    ({"config.json": b"{"}, "config.json.*not readable as JSON"),
    ({"config.json": b"[" * 100_000}, "config.json.*not readable as JSON"),
    ({"config.json": b"[]"}, "expected a JSON object, got a list"),
    ({"metadata.json": b"\xff"}, "metadata.json.*not readable as JSON"),
    ({"model.weights.json": b"{}"}, "'model.weights.json' is not part"),
    ({"assets/../../x": b""}, "leaves the archive"),
])
def test_forged_archives_are_refused(changes, words):
    with pytest.raises(FileFormatError, match=words):
        load_keras_zip(rezipped(changes))


def test_json_nested_beyond_reason_is_refused():
    with pytest.raises(FileFormatError, match="nested more than 200 deep"):
        parse_json(json.dumps({"a": 1}).replace("1", "[" * 250 + "]" * 250), "config.json")


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None}}


@pytest.mark.parametrize(("layer", "words"), [
    ({"module": "keras.layers", "class_name": "Lambda",
      "config": {"name": "double", "function": LAMBDA}}, "layer 'double' is a Lambda layer"),
    ({"class_name": "Lambda", "config": {"name": "old", "function": ["4wEA", None, None],
                                         "function_type": "lambda"}}, "layer 'old' is a Lambda"),
    ({"class_name": "Dense", "config": {"name": "sly", "activation": LAMBDA}},
     "layer 'sly' is made with a lambda"),
    ({"class_name": "Custom", "config": {"name": "deep", "a": [{"b": {"c": LAMBDA}}]}},
     "layer 'deep' is made with a lambda"),
    ({"class_name": "Custom", "config": {"name": "x", "function_type": "lambda"}}, "layer 'x'"),
])
def test_code_in_a_configuration_is_refused_and_the_layer_named(layer, words):
    config = {"class_name": "Sequential", "config": {"name": "outer", "layers": [layer]}}
    with pytest.raises(UnsafeFileError, match=words):
        refuse_code(config, "m.keras")
    with pytest.raises(UnsafeFileError, match=words):
        load_keras_zip(rezipped({"config.json": json.dumps(config).encode()}))
    with pytest.raises(UnsafeFileError, match=words):
        saved(KerasArchive(config))


def test_a_harmless_configuration_passes():
    refuse_code(CONFIG, "m.keras")
    refuse_code({"class_name": "function", "config": "relu"}, "m.keras")


def test_a_configuration_that_is_not_json_is_refused():
    with pytest.raises(ArgumentError, match="config is not JSON"):
        saved(KerasArchive({"class_name": "Dense", "config": {"x": object()}}))


@pytest.mark.peers("keras", "torch")
class TestAgainstKeras:
    def model(self, keras):
        model = keras.Sequential([
            keras.layers.Input((4,)), keras.layers.Dense(3, name="first"),
            keras.layers.BatchNormalization(), keras.layers.Dense(2)])
        model.compile("adam", "mse")
        model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
        return model

    def test_both_ways(self, tmp_path):
        keras = pytest.importorskip("keras")
        model = self.model(keras)
        model.save(tmp_path / "theirs.keras")
        archive = load_keras_zip(tmp_path / "theirs.keras")
        assert archive.config["class_name"] == "Sequential"
        assert archive.metadata["keras_version"] == keras.__version__
        np.testing.assert_array_equal(archive.weights["layers/dense/vars/0"],
                                      keras.ops.convert_to_numpy(model.layers[0].kernel))
        archive.weights["layers/dense/vars/0"][0, 0] = 7
        save_keras_zip(tmp_path / "ours.keras", archive)
        back = keras.models.load_model(tmp_path / "ours.keras")
        assert keras.ops.convert_to_numpy(back.layers[0].kernel)[0, 0] == 7
        assert len(back.optimizer.variables) == len(model.optimizer.variables)

    def test_legacy_h5_and_weights_files(self, tmp_path):
        keras = pytest.importorskip("keras")
        model = self.model(keras)
        model.save(tmp_path / "model.h5")
        tree = load_hdf5(tmp_path / "model.h5")
        config = parse_json(tree.attributes["model_config"], "model.h5")
        assert config["class_name"] == "Sequential"
        weights = tree["model_weights"]
        assert read_names(weights.attributes, "layer_names") == [
            layer.name for layer in model.layers]
        group = weights["first"]
        kernel, bias = (group[name] for name in read_names(group.attributes, "weight_names"))
        np.testing.assert_array_equal(kernel, keras.ops.convert_to_numpy(model.layers[0].kernel))
        assert bias.shape == (3,)
        model.save_weights(tmp_path / "model.weights.h5")
        assert load_hdf5(tmp_path / "model.weights.h5")["layers/dense/vars/0"].shape == (4, 3)

    def test_a_lambda_layer_is_refused(self, tmp_path):
        keras = pytest.importorskip("keras")
        model = keras.Sequential([keras.layers.Input((4,)),
                                  keras.layers.Lambda(lambda x: x * 2, name="double")])
        model.save(tmp_path / "m.keras")
        with pytest.raises(UnsafeFileError, match="layer 'double' is a Lambda layer"):
            load_keras_zip(tmp_path / "m.keras")
        model.save(tmp_path / "m.h5")
        config = parse_json(load_hdf5(tmp_path / "m.h5").attributes["model_config"], "m.h5")
        with pytest.raises(UnsafeFileError, match="layer 'double' is a Lambda layer"):
            refuse_code(config, "m.h5")
