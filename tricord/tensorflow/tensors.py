"""Eager tensors: immutable, and strict about dtypes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, NotSupportedError, ShapeError
from ..ir.dtypes import DType, float32, int32, int64
from ..ir.node import Node
from ..ir.ops.elementwise import cast as _cast_node
from ..ir.source import user_location
from ..tensor import Tensor
from ..tensor.handle import Handle
from ..tensor.operators import combine
from ..tensor.recorder import pending, record, record_nodes, value_of, wrap
from .dtypes import as_dtype

__all__ = ["EagerTensor", "apply", "apply_all", "array_of", "cast_to", "convert", "convert_beside",
           "pair", "shape_of",
           "shown_value", "static_ints", "where_now"]

Array = np.ndarray[Any, Any]


def where_now() -> str | None:
    """The user's line, for an error."""
    return str(user_location(2) or "") or None


def _cannot_assign(self: Any, *args: Any) -> Any:
    raise DTypeError("'EagerTensor' object does not support item assignment: tensors never change",
                     where=where_now(), hint="tf.tensor_scatter_nd_update, or a tf.Variable")


class EagerTensor(Tensor):
    """A tensor of this face: it never changes. ``x += 1`` lets the name stand for a new one."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise ArgumentError("tf.Tensor is not made directly", hint="tf.constant(value)")

    __setitem__ = _cannot_assign

    @property
    def name(self) -> str:
        raise ArgumentError("Tensor.name is undefined when eager execution is enabled")

    @property
    def graph(self) -> Any:
        raise ArgumentError("Tensor.graph is undefined when eager execution is enabled")

    def get_shape(self) -> Any:
        """The sizes."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Check that the shape fits ``shape``."""
        if len(shape) != len(self.shape) or any(
                s is not None and s != t for s, t in zip(shape, self.shape, strict=True)):
            raise ShapeError(f"Tensor's shape {tuple(self.shape)} is not compatible with supplied "
                             f"shape {list(shape)}", where=where_now())

    def numpy(self, *, force: bool = False) -> Any:
        """The value as numpy; a scalar comes as a numpy scalar."""
        value = value_of(self)
        return value.copy() if value.ndim else value[()]

    def _numpy(self) -> Any:
        return value_of(self)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        raise NotSupportedError("eval is not supported when eager execution is enabled, is "
                                ".numpy() what you're looking for?", where=where_now())

    def __float__(self) -> float:
        return float(_single(self, "float"))

    def __int__(self) -> int:
        return int(_single(self, "int"))

    def __repr__(self) -> str:
        shape, dtype = tuple(self.shape), self.dtype.name
        return f"<tf.Tensor: shape={shape}, dtype={dtype}, {shown_value(self._value)}>"

    def __str__(self) -> str:
        value = value_of(self)
        return f"tf.Tensor({value}, shape={tuple(self.shape)}, dtype={self.dtype.name})"


EagerTensor._result_class = EagerTensor


def _single(x: Any, kind: str) -> Any:
    value = value_of(x)
    if value.size != 1:
        raise DTypeError(f"only a tensor of one element can be made a {kind}, this one has shape "
                         f"{value.shape}", where=where_now(), hint="x.numpy(), or reduce it first")
    return value.reshape(-1)[0]


def shown_value(value: Array | None) -> str:
    """What ``repr`` says about a value; never computes one."""
    if value is None:
        return "pending"
    return f"numpy={value!r}" if value.ndim else f"numpy={value[()]!s}"


# ---- recording

def apply(function: Callable[..., Node], operands: Sequence[Any], *static: Any) -> Any:
    """Record a function on nodes; the result is an eager tensor whatever the operands are."""
    result = record(function, operands, static)
    if result.__class__ is not EagerTensor:
        result.__class__ = EagerTensor
    return result


def apply_all(function: Callable[..., Sequence[Node]], operands: Sequence[Any],
              *static: Any) -> list[Any]:
    """The same for a function with several results."""
    return [pending(node, EagerTensor) for node in record_nodes(function, operands, static)]


def cast_to(x: Any, dtype: DType) -> Any:
    """The tensor in another dtype; itself if it has that dtype."""
    return x if x._type.dtype is dtype else apply(_cast_node, (x,), dtype)


# ---- conversion

