"""safetensors files: a JSON header of names, dtypes, shapes and offsets, then the raw bytes.

Source: the format's description at https://github.com/huggingface/safetensors, whose package is
the oracle in the tests. Written here because that package's numpy side has no bfloat16 or float8.
The format has no checksum: a flipped byte inside an array's data goes unnoticed.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from ..errors import ArgumentError, FileFormatError
from ._shapes import is_possible
from ._source import Source, open_source
from .atomic import PathOrFile, atomic_write, flat_view
from .detect import sniff_source, wrong_format

__all__ = ["load_safetensors", "load_safetensors_metadata", "save_safetensors"]

_MAX_HEADER = 100_000_000  # bytes, the limit of the format's own reader
_DTYPES: dict[str, np.dtype] = {name: np.dtype(dtype) for name, dtype in {
    "BOOL": np.bool_, "U8": np.uint8, "I8": np.int8, "F8_E5M2": ml_dtypes.float8_e5m2,
    "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E8M0": ml_dtypes.float8_e8m0fnu,
    "I16": np.int16, "U16": np.uint16, "F16": np.float16, "BF16": ml_dtypes.bfloat16,
    "I32": np.int32, "U32": np.uint32, "F32": np.float32,
    "I64": np.int64, "U64": np.uint64, "F64": np.float64, "C64": np.complex64,
}.items()}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def load_safetensors(path_or_file: PathOrFile) -> dict[str, np.ndarray]:
    """Every array of a safetensors file by name, in the order of their data.

    Raises:  FileFormatError if it is damaged or of another kind (it says which)

    >>> import io
    >>> file = io.BytesIO()
    >>> save_safetensors({"w": np.ones(2, np.float32)}, file, {"format": "np"})
    >>> load_safetensors(io.BytesIO(file.getvalue()))
    {'w': array([1., 1.], dtype=float32)}
    >>> load_safetensors_metadata(io.BytesIO(file.getvalue()))
    {'format': 'np'}
    """
    with open_source(path_or_file) as source:
        tensors, _, start = _header(source)
        arrays: dict[str, np.ndarray] = {}
        for name, (dtype, shape, begin, end) in tensors.items():
            raw = source.read_array(start + begin, end - begin, f"array {name!r}")
            if dtype.kind == "b":
                np.minimum(raw, 1, out=raw)  # a bool of 2 is neither true nor false to numpy
            arrays[name] = raw.view(dtype).reshape(shape) if raw.size else np.empty(shape, dtype)
        return arrays


def load_safetensors_metadata(path_or_file: PathOrFile) -> dict[str, str]:
    """The text annotations of a safetensors file, without reading its arrays.

    Raises:  FileFormatError if it is damaged or of another kind (it says which)
    """
    with open_source(path_or_file) as source:
        return _header(source)[1]


def save_safetensors(
    arrays: Mapping[str, np.ndarray], path_or_file: PathOrFile,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named arrays and text annotations. Atomic; equal arrays give equal bytes.

    Raises:  ArgumentError for a dtype or a name that the format does not have
    """
    header: dict[str, Any] = {}
    if metadata:
        for key, value in metadata.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise ArgumentError(f"save_safetensors: metadata {key!r}: {value!r} is not text",
                                    hint="metadata is text to text; use json.dumps for the rest")
        header["__metadata__"] = dict(metadata)
    ordered = [(name, np.asarray(array)) for name, array in arrays.items()]
    for name, array in ordered:
        if not isinstance(name, str) or name == "__metadata__":
            raise ArgumentError(f"save_safetensors: {name!r} cannot be the name of an array")
        if array.dtype.newbyteorder("=") not in _NAMES:
            raise ArgumentError(f"save_safetensors: {name!r} has dtype {array.dtype}, which the "
                                f"format does not have", hint=f"it has {', '.join(_DTYPES)}")
    # Wide dtypes first, so that every array lies at a multiple of its own item size.
    ordered.sort(key=lambda item: (-item[1].dtype.itemsize, item[0]))
    position = 0
    for name, array in ordered:
        header[name] = {"dtype": _NAMES[array.dtype.newbyteorder("=")],
                        "shape": list(array.shape),
                        "data_offsets": [position, position + array.nbytes]}
        position += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)

    def content(file: BinaryIO) -> None:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, array in ordered:
            little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            file.write(flat_view(little.reshape(-1).view(np.uint8)))

    atomic_write(path_or_file, content, verify=load_safetensors_metadata)


_Tensor = tuple[np.dtype, tuple[int, ...], int, int]  # dtype, shape, begin, end of the data


def _header(source: Source) -> tuple[dict[str, _Tensor], dict[str, str], int]:
    if sniff_source(source) != "safetensors":
        raise wrong_format(source, "safetensors")
    size, = struct.unpack("<Q", source.read_at(0, 8, "the header's size"))
    if size > _MAX_HEADER:
        raise _bad(source, f"a header of {size} bytes")
    try:
        header = json.loads(source.read_at(8, size, "the header").decode("utf-8"),
                            object_pairs_hook=_no_duplicates)
    except FileFormatError:
        raise
    except (ValueError, RecursionError) as problem:  # JSON and UTF-8 errors are ValueErrors
        raise _bad(source, f"its header is not readable ({str(problem)[:80]})") from None
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _bad(source, "metadata that is not text")
    tensors = {name: _tensor(source, name, entry) for name, entry in header.items()}
    ordered = dict(sorted(tensors.items(), key=lambda item: (item[1][2], item[1][3])))
    position = 0
    for name, (_, _, begin, end) in ordered.items():
        if begin != position:
            raise _bad(source, f"array {name!r} starts at {begin}, but {position} was expected")
        position = end
    if position != source.size - 8 - size:
        raise _bad(source, f"its arrays take {position} bytes, but {source.size - 8 - size} follow "
                           "the header")
    return ordered, metadata, 8 + size


def _tensor(source: Source, name: str, entry: Any) -> _Tensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _bad(source, f"array {name!r} without dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise _bad(source, f"array {name!r} has dtype {str(dtype)[:40]!r}; "
                           f"known are {', '.join(_DTYPES)}")
    if not _are_sizes(shape) or not is_possible(shape, _DTYPES[dtype].itemsize):
        raise _bad(source, f"array {name!r} has shape {str(shape)[:80]}")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise _bad(source, f"array {name!r} has offsets {str(offsets)[:80]}")
    size = math.prod(shape) * _DTYPES[dtype].itemsize
    if offsets[1] - offsets[0] != size:
        raise _bad(source, f"array {name!r} of shape {shape} and dtype {dtype} takes {size} bytes, "
                           f"not {offsets[1] - offsets[0]}")
    return _DTYPES[dtype], tuple(shape), offsets[0], offsets[1]


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(n) is int and n >= 0 for n in values)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("the same key twice")
    return value


def _bad(source: Source, problem: str) -> FileFormatError:
    return FileFormatError(f"{source.name}: damaged safetensors file: {problem}",
                           hint="save or fetch it again")
