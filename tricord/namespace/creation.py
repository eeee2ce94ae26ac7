"""Tensors made from other data or from nothing.

They are made at once, in numpy: what they hold enters programs as an input, so that another value
does not mean another program.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..functions import manipulation as mv
from ..functions.elementwise import identity
from ..ir.dtypes import DType, as_dtype
from ..ir.memory import check_shape
from ..tensor.array_attributes import as_device
from ..tensor.explain import shown
from ..tensor.handle import Handle
from ..tensor.recorder import record, wrap
from ..tensor.tensor import Tensor, tensor
from ._arguments import (
    NUMBERS,
    cast_to,
    default_dtype,
    dtype_error,
    integer,
    number,
    refuse_strings,
    shape_of,
    tensor_of,
    where_now,
)
from ._results import several

__all__ = ["arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like",
           "linspace", "meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like"]


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None,
            copy: bool | None = None) -> Tensor:
    """A tensor from numbers, nested sequences, arrays or tensors.

    Python floats become the default floating dtype, integers int64; arrays keep their dtype.
    ``copy=False`` shares the memory of a numpy array, which must then not be written to.

    Raises:  ArgumentError if ``copy=False`` and a copy would be needed
    """
    as_device(device)
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(obj, Handle):
        same = wanted is None or wanted is obj.dtype
        if copy is False and not same:
            raise ArgumentError(f"asarray: {obj.dtype} to {wanted} needs a copy, and copy=False",
                                where=where_now())
        if same:
            return record(identity, (obj,)) if copy else obj  # type: ignore[return-value]
        return cast_to(obj, wanted)  # type: ignore[no-any-return]
    if copy is False:
        return _shared(obj, wanted)
    if wanted is None:
        return tensor(obj)
    try:
        with np.errstate(all="ignore"):
            return wrap(np.array(_without_tensors(obj), wanted.numpy))  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise dtype_error(f"asarray: cannot make a tensor of {wanted}: {error}") from None


def _without_tensors(obj: Any) -> Any:
    """Nested lists that hold tensors, as an array."""
    return tensor(obj).numpy() if isinstance(obj, (list, tuple)) and _holds(obj) else obj


def _holds(obj: Any) -> bool:
    waiting = [obj]
    while waiting:
        for item in waiting.pop():
            if isinstance(item, Handle):
                return True
            if isinstance(item, (list, tuple)):
                waiting.append(item)
    return False


def _shared(obj: Any, wanted: DType | None) -> Tensor:
    if not hasattr(obj, "__array_interface__") and not hasattr(obj, "__dlpack__"):
        raise ArgumentError(f"asarray: a {type(obj).__name__} cannot be shared, and copy=False",
                            where=where_now())
    array = obj if isinstance(obj, np.ndarray) else np.asarray(obj)
    if wanted is not None and array.dtype != wanted.numpy:
        raise ArgumentError(f"asarray: {array.dtype} to {wanted} needs a copy, and copy=False",
                            where=where_now())
    return wrap(array)  # type: ignore[no-any-return]


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor from anything that speaks DLPack.

    ``copy=False`` shares its memory, which must then not be written to; otherwise it is copied.
    """
    as_device(device)
    if isinstance(x, Handle):
        return asarray(x, copy=copy)
    if not hasattr(x, "__dlpack__"):
        raise ArgumentError(f"from_dlpack: {shown(x)} does not speak DLPack", where=where_now(),
                            hint="tricord.asarray(x)")
    try:
        array = np.from_dlpack(x)
    except (BufferError, TypeError, RuntimeError, AttributeError) as error:
        raise ArgumentError(f"from_dlpack: cannot take {shown(x)}: {error}",
                            where=where_now()) from None
    return wrap(array if copy is False else array.copy())  # type: ignore[no-any-return]


def _dtype(dtype: Any, value: Any) -> DType:
    return default_dtype(value) if dtype is None else as_dtype(dtype)


def full(shape: int | tuple[int, ...], fill_value: complex, *, dtype: Any = None,
         device: Any = None) -> Tensor:
    """One number everywhere; in the default dtype of its kind unless given."""
    as_device(device)
    if isinstance(fill_value, (Handle, np.generic, np.ndarray)):
        dtype = as_dtype(fill_value.dtype) if dtype is None else dtype
        fill_value = fill_value.item()
    if not isinstance(fill_value, NUMBERS):
        raise ArgumentError(f"full: the value must be a number, got {shown(fill_value)}",
                            where=where_now())
    wanted = _dtype(dtype, fill_value)
    sizes = shape_of(shape, "full", wanted)
    return wrap(np.full(sizes, _in_dtype("full", fill_value, wanted)))  # type: ignore[no-any-return]


def _in_dtype(what: str, value: complex, dtype: DType) -> Any:
    """A number as a numpy scalar of the dtype, if that can hold it."""
    if isinstance(value, complex) and not dtype.is_complex and dtype.kind != "b":
        raise dtype_error(f"{what}: {value} does not fit into {dtype}", hint="dtype=complex64")
    try:
        with np.errstate(all="ignore"):
            return np.asarray(value).astype(dtype.numpy)[()] if isinstance(value, float) else (
                np.asarray(value, dtype.numpy)[()])
    except OverflowError:
        raise dtype_error(f"{what}: {shown(value)} does not fit into {dtype}") from None


