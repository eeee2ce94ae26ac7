"""HDF5 files as plain trees: groups, attributes and arrays, and nothing that reaches outside.

This is the low level under Keras's ``.h5`` models and ``.weights.h5``; which group means which
layer is the Keras face's business. Links to other files, soft links, virtual and external data sets
and filters that need a plug-in are refused; sizes are checked before memory is taken.

Files are read by our own reader (``_hdf5_blocks`` says why) and written by h5py.

Known weakness: plain HDF5 has no checksums: a flipped byte inside an array's data goes unnoticed.
``.keras`` archives and checkpoints have them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

import ml_dtypes
import numpy as np

from ..errors import ArgumentError, FileFormatError
from ._hdf5_reader import H5Reader
from ._lazy import LazyModule
from ._source import open_source
from ._zip import memory_limit
from .atomic import PathOrFile, atomic_write
from .detect import sniff_source, wrong_format

__all__ = ["H5Attribute", "H5Group", "load_hdf5", "read_names", "save_hdf5", "write_names"]

h5py: Any = LazyModule("h5py")

H5Attribute: TypeAlias = "str | bool | int | float | list[str] | np.ndarray | None"

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_ATTRIBUTE_LIMIT = 64_512  # bytes that one attribute may take, the limit that Keras uses
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
        limit = memory_limit(source.size, max_bytes)
        return H5Reader(source, limit, with_data=with_data).read(H5Group)


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


