"""Affine maps: PyTorch's weight is (out, in), Keras's kernel is (in, out)."""

from __future__ import annotations

from ..errors import DTypeError, ShapeError
from ..ir.node import Node
from ..ir.ops.contraction import dot_general

__all__ = ["bilinear", "dense", "linear"]


def _check(what: str, x: Node, weight: Node, axis: int) -> None:
    if not x.ndim or weight.ndim != 2:
        raise ShapeError(f"{what}: expected an input with at least one axis and a weight with two, "
                         f"got {tuple(x.shape)} and {tuple(weight.shape)}")
    if x.dtype is not weight.dtype:
        raise DTypeError(f"{what}: mat1 and mat2 must have the same dtype, but the input is "
                         f"{x.dtype} and the weight is {weight.dtype}",
                         hint=f"cast the input to {weight.dtype}")
    if x.shape[-1] != weight.shape[axis]:
        rows = x.size // x.shape[-1] if x.shape[-1] else 0
        left, right = (rows, x.shape[-1]), (weight.shape[axis], weight.shape[1 - axis])
        per_sample = x.size // x.shape[0] if x.shape[0] else 0
        hint = None
        if per_sample == weight.shape[axis]:
            hint = f"flatten the input to ({x.shape[0]}, {per_sample}) first"
        elif x.ndim == 2 and x.shape[0] == weight.shape[axis]:
            hint = "the input looks transposed"
        raise ShapeError(
            f"{what}: mat1 and mat2 shapes cannot be multiplied ({left[0]}x{left[1]} and "
            f"{right[0]}x{right[1]}): the input of shape {tuple(x.shape)} has {x.shape[-1]} "
            f"features, the layer expects {weight.shape[axis]}", hint=hint)


def linear(x: Node, weight: Node, bias: Node | None = None) -> Node:
    """``x @ weight.T + bias``.

    Shapes:  x (*, in), weight (out, in), bias (out,) -> (*, out)
    Dtypes:  equal
    Raises:  ShapeError if the sizes of ``in`` differ; DTypeError if the dtypes do
    Cost:    2*in*out flops per row
    """
    _check("linear", x, weight, 1)
    result = dot_general(x, weight, ((x.ndim - 1,), (1,)))
    return result if bias is None else result + bias


def dense(x: Node, kernel: Node, bias: Node | None = None) -> Node:
    """``x @ kernel + bias``.

    Shapes:  x (*, in), kernel (in, out), bias (out,) -> (*, out)
    Raises:  ShapeError if the sizes of ``in`` differ; DTypeError if the dtypes do
    """
    _check("dense", x, kernel, 0)
    result = dot_general(x, kernel, ((x.ndim - 1,), (0,)))
    return result if bias is None else result + bias


def bilinear(x: Node, y: Node, weight: Node, bias: Node | None = None) -> Node:
    """``out[o] = x @ weight[o] @ y + bias[o]``.

    Shapes:  x (*, left), y (*, right), weight (out, left, right), bias (out,) -> (*, out)
    Raises:  ShapeError if they do not fit
    """
    if weight.ndim != 3 or x.shape[:-1] != y.shape[:-1] or (
            (x.shape[-1], y.shape[-1]) != tuple(weight.shape[1:])):
        raise ShapeError(f"bilinear: expected (*, left), (*, right) and (out, left, right), got "
                         f"{tuple(x.shape)}, {tuple(y.shape)} and {tuple(weight.shape)}")
    last = x.ndim - 1
    half = dot_general(x, weight, ((last,), (1,)))  # (*, out, right)
    lead = tuple(range(last))
    result = dot_general(half, y, ((last + 1,), (last,)), (lead, lead))
    return result if bias is None else result + bias