def array_of(value: Any, dtype: DType | None = None) -> Array:
    """A new array of numbers, nested lists or arrays: floats are float32, integers int32.

    Raises:  DTypeError for strings, for what is no number, and for floats as integers
    """
    if isinstance(value, (list, tuple)) and any(isinstance(v, (Handle, np.ndarray, np.generic))
                                                for v in value):
        parts = [np.asarray(value_of(v) if isinstance(v, Handle) else v) for v in value]
        if len({p.shape for p in parts}) > 1:
            raise ShapeError("Can't convert a list of tensors of different shapes, "
                             f"{[p.shape for p in parts][:4]}, to a Tensor", where=where_now())
        found = np.stack(parts) if parts else np.zeros(0, np.float32)
        made_of_python = any(isinstance(v, (int, float)) and not isinstance(v, np.generic)
                             for v in value)
        natural = _natural(found) if made_of_python else found.dtype
    else:
        try:
            found = np.array(value)
        except ValueError:
            raise ShapeError("Can't convert non-rectangular Python sequence to Tensor.",
                             where=where_now(), hint="all rows need the same length") from None
        natural = found.dtype if isinstance(value, (np.ndarray, np.generic)) else _natural(found)
    if found.dtype.kind not in "biufc" and found.dtype.kind != "V":
        what = "strings" if found.dtype.kind in "US" else type(value).__name__
        raise DTypeError(f"Attempt to convert a value of {what} to a Tensor: {value!r:.60}",
                         where=where_now(), hint="tricord's tensors hold numbers and truth values")
    if dtype is None:
        return found.astype(natural, copy=False)
    if dtype.kind in "iub" and natural.kind in "fc" and not isinstance(value, np.ndarray):
        raise DTypeError(f"Cannot convert {value!r:.60} to EagerTensor of dtype {dtype.name}",
                         where=where_now(), hint="tf.cast(x, ...) changes the dtype of a tensor")
    if dtype.kind in "iu" and found.size and natural.kind in "iu":
        limits = np.iinfo(dtype.numpy)
        if found.min() < limits.min or found.max() > limits.max:
            raise DTypeError(f"Cannot convert {value!r:.60} to EagerTensor of dtype {dtype.name}: "
                             "it does not fit", where=where_now())
    return found.astype(dtype.numpy, copy=False)


def _natural(found: Array) -> Any:
    """The dtype of Python numbers."""
    if found.dtype == np.float64:
        return np.dtype(np.float32)
    if found.dtype == np.int64:
        fits = not found.size or (found.min() >= -(1 << 31) and found.max() < 1 << 31)
        return np.dtype(np.int32 if fits else np.int64)
    return found.dtype


def convert(value: Any, dtype: Any = None) -> Any:
    """An eager tensor of whatever the user gave.

    Raises:  DTypeError if it is a tensor of another dtype
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Handle):
        if wanted is not None and value._type.dtype is not wanted:
            raise ArgumentError(f"Tensor conversion requested dtype {wanted.name} for Tensor with "
                                f"dtype {value._type.dtype.name}: {value!r:.80}",
                                where=where_now(), hint=f"tf.cast(x, tf.{wanted.name})")
        return value
    if isinstance(value, (list, tuple)) and _holds_tensors(value):
        return _packed(value, wanted)
    return wrap(array_of(value, wanted), EagerTensor)


def _holds_tensors(value: Sequence[Any]) -> bool:
    stack = list(value)
    while stack:
        item = stack.pop()
        if isinstance(item, Handle):
            return True
        if isinstance(item, (list, tuple)):
            stack.extend(item)
    return False


#: set by `array_ops`: tensors one upon another along a new first axis
packers: list[Callable[[list[Any]], Any]] = []


def _packed(value: Sequence[Any], dtype: DType | None) -> Any:
    """Nested lists with tensors in them."""
    if dtype is None:
        dtype = _dtype_inside(value)
    parts = [_packed(v, dtype) if isinstance(v, (list, tuple)) else convert(v, dtype)
             for v in value]
    return packers[0](parts)


def _dtype_inside(value: Sequence[Any]) -> DType | None:
    stack = list(reversed(value))
    while stack:
        item = stack.pop()
        if isinstance(item, Handle):
            return item._type.dtype
        if isinstance(item, (list, tuple)):
            stack.extend(reversed(item))
    return None


def convert_beside(value: Any, dtype: DType) -> Any:
    """What stands beside a tensor of ``dtype``: numbers and arrays take that dtype if they can."""
    if isinstance(value, Handle):
        return value
    if isinstance(value, (list, tuple)) and _holds_tensors(value):
        return _packed(value, None)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and dtype.kind in "iub":
        return convert(value)
    return wrap(array_of(value, dtype), EagerTensor)


def _mismatch(name: str, x: DType, y: DType, place: int = 1) -> DTypeError:
    return DTypeError(f"cannot compute {name} as input #{place}(zero-based) was expected to be a "
                      f"{x.name} tensor but is a {y.name} tensor [Op:{name}]", where=where_now(),
                      hint=f"tf.cast(x, tf.{x.name})")


def pair(name: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Two operands as tensors of one dtype; nothing is promoted.

    Raises:  DTypeError if they are tensors of different dtypes
    """
    if isinstance(x, Handle):
        y = convert_beside(y, x._type.dtype)
    elif isinstance(y, Handle):
        x = convert_beside(x, y._type.dtype)
    else:
        x = convert(x, x.dtype if isinstance(x, np.ndarray) else None)
        y = convert_beside(y, x._type.dtype)
    if x._type.dtype is not y._type.dtype:
        raise _mismatch(name, x._type.dtype, y._type.dtype)
    return x, y


