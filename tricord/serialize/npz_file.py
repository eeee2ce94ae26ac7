"""numpy's ``.npy`` (one array) and ``.npz`` (named arrays), without pickles and within bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import ArgumentError, FileFormatError
from ._npy import npy_pieces, parse_npy
from ._source import open_source
from ._zip import ZipReader, write_zip
from .atomic import PathOrFile, atomic_write
from .detect import sniff_source, wrong_format

__all__ = ["load_npy", "load_npz", "save_npy", "save_npz"]


def load_npy(path_or_file: PathOrFile) -> np.ndarray:
    """The array of a ``.npy`` file.

    Raises:  UnsafeFileError for arrays of Python objects; FileFormatError if it is damaged

    >>> import io
    >>> file = io.BytesIO()
    >>> save_npy(np.arange(3), file)
    >>> load_npy(io.BytesIO(file.getvalue()))
    array([0, 1, 2])
    """
    with open_source(path_or_file) as source:
        if sniff_source(source) != "npy":
            raise wrong_format(source, "npy")
        return parse_npy(source.read_array(0, source.size, "the array"), source.name)


def save_npy(array: np.ndarray, path_or_file: PathOrFile) -> None:
    """Write one array; ``numpy.load`` reads it. Atomic.

    Raises:  ArgumentError for a dtype that .npy cannot hold (objects, bfloat16)
    """
    pieces = npy_pieces(np.asarray(array), "the array")
    atomic_write(path_or_file, lambda file: [file.write(piece) for piece in pieces],
                 verify=load_npy)


def load_npz(path_or_file: PathOrFile, *, max_bytes: int | None = None) -> dict[str, np.ndarray]:
    """Every array of a ``.npz`` file by name; ``max_bytes`` bounds what it may expand to.

    Raises:  UnsafeFileError for arrays of Python objects; FileFormatError if it is damaged,
             a checksum is wrong, or it would expand beyond bounds

    >>> import io
    >>> file = io.BytesIO()
    >>> save_npz({"x": np.arange(3)}, file, compress=True)
    >>> load_npz(io.BytesIO(file.getvalue()))
    {'x': array([0, 1, 2])}
    """
    with open_source(path_or_file) as source:
        # numpy writes an archive without entries for no arrays at all.
        if sniff_source(source) not in ("npz", "zip"):
            raise wrong_format(source, "npz")
        archive = ZipReader(source, max_bytes=max_bytes)
        arrays: dict[str, np.ndarray] = {}
        for name in archive.entries:
            if not name.endswith(".npy"):
                raise FileFormatError(f"{source.name}: expected an .npz archive of numpy arrays, "
                                      f"but it holds {name!r}")
            arrays[name.removesuffix(".npy")] = parse_npy(
                archive.read_array(name), f"{source.name}[{name!r}]")
        return arrays


def save_npz(
    arrays: Mapping[str, np.ndarray], path_or_file: PathOrFile, *, compress: bool = False,
) -> None:
    """Write named arrays; ``numpy.load`` reads them. Atomic; equal arrays give equal bytes.

    Raises:  ArgumentError for a dtype that .npy cannot hold (objects, bfloat16) or a name that
             is no plain relative path
    """
    for name in arrays:
        parts = str(name).replace("\\", "/").split("/")
        if not isinstance(name, str) or not name or "" in parts or ".." in parts or (
                ":" in parts[0] or "\0" in name):
            raise ArgumentError(f"save: {name!r} cannot be the name of an array in a file",
                                hint="use letters, digits, dots and slashes")
    entries = [(f"{name}.npy", npy_pieces(np.asarray(array), repr(name)))
               for name, array in arrays.items()]
    atomic_write(path_or_file, lambda file: write_zip(file, entries, compress=compress),
                 verify=load_npz)
