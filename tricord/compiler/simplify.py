"""The same values from fewer and simpler nodes.

Every rule keeps every bit of every value (except that NaN's payload may change). Equal nodes are
one object already, so there is no pass for common subexpressions; dead ones are not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.dtypes import float32
from ..ir.graph import toposort
from ..ir.lowering import Alias, Kernel, Reduction, Regions, Scalar, View
from ..ir.node import Node, intern_node, rewriting
from ..ir.ops.control import merge_scans
from ..ir.ops.elementwise import cast
from ..ir.ops.indexing import Index
from ..ir.ops.movement import broadcast, reshape, slice_, transpose
from ..ir.ops.structural import constant, constant_value
from ..ir.record import pick
from .contraction import as_matrix_product
from .indexing import gathered_in_place, scattered_in_place, with_checked_indices
from .long_reductions import in_parts

__all__ = ["simplify"]

Rule = Callable[[Node], Node | None]


def simplify(outputs: Sequence[Node]) -> list[Node]:
    """The outputs rebuilt bottom-up, every node rewritten until no rule applies."""
    new: dict[Node, Node] = {}
    merged = merge_scans(outputs)
    with rewriting() as at:
        for node in toposort(merged):
            at(node.where)
            parents = tuple(new[p] for p in node.parents)
            if any(a is not b for a, b in zip(parents, node.parents, strict=True)):
                made = intern_node(node.op, node.params, parents)
            else:
                made = node
            new[node] = _rewritten(made)
    return [_computed(new[o]) for o in merged]


def _computed(output: Node) -> Node:
    """An output that somebody writes: a constant becomes a copy of one."""
    value = constant_value(output)
    if value is None:
        return output
    if not value.size:
        return broadcast(constant(0, output.dtype), output.shape, ())
    return reshape(constant(value.reshape(1, *value.shape), output.dtype), output.shape)


def _rewritten(node: Node) -> Node:
    while True:
        for rule in _rules(node):
            better = rule(node)
            if better is not None and better is not node:
                node = better
                break
        else:
            return node


def _rules(node: Node) -> Sequence[Rule]:
    way = node.op.lower
    if isinstance(way, Alias):
        return (_drop_alias,)
    if not node.size and (way == Kernel("dot") or isinstance(
            way, (Scalar, Reduction, View, Regions))):
        return (_nothing,)
    if isinstance(way, Scalar):
        return _BY_NAME.get(way.name, _ANY_SCALAR)
    if isinstance(way, Reduction):
        return _REDUCTION
    if isinstance(way, View):
        return _VIEWS.get(way.kind, ())
    if way == Kernel("dot"):
        return (_product_of_nothing, _product_of_narrow, as_matrix_product)
    if isinstance(way, Kernel) and isinstance(node.params, Index):
        return (with_checked_indices, scattered_in_place)
    return ()


def _drop_alias(node: Node) -> Node | None:
    return None if node.op is pick else node.parents[0]


# ---- constants

def _number(node: Node) -> Any:
    """The one number that a node repeats, or None."""
    if node.op.lower == View("broadcast"):
        node = node.parents[0]
    value = constant_value(node)
    return value.reshape(-1)[0] if value is not None and value.size == 1 else None


def _fold(node: Node) -> Node | None:
    """A scalar function of constants: computed now, by the reference."""
    if not node.parents or node.dtype.kind == "c":
        return None
    numbers = [_number(p) for p in node.parents]
    if any(n is None for n in numbers):
        return None
    arrays = [np.asarray(n, p.dtype.numpy) for n, p in zip(numbers, node.parents, strict=True)]
    with np.errstate(all="ignore"):
        value = node.op.reference(node.params, *arrays)
    return broadcast(reshape(constant(value, node.dtype), ()), node.shape, ())


def _is(node: Node, value: float) -> bool:
    number = _number(node)
    return number is not None and bool(number == value) and not (
        value == 0 and bool(np.signbit(np.asarray(number, np.float64))))


def _times_one(node: Node) -> Node | None:
    x, y = node.parents
    return x if _is(y, 1) else y if _is(x, 1) else None


def _over_one(node: Node) -> Node | None:
    return node.parents[0] if _is(node.parents[1], 1) else None


def _minus_zero(node: Node) -> Node | None:
    # x - 0.0 is x, also for -0.0; x + 0.0 is not.
    return node.parents[0] if _is(node.parents[1], 0) else None


def _twice(node: Node) -> Node | None:
    """negative(negative(x)), bitwise_not(bitwise_not(x))."""
    inner = node.parents[0]
    return inner.parents[0] if inner.op is node.op else None


def _same_branches(node: Node) -> Node | None:
    _, x, y = node.parents
    return x if x is y else None


def _cast_to_itself(node: Node) -> Node | None:
    return node.parents[0] if node.parents[0].dtype is node.dtype else None


def _nothing(node: Node) -> Node | None:
    """Without elements: nobody has to compute what they would have been made of."""
    if node.dtype.kind == "c" or not node.parents:
        return None
    return broadcast(constant(0, node.dtype), node.shape, ())


def _product_of_nothing(node: Node) -> Node | None:
    """A sum of no products is zero."""
    if node.parents[0].size or node.dtype.kind == "c":
        return None
    return broadcast(constant(0, node.dtype), node.shape, ())


def _product_of_narrow(node: Node) -> Node | None:
    """half and bfloat16 are multiplied and summed in float32, and rounded once."""
    if node.dtype.kind != "f" or node.dtype.itemsize >= 4:
        return None
    x, y = (_rewritten(cast(p, float32)) for p in node.parents)
    return cast(_rewritten(intern_node(node.op, node.params, (x, y))), node.dtype)


# ---- reductions and views

def _reduction_of_ones(node: Node) -> Node | None:
    """Axes of size one are dropped, not reduced."""
    x, axes = node.parents[0], node.params.axes
    short = [a for a in axes if x.shape[a] == 1]
    if not short:
        return None if axes else x
    squeezed = reshape(x, [s for a, s in enumerate(x.shape) if a not in short])
    moved = tuple(a - sum(s < a for s in short) for a in axes if a not in short)
    return squeezed if not moved else intern_node(node.op, type(node.params)(moved), (squeezed,))


def _reduction_of_nothing(node: Node) -> Node | None:
    """Over an empty axis a reduction gives its neutral element."""
    x = node.parents[0]
    if x.size or not node.size:
        return None
    one = np.zeros([0 if a in node.params.axes else 1 for a in range(x.ndim)], x.dtype.numpy)
    value = node.op.reference(node.params, one)
    return broadcast(reshape(constant(value, node.dtype), ()), node.shape, ())


def _reshape_of_reshape(node: Node) -> Node | None:
    x = node.parents[0]
    if x.shape == node.shape:
        return x
    if x.op is node.op:
        return reshape(x.parents[0], node.shape)
    if x.op.lower == View("broadcast") and not x.params.axes:
        return broadcast(x.parents[0], node.shape, ())
    return None


def _transpose_of_transpose(node: Node) -> Node | None:
    x = node.parents[0]
    if node.params.axes == tuple(range(x.ndim)):
        return x
    if x.op is node.op:
        return transpose(x.parents[0], tuple(x.params.axes[a] for a in node.params.axes))
    return None


def _broadcast_of_broadcast(node: Node) -> Node | None:
    x = node.parents[0]
    if x.shape == node.shape:
        return x
    if x.op is node.op:
        return broadcast(x.parents[0], node.shape, tuple(node.params.axes[a]
                                                         for a in x.params.axes))
    return None


def _slice_of_slice(node: Node) -> Node | None:
    x, p = node.parents[0], node.params
    if x.op is not node.op:
        return None
    q = x.params
    start = [a + s * b for a, s, b in zip(q.start, q.step, p.start, strict=True)]
    step = [s * t for s, t in zip(q.step, p.step, strict=True)]
    stop = [a + (n - 1) * s + 1 if n else a
            for a, n, s in zip(start, node.shape, step, strict=True)]
    return slice_(x.parents[0], start, stop, step)


_ANY_SCALAR: tuple[Rule, ...] = (_fold,)
_BY_NAME: dict[str, tuple[Rule, ...]] = {
    "multiply": (_fold, _times_one),
    "divide": (_fold, _over_one),
    "subtract": (_fold, _minus_zero),
    "negative": (_fold, _twice),
    "bitwise_not": (_fold, _twice),
    "where": (_fold, _same_branches),
    "cast": (_cast_to_itself, _fold),
}
_REDUCTION: tuple[Rule, ...] = (_reduction_of_nothing, _reduction_of_ones, in_parts)
_VIEWS: dict[str, tuple[Rule, ...]] = {
    "reshape": (_reshape_of_reshape,),
    "transpose": (_transpose_of_transpose, gathered_in_place),
    "broadcast": (_broadcast_of_broadcast,),
    "slice": (_slice_of_slice,),
}
