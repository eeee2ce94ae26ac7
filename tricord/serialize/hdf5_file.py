"""HDF5 files as plain trees: groups, attributes and arrays, and nothing that reaches outside.

This is the low level under Keras's ``.h5`` models and ``.weights.h5``; which group means which
layer is the Keras face's business. Links to other files, soft links, virtual and external data sets
and filters that need a plug-in are refused; sizes are checked before memory is taken.

Known weakness: the parsing is the HDF5 library's, and plain HDF5 has no checksums: a flipped byte
inside an array's data goes unnoticed. ``.keras`` archives and checkpoints have them.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

import ml_dtypes
import numpy as np

from ..errors import ArgumentError, FileFormatError, UnsafeFileError
from ._lazy import LazyModule
from ._source import Source, open_source
from ._zip import memory_limit
from .atomic import PathOrFile, atomic_write
from .detect import sniff_source, wrong_format

__all__ = ["H5Attribute", "H5Group", "load_hdf5", "read_names", "save_hdf5", "write_names"]

h5py: Any = LazyModule("h5py")

H5Attribute: TypeAlias = "str | bool | int | float | list[str] | np.ndarray | None"

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_ATTRIBUTE_LIMIT = 64_512  # bytes that one attribute may take, the limit that Keras uses
_MAX_DEPTH = 100
_DEFLATE_RATIO = 1032
_FILLED_LIMIT = 1 << 20  # bytes of a data set that has a shape but no stored data
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
_H5_ERRORS = (OSError, ValueError, TypeError, RuntimeError, KeyError, OverflowError,
              AttributeError, IndexError, NotImplementedError)


@dataclass(eq=False)
class H5Group:
    """A group: ``attributes`` by name, and ``members`` by name, groups or arrays.

    Attributes are text, numbers, truth values, lists of text, or arrays of numbers.

    >>> tree = H5Group(members={"dense": H5Group({"units": 3}, {"kernel": np.ones((2, 3))})})
    >>> tree["dense/kernel"].shape, tree["dense"].attributes, list(tree.arrays())
    ((2, 3), {'units': 3}, ['dense/kernel'])
    """

    attributes: dict[str, H5Attribute] = field(default_factory=dict)
    members: dict[str, H5Group | np.ndarray] = field(default_factory=dict)

    def __getitem__(self, path: str) -> Any:
        """The member at a path with slashes.  Raises: KeyError"""
        found: Any = self
        for name in path.split("/"):
            if not isinstance(found, H5Group) or name not in found.members:
                raise KeyError(path)
            found = found.members[name]
        return found

    def __contains__(self, path: str) -> bool:
        found: Any = self
        for name in path.split("/"):
            if not isinstance(found, H5Group) or name not in found.members:
                return False
            found = found.members[name]
        return True

    def group(self, path: str) -> H5Group:
        """The group at a path with slashes, made if it is not there yet."""
        found = self
        for name in path.split("/"):
            inner = found.members.setdefault(name, H5Group())
            if not isinstance(inner, H5Group):
                raise ArgumentError(f"{path!r}: {name!r} is an array, not a group")
            found = inner
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array below, by its path with slashes."""
        found: dict[str, np.ndarray] = {}
        todo: list[tuple[str, H5Group | np.ndarray]] = [("", self)]
        while todo:
            path, member = todo.pop()
            if isinstance(member, H5Group):
                todo.extend((f"{path}/{name}" if path else name, inner)
                            for name, inner in reversed(member.members.items()))
            else:
                found[path] = member
        return found


def load_hdf5(path_or_file: PathOrFile, *, max_bytes: int | None = None) -> H5Group:
    """The whole file as a tree of ``H5Group`` and arrays, members in the order of their names.

    Opaque two-byte numbers are read as bfloat16, which is how Keras writes them. ``max_bytes``
    bounds what compressed data sets may expand to.

    Raises:  UnsafeFileError if it reaches for other files; FileFormatError if it is damaged, of
             another kind (it says which), or holds what is not plain data
    """
    return _load(path_or_file, max_bytes, with_data=True)


