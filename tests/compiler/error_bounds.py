"""How far from the exact value each element of a graph may lie, worked out along with the values.

A bound of 0 says that every correct program gives the very same bits; infinity, that the value may
be anything, because rounding decides it (a comparison of two sums that are all but equal). Two
programs for one graph may differ by twice the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tricord.ir.lowering import Reduction, Regions, View
from tricord.ir.node import Node
from tricord.ir.record import pick

__all__ = ["EPSILON", "bounds_of", "disagreement"]

Array = np.ndarray
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
#: the least normal numbers; what is below may be flushed to zero
_TINY = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
_LARGEST = {"float16": 65504.0, "bfloat16": 3.38e38, "float32": 3.4028234e38,
            "float64": 1.7976931348623157e308}
#: units in the last place that a function of one operand may be wrong by
_UNITS = 8


def bounds_of(order: Sequence[Node], values: Mapping[Node, Array]) -> dict[Node, Array]:
    """The bound of every node, parents first; inputs and constants are exact."""
    bounds: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for node in order:
            if not node.parents:
                bounds[node] = np.zeros(node.shape)
                continue
            if node.op is pick:
                bounds[node] = bounds[node.parents[0]]
                continue
            wide = [_wide(values[p]) for p in node.parents]
            if node.op.several_outputs:  # positions and values are as sure as each other
                bounds[node] = _along(node, wide, [bounds[p] for p in node.parents], wide[0])
                continue
            bound = _rule(node)(node, wide, [bounds[p] for p in node.parents],
                                _wide(values[node]))
            bound = np.asarray(bound, np.float64)
            bounds[node] = np.where(np.isnan(bound), np.inf, bound).reshape(node.shape)
    return bounds


def _wide(value: Array) -> Array:
    return np.asarray(np.real(value)).astype(np.float64)


def disagreement(found: Array, expected: Array, bound: Array) -> str:
    """What is wrong with a result; nothing if it is right."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"{found.dtype}{found.shape} instead of {expected.dtype}{expected.shape}"
    if expected.dtype.kind == "c":
        return disagreement(found.real, expected.real, bound) or disagreement(
            found.imag, expected.imag, bound)
    kind = "f" if expected.dtype.name == "bfloat16" else expected.dtype.kind
    if kind in "biu":
        wrong = (found != expected) & np.isfinite(bound)
    else:
        a, b = found.astype(np.float64), expected.astype(np.float64)
        same = ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
        with np.errstate(all="ignore"):
            near = (np.abs(a - b) <= 2 * bound) & (bound > 0) | np.isinf(bound)
        wrong = ~(same | near)
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (f"{int(wrong.sum())} of {wrong.size} elements differ, first at {at}: {found[at]!r} "
            f"instead of {expected[at]!r}, bound {bound[at]:.3g}")


def _rule(node: Node) -> Callable[..., Array]:
    way = node.op.lower
    if isinstance(way, (View, Regions)):
        return lambda node, x, e, out: node.op.reference(node.params, *e)
    if isinstance(way, Reduction):
        return _FLOAT_REDUCTIONS[way.combine] if node.dtype.kind == "f" else _grouped
    if node.op.name == "dot":
        return _float_dot if node.dtype.kind == "f" else _whole_dot
    return _BY_NAME.get(node.op.name, _exact)


