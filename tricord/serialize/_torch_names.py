"""What names may occur in a PyTorch file, and what each means as data.

The list follows ``torch.load(weights_only=True)`` of PyTorch 2.13 plus numpy's scalars and arrays.
Nothing here is torch: each name is a small function that makes numpy arrays and plain values.
"""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ml_dtypes
import numpy as np

from ..errors import FileFormatError, UnsafeFileError
from ._pickle import Budget, Name, is_plain_key
from ._shapes import is_possible

__all__ = [
    "DTYPES", "STORAGE_NAMES", "Storage", "TensorData", "TorchDevice", "TorchDtype", "TorchNames",
]


@dataclass(frozen=True, eq=False)
class TensorData:
    """A tensor of a PyTorch file. Tensors that shared memory there share ``array``'s memory.

    ``array`` may have any non-negative strides (an expanded tensor has zeros) and is writable.
    """

    array: np.ndarray
    requires_grad: bool = False
    is_parameter: bool = False


@dataclass(frozen=True)
class TorchDtype:
    """A ``torch.dtype`` as a value: ``TorchDtype("float32")``."""

    name: str


@dataclass(frozen=True)
class TorchDevice:
    """A ``torch.device`` as a value: ``TorchDevice("cuda", 1)``."""

    type: str
    index: int | None = None


# torch's name of a dtype: numpy's dtype. Those that numpy has no dtype for are named only.
DTYPES: dict[str, np.dtype] = {name: np.dtype(value) for name, value in {
    "float32": np.float32, "float64": np.float64, "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16, "int8": np.int8, "int16": np.int16, "int32": np.int32,
    "int64": np.int64, "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32,
    "uint64": np.uint64, "bool": np.bool_, "complex64": np.complex64, "complex128": np.complex128,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn, "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz, "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8_e8m0fnu": ml_dtypes.float8_e8m0fnu,
}.items()}

# The typed storages; a tensor of any other dtype lies in an UntypedStorage.
STORAGE_NAMES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "CharStorage": "int8", "ShortStorage": "int16",
    "IntStorage": "int32", "LongStorage": "int64", "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
}
_OTHER_DTYPES = {
    "complex32", "quint8", "qint8", "qint32", "quint4x2", "quint2x4", "bits8", "bits16",
    "bits1x8", "bits2x4", "bits4x2", "float4_e2m1fn_x2",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in range(1, 8)),
}
_UNSUPPORTED = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor: save tensor.to_dense()",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor: save tensor.to_dense()",
    "torch._utils._rebuild_qtensor": "a quantized tensor: save tensor.dequantize()",
    "torch._utils._rebuild_nested_tensor": "a nested tensor: save its parts, tensor.unbind()",
    "torch._utils._rebuild_meta_tensor_no_storage": "a meta tensor, which has no values",
    "torch._utils._rebuild_wrapper_subclass": "a tensor subclass: save it as a plain tensor",
    "torch._utils._rebuild_device_tensor_from_numpy": "an accelerator's tensor: save tensor.cpu()",
    "torch._utils._rebuild_xla_tensor": "an accelerator's tensor: save tensor.cpu()",
    **{f"torch.{kind}Storage": "a quantized tensor: save tensor.dequantize()"
       for kind in ("QInt8", "QInt32", "QUInt8", "QUInt4x2", "QUInt2x4")},
}
_NUMPY_CODE = re.compile(r"[biufcSU]\d{1,4}")
_MAX_RANK = 64


@dataclass(eq=False)
class Storage:
    """Raw bytes that tensors lie in, and their dtype (None: each tensor says its own)."""

    data: np.ndarray  # uint8
    dtype: np.dtype | None
    title = "a bare storage"


@dataclass(eq=False)
class _NumpyDtype:
    """A numpy dtype under construction: the byte order comes with its BUILD."""

    dtype: np.dtype
    title = "a bare numpy dtype"


class _NumpyArray:
    """A numpy array whose contents come with its BUILD."""

    title = "an unfinished numpy array"
    array: np.ndarray | None = None

    @property
    def resolved(self) -> Any:
        return self if self.array is None else self.array


