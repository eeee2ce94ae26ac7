"""Tensors made from other data or from nothing.

They are made at once, in numpy: what they hold enters programs as an input, so that another value
does not mean another program.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..functions import manipulation as mv
from ..functions.elementwise import identity
from ..ir.dtypes import DType, as_dtype
from ..tensor.array_attributes import as_device
from ..tensor.handle import Handle
from ..tensor.recorder import record, wrap
from ..tensor.tensor import Tensor, tensor
from ._arguments import cast_to, default_dtype, dtype_error, shape_of, tensor_of, where_now
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
    array = np.from_dlpack(x)
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
    return wrap(np.full(shape_of(shape, "full"), fill_value,  # type: ignore[no-any-return]
                        _dtype(dtype, fill_value).numpy))


def zeros(shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros, in the default floating dtype unless given."""
    as_device(device)
    return wrap(np.zeros(shape_of(shape, "zeros"), _dtype(dtype, 0.0).numpy))  # type: ignore[no-any-return]


def ones(shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones, in the default floating dtype unless given."""
    as_device(device)
    return wrap(np.ones(shape_of(shape, "ones"), _dtype(dtype, 1.0).numpy))  # type: ignore[no-any-return]


def empty(shape: int | tuple[int, ...], *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros: a program that reads what it never wrote shall do the same each time."""
    return zeros(shape, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: complex, *, dtype: Any = None,
              device: Any = None) -> Tensor:
    """One number in the shape of ``x``, and in its dtype unless given."""
    return full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros in the shape of ``x``, and in its dtype unless given."""
    return zeros(x.shape, dtype=x.dtype if dtype is None else dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones in the shape of ``x``, and in its dtype unless given."""
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
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ArgumentError("arange: the step must not be zero", where=where_now())
    wanted = _dtype(dtype, 0.0 if any(isinstance(v, float) for v in (start, stop, step)) else 0)
    # Counted in float64 and rounded once: numpy would add up in the dtype itself.
    whole = wanted.kind in "iu" and not any(isinstance(v, float) for v in (start, stop, step))
    with np.errstate(all="ignore"):
        if (stop - start) / step <= 0:
            return wrap(np.zeros(0, wanted.numpy))  # type: ignore[no-any-return]
        values = np.arange(start, stop, step, wanted.numpy) if whole else _ramp(
            float(start), float(stop), float(step))
        return wrap(values.astype(wanted.numpy, copy=False))  # type: ignore[no-any-return]


def _ramp(start: float, stop: float, step: float) -> np.ndarray[Any, Any]:
    count = int(np.ceil((stop - start) / step))
    return start + step * np.arange(count, dtype=np.float64)


def linspace(start: complex, stop: complex, /, num: int, *, dtype: Any = None, device: Any = None,
             endpoint: bool = True) -> Tensor:
    """``num`` equally spaced numbers from ``start`` to ``stop``, which is included or not."""
    as_device(device)
    complex_ends = isinstance(start, complex) or isinstance(stop, complex)
    wanted = _dtype(dtype, 1j if complex_ends else 0.0)
    if num < 0:
        raise ArgumentError(f"linspace: num must not be negative, got {num}", where=where_now())
    with np.errstate(all="ignore"):
        values = np.linspace(start, stop, num, endpoint, dtype=np.complex128 if complex_ends
                             else np.float64).astype(wanted.numpy)
    if num:  # integers beyond 2**53 are not exact in between, but the ends are
        values[0] = start
        if endpoint and num > 1:
            values[-1] = stop
    return wrap(values)  # type: ignore[no-any-return]


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None,
        device: Any = None) -> Tensor:
    """Ones on the diagonal ``k``, zeros elsewhere."""
    as_device(device)
    return wrap(np.eye(n_rows, n_cols, k, _dtype(dtype, 0.0).numpy))  # type: ignore[no-any-return]


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid from one vector per axis, in matrix (ij) or picture (xy) order."""
    if not arrays:
        return []
    handles = [tensor_of(a) for a in arrays]
    if any(h.dtype is not handles[0].dtype for h in handles):
        raise DTypeError("meshgrid: arrays have one dtype, got "
                         + ", ".join(h.dtype.name for h in handles), where=where_now())
    return list(several(mv.meshgrid, handles, (indexing,)))


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros above the diagonal ``k`` of the last two axes."""
    return record(mv.tril, (tensor_of(x),), (int(k),))  # type: ignore[no-any-return]


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros below the diagonal ``k`` of the last two axes."""
    return record(mv.triu, (tensor_of(x),), (int(k),))  # type: ignore[no-any-return]
