"""tricord's own checkpoint: plain data and arrays in one file, readable for ever.

A zip archive, not compressed, of

    format.json     {"format": "tricord checkpoint", "version": 1}
    tree.json       the data
    arrays/0.npy    the arrays, numbered in the order in which the tree names them

In ``tree.json`` text, numbers that are finite and at most 64 bits, true, false, null, lists and
objects mean themselves. What JSON cannot say is an object with one key that starts with ``$``:

    {"$array": "arrays/0.npy"}                   an array
    {"$array": ..., "dtype": "bfloat16"}         a dtype that .npy cannot name, as bits
    {"$scalar": "arrays/1.npy"}                  a numpy scalar (with "dtype" likewise)
    {"$tuple": [...]}                            a tuple
    {"$dict": [[key, value], ...]}               keys other than text, or that start with "$"
    {"$float": "nan"}, "inf", "-inf"             a float that is not finite
    {"$integer": "-0x1ffff..."}                  an integer beyond 64 bits
    {"$bytes": "<base64>"}                       bytes

Anyone can read it with an unzip and numpy. A reader refuses a version above its own; this one must
read all that came before, and ``tests/serialize/golden`` holds a file of each.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterable
from typing import Any

import ml_dtypes
import numpy as np

from ..errors import ArgumentError, FileFormatError
from ._npy import npy_pieces, parse_npy
from ._pickle import is_plain_key
from ._source import Source, open_source
from ._zip import ZipReader, write_zip
from .atomic import PathOrFile, atomic_write
from .detect import sniff_source, wrong_format

__all__ = ["load_checkpoint", "save_checkpoint"]

_FORMAT, _VERSION = "tricord checkpoint", 1
_MAX_DEPTH = 100
_TAGS = {"$array", "$scalar", "$tuple", "$dict", "$float", "$integer", "$bytes"}
# dtypes that .npy has no name for, stored as unsigned integers of the same size
_NAMED_DTYPES = {name: np.dtype(getattr(ml_dtypes, name)) for name in (
    "bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "int4", "uint4")}


def save_checkpoint(path_or_file: PathOrFile, tree: Any) -> None:
    """Write nested dicts, lists, tuples, numbers, text, bytes, None and arrays.

    Atomic: at every moment the file is the old one or the new one, whole. Equal trees give equal
    bytes. An array that occurs twice is stored once. Integers may be of any size.

    Raises:  ArgumentError for any other kind of value, naming where in the tree it is
    """
    encoder = _Encoder()
    document = json.dumps(encoder.encode(tree), separators=(",", ":"), allow_nan=False)
    header = json.dumps({"format": _FORMAT, "version": _VERSION})
    entries = [("format.json", [header.encode()]), ("tree.json", [document.encode()]),
               *encoder.entries]
    atomic_write(path_or_file, lambda file: write_zip(file, entries), verify=_verify)


def load_checkpoint(path_or_file: PathOrFile) -> Any:
    """The tree of a checkpoint. Every checksum is compared before anything is returned.

    Raises:  FileFormatError if it is damaged, of another kind (it says which), or written by a
             newer version of the format

    >>> import io
    >>> file = io.BytesIO()
    >>> save_checkpoint(file, {"step": 2**70, "w": np.zeros(2), 3: ("a", None)})
    >>> load_checkpoint(io.BytesIO(file.getvalue()))
    {'step': 1180591620717411303424, 'w': array([0., 0.]), 3: ('a', None)}
    """
    with open_source(path_or_file) as source:
        if sniff_source(source) != "checkpoint":
            raise wrong_format(source, "checkpoint")
        return _Decoder(source).decode()


def _verify(path: str) -> None:
    with open_source(path) as source:
        archive = ZipReader(source)
        for name in archive.entries:
            archive.read_array(name)


class _Leave:
    """The end of a container on the stack of things to encode."""

    def __init__(self, container: Any):
        self.container = container


class _Encoder:
    """Turns a tree into what JSON can say, with a stack instead of recursion."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Iterable[bytes | memoryview]]] = []
        self._names: dict[int, str] = {}
        self._kept: list[np.ndarray] = []  # so that the ids in _names stay taken
        self._todo: list[tuple[Any, list[Any], str]] = []

    def encode(self, tree: Any) -> Any:
        result: list[Any] = []
        open_now: set[int] = set()
        self._todo.append((tree, result, "tree"))
        while self._todo:
            value, into, where = self._todo.pop()
            if isinstance(value, _Leave):
                open_now.discard(id(value.container))
                into[-1] = _as_object(into[-1])
                continue
            if isinstance(value, dict | list | tuple):
                if id(value) in open_now:
                    raise ArgumentError(f"save_checkpoint: {where} holds itself")
                if len(open_now) >= _MAX_DEPTH:
                    raise ArgumentError(
                        f"save_checkpoint: {where} is nested more than {_MAX_DEPTH} deep")
                open_now.add(id(value))
                self._container(value, into, where)
            else:
                into.append(self._leaf(value, where))
        return result[0]

    def _container(self, value: Any, into: list[Any], where: str) -> None:
        # Items go into a list; _Leave shapes it into the container's final form, in its parent.
        # Children are done before the parent's next item, so it is then its parent's last.
        items: list[Any] = []
        into.append((value, items))
        self._todo.append((_Leave(value), into, where))
        children = list(value.values()) if isinstance(value, dict) else list(value)
        names = list(value) if isinstance(value, dict) else range(len(children))
        for key in names if isinstance(value, dict) else ():
            if not is_plain_key(key):
                raise ArgumentError(f"save_checkpoint: a key of {where} is a {type(key).__name__}",
                                    hint="keys are text, numbers, or tuples of them")
        for key, child in zip(reversed(names), reversed(children)):
            self._todo.append((child, items, f"{where}[{key!r}]"))

    def _leaf(self, value: Any, where: str) -> Any:
        if isinstance(value, np.ndarray):
            return self._array("$array", value, where)
        if isinstance(value, np.generic):
            return self._array("$scalar", np.asarray(value), where)
        if value is None or type(value) in (bool, str, int, float, bytes):
            return _scalar(value)
        raise ArgumentError(
            f"save_checkpoint: {where} is a {type(value).__name__}, which is not plain data",
            hint="save arrays, numbers, text, bytes, None, and dicts, lists and tuples of them")

    def _array(self, tag: str, array: np.ndarray, where: str) -> dict[str, Any]:
        dtype = array.dtype
        if dtype.hasobject:
            raise ArgumentError(f"save_checkpoint: {where} is an array of Python objects",
                                hint="convert it to numbers or text")
        reference: dict[str, Any] = {tag: self._names.get(id(array))}
        if reference[tag] is None:
            name = reference[tag] = f"arrays/{len(self.entries)}.npy"
            if dtype.name in _NAMED_DTYPES:
                stored = np.ascontiguousarray(array).reshape(-1).view(f"u{dtype.itemsize}")
                self.entries.append((name, npy_pieces(stored.reshape(array.shape), where)))
            else:
                self.entries.append((name, npy_pieces(array, where)))
            self._names[id(array)] = name
            self._kept.append(array)
        if dtype.name in _NAMED_DTYPES:
            reference["dtype"] = dtype.name
        return reference


