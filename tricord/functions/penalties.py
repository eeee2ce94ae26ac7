"""Penalties on weights, and projections that keep weights within bounds."""

from __future__ import annotations

from ..errors import ShapeError
from ..ir import arithmetic  # noqa: F401 - gives nodes their operators
from ..ir.node import Node
from ..ir.ops import elementwise as ew
from ..ir.ops.contraction import dot_general
from ..ir.ops.movement import broadcast_to, expand_dims
from ..ir.ops.reduce import reduce_sum
from ..ir.shapes import normalise_axes
from .elementwise import clip

__all__ = ["l1_l2", "max_norm", "min_max_norm", "non_negative", "orthogonality", "unit_norm"]


def l1_l2(x: Node, l1: float = 0.0, l2: float = 0.0) -> Node:
    """``l1 * sum(|x|) + l2 * sum(x * x)``: a scalar."""
    axes = tuple(range(x.ndim))
    total = None
    if l1:
        total = l1 * reduce_sum(ew.absolute(x), axes)
    if l2:
        squares = l2 * reduce_sum(x * x, axes)
        total = squares if total is None else total + squares
    return reduce_sum(x, axes) * 0 if total is None else total


def orthogonality(x: Node, factor: float, mode: str = "rows") -> Node:
    """``factor`` times the mean of |cosine| over pairs of different rows (or columns).

    Raises:  ShapeError if x is not a matrix
    """
    if x.ndim != 2:
        raise ShapeError("orthogonality: expected a matrix, got shape "
                         f"{tuple(x.shape)}")
    axis = 1 if mode == "rows" else 0
    x = x * ew.rsqrt(ew.maximum(_sum(x * x, (axis,)), ew.zeros_like(x) + 1e-12))
    products = dot_general(x, x, ((axis,), (axis,)))
    count = products.shape[0]
    diagonal = reduce_sum(ew.absolute(reduce_sum(x * x, (axis,))), (0,))
    off = reduce_sum(ew.absolute(products), (0, 1)) - diagonal
    pairs = count * (count - 1.0) / 2.0
    return off * (factor * 0.5 / pairs) if pairs else off * 0


def _sum(x: Node, axes: tuple[int, ...]) -> Node:
    """The sum along axes, at every place of x."""
    total = reduce_sum(x, axes)
    for axis in axes:
        total = expand_dims(total, axis)
    return broadcast_to(total, x.shape)


def _norm(x: Node, axis: int | tuple[int, ...]) -> Node:
    axes = normalise_axes(axis, x.ndim, "norm")
    return ew.sqrt(ew.maximum(_sum(x * x, tuple(sorted(axes))), ew.zeros_like(x)))


def max_norm(w: Node, limit: float, axis: int | tuple[int, ...] = 0, epsilon: float = 1e-7) -> Node:
    """``w`` scaled down along ``axis`` to a norm of at most ``limit``."""
    norms = _norm(w, axis)
    return w * (clip(norms, 0, limit) / (norms + epsilon))


def min_max_norm(w: Node, low: float, high: float, rate: float = 1.0,
                 axis: int | tuple[int, ...] = 0, epsilon: float = 1e-7) -> Node:
    """``w`` scaled so that norms along ``axis`` move into [low, high] at this rate."""
    norms = _norm(w, axis)
    desired = rate * clip(norms, low, high) + (1 - rate) * norms
    return w * (desired / (norms + epsilon))


def unit_norm(w: Node, axis: int | tuple[int, ...] = 0, epsilon: float = 1e-7) -> Node:
    """``w`` scaled to a norm of one along ``axis``."""
    return w / (_norm(w, axis) + epsilon)


def non_negative(w: Node) -> Node:
    """``w`` where it is not negative, else zero."""
    return w * ew.cast(w >= 0, w.dtype)
