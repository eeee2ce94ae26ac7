"""Keras 3's ``.keras`` archive: a zip of ``metadata.json``, ``config.json``, ``model.weights.h5``.

Here it is only taken apart and put together; the Keras face rebuilds layers from its registry of
known names. A configuration may hold marshalled Python code (Lambda layers): ``refuse_code`` finds
it, names the layer, and every reader of Keras files calls it.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

from ..errors import ArgumentError, FileFormatError, UnsafeFileError
from ._source import open_source
from ._zip import ZipReader, write_zip
from .atomic import PathOrFile, atomic_write
from .detect import sniff_source, wrong_format
from .hdf5_file import H5Group, load_hdf5, save_hdf5

__all__ = ["KerasArchive", "load_keras_zip", "parse_json", "refuse_code", "save_keras_zip"]

_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MAX_DEPTH = 200
_CODE_CLASSES = ("__lambda__", "Lambda")


@dataclass(eq=False)
class KerasArchive:
    """The parts of a ``.keras`` file; ``assets`` are the files below ``assets/`` by their path."""

    config: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    weights: H5Group = field(default_factory=H5Group)
    assets: dict[str, bytes] = field(default_factory=dict)


def load_keras_zip(path_or_file: PathOrFile, *, max_bytes: int | None = None) -> KerasArchive:
    """Take a ``.keras`` file apart.

    Raises:  UnsafeFileError if the configuration holds code (it names the layer); FileFormatError
             if it is damaged, of another kind (it says which), or would expand beyond bounds
    """
    with open_source(path_or_file) as source:
        if sniff_source(source) != "keras":
            raise wrong_format(source, "keras")
        archive = ZipReader(source, max_bytes=max_bytes)
        config = parse_json(archive.read(_CONFIG), f"{source.name}[{_CONFIG!r}]")
        metadata = parse_json(archive.read(_METADATA), f"{source.name}[{_METADATA!r}]")
        refuse_code(config, source.name)
        assets, weights = {}, None
        for name in archive.entries:
            if name == _WEIGHTS:
                weights = load_hdf5(_named(archive.read(name), f"{source.name}[{name!r}]"),
                                    max_bytes=max_bytes)
            elif name.startswith("assets/"):
                assets[name.removeprefix("assets/")] = archive.read(name)
            elif name not in (_CONFIG, _METADATA):
                raise FileFormatError(f"{source.name}: entry {name!r} is not part of a .keras file "
                                      "that tricord reads",
                                      hint="save the model with one model.weights.h5")
        if weights is None:
            raise FileFormatError(f"{source.name}: entry {_WEIGHTS!r} is missing",
                                  hint="save the model again")
        return KerasArchive(config, metadata, weights, assets)


def save_keras_zip(path_or_file: PathOrFile, archive: KerasArchive) -> None:
    """Put a ``.keras`` file together; Keras 3 reads it. Atomic; equal parts give equal bytes.

    The time of writing is not recorded unless ``metadata`` says it (Keras: ``date_saved``).

    Raises:  ArgumentError if the configuration is not JSON; UnsafeFileError if it holds code
    """
    refuse_code(archive.config, "save_keras_zip")
    image = io.BytesIO()
    save_hdf5(image, archive.weights)
    entries = [(_METADATA, [_as_json(archive.metadata, "metadata")]),
               (_CONFIG, [_as_json(archive.config, "config")]),
               (_WEIGHTS, [image.getbuffer()]),
               *((f"assets/{name}", [raw]) for name, raw in archive.assets.items())]
    atomic_write(path_or_file, lambda file: write_zip(file, entries), verify=_verify)


def _verify(path: str) -> None:
    with open_source(path) as source:
        archive = ZipReader(source)
        for name in archive.entries:
            archive.read_array(name)


class _named(io.BytesIO):  # noqa: N801 - a BytesIO that has a name for messages
    def __init__(self, content: bytes, name: str):
        super().__init__(content)
        self.name = name


def _as_json(value: Any, what: str) -> bytes:
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError, RecursionError) as problem:
        raise ArgumentError(f"save_keras_zip: {what} is not JSON ({problem})",
                            hint="use numbers, text, None, lists and dicts") from None


def parse_json(raw: bytes | str, name: str) -> dict[str, Any]:
    """A JSON object, as in ``config.json`` or the ``model_config`` attribute of a ``.h5`` file.

    Raises:  FileFormatError if it is not one, or nested beyond reason

    >>> parse_json('{"class_name": "Dense"}', "config.json")
    {'class_name': 'Dense'}
    """
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as problem:  # JSON and UTF-8 errors are ValueErrors
        raise FileFormatError(f"{name}: not readable as JSON ({str(problem)[:80]})",
                              hint="save or fetch the file again") from None
    if not isinstance(value, dict):
        raise FileFormatError(f"{name}: expected a JSON object, got a {type(value).__name__}")
    level: list[Any] = [value]
    for _ in range(_MAX_DEPTH):
        level = [inner for item in level if isinstance(item, dict | list)
                 for inner in (item.values() if isinstance(item, dict) else item)]
        if not level:
            return value
    raise FileFormatError(f"{name}: nested more than {_MAX_DEPTH} deep")


def refuse_code(config: Any, name: str) -> None:
    """Refuse a Keras configuration that carries Python code: Lambda layers, serialized lambdas.

    Also those that only name a function: tricord has none of that name. Works on the
    configurations of Keras 2 and 3; ``name`` is what the message calls the file.

    Raises:  UnsafeFileError naming the layer

    >>> refuse_code({"class_name": "Lambda", "config": {"name": "double"}}, "m.keras")
    Traceback (most recent call last):
    tricord.errors.UnsafeFileError: m.keras: layer 'double' is a Lambda layer, ...
      hint: ...
    """
    todo: list[tuple[Any, str]] = [(config, "?")]
    while todo:
        value, layer = todo.pop()
        if isinstance(value, list | tuple):
            todo.extend((item, layer) for item in value)
        if not isinstance(value, dict):
            continue
        class_name, inner = value.get("class_name"), value.get("config")
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            layer = inner["name"]
        function_type = str(value.get("function_type")) + str(value.get("output_shape_type"))
        if class_name in _CODE_CLASSES or "lambda" in function_type:
            what = "a Lambda layer" if class_name != "__lambda__" else "made with a lambda"
            raise UnsafeFileError(
                f"{name}: layer {layer!r} is {what}, whose Python code would have to be run from "
                "the file; refused",
                hint="replace it by a layer class of your own (custom_objects=), or by "
                     "Activation, Rescaling, Reshape and the like")
        todo.extend((item, layer) for item in value.values())