def _as_object(shaped: tuple[Any, list[Any]]) -> Any:
    """The JSON form of a container, given its encoded items."""
    value, items = shaped
    if isinstance(value, list):
        return items
    if isinstance(value, tuple):
        return {"$tuple": items}
    if all(type(key) is str and not key.startswith("$") for key in value):
        return dict(zip(value, items))
    return {"$dict": [[_key(key), item] for key, item in zip(value, items)]}


def _key(key: Any) -> Any:
    if type(key) is tuple:
        return {"$tuple": [_scalar(part) for part in key]}
    return _scalar(key)


def _scalar(value: Any) -> Any:
    if type(value) is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if type(value) is float and not math.isfinite(value):
        return {"$float": str(value)}
    if type(value) is int and not -(2**63) <= value < 2**63:
        return {"$integer": hex(value)}
    if type(value) is complex:
        raise ArgumentError("save_checkpoint: a complex number",
                            hint="save it as a numpy array or two floats")
    return value


class _Decoder:
    def __init__(self, source: Source):
        self._source = source
        self._archive = ZipReader(source)
        self._arrays: dict[str, np.ndarray] = {}

    def _bad(self, problem: str) -> FileFormatError:
        return FileFormatError(f"{self._source.name}: damaged tricord checkpoint: {problem}",
                               hint="go back to the checkpoint before it")

    def decode(self) -> Any:
        header = self._json("format.json", dict)
        if not isinstance(header, dict) or header.get("format") != _FORMAT:
            raise self._bad(f"format.json does not say {_FORMAT!r}")
        version = header.get("version")
        if type(version) is not int or version < 1:
            raise self._bad(f"version {version!r}")
        if version > _VERSION:
            raise FileFormatError(
                f"{self._source.name}: written in version {version} of the checkpoint format; "
                f"this tricord knows up to {_VERSION}", hint="install a newer tricord")
        tree = self._json("tree.json", self._object)
        extra = set(self._archive.entries) - {"format.json", "tree.json"} - set(self._arrays)
        if extra:
            raise self._bad(f"entries that the tree does not name: {sorted(extra)[:5]}")
        return tree

    def _json(self, name: str, make_object: Any) -> Any:
        try:
            return json.loads(self._archive.read(name).decode("utf-8"),
                              object_pairs_hook=make_object)
        except FileFormatError:
            raise
        except (ValueError, RecursionError) as problem:  # JSON and UTF-8 errors are ValueErrors
            raise self._bad(f"{name} is not readable ({str(problem)[:80]})") from None

    def _object(self, pairs: list[tuple[str, Any]]) -> Any:
        """A JSON object, whose values are decoded already: plain, or one of the tagged forms."""
        value = dict(pairs)
        if len(value) != len(pairs):
            raise self._bad("an object with the same key twice")
        tags = [key for key in value if key.startswith("$")]
        if not tags:
            return value
        tag = tags[0]
        if tag not in _TAGS or set(value) - {tag, *(("dtype",) if tag in ("$array", "$scalar")
                                                    else ())}:
            raise self._bad(f"an object with the keys {sorted(value)[:5]}")
        content = value[tag]
        if tag in ("$array", "$scalar"):
            return self._array(tag, content, value.get("dtype"))
        if tag == "$tuple" and type(content) is list:
            return tuple(content)
        if tag == "$dict" and type(content) is list:
            return self._dict(content)
        if type(content) is not str:
            raise self._bad(f"{tag} of a {type(content).__name__}")
        try:
            if tag == "$float" and content in ("nan", "inf", "-inf"):
                return float(content)
            if tag == "$integer":
                return int(content, 16)
            if tag == "$bytes":
                return base64.b64decode(content, validate=True)
        except (ValueError, binascii.Error):
            pass
        raise self._bad(f"{tag} of {content[:40]!r}")

    def _dict(self, items: list[Any]) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for item in items:
            if type(item) is not list or len(item) != 2 or not is_plain_key(item[0]):
                raise self._bad("a dict whose items are not a plain key and a value")
            result[item[0]] = item[1]
        return result

    def _array(self, tag: str, name: Any, dtype_name: Any) -> Any:
        if type(name) is not str or not name.startswith("arrays/") or name not in self._archive:
            raise self._bad(f"array {str(name)[:40]!r} is missing")
        if dtype_name is not None and (
                type(dtype_name) is not str or dtype_name not in _NAMED_DTYPES):
            raise self._bad(f"dtype {str(dtype_name)[:40]!r}")
        if name not in self._arrays:
            array = parse_npy(self._archive.read_array(name), f"{self._source.name}[{name!r}]")
            if dtype_name is not None:
                dtype = _NAMED_DTYPES[dtype_name]
                if array.dtype != np.dtype(f"u{dtype.itemsize}"):
                    raise self._bad(f"{name} has dtype {array.dtype}, not the bits of {dtype_name}")
                array = array.reshape(-1).view(dtype).reshape(array.shape)
            self._arrays[name] = array
        array = self._arrays[name]
        if tag == "$scalar":
            if array.ndim:
                raise self._bad(f"a scalar of shape {array.shape}")
            return array[()]
        return array
