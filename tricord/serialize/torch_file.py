"""PyTorch's ``.pt`` / ``.pth`` files, read and written without PyTorch and without ``pickle``.

A file is a zip: ``data.pkl`` is a pickle of the object, in which a tensor names a storage, and
``data/0``, ``data/1``, ... are the storages' bytes. The pickle is read by an interpreter that knows
only data (``_pickle``) and a closed list of names (``_torch_names``): a file that asks for anything
else, say ``os.system``, is refused by that name, and nothing was run. There is no unsafe mode.

Source: what PyTorch 2.13 writes (``torch/serialization.py``), and files of before 1.6, which are
five pickles and raw storages in a row.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from ..errors import FileFormatError
from ._pickle import Budget, Name, PickleReader, check_result
from ._source import Source, open_source
from ._torch_names import (
    DTYPES,
    STORAGE_NAMES,
    Storage,
    TensorData,
    TorchDevice,
    TorchDtype,
    TorchNames,
)
from ._torch_writer import torch_entries
from ._zip import ZipReader, write_zip
from .atomic import PathOrFile, atomic_write
from .detect import sniff_source, wrong_format

__all__ = ["TensorData", "TorchDevice", "TorchDtype", "load_torch", "save_torch"]

_MAX_PICKLE = 1 << 28  # bytes; the names and shapes of a million tensors are a tenth of this
_LEGACY_PROTOCOL = 1001


def load_torch(path_or_file: PathOrFile, *, max_bytes: int | None = None) -> Any:
    """The object in a PyTorch file: plain containers and scalars, tensors as ``TensorData``.

    ``torch.Size`` comes as a tuple, dtypes and devices as ``TorchDtype`` and ``TorchDevice``; a
    state_dict stays an OrderedDict and keeps its ``_metadata`` attribute. ``max_bytes`` bounds
    what a compressed file may expand to.

    Raises:  UnsafeFileError if the file asks for code (it names what); FileFormatError if it is
             damaged or of another kind (it says which)

    >>> import io
    >>> file = io.BytesIO()
    >>> save_torch({"w": np.ones(2, np.float32), "epoch": 3}, file)
    >>> state = load_torch(io.BytesIO(file.getvalue()))
    >>> state["w"].array, state["epoch"]
    (array([1., 1.], dtype=float32), 3)
    """
    with open_source(path_or_file) as source:
        kind = sniff_source(source)
        if kind == "torch":
            return _ZipFile(source, max_bytes).load()
        if kind == "torch-legacy":
            return _LegacyFile(source).load()
        raise wrong_format(source, "torch")


def save_torch(obj: Any, path_or_file: PathOrFile) -> None:
    """Write a file that ``torch.load(path)`` reads, atomically and with the same bytes every time.

    Takes nested dicts, lists, tuples and sets of arrays (or ``TensorData``), numbers, text, bytes
    and None. Arrays that overlap in memory are written once and share memory again when loaded.

    Raises:  ArgumentError for any other kind of value, naming where in the object it is
    """
    entries = torch_entries(obj)

    def verify(path: str) -> None:
        with open_source(path) as source:
            archive = ZipReader(source)
            for name in archive.entries:
                archive.read_array(name)

    atomic_write(path_or_file, lambda file: write_zip(file, entries), verify=verify)


class _TorchFile:
    """What both formats share: the names, the budget, and finished results only."""

    def __init__(self, source: Source):
        self.source = source
        self.budget = Budget((1 << 26) + 16 * source.size, source.name)
        self.names = TorchNames(source.name, self.budget, (1 << 26) + 16 * source.size)
        self.storages: dict[str, Storage] = {}

    def reader(self, data: bytes, position: int = 0) -> PickleReader:
        return PickleReader(
            data, file_name=self.source.name, names=self.names.lookup, build=self.names.build,
            persistent=self.persistent, budget=self.budget, position=position)

    def finished(self, value: Any, reader: PickleReader) -> Any:
        check_result(value, reader, TorchNames.INTERNAL)
        return value

    def bad(self, problem: str) -> FileFormatError:
        return FileFormatError(f"{self.source.name}: {problem}",
                               hint="the file is damaged; save or fetch it again")

    def persistent(self, identity: Any) -> Storage:
        """The storage that ("storage", type, key, location, number of elements) stands for."""
        if type(identity) is not tuple or len(identity) not in (5, 6) or identity[0] != "storage":
            raise self.bad(f"a reference {str(identity)[:80]!r} that is no storage")
        _, kind, key, location, count = identity[:5]
        if not isinstance(kind, Name) or type(key) is not str or type(count) is not int:
            raise self.bad("a storage without a type, a key or a size")
        if kind.title not in STORAGE_NAMES and kind.title != "UntypedStorage":
            raise self.bad(f"a storage of type {kind.title}")
        if location == "meta":
            raise self.bad("a storage on the meta device, which has no values")
        if len(identity) == 6 and identity[5] is not None:
            raise self.bad("a storage that is a view of another (PyTorch before 0.4)")
        dtype = DTYPES.get(STORAGE_NAMES.get(kind.title, ""))
        size = count * (1 if dtype is None else dtype.itemsize)
        if key not in self.storages:
            if size < 0:
                raise self.bad(f"a storage of {count} elements")
            self.storages[key] = Storage(self.storage_bytes(key, size), dtype)
        storage = self.storages[key]
        if storage.data.size != size:
            raise self.bad(f"storage {key!r} has {storage.data.size} bytes and claims {size}")
        if storage.dtype != dtype:
            raise self.bad(f"storage {key!r} is of two types, {storage.dtype} and {dtype}")
        return storage

    def storage_bytes(self, key: str, size: int) -> np.ndarray:
        raise NotImplementedError


def _make_native(data: np.ndarray, dtype: np.dtype | None, byteorder: str) -> bool:
    """Put a storage's bytes into this machine's order, in place; False if that is not known."""
    if dtype is None:
        return byteorder == "little"
    if byteorder == "big" and dtype.itemsize > 1:
        parts = dtype.itemsize // (2 if dtype.kind == "c" else 1)
        data.reshape(-1, parts)[:] = data.reshape(-1, parts)[:, ::-1].copy()
    if dtype.kind == "b":
        np.minimum(data, 1, out=data)  # a bool of 2 is neither true nor false to numpy
    return True


class _ZipFile(_TorchFile):
    """The format since PyTorch 1.6."""

    def __init__(self, source: Source, max_bytes: int | None):
        super().__init__(source)
        # torch.serialization.set_crc32_options(False) records checksums of 0.
        self.archive = ZipReader(source, max_bytes=max_bytes, crc_optional=True)
        pickles = [name for name in self.archive.entries
                   if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise self.bad(f"expected one data.pkl, found {pickles}")
        self.prefix = pickles[0].removesuffix("data.pkl")

    def load(self) -> Any:
        name = f"{self.prefix}data.pkl"
        if self.archive.size(name) > _MAX_PICKLE:
            raise self.bad(f"its data.pkl has {self.archive.size(name)} bytes; "
                           f"{_MAX_PICKLE} are allowed")
        order = f"{self.prefix}byteorder"
        self.byteorder = "little"
        if order in self.archive:
            self.byteorder = self.archive.read(order).decode("ascii", "replace")
        if self.byteorder not in ("little", "big"):
            raise self.bad(f"byte order {self.byteorder!r}")
        reader = self.reader(self.archive.read(name))
        value = reader.load()
        if reader.position != len(reader.data):
            raise self.bad("bytes after the end of data.pkl")
        for storage in self.storages.values():
            if not _make_native(storage.data, storage.dtype, self.byteorder):
                raise self.bad("an untyped storage of a big-endian machine")
        return self.finished(value, reader)

    def storage_bytes(self, key: str, size: int) -> np.ndarray:
        name = f"{self.prefix}data/{key}"
        if name not in self.archive:
            raise self.bad(f"storage {key!r} is missing")
        if self.archive.size(name) != size:
            raise self.bad(f"storage {key!r} has {self.archive.size(name)} bytes, "
                           f"but {size} are claimed")
        return self.archive.read_array(name)


class _LegacyFile(_TorchFile):
    """The format before PyTorch 1.6: magic, version, system, object, keys; then the storages."""

    def load(self) -> Any:
        size = min(self.source.size, _MAX_PICKLE)
        data = self.source.read_at(0, size, "the pickled objects")
        reader = self.reader(data)
        reader.load()  # the magic number, which brought us here
        if reader.load() != _LEGACY_PROTOCOL:
            raise self.bad("an unknown version of PyTorch's old format")
        system = reader.load()
        byteorder = "little"
        if isinstance(system, dict) and system.get("little_endian") is False:
            byteorder = "big"
        start = reader.position
        reader.load()  # a first time, to know the storages, whose contents come later
        keys = reader.load()
        if type(keys) is not list or set(map(repr, keys)) != set(map(repr, self.storages)):
            raise self.bad("the list of storages does not fit to the tensors")
        position = reader.position
        for key in keys:
            position = self._fill(self.storages[key], position, byteorder)
        if position != self.source.size:
            raise self.bad("bytes after the last storage")
        reader.position = start
        return self.finished(reader.load(), reader)

    def storage_bytes(self, key: str, size: int) -> np.ndarray:
        if size > self.source.size - sum(s.data.size for s in self.storages.values()):
            raise self.bad(f"storage {key!r} claims {size} bytes, more than the file has")
        return np.empty(size, np.uint8)

    def _fill(self, storage: Storage, position: int, byteorder: str) -> int:
        count, = struct.unpack("<q" if byteorder == "little" else ">q",
                               self.source.read_at(position, 8, "the size of a storage"))
        itemsize = 1 if storage.dtype is None else storage.dtype.itemsize
        if count * itemsize != storage.data.size:
            raise self.bad(f"a storage of {storage.data.size} bytes holds {count} elements")
        storage.data[:] = self.source.read_array(position + 8, storage.data.size, "a storage")
        if not _make_native(storage.data, storage.dtype, byteorder):
            raise self.bad("an untyped storage of a big-endian machine")
        return position + 8 + storage.data.size