def _exact(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    """Functions that are right only for the right operands."""
    return np.where(sum(e[1:], e[0]) > 0, np.inf, 0.0)


def _by_library(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    """The same function in both programs, which may see a subnormal operand flushed or not."""
    small = (np.abs(x[0]) < _TINY[node.dtype.name]) & (x[0] != 0)
    return np.where((e[0] > 0) | small, np.inf, 0.0)


def _times(a: Array, b: Array) -> Array:
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _certain_nan(x: Sequence[Array], e: Sequence[Array]) -> Array:
    found = np.isnan(x[0]) & np.isfinite(e[0])
    for value, bound in zip(x[1:], e[1:], strict=True):
        found = found | (np.isnan(value) & np.isfinite(bound))
    return found


def _arithmetic(carried: Callable[..., Array]) -> Callable[..., Array]:
    """Correctly rounded operations, with what errors of the operands are carried on."""

    def rule(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
        if node.dtype.kind != "f":
            return _exact(node, x, e, out)
        name = node.dtype.name
        exact = sum(e[1:], e[0]) == 0
        bound = carried(x, e, out) + EPSILON[name] * np.abs(out) + _TINY[name]
        bound = np.where(np.isinf(sum(e[1:], e[0])), np.inf, bound)
        # Subnormal operands and results may be flushed, or not where nothing is computed.
        small = np.abs(out) < _TINY[name]
        for value in x:
            small = small | ((np.abs(value) < _TINY[name]) & (value != 0))
        bound = np.where(exact, np.where(small & (np.abs(out) <= 4 * _TINY[name]),
                                         _TINY[name], 0.0), bound)
        flushed = np.zeros(np.shape(out), bool)
        for value in x:
            flushed = flushed | ((np.abs(value) < _TINY[name]) & (value != 0))
        if node.op.name == "divide":  # by zero, or by what is flushed to it
            bound = np.where(flushed, np.inf, bound)
        return _ended(bound, x, e, out, name)

    return rule


def _ended(bound: Array, x: Sequence[Array], e: Sequence[Array], out: Array, name: str) -> Array:
    beyond = ~(np.abs(out) + bound < _LARGEST[name])
    bound = np.where((bound > 0) & beyond, np.inf, bound)
    return np.where(_certain_nan(x, e), 0.0, bound)


def _divided(x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    room = np.abs(x[1]) - e[1]
    return np.where(room > e[1], (e[0] + _times(np.abs(out), e[1])) / room, np.inf)


def _square_root(x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    low = x[0] - e[0]
    return np.where(low > 0, np.sqrt(x[0] + e[0]) - np.sqrt(np.maximum(low, 0)), np.inf)


def _largest(x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    return np.maximum(e[0], e[-1])


def _extreme(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    if node.dtype.kind != "f":
        return _exact(node, x, e, out)
    tiny = _TINY[node.dtype.name]
    # Of two zeros either may be taken, whatever their signs.
    bound = np.where(np.abs(out) <= tiny, np.maximum(_largest(x, e, out), tiny),
                     _largest(x, e, out))
    return _ended(bound, x, e, out, node.dtype.name)


def _same(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    return e[0]


def _function(slope: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """Approximated functions; ``slope(out, e)``: how far an error of e takes the result."""

    def rule(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
        name = node.dtype.name
        bound = slope(np.abs(out), e[0]) + _UNITS * EPSILON[name] * np.abs(out) + _TINY[name]
        special = ~np.isfinite(x[0]) & (e[0] == 0) & ~np.isfinite(out)
        return _ended(np.where(special, 0.0, bound), x, e, out, name)

    return rule


def _comparison(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    total = e[0] + e[1]
    far = np.abs(x[0] - x[1]) > total
    bound = np.where((total == 0) | (far & np.isfinite(total)), 0.0, np.inf)
    return np.where(_certain_nan(x, e), 0.0, bound)


def _chosen(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    bound = np.where(e[0] > 0, np.inf, np.where(x[0] != 0, e[1], e[2]))
    if node.dtype.kind == "f":  # where(a < b, a, b) may be the minimum that flushes
        tiny = _TINY[node.dtype.name]
        bound = np.where((np.abs(out) < tiny) & (out != 0), np.maximum(bound, tiny), bound)
    return bound


def _floor(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    steady = np.floor(x[0] - e[0]) == np.floor(x[0] + e[0])
    bound = np.where((e[0] == 0) | steady, 0.0, np.inf)
    return np.where(_certain_nan(x, e), 0.0, bound)


def _sign(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    """Of a zero: a zero of either sign."""
    if node.dtype.kind != "f":
        return _exact(node, x, e, out)
    tiny = _TINY[node.dtype.name]
    near = ~(np.abs(x[0]) > e[0]) & (e[0] > 0) | ((np.abs(x[0]) < tiny) & (x[0] != 0))
    return np.where(near, np.inf, np.where(out == 0, tiny, 0.0))


def _cast(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    source, to = node.parents[0].dtype, node.dtype
    value, error = x[0], e[0]
    if source.kind != "f":
        return _exact(node, x, e, out)
    if to.kind == "b":
        tiny = _TINY[source.name]
        near = (np.abs(value) <= error) | ((np.abs(value) < tiny) & (value != 0))
        return np.where(near & ((error > 0) | (value != 0)), np.inf, 0.0)
    if to.kind in "iu":
        info = np.iinfo(to.numpy)
        fits = (value - error > info.min - 0.5) & (value + error < float(info.max) - 0.5)
        steady = np.trunc(value - error) == np.trunc(value + error)
        return np.where(np.isfinite(value) & fits & steady, 0.0, np.inf)
    small = (np.abs(value) < _TINY[to.name]) & (value != 0)
    bound = np.where((error == 0) & ~small, 0.0,
                     error + EPSILON[to.name] * np.abs(out) + _TINY[to.name])
    return _ended(bound, x, e, out, to.name)


# ---- sums and what else depends on an order

def _grouped(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    return np.where((e[0] > 0).any(axis=node.params.axes), np.inf, 0.0)


def _precision(node: Node) -> float:
    """Of the sums inside: float32 for narrow dtypes."""
    return EPSILON["float32"] if node.dtype.itemsize < 4 else EPSILON[node.dtype.name]


def _rounded(node: Node, out: Array) -> Array:
    return (EPSILON[node.dtype.name] * np.abs(out) if node.dtype.itemsize < 4
            else np.zeros(out.shape)) + _TINY[node.dtype.name]


def _unknown(e: Array, axes: tuple[int, ...], nan: Array) -> Array:
    return np.isinf(e).any(axis=axes) & ~nan


def _alone(node: Node, x: Sequence[Array], e: Sequence[Array]) -> Array:
    """Of one element, or of none: that element, a subnormal flushed or not, zero of any sign."""
    tiny = _TINY[node.dtype.name]
    bound = np.where(np.abs(x[0]) < tiny, np.maximum(e[0], tiny), e[0])
    return bound.sum(axis=node.params.axes)


def _sum(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    axes, name = node.params.axes, node.dtype.name
    count = int(np.prod([x[0].shape[a] for a in axes]))
    if count <= 1:
        return _alone(node, x, e)
    finite = np.isfinite(x[0])
    size = np.where(finite, np.abs(x[0]), 0).sum(axis=axes)
    carried = np.where(np.isfinite(e[0]), e[0], 0).sum(axis=axes)
    bound = carried + count * _precision(node) * (size + carried) + _rounded(node, out)
    fits = size + bound < 0.9 * _LARGEST[name]
    nan = (np.isnan(x[0]) & np.isfinite(e[0])).any(axis=axes)
    bound = np.where(fits, np.where((~finite).any(axis=axes), 0.0, bound), np.inf)
    bound = np.where(_unknown(e[0], axes, nan), np.inf, bound)
    return np.where(nan, 0.0, bound)


def _product(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    axes, name = node.params.axes, node.dtype.name
    count = int(np.prod([x[0].shape[a] for a in axes]))
    if count <= 1:
        return _alone(node, x, e)
    size = np.abs(x[0])
    logs = np.where((size > 0) & np.isfinite(size), np.log2(size), 0.0)
    up, down = np.maximum(logs, 0).sum(axis=axes), np.minimum(logs, 0).sum(axis=axes)
    steady = (up < np.log2(_LARGEST[name]) - 1) & (down > np.log2(_TINY[name]) + 1)
    carried = (size + e[0]).prod(axis=axes) - size.prod(axis=axes)
    bound = np.abs(carried) + count * EPSILON[name] * (np.abs(out) + np.abs(carried)) + _TINY[name]
    special = (~np.isfinite(x[0])).any(axis=axes)
    bound = np.where(special & ~(e[0] > 0).any(axis=axes), 0.0, bound)
    nan = (np.isnan(x[0]) & np.isfinite(e[0])).any(axis=axes)
    bound = np.where(~steady | _unknown(e[0], axes, nan), np.inf, bound)
    return np.where(nan, 0.0, np.where((bound > 0) & ~np.isfinite(out), np.inf, bound))


def _reduced_extreme(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    axes, tiny = node.params.axes, _TINY[node.dtype.name]
    bound = np.where(np.isfinite(e[0]), e[0], 0).max(axis=axes, initial=0.0)
    bound = np.where(np.abs(out) <= tiny, np.maximum(bound, tiny), bound)
    nan = (np.isnan(x[0]) & np.isfinite(e[0])).any(axis=axes)
    bound = np.where(_unknown(e[0], axes, nan), np.inf, bound)
    return np.where(nan, 0.0, np.where((bound > 0) & ~np.isfinite(out), np.inf, bound))


def _whole_dot(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    one = [np.ones(v.shape) for v in x]
    wrong = node.op.reference(node.params, (e[0] > 0) * 1.0, one[1]) + node.op.reference(
        node.params, one[0], (e[1] > 0) * 1.0)
    return np.where(wrong > 0, np.inf, 0.0)


def _float_dot(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    def dot(a: Array, b: Array) -> Array:
        return np.asarray(node.op.reference(node.params, a * 1.0, b * 1.0))

    one = [np.ones(v.shape) for v in x]
    sizes = [np.where(np.isfinite(v), np.abs(v), 0) for v in x]
    errors = [np.where(np.isfinite(b), b, 0) for b in e]
    inner = int(np.prod([x[0].shape[a] for a in node.params.left_contract]))
    products = dot(sizes[0] + errors[0], sizes[1] + errors[1])
    carried = (dot(sizes[0], errors[1]) + dot(errors[0], sizes[1]) + dot(errors[0], errors[1]))
    bound = carried + (inner + 2) * (_precision(node) * products + _TINY[node.dtype.name])
    bound = bound + _rounded(node, out)
    special = dot(~np.isfinite(x[0]), one[1]) + dot(one[0], ~np.isfinite(x[1])) > 0
    inexact = dot(e[0] > 0, one[1]) + dot(one[0], e[1] > 0) > 0
    unknown = dot(np.isinf(e[0]), one[1]) + dot(one[0], np.isinf(e[1])) > 0
    bound = np.where(special, np.where(inexact, np.inf, 0.0), bound)
    return np.where(unknown | (products + bound >= 0.9 * _LARGEST[node.dtype.name]), np.inf, bound)


# ---- steps with loops of their own

def _along(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    """Sorted, or the place of the largest: right if all elements along the axis are sure."""
    dtype, axis = node.parents[0].dtype, node.params.axis
    doubtful = e[0] > 0
    if dtype.kind == "f":
        doubtful = doubtful | ((np.abs(x[0]) < _TINY[dtype.name]) & (x[0] != 0))
    keep = node.types[0].ndim == x[0].ndim
    bound = np.where(doubtful.any(axis=axis, keepdims=keep), np.inf, 0.0)
    return np.broadcast_to(bound, node.types[0].shape)


def _moved_by_index(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    """Taken from, or written to, places that indices say; ``updates`` have a bound too."""
    values = 1 if node.op.name in ("gather", "dynamic_slice") else 2
    if any((b > 0).any() for b in e[values:]):
        return np.full(out.shape, np.inf)
    indices = [i.astype(np.int64) for i in x[values:]]

    def run(*arrays: Array) -> Array:
        found = np.asarray(node.op.reference(node.params, *arrays, *indices), np.float64)
        return np.where(np.isnan(found), 0.0, found)

    unknown = run(*[np.isinf(b) * 1.0 for b in e[:values]]) > 0
    bound = run(*[np.where(np.isfinite(b), b, 0) for b in e[:values]])
    if node.op.name == "scatter_add":
        if node.dtype.kind != "f":
            return np.where(unknown | (bound > 0), np.inf, 0.0)
        sizes = [np.where(np.isfinite(v), np.abs(v), 0) for v in x[:2]]
        total = run(*sizes)
        once = run(np.zeros(x[0].shape), np.ones(x[1].shape))
        name = node.dtype.name
        bound = bound + (once + 1) * (EPSILON[name] * total + _TINY[name]) * (once > 0)
        special = run(*[~np.isfinite(v) * 1.0 for v in x[:2]]) > 0
        bound = np.where(special, np.where(bound > _TINY[name] * (2 * once + 2), np.inf, 0), bound)
        unknown = unknown | (total + bound >= 0.9 * _LARGEST[name]) & (once > 0)
    return np.where(unknown, np.inf, bound)


def _cumulative_sum(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    axis = node.params.axis
    if node.dtype.kind != "f":
        return np.where(np.maximum.accumulate(e[0], axis=axis) > 0, np.inf, 0.0)
    name = node.dtype.name
    finite = np.isfinite(x[0])
    size = np.cumsum(np.where(finite, np.abs(x[0]), 0), axis=axis)
    bound = np.cumsum(e[0], axis=axis)
    bound = bound + out.shape[axis] * (EPSILON[name] * (size + bound) + _TINY[name])
    special = np.maximum.accumulate(~finite, axis=axis)
    sure = np.maximum.accumulate(e[0], axis=axis) == 0
    bound = np.where(special, np.where(sure, 0.0, np.inf), bound)
    return np.where(size + np.where(special, 0, bound) < 0.9 * _LARGEST[name], bound, np.inf)


def _cumulative_extreme(node: Node, x: Sequence[Array], e: Sequence[Array], out: Array) -> Array:
    bound = np.maximum.accumulate(e[0], axis=node.params.axis)
    if node.dtype.kind != "f":
        return np.where(bound > 0, np.inf, 0.0)
    tiny = _TINY[node.dtype.name]
    bound = np.where(np.abs(out) <= tiny, np.maximum(bound, tiny), bound)
    return np.where((bound > 0) & ~np.isfinite(out), np.inf, bound)


_BY_NAME = {
    "lgamma": _by_library, "digamma": _by_library,
    "complex": lambda node, x, e, out: np.maximum(*e),
    **dict.fromkeys(("real", "imag", "conj"), lambda node, x, e, out: e[0]),
    "argmax": _along, "argmin": _along, "cumulative_sum": _cumulative_sum,
    "cumulative_max": _cumulative_extreme, "cumulative_min": _cumulative_extreme,
    **dict.fromkeys(("gather", "scatter", "scatter_add", "dynamic_slice",
                     "dynamic_update_slice"), _moved_by_index),
    "add": _arithmetic(lambda x, e, out: e[0] + e[1]),
    "subtract": _arithmetic(lambda x, e, out: e[0] + e[1]),
    "multiply": _arithmetic(lambda x, e, out: _times(np.abs(x[0]), e[1]) + _times(
        np.abs(x[1]), e[0]) + _times(e[0], e[1])),
    "divide": _arithmetic(_divided),
    "sqrt": _arithmetic(_square_root),
    "maximum": _extreme, "minimum": _extreme,
    "negative": _same, "abs": _same,
    "exp": _function(lambda out, e: _times(out, np.expm1(e))),
    "tanh": _function(lambda out, e: e), "logistic": _function(lambda out, e: e),
    "where": _chosen, "floor": _floor, "sign": _sign, "cast": _cast,
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
                    _comparison),
}
_FLOAT_REDUCTIONS = {"add": _sum, "multiply": _product, "maximum": _reduced_extreme,
                     "minimum": _reduced_extreme}
