"""Python's operators on the tensors of this face: eager, symbolic, and variables alike.

They are the functions of this face, so that they are strict about dtypes and build graphs where
graphs are built. There is no operator in place: ``x += 1`` makes a new tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import TricordError
from ..ir.dtypes import bool_
from ..tensor.handle import Handle
from . import array_ops, linalg_ops, math_ops
from .graph import GraphValue
from .tensors import EagerTensor, where_now
from .variables import GraphVariable, Variable

__all__: list[str] = []

_OPERANDS = (Handle, GraphValue, int, float, complex, bool, np.ndarray, np.generic, list, tuple)


def _left(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return function(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    return method


def _right(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return function(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    return method


def _refused(name: str) -> Callable[[Any, Any], Any]:
    """A variable is not changed by an operator."""
    instead = {"add": "assign_add", "sub": "assign_sub"}.get(name, "assign")

    def method(self: Any, other: Any) -> Any:
        if not isinstance(self, (Variable, GraphVariable)):
            return _left(_BINARY[name])(self, other)
        raise InPlaceError(f"Variable {name}= value not supported. Use `variable.{instead}(value)` "
                           "to modify the variable value, and `variable = variable ...` to get a "
                           "new Tensor object.", where=where_now())

    return method


class InPlaceError(TricordError, RuntimeError):
    """A variable is on the left of ``+=``."""


def _is_bool(value: Any) -> bool:
    return getattr(value, "dtype", None) is bool_


def _logic(on_bools: Callable[..., Any], on_bits: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, y: Any) -> Any:
        return (on_bools if _is_bool(x) or _is_bool(y) else on_bits)(x, y)

    return call


_BINARY = {
    "add": math_ops.add, "sub": math_ops.subtract, "mul": math_ops.multiply,
    "truediv": math_ops.truediv, "floordiv": math_ops.floordiv, "mod": math_ops.floormod,
    "pow": math_ops.pow, "matmul": linalg_ops.matmul,
    "and": _logic(math_ops.logical_and, math_ops.bitwise_and),
    "or": _logic(math_ops.logical_or, math_ops.bitwise_or),
    "xor": _logic(math_ops.logical_xor, math_ops.bitwise_xor)}
_COMPARE = {"lt": math_ops.less, "le": math_ops.less_equal, "gt": math_ops.greater,
            "ge": math_ops.greater_equal}


def _invert(self: Any) -> Any:
    return math_ops.logical_not(self) if _is_bool(self) else math_ops._unary.made["invert"](self)


def _equal(self: Any, other: Any) -> Any:
    return math_ops.equal(self, other) if isinstance(other, _OPERANDS) else False


def _not_equal(self: Any, other: Any) -> Any:
    return math_ops.not_equal(self, other) if isinstance(other, _OPERANDS) else True


def _same_object(self: Any, other: Any) -> bool:
    return self is other


def _other_object(self: Any, other: Any) -> bool:
    return self is not other


def _hash(self: Any) -> int:
    return id(self)


def _install(cls: type) -> None:
    for name, function in _BINARY.items():
        setattr(cls, f"__{name}__", _left(function))
        setattr(cls, f"__r{name}__", _right(function))
        setattr(cls, f"__i{name}__", _left(function) if cls is EagerTensor else _refused(name))
    for name, function in _COMPARE.items():
        setattr(cls, f"__{name}__", _left(function))
    for name, method in {
            "__neg__": lambda self: math_ops.negative(self),
            "__pos__": lambda self: array_ops.identity(self),
            "__abs__": lambda self: math_ops.abs_(self), "__invert__": _invert,
            "__getitem__": lambda self, key: array_ops.getitem(self, key),
            "__hash__": _hash}.items():
        setattr(cls, name, method)


for _class in (EagerTensor, Variable):
    _install(_class)
    _class.__eq__ = _equal  # type: ignore[method-assign]
    _class.__ne__ = _not_equal  # type: ignore[method-assign]
_install(GraphValue)
# Tensors of a graph are told apart by identity, as in TensorFlow 1: they are keys of feeds.
GraphValue.__eq__ = _same_object  # type: ignore[method-assign,assignment]
GraphValue.__ne__ = _other_object  # type: ignore[method-assign,assignment]
