"""What the functions of the namespace share: operands, dtypes and shapes as users give them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError, nearest
from ..ir import arithmetic as ar
from ..ir.dtypes import DType, as_dtype, complex64, complex128, float64, int64, promote_scalar
from ..ir.memory import check_shape
from ..ir.node import Node
from ..ir.ops.elementwise import cast
from ..ir.source import user_location
from ..tensor.explain import shown
from ..tensor.handle import Handle
from ..tensor.operators import combine, is_static
from ..tensor.recorder import record, wrap
from ..tensor.tensor import Tensor, tensor

__all__ = ["binary", "default_dtype", "integer", "integers", "number", "number_beside", "sequence",
           "shape_of", "tensor_of", "unary", "where_now"]

NUMBERS = (bool, int, float, complex)


def where_now() -> str | None:
    """The user's line, for an error."""
    return str(user_location(2) or "") or None


def tensor_of(x: Any) -> Any:
    """A tensor as it is; arrays, numbers and lists made one."""
    return x if isinstance(x, Handle) else tensor(x)


def default_dtype(value: Any) -> DType:
    """The dtype of a Python number by itself."""
    if isinstance(value, complex):
        return complex128 if ar.DEFAULT_FLOAT is float64 else complex64
    if isinstance(value, bool):
        return as_dtype(bool)
    return int64 if isinstance(value, int) else ar.DEFAULT_FLOAT


def shape_of(shape: Any, what: str, dtype: DType | None = None) -> tuple[int, ...]:
    """A shape from an integer or a sequence of them; with a dtype, one that can be held."""
    try:
        sizes = tuple(operator.index(s) for s in shape) if isinstance(shape, Sequence) else (
            operator.index(shape),)
    except TypeError:
        raise ShapeError(f"{what}: a shape is an integer or a tuple of integers, got "
                         f"{shown(shape)}", where=where_now()) from None
    if any(s < 0 for s in sizes):
        raise ShapeError(f"{what}: sizes must not be negative, got {shown(sizes)}",
                         where=where_now())
    if dtype is not None:
        check_shape(what, sizes, dtype)
    return sizes


def integer(value: Any, what: str) -> int:
    """One plain integer; 0-d integer tensors and numpy integers are made one."""
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(f"{what} must be an integer, got {shown(value)}",
                            where=where_now()) from None


def integers(values: Any, what: str) -> int | tuple[int, ...] | None:
    """An axis or axes as plain integers, so that they can be part of a recording's key."""
    if values is None:
        return None
    try:
        if isinstance(values, (tuple, list)):
            return tuple(operator.index(v) for v in values)
        return operator.index(values)
    except TypeError:
        raise ArgumentError(f"{what}: expected an integer or a tuple of integers, got "
                            f"{shown(values)}", where=where_now()) from None


def number(value: Any, what: str) -> Any:
    """A plain real number; numpy's numbers and 0-d tensors are made one."""
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, (np.generic, np.ndarray, Handle)) and not value.ndim and (
            value.dtype.kind in "biuf"):
        return value.item()  # type: ignore[union-attr]
    raise ArgumentError(f"{what} must be a number, got {shown(value)}", where=where_now())


def sequence(values: Any, what: str) -> tuple[Any, ...]:
    """The items of a list, a tuple or another finite iterable."""
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes, dict)) and not (
            isinstance(values, (Handle, np.ndarray)) and not values.ndim):
        return tuple(values)
    raise ArgumentError(f"{what}: expected a list or a tuple, got {shown(values)}",
                        where=where_now())


def number_beside(number: Any, dtype: DType) -> Any:
    """A Python number as a 0-d tensor in the dtype it takes beside one of ``dtype``."""
    return wrap(np.asarray(number, promote_scalar(dtype, number, ar.DEFAULT_FLOAT).numpy))


def unary(name: str, function: Callable[[Node], Node], doc: str | None = None) -> Any:
    """The namespace's form of a function of one tensor."""

    def apply(x: Tensor, /) -> Tensor:
        return record(function, (tensor_of(x),))  # type: ignore[no-any-return]

    return _named(apply, name, doc or function.__doc__)


def binary(name: str, function: Callable[[Any, Any], Node], doc: str | None = None) -> Any:
    """The namespace's form of a function of two tensors, one of which may be a number."""

    def apply(x1: Tensor | complex, x2: Tensor | complex, /) -> Tensor:
        if not isinstance(x1, Handle) and not isinstance(x2, Handle):
            if isinstance(x1, NUMBERS) and not isinstance(x2, NUMBERS):
                x2 = tensor(x2)
            else:
                x1 = tensor(x1)
        result = combine(function, x1, x2)
        if result is NotImplemented:
            result = combine(function, tensor_of(x1), tensor_of(x2))
        return result  # type: ignore[no-any-return]

    return _named(apply, name, doc or function.__doc__)


def _named(function: Any, name: str, doc: str | None) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__module__ = "tricord"
    function.__doc__ = doc
    return function


def cast_to(x: Any, dtype: DType | None) -> Any:
    """The tensor in another dtype; itself if it has that dtype."""
    return x if dtype is None or x.dtype is dtype else record(cast, (x,), (dtype,))


def sum_dtype(x: Any, dtype: Any) -> DType:
    """The dtype of a sum: the standard's default integers for small ones, else its own."""
    if dtype is not None:
        return as_dtype(dtype)
    own: DType = x.dtype
    if own.kind == "u":
        return as_dtype("uint64")
    return own if own.is_inexact else int64


def refuse_strings(what: str, value: str, known: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{what}: expected one of {', '.join(known)}, got {shown(value)}",
                            where=where_now(), hint=nearest(str(value), known))


def static_number(value: Any) -> bool:
    return isinstance(value, NUMBERS) and is_static(value)


def dtype_error(message: str, hint: str | None = None) -> DTypeError:
    return DTypeError(message, hint=hint, where=where_now())