class TorchNames:
    """The meaning of the names in one file; ``logical_limit`` bounds tensors with zero strides."""

    INTERNAL: tuple[type, ...] = (Name, Storage, _NumpyDtype, _NumpyArray)

    def __init__(self, file_name: str, budget: Budget, logical_limit: int):
        self._file_name = file_name
        self._budget = budget
        self._logical_limit = logical_limit
        calls: dict[str, Callable[..., Any]] = {
            "torch._utils._rebuild_tensor": self._tensor_v1,
            "torch._utils._rebuild_tensor_v2": self._tensor_v2,
            "torch._utils._rebuild_tensor_v3": self._tensor_v3,
            "torch._utils._rebuild_parameter": _parameter,
            "torch._utils._rebuild_parameter_with_state": _parameter,
            "torch._tensor._rebuild_from_type_v2": self._from_type,
            "torch.Size": _size, "torch.device": _device,
            "collections.OrderedDict": _ordered_dict, "collections.Counter": _counter,
            "builtins.set": _make_set, "builtins.bytearray": _make_bytearray,
            "builtins.complex": _complex, "_codecs.encode": _encode,
            "numpy.dtype": _numpy_dtype,
        }
        for package in ("numpy.core.multiarray", "numpy._core.multiarray"):
            calls[f"{package}.scalar"] = _numpy_scalar
            calls[f"{package}._reconstruct"] = lambda *_: _NumpyArray()
        for package in ("numpy.core.numeric", "numpy._core.numeric"):
            calls[f"{package}._frombuffer"] = _numpy_from_buffer
        self._names: dict[str, Any] = {name: Name(name, call) for name, call in calls.items()}
        for name in ("torch.Tensor", "torch.nn.parameter.Parameter", "numpy.ndarray"):
            self._names[name] = Name(name)
        for storage in (*STORAGE_NAMES, "UntypedStorage"):
            for module in ("torch", "torch.storage", "torch.cuda"):
                self._names[f"{module}.{storage}"] = Name(storage)
        for dtype in (*DTYPES, *_OTHER_DTYPES):
            self._names[f"torch.{dtype}"] = TorchDtype(dtype)

    def lookup(self, module: str, name: str) -> Any:
        """The meaning of a name, or an error that names it."""
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        title = f"{module}.{name}"
        if title in self._names:
            return self._names[title]
        if title in _UNSUPPORTED:
            raise FileFormatError(f"{self._file_name}: holds {_UNSUPPORTED[title].split(':')[0]} "
                                  f"({title}), which tricord does not read",
                                  hint=_UNSUPPORTED[title].partition(": ")[2] or None)
        hint = "tricord runs nothing from a file; save tensors, numbers, text and containers only"
        if module.partition(".")[0] not in ("builtins", "os", "posix", "nt", "sys", "subprocess"):
            hint = ("it was saved whole, with its Python classes; in PyTorch save "
                    "model.state_dict() and load that")
        raise UnsafeFileError(f"{self._file_name}: the file asks for {title} to be imported and "
                              "called; refused", hint=hint)

    def build(self, target: Any, state: Any) -> Any:
        """Set an object's state: the version table of a state_dict, a numpy dtype or array."""
        if type(target) is OrderedDict and isinstance(state, dict):
            if set(state) - {"_metadata"}:
                raise self._bad(f"a dict with attributes {sorted(map(str, state))}")
            vars(target).update(state)
            return target
        try:
            if isinstance(target, _NumpyDtype):
                target.dtype = target.dtype.newbyteorder(_order(state))
                return target
            if isinstance(target, _NumpyArray):
                array = _numpy_array(state)
                self._budget.take(array.nbytes)
                target.array = array.copy()
                return target.array
        except (TypeError, ValueError, IndexError) as problem:
            raise self._bad(f"a numpy value that is not one ({problem})") from None
        raise UnsafeFileError(
            f"{self._file_name}: the file asks for attributes of a {type(target).__name__} to be "
            "set; refused", hint="save tensors, numbers, text and containers only")

    def _bad(self, problem: str) -> FileFormatError:
        return FileFormatError(f"{self._file_name}: {problem}",
                               hint="the file is damaged; save or fetch it again")

    # ---------------------------------------------------------------- tensors

    def _tensor_v1(self, storage: Any, offset: Any, size: Any, stride: Any) -> TensorData:
        return self._tensor_v2(storage, offset, size, stride, False)

    def _tensor_v2(self, storage: Any, offset: Any, size: Any, stride: Any,
                   requires_grad: Any = False, hooks: Any = None, metadata: Any = None) -> Any:
        if not isinstance(storage, Storage) or storage.dtype is None:
            raise self._bad("a tensor without a typed storage")
        return self._tensor(storage, storage.dtype, offset, size, stride, requires_grad, metadata)

    def _tensor_v3(self, storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any,
                   hooks: Any, dtype: Any, metadata: Any = None) -> Any:
        if not isinstance(storage, Storage) or not isinstance(dtype, TorchDtype):
            raise self._bad("a tensor without a storage or a dtype")
        # Bytes other than 0 and 1 are not numpy bools; only BoolStorage is checked for them.
        if dtype.name not in DTYPES or dtype.name == "bool":
            raise self._bad(f"a tensor of dtype torch.{dtype.name} in an untyped storage")
        return self._tensor(storage, DTYPES[dtype.name], offset, size, stride, requires_grad,
                            metadata)

    def _tensor(self, storage: Storage, dtype: np.dtype, offset: Any, size: Any, stride: Any,
                requires_grad: Any, metadata: Any) -> TensorData:
        array = self._view(storage, dtype, offset, size, stride)
        if isinstance(metadata, dict) and any(metadata.values()):
            self._budget.take(array.nbytes)
            array = np.conj(array) if metadata.get("conj") else array
            array = np.negative(array) if metadata.get("neg") else array
        return TensorData(array, requires_grad is True)

    def _view(self, storage: Storage, dtype: np.dtype, offset: Any, size: Any, stride: Any) -> (
            np.ndarray):
        if type(size) is not tuple or type(stride) is not tuple or len(size) != len(stride):
            raise self._bad(f"a tensor of size {size!r} with strides {stride!r}")
        if len(size) > _MAX_RANK:
            raise self._bad(f"a tensor of {len(size)} dimensions; there may be {_MAX_RANK}")
        for number in (offset, *size, *stride):
            if type(number) is not int or number < 0:
                raise self._bad(f"a tensor with offset {offset!r}, size {size!r} and strides "
                                f"{stride!r}: they must be whole numbers from 0")
        count = math.prod(size)
        if count == 0:
            if not is_possible(size, dtype.itemsize):
                raise self._bad(f"a tensor of size {size!r}")
            return np.empty(size, dtype)
        last = offset + sum((length - 1) * step for length, step in zip(size, stride))
        room = storage.data.size // dtype.itemsize
        if last >= room:
            raise self._bad(f"a tensor of size {size!r}, strides {stride!r}, offset {offset} needs "
                            f"{last + 1} elements, but its storage has {room}")
        if count * dtype.itemsize > self._logical_limit:
            raise self._bad(f"a tensor of size {size!r} over a storage of {room} elements")
        # The stride of an axis of length 1 is never used and may be anything; numpy wants it sane.
        steps = tuple((step if length > 1 else 1) * dtype.itemsize
                      for length, step in zip(size, stride))
        return np.ndarray(size, dtype, storage.data, offset * dtype.itemsize, steps)

    def _from_type(self, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
        plain = ("torch.Tensor", "torch.nn.parameter.Parameter")
        if not (isinstance(function, Name) and function.title.startswith("torch._utils._rebuild")
                and function.call is not None and isinstance(kind, Name) and kind.title in plain
                and type(arguments) is tuple):
            raise self._bad("a tensor with attributes that is not a plain tensor")
        return function.call(*arguments)


def _parameter(data: Any, requires_grad: Any, hooks: Any = None, state: Any = None) -> TensorData:
    if not isinstance(data, TensorData):
        raise ValueError("no tensor")
    return replace(data, requires_grad=requires_grad is True, is_parameter=True)


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    # How protocol 2 spells bytes. Other codecs compress or transform; data needs none of them.
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise ValueError(f"codec {encoding!r}")
    return text.encode("latin1")


def _size(items: Any = ()) -> tuple[int, ...]:
    if type(items) not in (list, tuple) or not all(type(item) is int for item in items):
        raise ValueError("a size that is not made of whole numbers")
    return tuple(items)


def _device(kind: Any, index: Any = None) -> TorchDevice:
    if type(kind) is not str or not (index is None or type(index) is int):
        raise ValueError("a device that is not one")
    name, _, number = kind.partition(":")
    return TorchDevice(name, int(number) if number else index)


def _ordered_dict(items: Any = ()) -> OrderedDict[Any, Any]:
    # Python 2 gives the items here, as a list of pairs.
    pairs = list(items.items()) if isinstance(items, dict) else items
    if type(pairs) not in (list, tuple):
        raise ValueError("items that are no pairs")
    for pair in pairs:
        if type(pair) not in (list, tuple) or len(pair) != 2 or not is_plain_key(pair[0]):
            raise ValueError("items that are no pairs of a plain key and a value")
    return OrderedDict(pairs)


def _counter(items: Any = ()) -> Counter[Any]:
    return Counter(dict(_ordered_dict(items)))


def _complex(real: Any = 0.0, imaginary: Any = 0.0) -> complex:
    if type(real) not in (int, float) or type(imaginary) not in (int, float):
        raise ValueError("a complex number that is not two numbers")
    return complex(real, imaginary)


def _make_set(items: Any = ()) -> set[Any]:
    scalars = (str, int, float, bool, bytes, complex, type(None))
    if type(items) not in (list, tuple) or not all(type(item) in scalars for item in items):
        raise ValueError("set items that are not plain")
    return set(items)


def _make_bytearray(value: Any = b"", encoding: Any = "latin-1") -> bytearray:
    # An integer argument would mean that many zeros.
    return bytearray(value if type(value) is bytes else _encode(value, encoding))


def _order(state: Any) -> str:
    order = state[1] if type(state) is tuple and len(state) > 1 else None
    if order not in ("<", ">", "|", "="):
        raise ValueError(f"byte order {order!r}")
    return order


def _numpy_dtype(code: Any, align: Any = False, copy: Any = False) -> _NumpyDtype:
    if type(code) is not str or not _NUMPY_CODE.fullmatch(code):
        raise ValueError(f"numpy dtype {code!r}")
    return _NumpyDtype(np.dtype(code))


def _plain_dtype(value: Any) -> np.dtype:
    if not isinstance(value, _NumpyDtype):
        raise ValueError("no numpy dtype")
    return value.dtype


def _numpy_scalar(dtype: Any, raw: Any) -> np.generic:
    plain = _plain_dtype(dtype)
    if type(raw) is not bytes or len(raw) != plain.itemsize:
        raise ValueError("a numpy scalar of another size")
    return np.frombuffer(raw, plain)[0]


def _numpy_from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return _numpy_array((1, shape, dtype, order == "F", bytes(raw)))


def _numpy_array(state: Any) -> np.ndarray:
    if type(state) is not tuple or len(state) != 5:
        raise ValueError("a numpy array without its five parts")
    _, shape, dtype, fortran, raw = state
    plain = _plain_dtype(dtype)
    if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape) or (
            not is_possible(shape, plain.itemsize)):
        raise ValueError(f"shape {str(shape)[:80]}")
    if type(raw) is not bytes or len(raw) != math.prod(shape) * plain.itemsize:
        raise ValueError("a numpy array of another size than its data")
    return np.frombuffer(raw, plain).reshape(shape, order="F" if fortran is True else "C")
