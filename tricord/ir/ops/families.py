"""What records share: checks of dtype and shape, and the record of a linear operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import DTypeError, ShapeError
from ..dtypes import DType
from ..lowering import Lowering
from ..node import Node, intern_node
from ..record import Primitive, register
from ..shapes import Shape, TensorType

__all__ = ["ANY", "BOOL", "COMPLEX", "FLOAT", "INEXACT", "INTEGER", "NUMERIC", "REAL", "accept",
           "linear_unary", "rebind", "same_dtype", "same_shape"]

Kinds = str

BOOL, INTEGER, FLOAT, COMPLEX = "b", "iu", "f", "c"
REAL, INEXACT, NUMERIC, ANY = "iuf", "fc", "iufc", "biufc"
_KIND_NAMES = {"b": "bool", "i": "integer", "u": "integer", "f": "floating", "c": "complex"}


def accept(name: str, kinds: Kinds, dtype: DType) -> None:
    """Refuse a dtype whose kind is not among ``kinds``."""
    if dtype.kind not in kinds:
        wanted = " or ".join(dict.fromkeys(_KIND_NAMES[k] for k in kinds))
        article = "an" if wanted[0] in "aeiou" else "a"
        raise DTypeError(f"{name}: expected {article} {wanted} dtype, got {dtype}",
                         hint=f"cast the operand, e.g. to {'float32' if 'f' in kinds else 'bool'}")


def same_shape(name: str, params: Any, *types: TensorType) -> Shape:
    first = types[0].shape
    for other in types[1:]:
        if other.shape != first:
            raise ShapeError(f"{name}: operands of a primitive have one shape, got "
                             + " and ".join(str(tuple(t.shape)) for t in types))
    return first


def same_dtype(name: str, kinds: Kinds, params: Any, *types: TensorType) -> DType:
    first = types[0].dtype
    for other in types[1:]:
        if other.dtype is not first:
            raise DTypeError(f"{name}: operands of a primitive have one dtype, got "
                             + " and ".join(t.dtype.name for t in types))
    accept(name, kinds, first)
    return first


def rebind(primitive: Any, params: Any, *parents: Node) -> Node:
    """Apply a primitive with parameters that exist already."""
    return intern_node(primitive, params, parents)


def linear_unary(
    name: str,
    *,
    lower: Lowering,
    params: type,
    shape_rule: Callable[..., Any],
    transpose: Callable[[Node, Node], Node],
    batch: Callable[..., Node],
    reference: Callable[..., Any],
    samples: Any,
    errors: Any,
    dtype_rule: Callable[..., Any] = lambda params, x: x.dtype,
) -> Primitive:
    """Register a primitive that is linear in its only operand.

    ``transpose(node, cotangent)`` is the reverse rule; the forward rule is the operation itself.
    """

    def vjp(node: Node, cotangent: Node) -> tuple[Node]:
        return (transpose(node, cotangent),)

    def jvp(node: Node, tangent: Node) -> Node:
        return rebind(node.op, node.params, tangent)

    return register(Primitive(
        name, lower=lower, params=params, shape_rule=shape_rule, dtype_rule=dtype_rule,
        vjp=vjp, jvp=jvp,
        batch=batch, reference=reference, samples=samples, errors=errors))
