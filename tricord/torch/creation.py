"""``torch.tensor``, ``zeros``, ``arange`` and the like: constructors with PyTorch's arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..functions import creation as fn
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, as_dtype, bool_, complex64, complex128, float64, int64
from ..ir.source import user_location
from ..tensor import Tensor, record, wrap
from ..tensor import tensor as _tensor
from ..tensor.handle import Handle
from .devices import refuse_device

__all__ = ["arange", "as_tensor", "asarray", "empty", "empty_like", "empty_strided", "eye",
           "from_dlpack", "from_numpy", "frombuffer", "full", "full_like", "linspace", "logspace",
           "ones", "ones_like", "range", "scalar_tensor", "tensor", "zeros", "zeros_like"]


def finished(made: Any, requires_grad: bool) -> Any:
    """The new tensor, asking for a gradient if the user wants one."""
    return made.requires_grad_(True) if requires_grad else made


def _sizes(size: tuple[Any, ...], what: str) -> tuple[int, ...]:
    """Sizes as ``f(2, 3)`` or ``f((2, 3))``."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    try:
        found = tuple([operator.index(s) for s in size])
    except TypeError:
        raise DTypeError(f"{what}(): argument 'size' must be tuple of ints, but found "
                         f"{', '.join(type(s).__name__ for s in size)}",
                         where=str(user_location() or "") or None) from None
    if found and min(found) < 0:
        raise ShapeError(f"{what}: Trying to create tensor with negative dimension {min(found)}: "
                         f"{list(found)}", where=str(user_location() or "") or None)
    return found


def _float_or(dtype: Any) -> DType:
    return ar.DEFAULT_FLOAT if dtype is None else as_dtype(dtype)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Tensor:
    """A tensor with a copy of ``data``: numbers, nested lists, arrays or tensors.

    Python floats get the default dtype, integers int64; arrays keep their dtype.
    """
    if device is not None:
        refuse_device(device)
    return _tensor(data, dtype, None, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The tensor itself if ``data`` is one of that dtype, else a tensor of the data."""
    refuse_device(device)
    if isinstance(data, Handle):
        return data if dtype is None else data.to(as_dtype(dtype))  # type: ignore[attr-defined,return-value]
    return _tensor(data, dtype)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool = False) -> Tensor:
    """The object as a tensor; with ``copy=True`` always a new one."""
    made = _tensor(obj, dtype) if copy else as_tensor(obj, dtype, device)
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor with the array's values and dtype.

    A copy: unlike in PyTorch, later writes to the array do not reach the tensor, nor back.
    """
    if not isinstance(ndarray, np.ndarray):
        raise DTypeError(f"expected np.ndarray (got {type(ndarray).__name__})",
                         hint="torch.tensor(data)")
    return wrap(np.array(ndarray, as_dtype(ndarray.dtype).numpy))  # type: ignore[no-any-return]


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor with a copy of an object that speaks DLPack."""
    return wrap(np.array(np.from_dlpack(ext_tensor)))  # type: ignore[no-any-return]


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0,
               requires_grad: bool = False) -> Tensor:
    """A 1-d tensor of the bytes of a buffer, copied."""
    array = np.frombuffer(buffer, as_dtype(dtype).numpy, count, offset)
    return finished(wrap(array.copy()), requires_grad)  # type: ignore[no-any-return]


def _filled(name: str, value: int) -> Callable[..., Tensor]:
    def make(*size: Any, out: Any = None, dtype: Any = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
             memory_format: Any = None, **shape: Any) -> Tensor:
        if device is not None:
            refuse_device(device)
        if shape:
            size = (_size_keyword(name, size, shape),)
        wanted = ar.DEFAULT_FLOAT if dtype is None else as_dtype(dtype)
        sizes = _sizes(size, name)
        made = wrap(np.zeros(sizes, wanted.numpy) if not value else np.ones(sizes, wanted.numpy))
        if out is not None:
            return out.copy_(made)  # type: ignore[no-any-return]
        return made.requires_grad_(True) if requires_grad else made  # type: ignore[no-any-return]

    make.__name__ = make.__qualname__ = name
    make.__doc__ = (f"A tensor of {'ones' if value else 'zeros'} of the given sizes, in the "
                    "default floating dtype unless another is given.")
    return make


def _size_keyword(name: str, size: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    found = keywords.pop("size", None)
    if keywords or size:
        wrong = next(iter(keywords), "size")
        raise ArgumentError(f"{name}() got an unexpected keyword argument {wrong!r}",
                            hint="size, dtype, device, requires_grad, out")
    return found


zeros = _filled("zeros", 0)
ones = _filled("ones", 1)
empty = _filled("empty", 0)


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, requires_grad: bool = False,
                  device: Any = None) -> Tensor:
    """Zeros of that size; strides are not the user's to choose here."""
    return empty(size, dtype=dtype, requires_grad=requires_grad, device=device)


def full(size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, layout: Any = None,
         device: Any = None, requires_grad: bool = False) -> Tensor:
    """``fill_value`` everywhere; its own kind's dtype unless another is given."""
    refuse_device(device)
    sizes = _sizes((size,), "full")
    if isinstance(fill_value, Handle):
        made = fill_value.to(fill_value.dtype if dtype is None else as_dtype(dtype)).expand(*sizes)  # type: ignore[attr-defined]
        return finished(made.clone(), requires_grad)  # type: ignore[no-any-return]
    wanted = _dtype_of(fill_value) if dtype is None else as_dtype(dtype)
    result = wrap(np.full(sizes, fill_value, wanted.numpy))
    if out is not None:
        return out.copy_(result)  # type: ignore[no-any-return]
    return finished(result, requires_grad)  # type: ignore[no-any-return]


def _dtype_of(number: Any) -> DType:
    if isinstance(number, (bool, np.bool_)):
        return bool_
    if isinstance(number, (int, np.integer)):
        return int64
    if isinstance(number, (complex, np.complexfloating)):
        return complex128 if ar.DEFAULT_FLOAT is float64 else complex64
    return ar.DEFAULT_FLOAT


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Tensor:
    """A 0-d tensor, floating unless another dtype is given."""
    return tensor(s, dtype=_float_or(dtype), device=device, requires_grad=requires_grad)


def _like(name: str, value: int) -> Callable[..., Tensor]:
    def make(input: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False, memory_format: Any = None) -> Tensor:
        if device is not None:
            refuse_device(device)
        wanted = input._type.dtype if dtype is None else as_dtype(dtype)
        shape = tuple(input._type.shape)
        made = wrap(np.zeros(shape, wanted.numpy) if not value else np.ones(shape, wanted.numpy))
        return made.requires_grad_(True) if requires_grad else made  # type: ignore[no-any-return]

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"{'Ones' if value else 'Zeros'} in the shape and dtype of a tensor."
    return make


zeros_like = _like("zeros_like", 0)
ones_like = _like("ones_like", 1)
empty_like = _like("empty_like", 0)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, layout: Any = None,
              device: Any = None, requires_grad: bool = False, memory_format: Any = None) -> Tensor:
    """``fill_value`` in the shape and dtype of a tensor."""
    return full(tuple(input.shape), fill_value, dtype=input.dtype if dtype is None else dtype,
                device=device, requires_grad=requires_grad)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, (Handle, np.generic)) else value  # type: ignore[attr-defined]