def _load(path_or_file: PathOrFile, max_bytes: int | None, *, with_data: bool) -> H5Group:
    with open_source(path_or_file) as source:
        if sniff_source(source) != "hdf5":
            raise wrong_format(source, "hdf5")
        # A path lets the library read by itself; through a file object it asks us piece by piece.
        where = path_or_file if isinstance(path_or_file, str | os.PathLike) else source.file
        try:
            # No lock: reading must work from read-only media and while others read.
            with h5py.File(where, "r", locking=False) as file:
                return _Reader(source, max_bytes, with_data).read(file)
        except FileFormatError:
            raise
        except _H5_ERRORS as problem:
            raise _bad(source, f"not readable ({str(problem)[:120]})") from None


def save_hdf5(path_or_file: PathOrFile, tree: H5Group) -> None:
    """Write a tree; h5py and Keras read it. Atomic; equal trees give equal bytes.

    Raises:  ArgumentError for what HDF5 or Keras cannot hold, naming where in the tree it is
    """
    if isinstance(path_or_file, str | os.PathLike):
        atomic_write(path_or_file, lambda file: _write(file, tree),
                     verify=lambda path: _load(path, None, with_data=False))
        return
    image = io.BytesIO()  # HDF5 goes back and forth in its file; the caller's may be a pipe
    _write(image, tree)
    atomic_write(path_or_file, image.getvalue())


def read_names(attributes: dict[str, H5Attribute], name: str) -> list[str]:
    """A list of names that Keras may have cut into ``name0``, ``name1``, ...

    >>> read_names({"weight_names0": ["a"], "weight_names1": ["b"]}, "weight_names")
    ['a', 'b']
    """
    parts = [attributes[name]] if name in attributes else []
    while name not in attributes and f"{name}{len(parts)}" in attributes:
        parts.append(attributes[f"{name}{len(parts)}"])
    names: list[str] = []
    for part in parts:
        # An empty list has no text to tell its type by, and comes as an empty array of numbers.
        if not isinstance(part, list) and not (isinstance(part, np.ndarray) and part.size == 0):
            raise FileFormatError(f"attribute {name!r}: expected a list of names, "
                                  f"got {str(part)[:60]!r}")
        names.extend(part if isinstance(part, list) else [])
    return names


def write_names(attributes: dict[str, H5Attribute], name: str, names: Iterable[str]) -> None:
    """Set a list of names, cut into ``name0``, ``name1``, ... where it is too long for one.

    Raises:  ArgumentError if a single name is too long

    >>> attributes = {}
    >>> write_names(attributes, "weight_names", ["w" * 1000] * 100)
    >>> [(key, len(value)) for key, value in attributes.items()]
    [('weight_names0', 50), ('weight_names1', 50)]
    """
    names = list(names)
    widest = max((len(text.encode()) for text in names), default=1)
    if widest > _ATTRIBUTE_LIMIT:
        raise ArgumentError(f"{name}: a name of {widest} bytes; HDF5 takes {_ATTRIBUTE_LIMIT}")
    count = 1
    # Every row is as wide as the widest of its part; parts are equal but for one, as in Keras.
    while any(part.nbytes > _ATTRIBUTE_LIMIT for part in _parts(names, count)):
        count += 1
    if count == 1:
        attributes[name] = names
        return
    for index, part in enumerate(_parts(names, count)):
        attributes[f"{name}{index}"] = [raw.decode() for raw in part.tolist()]


def _parts(names: list[str], count: int) -> list[np.ndarray]:
    return np.array_split(np.asarray([text.encode() for text in names], np.bytes_), count)


def _bad(source: Source, problem: str) -> FileFormatError:
    return FileFormatError(f"{source.name}: damaged HDF5 file: {problem}",
                           hint="save or fetch it again")


