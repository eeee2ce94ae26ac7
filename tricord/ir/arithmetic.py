"""Arithmetic on nodes as Python writes it: dtypes promoted, shapes broadcast, numbers weak.

Primitives want operands of one shape and one dtype. These functions bring operands there with
explicit casts and broadcasts, so that every rule below them can be simple. Importing this module
gives nodes their Python operators.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import DTypeError, TricordError
from .dtypes import DType, bool_, float32, promote, promote_scalar, result_of_division
from .node import Node, operators
from .ops import elementwise as ew
from .ops.movement import broadcast_to
from .ops.structural import constant
from .record import Primitive
from .shapes import broadcast_shapes
from .source import user_location

__all__ = ["as_node", "binary", "common_dtype", "compare", "divide", "logical", "logical_not",
           "power", "promoted", "remainder", "select"]

Operand = Node | bool | int | float | complex

#: The floating dtype of ``1 / integer`` and the like. Faces with another default cast beforehand.
DEFAULT_FLOAT = float32


def _refusal(what: str, operand: object) -> DTypeError:
    return DTypeError(f"{what}: takes tensors and numbers, got {type(operand).__name__}",
                      where=str(user_location() or "") or None)


def common_dtype(what: str, *operands: Operand) -> DType:
    """The dtype that tensors and Python numbers meet in; numbers are weak."""
    dtype: DType | None = None
    for operand in operands:
        if isinstance(operand, Node):
            dtype = operand.dtype if dtype is None else promote(dtype, operand.dtype)
    if dtype is None:
        raise DTypeError(f"{what}: at least one operand must be a tensor")
    for operand in operands:
        if not isinstance(operand, Node):
            if not isinstance(operand, (bool, int, float, complex, np.number, np.bool_)):
                raise _refusal(what, operand)
            dtype = promote_scalar(dtype, operand, DEFAULT_FLOAT)
    return dtype


def as_node(operand: Operand, dtype: DType) -> Node:
    """A node of this dtype: a cast tensor, or a number as a constant."""
    if isinstance(operand, Node):
        return ew.cast(operand, dtype)
    if dtype.kind in "iu" and isinstance(operand, (int, np.integer)):
        info = np.iinfo(dtype.numpy)
        if not info.min <= operand <= info.max:
            raise DTypeError(f"the number {operand} does not fit into {dtype}")
    return constant(operand, dtype)


def promoted(what: str, *operands: Operand, dtype: DType | None = None) -> list[Node]:
    """All operands in one dtype and one shape."""
    try:
        dtype = common_dtype(what, *operands) if dtype is None else dtype
        shape = broadcast_shapes(*(o.shape if isinstance(o, Node) else () for o in operands),
                                 what=what)
    except TricordError as error:
        error.where = error.where or str(user_location() or "") or None
        raise
    return [broadcast_to(as_node(o, dtype), shape) for o in operands]


def binary(primitive: Primitive) -> Callable[[Operand, Operand], Node]:
    """The broadcasting, promoting form of an elementwise primitive of two operands."""

    def apply(x: Operand, y: Operand) -> Node:
        return primitive(*promoted(primitive.name, x, y))

    apply.__name__ = primitive.name
    return apply


def divide(x: Operand, y: Operand) -> Node:
    """True division; integers divide in the default floating dtype."""
    dtype = result_of_division(common_dtype("divide", x, y), DEFAULT_FLOAT)
    return ew.divide(*promoted("divide", x, y, dtype=dtype))


def power(x: Operand, y: Operand) -> Node:
    """``x ** y``. A constant integer exponent becomes products, 0.5 a square root."""
    if isinstance(x, Node) and not isinstance(y, Node) and not isinstance(y, bool):
        dtype = common_dtype("power", x, y)
        if abs(y.real) <= 32 and y == int(y.real) and (y.real >= 0 or dtype.is_inexact):
            return ew.integer_power(ew.cast(x, dtype), int(y.real))
        if y == 0.5 and dtype.is_inexact:
            return ew.sqrt(ew.cast(x, dtype))
    return ew.power(*promoted("power", x, y))


def logical(primitive: Primitive) -> Callable[[Operand, Operand], Node]:
    """A bitwise primitive on truth values: whatever is not zero is true."""

    def apply(x: Operand, y: Operand) -> Node:
        return primitive(*promoted(primitive.name, truth(x), truth(y), dtype=bool_))

    return apply


def truth(x: Operand) -> Operand:
    """``x != 0`` as bool."""
    if not isinstance(x, Node):
        return bool(x)
    return x if x.dtype is bool_ else ew.not_equal(x, ew.zeros_like(x))


def logical_not(x: Node) -> Node:
    value = truth(x)
    assert isinstance(value, Node)
    return ew.bitwise_not(value)


def select(condition: Node, x: Operand, y: Operand) -> Node:
    """``x`` where the condition holds, else ``y``; all three broadcast."""
    if isinstance(x, Node) or isinstance(y, Node):
        dtype = common_dtype("where", x, y)
    else:
        dtype = promote_scalar(promote_scalar(bool_, x, DEFAULT_FLOAT), y, DEFAULT_FLOAT)
    x, y = as_node(x, dtype), as_node(y, dtype)
    shape = broadcast_shapes(condition.shape, x.shape, y.shape, what="where")
    return ew.where(broadcast_to(condition, shape), broadcast_to(x, shape),
                    broadcast_to(y, shape))


def _bool_or(name: str, integer_rule: Callable[[Operand, Operand], Node],
             bool_rule: Primitive) -> Callable[[Operand, Operand], Node]:
    """Arithmetic that means logic on bools: bool + bool is or, bool * bool is and."""

    def apply(x: Operand, y: Operand) -> Node:
        if common_dtype(name, x, y) is bool_:
            return bool_rule(*promoted(name, x, y))
        return integer_rule(x, y)

    return apply


add = _bool_or("add", binary(ew.add), ew.bitwise_or)
multiply = _bool_or("multiply", binary(ew.multiply), ew.bitwise_and)
subtract = binary(ew.subtract)
remainder = binary(ew.remainder)


def floor_divide(x: Operand, y: Operand) -> Node:
    """``x / y`` rounded down. An infinity divided by a number is infinite."""
    first, second = promoted("floor_divide", x, y)
    result = ew.floor_divide(first, second)
    if first.dtype.kind != "f":
        return result
    infinite = ew.equal(ew.absolute(first), ew.scalar_like(float("inf"), first))
    return ew.where(infinite, ew.divide(first, second), result)


compare = {p.name: binary(p) for p in (ew.equal, ew.not_equal, ew.less, ew.less_equal, ew.greater,
                                       ew.greater_equal)}

operators.binary.update(compare, add=add, subtract=subtract, multiply=multiply, divide=divide,
                        power=power, floor_divide=floor_divide, remainder=remainder)