def arange(start: Any = 0, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None,
           layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """``start, start + step, ...`` before ``end``; integers stay integers."""
    refuse_device(device)
    first, last, width = _plain(start), _plain(end), _plain(step)
    if last is None:
        first, last = 0, first
    if width == 0:
        raise ArgumentError("arange: step must be nonzero",
                            where=str(user_location() or "") or None)
    if (last - first) * width < 0:
        raise ArgumentError(f"arange: upper bound and lower bound inconsistent with step sign: "
                            f"from {first} to {last} by {width}",
                            where=str(user_location() or "") or None)
    # Made at once: printing it must not evaluate what is pending.
    whole = all(isinstance(v, int) for v in (first, last, width))
    values = np.arange(first, last, width, np.int64 if whole else np.float64)
    wanted = (int64 if whole else ar.DEFAULT_FLOAT) if dtype is None else as_dtype(dtype)
    made = finished(wrap(values.astype(wanted.numpy)), requires_grad)
    return made if out is None else out.copy_(made)  # type: ignore[no-any-return]


def range(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None,
          requires_grad: bool = False) -> Tensor:
    """Like `arange`, but ``end`` is included and the result is floating (deprecated in PyTorch)."""
    return arange(start, _plain(end) + _plain(step) / 2, step, dtype=_float_or(dtype),
                  requires_grad=requires_grad)


def linspace(start: Any, end: Any, steps: int, *, out: Any = None, dtype: Any = None,
             layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """``steps`` equally spaced numbers from ``start`` to ``end``, both included."""
    refuse_device(device)
    made = record(fn.linspace, (), (_plain(start), _plain(end), operator.index(steps), True,
                                    _float_or(dtype)))
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Any = None,
             dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """``base ** linspace(start, end, steps)``."""
    refuse_device(device)
    made = record(fn.logspace, (), (_plain(start), _plain(end), operator.index(steps), base,
                                    _float_or(dtype)))
    return finished(made, requires_grad)  # type: ignore[no-any-return]


def eye(n: int, m: int | None = None, *, out: Any = None, dtype: Any = None, layout: Any = None,
        device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    refuse_device(device)
    return finished(record(fn.eye, (), (n, m, 0, _float_or(dtype))), requires_grad)  # type: ignore[no-any-return]
