"""Models and weights in files: which kind a path means, and the ``.keras`` archive.

No file can run code: a Lambda layer or a class that is not known is refused by name.
"""

from __future__ import annotations

import datetime
import json
import os
import warnings
from typing import Any

from ...errors import ArgumentError, FileFormatError
from ...serialize import (
    KerasArchive,
    load_hdf5,
    load_keras_zip,
    refuse_code,
    save_hdf5,
    save_keras_zip,
    sniff,
)
from .._arguments import checked
from .legacy_h5 import VERSION, load_h5_model, load_h5_weights, save_h5_model, save_h5_weights
from .serialization import deserialize_keras_object, serialize_keras_object
from .weights import load_tree, weights_tree

__all__ = ["load_model", "load_weights", "model_from_json", "save_model", "save_weights",
           "to_json"]


def _is_file_object(path: Any) -> bool:
    return hasattr(path, "read") or hasattr(path, "write")


def _check_overwrite(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise ArgumentError(f"{path} already exists", hint="overwrite=True replaces it")


@checked
def save_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
               save_format: str | None = None, zipped: bool | None = None) -> None:
    """Write a whole model: architecture, weights, how it was compiled, the optimizer's state.

    The name says which format: ``.keras``, or ``.h5`` / ``.hdf5`` (Keras 2).

    Raises:  ArgumentError for another name; UnsafeFileError for a Lambda layer
    """
    if _is_file_object(filepath):
        _save_archive(model, filepath)
        return
    path = os.fspath(filepath)
    _check_overwrite(path, overwrite)
    if save_format == "tf":
        raise ArgumentError("save_format='tf' (SavedModel) is not offered", hint="use .keras")
    if path.endswith(".keras") and save_format in (None, "keras"):
        _save_archive(model, path)
    elif path.endswith((".h5", ".hdf5")) or save_format == "h5":
        save_h5_model(model, path, include_optimizer)
    else:
        raise ArgumentError(
            f"Invalid filepath extension for saving: {path}. Please add either a `.keras` "
            "extension for the native Keras format (recommended) or a `.h5` extension.",
            hint=f"{os.path.splitext(path)[0]}.keras")


def _save_archive(model: Any, target: Any) -> None:
    config = serialize_keras_object(model)
    refuse_code(config, str(target))
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    save_keras_zip(target, KerasArchive(
        config, {"keras_version": VERSION, "date_saved": now}, weights_tree(model)))


@checked
def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True,
               safe_mode: bool = True) -> Any:
    """Read a whole model from a ``.keras`` or ``.h5`` file; the content decides which.

    ``custom_objects`` are classes and functions by the names in the file. ``safe_mode=False``
    changes nothing: code in files is never run.

    Raises:  UnsafeFileError naming a Lambda layer; StateError for an unknown class;
             FileFormatError for a damaged file or another kind of file
    """
    if not safe_mode:
        warnings.warn("safe_mode=False has no effect: code in files is never run", stacklevel=2)
    if not _is_file_object(filepath):
        path = os.fspath(filepath)
        if not os.path.exists(path):
            raise _MissingFile(f"File not found: filepath={path}. Please ensure the file is an "
                               "accessible `.keras` zip file.")
        if os.path.isdir(path):
            raise FileFormatError(f"{path} is a folder: a SavedModel of TensorFlow is not read",
                                  hint="save it as .keras or .h5 there")
        if sniff(path) == "hdf5":
            return load_h5_model(path, custom_objects, compile)
    archive = load_keras_zip(filepath)
    name = getattr(filepath, "name", filepath)
    config = dict(archive.config)
    if not compile:
        config["compile_config"] = None
    model = deserialize_keras_object(config, custom_objects, where=f"{name}: ")
    if not hasattr(model, "load_own_variables"):
        raise FileFormatError(f"{name}: holds a {type(model).__name__}, not a model")
    load_tree(model, archive.weights, str(name))
    return model


class _MissingFile(FileFormatError, FileNotFoundError):
    """There is no such file."""


@checked
def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write a model's weights (and its optimizer's state): ``.weights.h5``."""
    path = os.fspath(filepath)
    _check_overwrite(path, overwrite)
    if path.endswith(".weights.h5"):
        if not getattr(model, "built", True):
            warnings.warn("You are saving a model that has not yet been built. It might not "
                          "contain any weights yet.", stacklevel=2)
        save_hdf5(path, weights_tree(model))
    elif path.endswith((".h5", ".hdf5")):
        save_h5_weights(model, path)
    else:
        raise ArgumentError("The filename must end in `.weights.h5`. Received: "
                            f"filepath={path}", hint=f"{os.path.splitext(path)[0]}.weights.h5")


@checked
def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False,
                 by_name: bool = False) -> list[str]:
    """Read weights into a model that is already built; returns the paths that were skipped.

    Takes ``.weights.h5``, ``.keras``, and ``.h5`` of Keras 2 (weights only, or whole models).
    """
    path = os.fspath(filepath)
    if not os.path.exists(path):
        raise _MissingFile(f"File not found: filepath={path}")
    if sniff(path) == "keras":
        return load_tree(model, load_keras_zip(path).weights, path, skip_mismatch)
    tree = load_hdf5(path)
    if "layer_names" in tree.attributes or "layer_names0" in tree.attributes or (
            "model_weights" in tree.members):
        load_h5_weights(model, path, skip_mismatch, by_name)
        return []
    if by_name:
        raise ArgumentError("by_name is for .h5 files of Keras 2", hint="remove by_name=")
    return load_tree(model, tree, path, skip_mismatch)


def to_json(model: Any, **kwargs: Any) -> str:
    """A model's configuration as JSON text."""
    return json.dumps(serialize_keras_object(model), **kwargs)


@checked
def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """The model that `to_json` described, with fresh weights."""
    try:
        config = json.loads(json_string)
    except (ValueError, RecursionError) as problem:
        raise FileFormatError(f"model_from_json: not JSON ({str(problem)[:60]})") from None
    refuse_code(config, "model_from_json")
    return deserialize_keras_object({"module": "keras.models", **config}, custom_objects)


