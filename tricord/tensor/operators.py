"""Python's operators on tensors.

A Python number on the other side is weak: it takes the tensor's dtype. Small whole numbers are
written into the program; other numbers (a learning rate that changes each step) become inputs of
it, so that a new value does not mean a new program.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..ir import arithmetic as ar
from ..ir.dtypes import promote_scalar
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.source import user_location
from .handle import Handle
from .recorder import pending, record, state, wrap
from .views import write

__all__ = ["Operators", "combine", "is_static", "operand"]

Binary = Callable[[Any, Any], Node]
_NUMBERS = (int, float, complex, bool)


def is_static(number: complex) -> bool:
    """Whether a number is written into the program rather than passed to it at each run."""
    if number.__class__ is int or number.__class__ is bool:
        return -16 <= number <= 16  # type: ignore[operator]
    if number.__class__ is float:
        return number in (0.5, 0.25, -0.5) or (
            -16.0 <= number <= 16.0 and number == int(number)  # type: ignore[operator,arg-type]
            and not (number == 0.0 and math.copysign(1.0, number) < 0))  # type: ignore[arg-type]
    return False


def _left_number(y: Node, function: Binary, number: Any) -> Node:
    return function(number, y)


def _right_number(x: Node, function: Binary, number: Any) -> Node:
    return function(x, number)


def operand(value: Any) -> Any:
    """A handle or a Python number from whatever the user wrote; None if it is neither."""
    if isinstance(value, Handle) or value.__class__ in _NUMBERS:
        return value
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biufc" else None
    if isinstance(value, np.ndarray):
        return wrap(value.copy())
    return None


def combine(function: Binary, x: Any, y: Any) -> Any:
    """``function`` of two operands of which at least one is a tensor and the other may be a
    number; NotImplemented if one is something else."""
    x_tensor, y_tensor = isinstance(x, Handle), isinstance(y, Handle)
    if x_tensor and y_tensor:
        return record(function, (x, y))
    number = operand(y if x_tensor else x)
    if number is None:
        return NotImplemented
    tensor = x if x_tensor else y
    if isinstance(number, Handle):
        return record(function, (x, number) if x_tensor else (number, y))
    if is_static(number):
        return record(_right_number if x_tensor else _left_number, (tensor,), (function, number))
    return _with_input(function, tensor, number, x_tensor)


def _with_input(function: Binary, tensor: Handle, number: Any, number_right: bool) -> Any:
    """The number as a 0-d input, in the dtype it takes beside the tensor."""
    here = state
    segment = here.segment
    node = segment.node_of(tensor)
    dtype = promote_scalar(tensor._type.dtype, number, ar.DEFAULT_FLOAT)
    if dtype.kind in "iu":
        info = np.iinfo(dtype.numpy)
        if not info.min <= number <= info.max:
            raise DTypeError(f"the number {number} does not fit into {dtype}",
                             where=str(user_location() or "") or None)
    scalar = wrap(np.asarray(number, dtype.numpy))
    if segment.parent is None:
        return record(function, (tensor, scalar) if number_right else (scalar, tensor))
    # While a function is traced, numbers are part of what it does.
    assert node is not None
    result = function(node, number) if number_right else function(number, node)
    return pending(result, tensor._result_class)


def _binary(function: Binary, reverse: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        return combine(function, other, self) if reverse else combine(function, self, other)

    return method


def _in_place(function: Binary) -> Any:
    def method(self: Any, other: Any) -> Any:
        other = operand(other)
        if other is None:
            return NotImplemented
        if isinstance(other, Handle):
            return write(self, function, (other,))
        if is_static(other):
            return write(self, _right_number, (), (function, other))
        dtype = promote_scalar(self.dtype, other, ar.DEFAULT_FLOAT)
        return write(self, function, (wrap(np.asarray(other, dtype.numpy)),))

    return method


def _bitwise(primitive: Any) -> Binary:
    return ar.binary(primitive)


def _power(self: Any, other: Any) -> Any:
    other = operand(other)
    if other is None:
        return NotImplemented
    if isinstance(other, Handle):
        return record(ar.power, (self, other))
    return record(_right_number, (self,), (ar.power, other))  # exponents are always static


def _power_of(self: Any, other: Any) -> Any:
    return combine(ar.power, other, self)


def _power_in_place(self: Any, other: Any) -> Any:
    if isinstance(other, Handle):
        return write(self, ar.power, (other,))
    return write(self, _right_number, (), (ar.power, other))


def _negative(x: Node) -> Node:
    return -x


def _absolute(x: Node) -> Node:
    return x if x.dtype.kind in "bu" else ew.absolute(x)


def _invert(x: Node) -> Node:
    return ew.bitwise_not(x)


def _identity(x: Node) -> Node:
    return x


_and, _or, _xor = map(_bitwise, (ew.bitwise_and, ew.bitwise_or, ew.bitwise_xor))
_left, _right = map(_bitwise, (ew.shift_left, ew.shift_right))
_floor = ar.floor_divide
_equal, _not_equal = ar.compare["equal"], ar.compare["not_equal"]


class Operators(Handle):
    """Operators; each records one operation."""

    __add__ = _binary(ar.add)
    __radd__ = _binary(ar.add, reverse=True)
    __sub__ = _binary(ar.subtract)
    __rsub__ = _binary(ar.subtract, reverse=True)
    __mul__ = _binary(ar.multiply)
    __rmul__ = _binary(ar.multiply, reverse=True)
    __truediv__ = _binary(ar.divide)
    __rtruediv__ = _binary(ar.divide, reverse=True)
    __floordiv__ = _binary(_floor)
    __rfloordiv__ = _binary(_floor, reverse=True)
    __mod__ = _binary(ar.remainder)
    __rmod__ = _binary(ar.remainder, reverse=True)
    __pow__ = _power
    __rpow__ = _power_of
    __and__ = _binary(_and)
    __rand__ = _binary(_and, reverse=True)
    __or__ = _binary(_or)
    __ror__ = _binary(_or, reverse=True)
    __xor__ = _binary(_xor)
    __rxor__ = _binary(_xor, reverse=True)
    __lshift__ = _binary(_left)
    __rlshift__ = _binary(_left, reverse=True)
    __rshift__ = _binary(_right)
    __rrshift__ = _binary(_right, reverse=True)
    __lt__ = _binary(ar.compare["less"])
    __le__ = _binary(ar.compare["less_equal"])
    __gt__ = _binary(ar.compare["greater"])
    __ge__ = _binary(ar.compare["greater_equal"])

    __iadd__ = _in_place(ar.add)
    __isub__ = _in_place(ar.subtract)
    __imul__ = _in_place(ar.multiply)
    __itruediv__ = _in_place(ar.divide)
    __ifloordiv__ = _in_place(_floor)
    __imod__ = _in_place(ar.remainder)
    __ipow__ = _power_in_place
    __iand__ = _in_place(_and)
    __ior__ = _in_place(_or)
    __ixor__ = _in_place(_xor)
    __ilshift__ = _in_place(_left)
    __irshift__ = _in_place(_right)

    def __eq__(self, other: Any) -> Any:
        found = combine(_equal, self, other)
        return False if found is NotImplemented else found

    def __ne__(self, other: Any) -> Any:
        found = combine(_not_equal, self, other)
        return True if found is NotImplemented else found

    def __hash__(self) -> int:
        return id(self)

    def __neg__(self) -> Any:
        return record(_negative, (self,))

    def __pos__(self) -> Any:
        return record(_identity, (self,))

    def __abs__(self) -> Any:
        return record(_absolute, (self,))

    def __invert__(self) -> Any:
        return record(_invert, (self,))

    #: numpy must not take a tensor apart when it stands left of one
    __array_priority__ = 1000
    __array_ufunc__ = None
