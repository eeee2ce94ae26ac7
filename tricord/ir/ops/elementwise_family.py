"""The family of elementwise primitives: one fact per operation, its derivative, makes the record.

``derivative`` is the forward rule: tangent in, tangent out, linear in the tangent. The reverse rule
is the same function, conjugated for complex numbers (a gradient of a complex tensor is the one
PyTorch gives: the direction of steepest ascent).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ..dtypes import ALL, DType, bool_
from ..lowering import Scalar
from ..node import Node, operators
from ..record import ErrorSample, NoGradient, Primitive, Sample, register
from ..samples import boolean, integers, uniform
from ..shapes import TensorType
from .families import INEXACT, NUMERIC, rebind, same_dtype, same_shape
from .movement import broadcast_leading

__all__ = ["batch_elementwise", "binary", "elementwise", "unary"]

Array = np.ndarray[Any, Any]
Kinds = str


def batch_elementwise(primitive: Callable[..., Node], params: Any, args: Sequence[Node],
                      batched: Sequence[bool], size: int) -> Node:
    """Batching rule of every elementwise primitive: stretch what is not batched."""
    stretched = [a if b else broadcast_leading(a, size)
                 for a, b in zip(args, batched, strict=True)]
    return rebind(primitive, params, *stretched)


def _identity(node: Node) -> Node:
    return node


def elementwise(
    name: str,
    arity: int,
    reference: Callable[..., Any],
    derivatives: Sequence[Callable[..., Node | None]] | NoGradient,
    *,
    accepts: Kinds = INEXACT,
    result: Callable[[DType], DType] | None = None,
    samples: Sequence[Sample],
    errors: Sequence[ErrorSample] = (),
) -> Primitive:
    """Register an elementwise primitive of any arity over operands of one shape and dtype.

    ``derivatives[i](t, out, *args)`` is the tangent of the result for tangent ``t`` of operand i.
    """

    def dtype_rule(params: Any, *types: TensorType) -> DType:
        dtype = same_dtype(name, accepts, params, *types)
        return result(dtype) if result else dtype

    if isinstance(derivatives, NoGradient):
        vjp: Any = derivatives
        jvp: Any = derivatives
    else:
        rules = derivatives

        def jvp(node: Node, *tangents: Node | None) -> Node | None:
            total: Node | None = None
            for rule, tangent in zip(rules, tangents, strict=True):
                if tangent is None:
                    continue
                term = rule(tangent, node, *node.parents)
                if term is not None:
                    total = term if total is None else total + term
            return total

        def vjp(node: Node, cotangent: Node) -> list[Node | None]:
            conj = operators.unary["conj"] if cotangent.dtype.is_complex else _identity
            results: list[Node | None] = []
            for rule, parent in zip(rules, node.parents, strict=True):
                term = rule(conj(cotangent), node, *node.parents) if parent.needs_grad else None
                results.append(None if term is None else conj(term))
            return results

    def silent(params: Any, *arrays: Array) -> Any:
        with np.errstate(all="ignore"):
            return reference(*arrays)

    record = Primitive(
        name, lower=Scalar(name),
        shape_rule=partial(same_shape, name), dtype_rule=dtype_rule, vjp=vjp, jvp=jvp,
        batch=lambda *a: batch_elementwise(record, *a), reference=silent, samples=samples,
        errors=errors)
    return register(record)


def _samples_for(kinds: Kinds, arity: int, low: float, high: float) -> list[Sample]:
    """Every dtype the operation takes, plus 0-d, empty and prime shapes."""
    found = []
    for dtype in ALL:
        if dtype.kind not in kinds:
            continue
        shapes: tuple[tuple[int, ...], ...] = ((2, 3),)
        if dtype.name == "float32":
            shapes = ((2, 3), (), (0, 2), (7,))
        for shape in shapes:
            if dtype is bool_:
                arrays = tuple(boolean(*shape, seed=i) for i in range(arity))
            elif dtype.kind in "iu":
                span = {"low": int(max(low, -5)), "high": int(min(high, 5)) + 1}
                arrays = tuple(integers(*shape, dtype=dtype, seed=i, **span) for i in range(arity))
            else:
                arrays = tuple(uniform(*shape, low=low, high=high, dtype=dtype, seed=i)
                               for i in range(arity))
            found.append(Sample(arrays))
    return found


def unary(
    name: str,
    reference: Callable[[Array], Any],
    derivative: Callable[[Node, Node, Node], Node | None] | NoGradient,
    *,
    accepts: Kinds = INEXACT,
    result: Callable[[DType], DType] | None = None,
    low: float = -2.0,
    high: float = 2.0,
    more_samples: Sequence[Sample] = (),
) -> Primitive:
    """Register an elementwise primitive of one operand, sampled in ``[low, high)``."""
    derivatives = derivative if isinstance(derivative, NoGradient) else (derivative,)
    refused = next((d for d in ALL if d.kind not in accepts), None)
    errors = [] if refused is None else [
        ErrorSample((np.zeros(2, refused.numpy),), says=f"{name}: expected", error=DTypeError)]
    return elementwise(name, 1, reference, derivatives, accepts=accepts, result=result,
                       samples=[*_samples_for(accepts, 1, low, high), *more_samples],
                       errors=errors)


def binary(
    name: str,
    reference: Callable[[Array, Array], Any],
    left: Callable[[Node, Node, Node, Node], Node | None] | NoGradient,
    right: Callable[[Node, Node, Node, Node], Node | None] | NoGradient,
    *,
    accepts: Kinds = NUMERIC,
    result: Callable[[DType], DType] | None = None,
    low: float = -2.0,
    high: float = 2.0,
    more_samples: Sequence[Sample] = (),
) -> Primitive:
    """Register an elementwise primitive of two operands, both sampled in ``[low, high)``."""
    if isinstance(left, NoGradient) or isinstance(right, NoGradient):
        derivatives: Any = left if isinstance(left, NoGradient) else right
    else:
        derivatives = (left, right)
    dtype = next(d for d in reversed(ALL) if d.kind in accepts).numpy
    errors = [ErrorSample((np.zeros((2, 3), dtype), np.zeros((3, 2), dtype)),
                          says="one shape, got (2, 3) and (3, 2)", error=ShapeError)]
    return elementwise(name, 2, reference, derivatives, accepts=accepts, result=result,
                       samples=[*_samples_for(accepts, 2, low, high), *more_samples],
                       errors=errors)