class _Reader:
    def __init__(self, source: Source, max_bytes: int | None, with_data: bool):
        self._source = source
        self._left = memory_limit(source.size, max_bytes)
        self._with_data = with_data

    def _take(self, count: int, where: str) -> None:
        self._left -= count
        if self._left < 0:
            raise FileFormatError(
                f"{self._source.name}: {where} would take {count} bytes, beyond what a file of "
                f"{self._source.size} bytes may expand to",
                hint="pass max_bytes= if that is really wanted")

    def read(self, file: Any) -> H5Group:
        root = H5Group()
        seen: set[Any] = set()
        todo: list[tuple[Any, H5Group, str, int]] = [(file["/"], root, "/", 0)]
        while todo:
            group, into, where, depth = todo.pop()
            address = h5py.h5o.get_info(group.id).addr
            if address in seen or depth > _MAX_DEPTH:
                raise _bad(self._source, f"group {where} is there twice, or too deep")
            seen.add(address)
            into.attributes = self._attributes(group, where)
            for name in group:
                path = f"{where.rstrip('/')}/{name}"
                self._check_link(group, name, path)
                member = group[name]
                if isinstance(member, h5py.Group):
                    inner = into.members[name] = H5Group()
                    todo.append((member, inner, path, depth + 1))
                elif isinstance(member, h5py.Dataset):
                    into.members[name] = self._array(member, path)
                else:
                    raise _bad(self._source, f"{path} is neither a group nor a data set")
        return root

    def _check_link(self, group: Any, name: str, path: str) -> None:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise UnsafeFileError(
                f"{self._source.name}: {path} points into another file, {link.filename!r}; refused",
                hint="copy the data into one file")
        if not isinstance(link, h5py.HardLink):
            raise FileFormatError(f"{self._source.name}: {path} is a soft link, which is not read",
                                  hint="save the file again without links")

    # ----------------------------------------------------------------- arrays

    def _array(self, dataset: Any, path: str) -> np.ndarray:
        if dataset.external or dataset.is_virtual:
            raise UnsafeFileError(f"{self._source.name}: {path} keeps its data in other files; "
                                  "refused", hint="copy the data into one file")
        dtype, shape = dataset.dtype, dataset.shape
        text = h5py.check_string_dtype(dtype)
        if shape is None:
            raise _bad(self._source, f"{path} has no data")
        if dtype.kind not in "biufcSV" or dtype.names is not None or (
                text is not None and text.length is None) or (
                dtype.kind == "V" and dtype.itemsize != 2):
            raise FileFormatError(f"{self._source.name}: {path} has dtype {dtype}, which is not "
                                  "read", hint="only numbers, truth values and bytes are")
        size = math.prod(shape) * dtype.itemsize
        self._check_storage(dataset, size, path)
        self._take(size, path)
        if not self._with_data:
            return np.empty(0, dtype)
        array = np.empty(shape, dtype)
        if array.size:
            dataset.read_direct(array)
        return array.view(_BFLOAT16) if dtype.kind == "V" else array

    def _check_storage(self, dataset: Any, size: int, path: str) -> None:
        plan = dataset.id.get_create_plist()
        for index in range(plan.get_nfilters()):
            if plan.get_filter(index)[0] not in _FILTERS:
                raise FileFormatError(
                    f"{self._source.name}: {path} is packed with filter {plan.get_filter(index)[0]}"
                    f"; only {', '.join(_FILTERS.values())} are read")
        stored = dataset.id.get_storage_size()
        if stored > self._source.size:
            raise _bad(self._source, f"{path} claims {stored} stored bytes")
        if stored == 0:
            most = _FILLED_LIMIT
        elif dataset.chunks is None:
            most = stored
        else:
            # Chunks that were never written are filled in; a packed one grows a thousandfold.
            most = stored * (_DEFLATE_RATIO if plan.get_nfilters() else 1) + _FILLED_LIMIT
        if size > most:
            raise _bad(self._source, f"{path} claims {size} bytes out of {stored} stored ones")

    # ------------------------------------------------------------- attributes

    def _attributes(self, group: Any, where: str) -> dict[str, H5Attribute]:
        values: dict[str, H5Attribute] = {}
        for name in group.attrs:
            what = f"attribute {name!r} of {where}"
            low = group.attrs.get_id(name)
            dtype, shape = low.dtype, low.shape
            text = h5py.check_string_dtype(dtype)
            if (dtype.kind not in "biufcS" and text is None) or dtype.names is not None:
                raise FileFormatError(f"{self._source.name}: {what} has dtype {dtype}, which is "
                                      "not read", hint="only text and numbers are")
            if shape is None:
                values[name] = None
                continue
            count = math.prod(shape)
            # Text of varying length: each may be as long as the file, and all may be the same one.
            longest = self._source.size if text is not None and text.length is None else (
                dtype.itemsize)
            self._take(count * (longest if count > 1 else min(longest, self._source.size)), what)
            values[name] = self._value(group.attrs[name], what)
        return values

    def _value(self, value: Any, what: str) -> H5Attribute:
        if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
            return [self._text(item, what) for item in value.reshape(-1).tolist()]
        if isinstance(value, str | bytes):
            return self._text(value, what)
        return value.item() if isinstance(value, np.generic) else value

    def _text(self, value: Any, what: str) -> str:
        if isinstance(value, str):
            return value
        try:
            return value.decode("utf-8")
        except (UnicodeDecodeError, AttributeError):
            raise _bad(self._source, f"{what} is not UTF-8 text") from None