def zeros(shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros, in the default floating dtype unless given."""
    as_device(device)
    wanted = _dtype(dtype, 0.0)
    return wrap(np.zeros(shape_of(shape, "zeros", wanted), wanted.numpy))  # type: ignore[no-any-return]


def ones(shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones, in the default floating dtype unless given."""
    as_device(device)
    wanted = _dtype(dtype, 1.0)
    return wrap(np.ones(shape_of(shape, "ones", wanted), wanted.numpy))  # type: ignore[no-any-return]


def empty(shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros: a program that reads what it never wrote shall do the same each time."""
    return zeros(shape, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: complex, *, dtype: Any = None,
              device: Any = None) -> Tensor:
    """One number in the shape of ``x``, and in its dtype unless given."""
    x = tensor_of(x)
    return full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros in the shape of ``x``, and in its dtype unless given."""
    x = tensor_of(x)
    return zeros(x.shape, dtype=x.dtype if dtype is None else dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones in the shape of ``x``, and in its dtype unless given."""
    x = tensor_of(x)
    return ones(x.shape, dtype=x.dtype if dtype is None else dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros in the shape of ``x``, see `empty`."""
    return zeros_like(x, dtype=dtype, device=device)


def arange(start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None,
           device: Any = None) -> Tensor:
    """``start, start + step, ...`` before ``stop``; with one argument, from 0 up to it.

    Dtypes:  int64 if all arguments are integers, else the default floating dtype
    """
    as_device(device)
    start = number(start, "arange: start")
    start, stop = (0, start) if stop is None else (start, number(stop, "arange: stop"))
    step = number(step, "arange: step")
    if step == 0:
        raise ArgumentError("arange: the step must not be zero", where=where_now())
    if not all(math.isfinite(v) for v in (start, stop, step)):
        raise ArgumentError(f"arange: needs finite numbers, got start {start}, stop {stop}, step "
                            f"{step}", where=where_now())
    wanted = _dtype(dtype, 0.0 if any(isinstance(v, float) for v in (start, stop, step)) else 0)
    # Counted in float64 and rounded once: numpy would add up in the dtype itself.
    whole = wanted.kind in "iu" and not any(isinstance(v, float) for v in (start, stop, step))
    count = max(0, -((start - stop) // step) if whole else math.ceil((stop - start) / step))
    check_shape("arange", (count,), wanted)
    with np.errstate(all="ignore"):
        if not count:
            return wrap(np.zeros(0, wanted.numpy))  # type: ignore[no-any-return]
        if whole:
            _in_dtype("arange", start, wanted)
            _in_dtype("arange", start + (count - 1) * step, wanted)
            return wrap(np.arange(start, stop, step, wanted.numpy)  # type: ignore[no-any-return]
                        if -2**63 <= stop < 2**63 else
                        start + np.arange(count, dtype=wanted.numpy) * wanted.numpy.type(step))
        values = start + step * np.arange(count, dtype=np.float64)
        return wrap(values.astype(wanted.numpy, copy=False))  # type: ignore[no-any-return]


def linspace(start: complex, stop: complex, /, num: int, *, dtype: Any = None, device: Any = None,
             endpoint: bool = True) -> Tensor:
    """``num`` equally spaced numbers from ``start`` to ``stop``, which is included or not."""
    as_device(device)
    start, stop = (v if isinstance(v, complex) else number(v, f"linspace: {name}")
                   for v, name in ((start, "start"), (stop, "stop")))
    num = integer(num, "linspace: num")
    complex_ends = isinstance(start, complex) or isinstance(stop, complex)
    wanted = _dtype(dtype, 1j if complex_ends else 0.0)
    if num < 0:
        raise ArgumentError(f"linspace: num must not be negative, got {num}", where=where_now())
    check_shape("linspace", (num,), wanted)
    first, last = (_in_dtype("linspace", v, wanted) for v in (start, stop))
    ends = [v if isinstance(v, complex) else float(v) for v in (start, stop)]
    with np.errstate(all="ignore"):
        values = np.linspace(*ends, num, bool(endpoint), dtype=np.complex128 if complex_ends
                             else np.float64).astype(wanted.numpy)
    if num:  # integers beyond 2**53 are not exact in between, but the ends are
        values[0] = first
        if endpoint and num > 1:
            values[-1] = last
    return wrap(values)  # type: ignore[no-any-return]


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None,
        device: Any = None) -> Tensor:
    """Ones on the diagonal ``k``, zeros elsewhere."""
    as_device(device)
    wanted = _dtype(dtype, 0.0)
    rows = integer(n_rows, "eye: n_rows")
    columns = rows if n_cols is None else integer(n_cols, "eye: n_cols")
    shape_of((rows, columns), "eye", wanted)
    offset = min(max(integer(k, "eye: k"), -rows), columns)
    return wrap(np.eye(rows, columns, offset, wanted.numpy))  # type: ignore[no-any-return]


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid from one vector per axis, in matrix (ij) or picture (xy) order."""
    if not arrays:
        return []
    handles = [tensor_of(a) for a in arrays]
    if any(h.dtype is not handles[0].dtype for h in handles):
        raise DTypeError("meshgrid: arrays have one dtype, got "
                         + ", ".join(h.dtype.name for h in handles), where=where_now())
    refuse_strings("meshgrid", indexing, ("xy", "ij"))
    return list(several(mv.meshgrid, handles, (indexing,)))


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros above the diagonal ``k`` of the last two axes."""
    return record(mv.tril, (tensor_of(x),), (integer(k, "tril: k"),))  # type: ignore[no-any-return]


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros below the diagonal ``k`` of the last two axes."""
    return record(mv.triu, (tensor_of(x),), (integer(k, "triu: k"),))  # type: ignore[no-any-return]
