"""Element types: one object per dtype, promotion between them, limits.

A :class:`DType` compares equal to its name and to numpy's dtype, because users of the faces write
``x.dtype == "float32"`` (Keras), ``x.dtype == np.float32`` and ``x.dtype == torch.float32`` alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import ml_dtypes
import numpy as np

from ..errors import DTypeError, nearest

__all__ = [
    "ALL",
    "DType",
    "as_dtype",
    "bfloat16",
    "bool_",
    "complex64",
    "complex128",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "promote",
    "promote_scalar",
    "result_of_division",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


class DType:
    """The type of one element: ``name``, ``kind`` (b, i, u, f, c), ``itemsize`` in bytes.

    >>> float32.itemsize, float32 == "float32", bool(int8.is_floating_point)
    (4, True, False)
    """

    __slots__ = ("_hash", "is_complex", "is_floating_point", "is_inexact", "itemsize", "kind",
                 "name", "numpy")

    def __init__(self, name: str, kind: str, numpy_dtype: Any):
        self.name: Final = name
        self.kind: Final = kind
        self.numpy: Final[np.dtype[Any]] = np.dtype(numpy_dtype)
        self.itemsize: Final = self.numpy.itemsize
        self.is_floating_point: Final = kind == "f"
        self.is_complex: Final = kind == "c"
        self.is_inexact: Final = kind in "fc"
        self._hash: Final = hash(name)

    def __repr__(self) -> str:
        return f"tricord.{self.name}"

    def __str__(self) -> str:
        return self.name

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        if isinstance(other, str):
            return other == self.name or other.removeprefix("torch.") == self.name
        if isinstance(other, (np.dtype, type)):
            try:
                return bool(np.dtype(other) == self.numpy)
            except TypeError:
                return False
        return NotImplemented

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    def __deepcopy__(self, memo: object) -> DType:
        return self

    def __copy__(self) -> DType:
        return self

    @property
    def as_numpy_dtype(self) -> type:
        """The numpy scalar class (TensorFlow's name for it)."""
        return self.numpy.type

    @property
    def real(self) -> DType:
        """The dtype of one component: float32 for complex64, itself for a real dtype."""
        return {complex64: float32, complex128: float64}.get(self, self)


bool_ = DType("bool", "b", np.bool_)
int8 = DType("int8", "i", np.int8)
int16 = DType("int16", "i", np.int16)
int32 = DType("int32", "i", np.int32)
int64 = DType("int64", "i", np.int64)
uint8 = DType("uint8", "u", np.uint8)
uint16 = DType("uint16", "u", np.uint16)
uint32 = DType("uint32", "u", np.uint32)
uint64 = DType("uint64", "u", np.uint64)
float16 = DType("float16", "f", np.float16)
bfloat16 = DType("bfloat16", "f", ml_dtypes.bfloat16)
float32 = DType("float32", "f", np.float32)
float64 = DType("float64", "f", np.float64)
complex64 = DType("complex64", "c", np.complex64)
complex128 = DType("complex128", "c", np.complex128)

ALL: Final = (bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
              float16, bfloat16, float32, float64, complex64, complex128)

_BY_NAME: Final = {d.name: d for d in ALL} | {
    "float": float64, "double": float64, "half": float16, "int": int64, "long": int64,
    "short": int16, "bool_": bool_, "cfloat": complex64, "cdouble": complex128}
_BY_NUMPY: Final = {d.numpy: d for d in ALL}
_BY_PYTHON: Final[dict[type, DType]] = {
    bool: bool_, int: int64, float: float64, complex: complex128}


def as_dtype(value: object) -> DType:
    """The DType that a name, a numpy dtype, a Python type or a DType stands for.

    >>> as_dtype("float32"), as_dtype(np.int8), as_dtype(float)
    (tricord.float32, tricord.int8, tricord.float64)
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        known = _BY_NAME.get(value.removeprefix("torch.").removeprefix("tricord."))
        if known is not None:
            return known
    elif isinstance(value, type) and value in _BY_PYTHON:
        return _BY_PYTHON[value]
    else:
        try:
            found = _BY_NUMPY.get(np.dtype(value).newbyteorder("="))  # type: ignore[call-overload]
        except (TypeError, ValueError):  # np.dtype says which of the two, we say what there is
            found = None
        if found is not None:
            return found
    raise DTypeError(f"{value!r} is not a dtype tricord has; there are "
                     + ", ".join(d.name for d in ALL), hint=nearest(str(value), _BY_NAME))


_FLOAT_ORDER: Final = (float16, float32, float64)
_SIGNED: Final = {1: int8, 2: int16, 4: int32, 8: int64}


def promote(a: DType, b: DType) -> DType:
    """The dtype two arrays meet in: bool < integers < floats < complex, the wider of a kind.

    An integer that meets a float takes the float's dtype, whatever its width (as in PyTorch);
    within a kind the rule is the array API standard's. uint64 with a signed integer gives float64.

    >>> promote(int64, float32), promote(uint8, int8), promote(float16, bfloat16)
    (tricord.float32, tricord.int16, tricord.float32)
    """
    if a is b:
        return a
    if "biufc".index(a.kind) > "biufc".index(b.kind):
        a, b = b, a
    if a.kind == "b":
        return b
    if b.kind == "c":
        wide = a is float64 or b is complex128 or a is complex128
        return complex128 if wide else complex64
    if b.kind == "f":
        if a.kind != "f":
            return b
        if bfloat16 in (a, b) and float16 in (a, b):
            return float32
        rank = {float16: 0, bfloat16: 0, float32: 1, float64: 2}
        return a if rank[a] > rank[b] else b
    if a.kind == b.kind:
        return a if a.itemsize > b.itemsize else b
    signed, unsigned = (a, b) if a.kind == "i" else (b, a)
    if signed.itemsize > unsigned.itemsize:
        return signed
    return float64 if unsigned is uint64 else _SIGNED[2 * unsigned.itemsize]


def promote_scalar(dtype: DType, scalar: bool | int | float | complex, default: DType) -> DType:
    """The dtype of an array of ``dtype`` combined with a Python number, which is weak.

    ``default`` is the floating dtype that an integer array and a Python float meet in.

    >>> promote_scalar(float16, 2.5, float32), promote_scalar(int8, 2.5, float32)
    (tricord.float16, tricord.float32)
    """
    if isinstance(scalar, (bool, np.bool_)):
        return dtype
    if isinstance(scalar, (int, np.integer)):
        return int64 if dtype is bool_ else dtype
    if isinstance(scalar, (float, np.floating)):
        return dtype if dtype.is_inexact else default
    if dtype.is_complex:
        return dtype
    base = dtype if dtype.is_floating_point else default
    return complex128 if base is float64 else complex64


def result_of_division(dtype: DType, default: DType = float32) -> DType:
    """The dtype of ``a / b``: integers and bools divide in the default floating dtype."""
    return dtype if dtype.is_inexact else default


@dataclass(frozen=True)
class FloatInfo:
    """Limits of a floating dtype, under the names of the array API standard and PyTorch."""

    dtype: DType
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float

    @property
    def tiny(self) -> float:
        return self.smallest_normal

    @property
    def resolution(self) -> float:
        return float(10 ** np.floor(np.log10(self.eps) + 1e-9))


@dataclass(frozen=True)
class IntegerInfo:
    """Limits of an integer dtype."""

    dtype: DType
    bits: int
    max: int
    min: int


def finfo(value: object = float32) -> FloatInfo:
    """Limits of a floating dtype (for a complex dtype, of its components).

    >>> finfo("float32").eps
    1.1920928955078125e-07
    """
    dtype = as_dtype(getattr(value, "dtype", value)).real
    if not dtype.is_floating_point:
        raise DTypeError(f"finfo: {dtype} is not a floating-point dtype", hint="use iinfo")
    limits: Any = ml_dtypes.finfo if dtype is bfloat16 else np.finfo
    info = limits(dtype.numpy)
    return FloatInfo(dtype, 8 * dtype.itemsize, float(info.eps), float(info.max),
                     float(info.min), float(info.smallest_normal))


def iinfo(value: object) -> IntegerInfo:
    """Limits of an integer dtype.

    >>> iinfo(int8).max
    127
    """
    dtype = as_dtype(getattr(value, "dtype", value))
    if dtype.kind not in "iu":
        raise DTypeError(f"iinfo: {dtype} is not an integer dtype", hint="use finfo")
    info = np.iinfo(dtype.numpy)
    return IntegerInfo(dtype, info.bits, int(info.max), int(info.min))