# ---------------------------------------------------------------------------------------- writing


def _write(file: BinaryIO, tree: H5Group) -> None:
    with h5py.File(file, "w") as out:
        seen: set[int] = set()
        todo: list[tuple[H5Group, Any, str]] = [(tree, out, "/")]
        while todo:
            group, into, where = todo.pop()
            if id(group) in seen:
                raise ArgumentError(f"save_hdf5: {where} is a group that is there twice")
            seen.add(id(group))
            for name, value in group.attributes.items():
                _write_attribute(into, name, value, f"attribute {name!r} of {where}")
            for name, member in group.members.items():
                path = f"{where.rstrip('/')}/{name}"
                if not isinstance(name, str) or not name or "/" in name or name in (".", "..") or (
                        "\0" in name):
                    raise ArgumentError(f"save_hdf5: {path}: a name may not be {name!r}")
                if isinstance(member, H5Group):
                    todo.append((member, into.create_group(name), path))
                else:
                    _write_array(into, name, np.asarray(member), path)


def _write_array(into: Any, name: str, array: np.ndarray, path: str) -> None:
    if array.dtype == _BFLOAT16:
        # The attribute is how Keras knows the two opaque bytes again.
        into.create_dataset(name, data=array).attrs["dtype"] = "bfloat16"
    elif array.dtype.kind in "biufcS" and array.dtype.itemsize:
        into.create_dataset(name, data=array)
    else:
        raise ArgumentError(f"save_hdf5: {path} has dtype {array.dtype}, which is not written",
                            hint="convert it to a plain number type, for example float32")


def _write_attribute(into: Any, name: str, value: H5Attribute, what: str) -> None:
    stored: Any = value
    if value is None:
        stored = h5py.Empty("f4")
    elif isinstance(value, list):
        if not all(isinstance(text, str) for text in value):
            raise ArgumentError(f"save_hdf5: {what} is a list of something other than text",
                                hint="use a numpy array for numbers")
        stored = np.asarray([text.encode() for text in value], np.bytes_) if value else (
            np.zeros(0))
        if stored.nbytes > _ATTRIBUTE_LIMIT:
            raise ArgumentError(f"save_hdf5: {what} takes {stored.nbytes} bytes; an attribute may "
                                f"take {_ATTRIBUTE_LIMIT}", hint="use write_names")
    elif not isinstance(value, str | bool | int | float | np.ndarray | np.generic):
        raise ArgumentError(f"save_hdf5: {what} is a {type(value).__name__}",
                            hint="text, numbers, lists of text and arrays can be attributes")
    try:
        into.attrs[name] = stored
    except _H5_ERRORS as problem:
        raise ArgumentError(f"save_hdf5: {what} cannot be written ({problem})") from None


