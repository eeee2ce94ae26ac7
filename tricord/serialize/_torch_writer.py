"""The entries of a PyTorch file for an object: a protocol 2 pickle and its storages."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ._torch_names import DTYPES, STORAGE_NAMES, TensorData, TorchDevice, TorchDtype

__all__ = ["torch_entries"]

_MAX_DEPTH = 200
_MAX_INTEGER_BYTES = 255  # what torch.load's own restricted reader takes
_DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_TYPED_STORAGES = {name: storage for storage, name in STORAGE_NAMES.items()}
_EMPTY_ORDERED_DICT = b"ccollections\nOrderedDict\n)R"
Entry = tuple[str, Iterable[bytes | memoryview]]


def torch_entries(obj: Any) -> list[Entry]:
    """Name and pieces of every entry of the zip, in the order in which PyTorch writes them."""
    emitter = _Emitter()
    pickled = emitter.run(obj)
    storages = [(f"archive/data/{key}", [memoryview(storage.reshape(-1).view(np.uint8))])
                for key, storage in enumerate(emitter.storages)]
    return [
        ("archive/data.pkl", [pickled]),
        ("archive/.format_version", [b"1"]),
        ("archive/.storage_alignment", [b"64"]),
        ("archive/byteorder", [b"little"]),
        *storages,
        ("archive/version", [b"3\n"]),
    ]


class _Raw(bytes):
    """Opcodes to emit when their turn comes."""


class _Leave:
    """The end of a container: it may occur again elsewhere, but not inside itself."""

    def __init__(self, container: Any):
        self.container = container


class _Emitter:
    def __init__(self) -> None:
        self.storages: list[np.ndarray] = []
        self._out = bytearray(b"\x80\x02")
        # What is still to be emitted, the next thing last: (value, where it is in the object).
        self._todo: list[tuple[Any, str]] = []
        self._open: set[int] = set()

    def run(self, obj: Any) -> bytes:
        self._placed = _place(_tensors_in(obj))
        self._todo.append((obj, "object"))
        while self._todo:
            value, where = self._todo.pop()
            if isinstance(value, _Raw):
                self._out += value
            elif isinstance(value, _Leave):
                self._open.discard(id(value.container))
            elif not self._scalar(value, where):
                self._container(value, where)
        return bytes(self._out + b".")

    # ---------------------------------------------------------------- scalars

    def _scalar(self, value: Any, where: str) -> bool:
        if isinstance(value, np.generic):
            value = _python_scalar(value, where)
        if value is None:
            self._out += b"N"
        elif isinstance(value, bool):
            self._out += b"\x88" if value else b"\x89"
        elif isinstance(value, int):
            self._out += _integer(int(value), where)
        elif isinstance(value, float):
            self._out += b"G" + struct.pack(">d", value)
        elif isinstance(value, str):
            self._out += _text(value)
        elif isinstance(value, bytes):
            self._out += b"c_codecs\nencode\n" + _text(value.decode("latin1")) + _text(
                "latin1") + b"\x86R"
        elif isinstance(value, bytearray):
            self._out += b"c__builtin__\nbytearray\n" + _text(value.decode("latin1")) + _text(
                "latin-1") + b"\x86R"
        elif isinstance(value, complex):
            self._out += b"c__builtin__\ncomplex\n" + struct.pack(
                ">cdcd", b"G", value.real, b"G", value.imag) + b"\x86R"
        elif isinstance(value, TorchDtype):
            self._out += b"ctorch\n" + value.name.encode() + b"\n"
        elif isinstance(value, TorchDevice):
            index = b"" if value.index is None else _integer(value.index, where)
            self._out += b"ctorch\ndevice\n" + _text(value.type) + index + (
                b"\x86R" if index else b"\x85R")
        elif isinstance(value, np.ndarray | TensorData):
            self._tensor(value, where)
        else:
            return False
        return True

    # ---------------------------------------------------------------- tensors

    def _tensor(self, value: np.ndarray | TensorData, where: str) -> None:
        tensor = value if isinstance(value, TensorData) else TensorData(value)
        if tensor.requires_grad and tensor.array.dtype.kind in "biu":
            raise ArgumentError(f"save: {where} has dtype {tensor.array.dtype} and "
                                "requires_grad; only floats and complex numbers may")
        placed = self._placed[id(tensor.array)]
        if placed.key is None:
            placed.key = len(self.storages)
            self.storages.append(placed.storage)
        name = _DTYPE_NAMES[placed.storage.dtype]
        typed = name in _TYPED_STORAGES
        storage = placed.storage
        count = storage.size if typed else storage.nbytes
        kind = b"ctorch\n" + _TYPED_STORAGES[name].encode() if typed else (
            b"ctorch.storage\nUntypedStorage")
        itemsize = storage.dtype.itemsize
        offset, strides = placed.locate(tensor.array)
        out = bytearray()
        if tensor.is_parameter:
            out += b"ctorch._utils\n_rebuild_parameter\n"
        out += b"ctorch._utils\n_rebuild_tensor_v" + (b"2" if typed else b"3") + b"\n(("
        out += _text("storage") + kind + b"\n" + _text(str(placed.key)) + _text("cpu")
        out += _integer(count, "") + b"tQ" + _integer(offset // itemsize, "")
        out += _integers(tensor.array.shape)
        out += _integers(tuple(step // itemsize for step in strides))
        grad = b"\x88" if tensor.requires_grad else b"\x89"
        # A Parameter's inner tensor is its .data, which never requires a gradient itself.
        out += (b"\x89" if tensor.is_parameter else grad) + _EMPTY_ORDERED_DICT
        if not typed:
            out += b"ctorch\n" + name.encode() + b"\n"
        out += b"tR"
        if tensor.is_parameter:
            out += grad + _EMPTY_ORDERED_DICT + b"\x87R"
        self._out += out

    # ------------------------------------------------------------- containers

    def _container(self, value: Any, where: str) -> None:
        if not isinstance(value, dict | list | tuple | set):
            raise ArgumentError(
                f"save: {where} is a {type(value).__name__}, which a PyTorch file cannot hold here",
                hint="save arrays, numbers, text, None, and dicts, lists, tuples and sets of them")
        if id(value) in self._open:
            raise ArgumentError(f"save: {where} holds itself")
        if len(self._open) >= _MAX_DEPTH:
            raise ArgumentError(f"save: {where} is nested more than {_MAX_DEPTH} deep")
        self._open.add(id(value))
        parts: list[tuple[Any, str]]
        if isinstance(value, dict):
            parts = self._dict_parts(value, where)
        elif isinstance(value, list):
            self._out += b"]("
            parts = [*_numbered(value, where), (_Raw(b"e"), "")]
        elif isinstance(value, set):
            self._out += b"c__builtin__\nset\n]("
            ordered = sorted(value, key=lambda item: (type(item).__name__, repr(item)))
            parts = [*_numbered(ordered, where), (_Raw(b"e\x85R"), "")]
        else:
            self._out += b"("
            parts = [*_numbered(value, where), (_Raw(b"t"), "")]
        self._todo.append((_Leave(value), ""))
        self._todo.extend(reversed(parts))

    def _dict_parts(self, value: dict[Any, Any], where: str) -> list[tuple[Any, str]]:
        ordered = isinstance(value, OrderedDict)
        self._out += (_EMPTY_ORDERED_DICT if ordered else b"}") + b"("
        parts: list[tuple[Any, str]] = []
        for key, item in value.items():
            if not isinstance(key, str | int | float | bytes | tuple | type(None)):
                raise ArgumentError(f"save: a key of {where} is a {type(key).__name__}",
                                    hint="keys are text or numbers")
            parts += [(key, f"a key of {where}"), (item, f"{where}[{key!r}]")]
        parts.append((_Raw(b"u"), ""))
        metadata = vars(value).get("_metadata") if ordered else None
        if metadata is not None:
            parts += [(_Raw(b"}" + _text("_metadata")), ""), (metadata, f"{where}._metadata"),
                      (_Raw(b"sb"), "")]
        return parts


def _numbered(items: Iterable[Any], where: str) -> list[tuple[Any, str]]:
    return [(item, f"{where}[{index}]") for index, item in enumerate(items)]


def _text(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def _integer(value: int, where: str) -> bytes:
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    size = (value.bit_length() + 8) // 8
    if size > _MAX_INTEGER_BYTES:
        raise ArgumentError(f"save: {where} is an integer of {size} bytes",
                            hint=f"PyTorch reads up to {_MAX_INTEGER_BYTES} bytes; save it as text")
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def _integers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(_integer(value, "") for value in values) + b"t"


def _python_scalar(value: np.generic, where: str) -> Any:
    if np.dtype(value.dtype) in _DTYPE_NAMES:
        return float(value) if value.dtype.kind == "V" else value.item()
    if value.dtype.kind in "SU":
        return value.item()
    raise ArgumentError(f"save: {where} is a numpy {value.dtype} scalar",
                        hint="save a Python number")


# ------------------------------------------------------------------- which storage an array is in


class _Placed:
    """The storage that an array is written in; ``key`` is given at its first use."""

    def __init__(self, storage: np.ndarray, *, shared: bool):
        self.storage = storage
        self.key: int | None = None
        self._shared = shared

    def locate(self, array: np.ndarray) -> tuple[int, tuple[int, ...]]:
        """Byte offset and byte strides of an array in its storage."""
        if self._shared:
            return _address(array) - _address(self.storage), array.strides
        return 0, self.storage.strides


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def _tensors_in(root: Any) -> list[tuple[np.ndarray, str]]:
    """Every array of the object once, with the place where it is."""
    found: dict[int, tuple[np.ndarray, str]] = {}
    seen: set[int] = set()
    todo: list[tuple[Any, str]] = [(root, "object")]
    while todo:
        value, where = todo.pop()
        if isinstance(value, TensorData):
            value = value.array
        if isinstance(value, np.ndarray):
            found.setdefault(id(value), (value, where))
        elif isinstance(value, dict | list | tuple | set) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            todo.extend((item, f"{where}[{key!r}]") for key, item in items)
    return list(found.values())


def _place(arrays: list[tuple[np.ndarray, str]]) -> dict[int, _Placed]:
    """Arrays that overlap in memory get one storage; every other gets its own."""
    for array, where in arrays:
        if array.dtype.newbyteorder("=") not in _DTYPE_NAMES:
            raise ArgumentError(f"save: {where} is an array of dtype {array.dtype}, "
                                "which PyTorch does not have",
                                hint="convert it, for example array.astype('float32')")
    placed: dict[int, _Placed] = {}
    for group in _overlapping([array for array, _ in arrays]):
        storage = _common_storage(group) if len(group) > 1 else None
        shared = None if storage is None else _Placed(storage, shared=True)
        for array in group:
            placed[id(array)] = shared or _Placed(
                np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape),
                shared=False)
    return placed


def _overlapping(arrays: list[np.ndarray]) -> list[list[np.ndarray]]:
    bounds = sorted(((*np.lib.array_utils.byte_bounds(array), index)
                     for index, array in enumerate(arrays)))
    groups: list[list[np.ndarray]] = []
    reach = -1
    for low, high, index in bounds:
        if low >= reach or arrays[index].size == 0:
            groups.append([])
        reach = max(reach, high)
        groups[-1].append(arrays[index])
    return groups


def _common_storage(group: list[np.ndarray]) -> np.ndarray | None:
    """One flat array over all of the group's memory; None if they cannot be views of one."""
    first = group[0]
    itemsize = first.dtype.itemsize
    bounds = [np.lib.array_utils.byte_bounds(array) for array in group]
    start, end = bounds[0][0], max(high for _, high in bounds)
    for array in group:
        if array.dtype != first.dtype or not array.dtype.isnative or min(array.strides,
                                                                         default=0) < 0:
            return None
        steps = (_address(array) - start, *array.strides)
        if any(step % itemsize for step in steps):
            return None
    # The arrays overlap, so all memory between their ends is theirs.
    return np.lib.stride_tricks.as_strided(
        first.reshape(-1)[:1] if first.flags.c_contiguous else first[(slice(0, 1),) * first.ndim],
        ((end - start) // itemsize,), (itemsize,))