_PLAIN = (int, float)


def binary(name: str, function: Callable[[Any, Any], Node], x: Any, y: Any) -> Any:
    """Record a function of two operands, of which one may be a Python number."""
    if isinstance(x, Handle):
        if y.__class__ in _PLAIN and _weak(y, x._type.dtype):
            return _as_eager(combine(function, x, y))
    elif x.__class__ in _PLAIN and isinstance(y, Handle) and _weak(x, y._type.dtype):
        return _as_eager(combine(function, x, y))
    return apply(function, pair(name, x, y))


def _weak(number: float, dtype: DType) -> bool:
    return dtype.kind in "fc" or (dtype.kind in "iu" and number.__class__ is int)


def _as_eager(result: Any) -> Any:
    if result.__class__ is not EagerTensor:
        result.__class__ = EagerTensor
    return result


def static_ints(value: Any, what: str) -> Any:
    """A shape, an axis or axes as plain integers; looks at the values of tensors."""
    if value is None or value.__class__ is int:
        return value
    if isinstance(value, Handle):
        found = value_of(value)
        if found.dtype.kind not in "iu":
            raise DTypeError(f"{what}: expected integers, got a tensor of {value.dtype.name}",
                             where=where_now())
        return found.tolist() if not found.ndim else tuple(found.tolist())
    if isinstance(value, (list, tuple)) or hasattr(value, "as_list"):
        return tuple(_one_int(v, what) for v in value)
    if isinstance(value, np.ndarray) and value.ndim:
        return tuple(_one_int(v, what) for v in value.reshape(-1).tolist())
    return _one_int(value, what)


def _one_int(value: Any, what: str) -> int:
    if value is None:
        raise ArgumentError(f"{what}: sizes must be known here, got None", where=where_now())
    try:
        number = int(value)
        if number == value:
            return number
    except (TypeError, ValueError):
        pass
    raise ArgumentError(f"{what}: expected integers, got {value!r:.60}", where=where_now())


def shape_of(shape: Any, what: str) -> tuple[int, ...]:
    """A shape as plain integers; one number is a vector's."""
    found = static_ints(shape, what)
    return (found,) if isinstance(found, int) else tuple(found or ())


def number_or_tensor(value: Any, dtype: DType) -> Any:
    """A tensor of the dtype for what may be a number or a tensor."""
    return value if isinstance(value, Handle) else wrap(array_of(value, dtype), EagerTensor)


def float_of(value: Any) -> float:
    """A Python number of a number or a tensor."""
    return float(value_of(value)) if isinstance(value, Handle) else float(value)


def default_int(output_type: Any) -> DType:
    found = as_dtype(output_type)
    if found not in (int32, int64):
        raise DTypeError(f"expected tf.int32 or tf.int64, got {found.name}", where=where_now())
    return found


def floats(value: Any) -> Any:
    """A tensor, Python integers made float32."""
    found = convert(value)
    return found if found.dtype.is_inexact else cast_to(found, float32)
