"""``torch.<function>`` for what is not a method of a tensor: of several tensors, or of none."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..functions import activation, special, windows
from ..functions import elementwise as ew
from ..functions import manipulation as mv
from ..functions import products as pr
from ..functions.einsum import einsum as _einsum
from ..ir import arithmetic
from ..ir.dtypes import DType, as_dtype, promote
from ..ir.dtypes import promote_scalar as _weak
from ..ir.shapes import Shape
from ..ir.shapes import broadcast_shapes as _common
from ..tensor import control, record, tensor
from ..tensor.handle import Handle
from ..tensor.recorder import pending, record_nodes, value_of, wrap

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "bartlett_window", "blackman_window",
    "block_diag", "broadcast_shapes", "broadcast_tensors", "bucketize", "can_cast",
    "cartesian_prod", "cat", "cdist", "chain_matmul", "column_stack", "combinations",
    "complex", "concat", "concatenate", "cond", "cumulative_trapezoid", "dstack", "einsum",
    "hamming_window", "hann_window", "histogram", "hstack", "imag", "is_nonzero", "is_tensor",
    "isin", "log_softmax", "meshgrid", "polar", "polygamma", "promote_types", "real", "relu",
    "relu_", "result_type", "row_stack", "rsub", "searchsorted", "softmax", "stack",
    "tensordot", "trapezoid", "trapz", "tril_indices", "triu_indices", "typename",
    "unravel_index", "vander", "view_as_complex", "view_as_real", "vstack", "where",
    "while_loop",
]


# ---- the functions that programs call most, without a detour

def relu(input: Any) -> Any:
    """``max(x, 0)``."""
    return record(activation.relu, (input,))


def relu_(input: Any) -> Any:
    """``max(x, 0)``, in place."""
    return input.relu_()


def softmax(input: Any, dim: int, dtype: Any = None, *, out: Any = None) -> Any:
    """``exp(x)``, scaled so that it sums to 1 along ``dim``."""
    return record(activation.softmax, (input,), (dim, None if dtype is None else as_dtype(dtype)))


def log_softmax(input: Any, dim: int, dtype: Any = None, *, out: Any = None) -> Any:
    """The logarithm of `softmax`."""
    return record(activation.log_softmax, (input,),
                  (dim, None if dtype is None else as_dtype(dtype)))


# ---- several tensors

def _handles(what: str, tensors: Any) -> list[Any]:
    if isinstance(tensors, Handle) or not isinstance(tensors, (tuple, list)):
        raise DTypeError(f"{what}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
                         f"{type(tensors).__name__}")
    return list(tensors)


def cat(tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    """Tensors one after another along an axis they have; dtypes promote."""
    parts = [t for t in _handles("cat", tensors) if t.shape != (0,)] or list(tensors)[:1]
    if not parts:
        raise ArgumentError("cat(): expected a non-empty list of Tensors")
    return record(mv.concat, _promoted(parts), (dim,))


concat = concatenate = cat


def _promoted(parts: list[Any]) -> list[Any]:
    dtype = functools.reduce(promote, (p.dtype for p in parts))
    return [p.to(dtype) for p in parts]


def stack(tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    """Tensors of one shape along a new axis."""
    parts = _handles("stack", tensors)
    if not parts:
        raise ArgumentError("stack(): expected a non-empty list of Tensors")
    return record(mv.stack, _promoted(parts), (dim,))


def hstack(tensors: Any) -> Any:
    parts = atleast_1d(*tensors)
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Any:
    return cat(atleast_2d(*tensors), 0)


row_stack = vstack


def dstack(tensors: Any) -> Any:
    return cat([t.unsqueeze(-1) if t.ndim == 2 else t.reshape(1, -1, 1) if t.ndim < 2 else t
                for t in tensors], 2)


def column_stack(tensors: Any) -> Any:
    return cat([t.reshape(-1, 1) if t.ndim < 2 else t for t in tensors], 1)


def _at_least(rank: int, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    made = tuple(t.reshape(*(1,) * (rank - t.ndim), *t.shape) if t.ndim < rank else t
                 for t in tensors)
    return made


def atleast_1d(*tensors: Any) -> Any:
    made = _at_least(1, tensors)
    return made[0] if len(tensors) == 1 and isinstance(tensors[0], Handle) else made


def atleast_2d(*tensors: Any) -> Any:
    made = _at_least(2, tensors)
    return made[0] if len(tensors) == 1 and isinstance(tensors[0], Handle) else made


def broadcast_tensors(*tensors: Any) -> Any:
    shape = broadcast_shapes(*(t.shape for t in tensors))
    return tuple(t.expand(*shape) for t in tensors)


def broadcast_shapes(*shapes: Any) -> Any:
    return Shape(_common(*shapes))


def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """Coordinate grids of 1-d tensors."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    nodes = record_nodes(mv.meshgrid, tensors, (indexing,))
    return tuple(pending(n, tensors[0]._result_class) for n in nodes)


def cartesian_prod(*tensors: Any) -> Any:
    grids = meshgrid(*tensors)
    return stack([g.reshape(-1) for g in grids], 1) if len(grids) > 1 else grids[0]


def block_diag(*tensors: Any) -> Any:
    """Matrices along the diagonal, zeros elsewhere."""
    matrices = atleast_2d(*tensors) if len(tensors) > 1 else (atleast_2d(*tensors),)
    starts = [0, *itertools.accumulate(m.shape[1] for m in matrices)]
    return cat([record(_pad_columns, (m,), (left, starts[-1] - left - m.shape[1]))
                for m, left in zip(matrices, starts, strict=False)], 0)


def _pad_columns(x: Any, left: int, right: int) -> Any:
    return mv.pad(x, ((0, 0), (left, right)))


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where the condition holds, else ``other``; alone, the places where it holds."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if not isinstance(input, Handle) and not isinstance(other, Handle):
        input = tensor(input)
    operands = [condition]
    static: list[Any] = []
    for value in (input, other):
        if isinstance(value, Handle):
            operands.append(value)
            static.append(None)
        else:
            static.append(value)
    return record(_where, operands, tuple(static))


def _where(condition: Any, *rest: Any) -> Any:
    *nodes, x, y = rest
    remaining = iter(nodes)
    return ew.where(condition, next(remaining) if x is None else x,
                    next(remaining) if y is None else y)


def isin(elements: Any, test_elements: Any, *, invert: bool = False) -> Any:
    left = value_of(elements) if isinstance(elements, Handle) else np.asarray(elements)
    right = value_of(test_elements) if isinstance(test_elements, Handle) else test_elements
    return wrap(np.asarray(np.isin(left, right, invert=invert)))


def searchsorted(sorted_sequence: Any, input: Any, *, out_int32: bool = False,
                 right: bool = False, side: str | None = None) -> Any:
    """Where to insert values so that the sequence stays sorted, along the last axis."""
    keys = value_of(sorted_sequence)
    values = value_of(input) if isinstance(input, Handle) else np.asarray(input)
    how = "right" if right or side == "right" else "left"
    if keys.ndim == 1:
        found = np.searchsorted(keys, values, side=how)
    else:
        rows = zip(keys.reshape(-1, keys.shape[-1]), values.reshape(-1, values.shape[-1]),
                   strict=True)
        found = np.stack([np.searchsorted(k, v, side=how) for k, v in rows]).reshape(values.shape)
    return wrap(np.asarray(found).astype(np.int32 if out_int32 else np.int64))


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """Which bucket each element falls into."""
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with three axes or more; a matrix gets one at its end."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    made = tuple(t.reshape(1, -1, 1) if t.ndim < 2 else t.unsqueeze(-1) if t.ndim == 2 else t
                 for t in tensors)
    return made[0] if len(made) == 1 else made


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """``other - alpha * input``."""
    return other - (input if alpha == 1 else input * alpha)


def view_as_real(input: Any) -> Any:
    """Real and imaginary parts along a new last axis (a copy)."""
    return record(_parts, (input,))


def _parts(x: Any) -> Any:
    return mv.stack(ew.real(x), ew.imag(x), -1)


def view_as_complex(input: Any) -> Any:
    """Complex numbers from pairs along the last axis (a copy)."""
    return complex(input.select(-1, 0), input.select(-1, 1))


def unravel_index(indices: Any, shape: Any) -> Any:
    """Flat positions as coordinates."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    steps = [math.prod(sizes[i + 1:]) for i in range(len(sizes))]
    return tuple((indices // step) % size for step, size in zip(steps, sizes, strict=True))


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Any:
    """The running integral along an axis by the trapezoidal rule."""
    if x is None:
        return record(special.cumulative_trapezoid, (y,), (None, float(dx), dim))
    return record(special.cumulative_trapezoid, (y, x), (1.0, dim))


def _window(weights: Any) -> Callable[..., Any]:
    def window(window_length: int, periodic: bool = True, *, dtype: Any = None,
               layout: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        wanted = arithmetic.DEFAULT_FLOAT if dtype is None else as_dtype(dtype)
        if weights is None:
            made = record(windows.bartlett_window, (), (window_length, periodic, wanted))
        else:
            made = record(windows.cosine_window, (), (window_length, weights, periodic, wanted))
        return made.requires_grad_(True) if requires_grad else made

    return window


hann_window = _window((0.5, 0.5))
blackman_window = _window((0.42, 0.5, 0.08))
bartlett_window = _window(None)


def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54,
                   beta: float = 0.46, *, dtype: Any = None, layout: Any = None,
                   device: Any = None, requires_grad: bool = False) -> Any:
    """A raised cosine that does not fall to zero."""
    return _window((alpha, beta))(window_length, periodic, dtype=dtype,
                                  requires_grad=requires_grad)


def typename(obj: Any) -> str:
    """The name of an object's class; of a tensor, with its dtype."""
    return obj.type() if isinstance(obj, Handle) else type(obj).__qualname__


def cond(pred: Any, true_fn: Any, false_fn: Any, operands: Any = ()) -> Any:
    """One of two functions of the operands, chosen when the program runs."""
    return control.cond(pred, true_fn, false_fn, *operands)


def while_loop(cond_fn: Any, body_fn: Any, carried_inputs: Any) -> Any:
    """``body_fn(*carried)`` repeated while ``cond_fn(*carried)`` holds, inside the program."""
    return control.while_loop(lambda carried: cond_fn(*carried),
                              lambda carried: tuple(body_fn(*carried)), tuple(carried_inputs))


def tril_indices(row: int, col: int, offset: int = 0) -> Any:
    return wrap(np.stack(np.tril_indices(row, offset, col)))


def triu_indices(row: int, col: int, offset: int = 0) -> Any:
    return wrap(np.stack(np.triu_indices(row, offset, col)))


def complex(real: Any, imag: Any) -> Any:
    return record(ew.complex_of, (real, imag))


def real(input: Any) -> Any:
    return input.real


def imag(input: Any) -> Any:
    return input.imag


def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, Handle)


def is_nonzero(input: Any) -> bool:
    return bool(input)


def result_type(first: Any, second: Any) -> DType:
    """The dtype of an operation on both."""
    if isinstance(first, Handle) and isinstance(second, Handle):
        return promote(first.dtype, second.dtype)
    if isinstance(first, Handle):
        return _weak(first.dtype, second, arithmetic.DEFAULT_FLOAT)
    return _weak(second.dtype, first, arithmetic.DEFAULT_FLOAT)


def promote_types(type1: Any, type2: Any) -> DType:
    return promote(as_dtype(type1), as_dtype(type2))


def can_cast(from_: Any, to: Any) -> bool:
    order = "biufc"
    return order.index(as_dtype(from_).kind) <= order.index(as_dtype(to).kind)




def einsum(equation: Any, *operands: Any) -> Any:
    """Einstein's sum: ``einsum("ij,jk->ik", a, b)``."""
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    if not isinstance(equation, str):
        equation, operands = _as_equation((equation, *operands))
    return record(_einsum_of, operands, (equation,))


def _einsum_of(*rest: Any) -> Any:
    *nodes, equation = rest
    return _einsum(equation, *nodes)


def _as_equation(parts: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """``einsum(a, [0, 1], b, [1, 2], [0, 2])`` in letters."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def word(labels: Any) -> str:
        return "".join("..." if i is Ellipsis else letters[i] for i in labels)

    pairs = len(parts) // 2
    left = ",".join(word(parts[2 * i + 1]) for i in range(pairs))
    right = f"->{word(parts[-1])}" if len(parts) % 2 else ""
    return left + right, tuple(parts[2 * i] for i in range(pairs))


def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Any:
    """Products summed over the last axes of one and the first of the other, or over those named."""
    if isinstance(dims, Handle):
        dims = value_of(dims).tolist()
    if not isinstance(dims, int):
        first, second = dims
        dims = ((first,) if isinstance(first, int) else tuple(first),
                (second,) if isinstance(second, int) else tuple(second))
    return record(pr.tensordot, (a, b), (dims,))


def chain_matmul(*matrices: Any, out: Any = None) -> Any:
    """The product of a row of matrices, in the cheapest order."""
    return record(pr.multi_dot, matrices)


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str | None = None) -> Any:
    """Distances between all pairs of rows."""
    return record(special.cdist, (x1, x2), (float(p),))


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Powers of the elements of a vector."""
    return record(special.vander, (x,), (N, increasing))


def polygamma(n: int, input: Any, *, out: Any = None) -> Any:
    """The n-th derivative of digamma, for n of 0 and 1."""
    return input.polygamma(n)


def polar(abs: Any, angle: Any, *, out: Any = None) -> Any:
    """Complex numbers by magnitude and angle."""
    return record(special.polar, (abs, angle))


def trapezoid(y: Any, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Any:
    """The integral along an axis by the trapezoidal rule."""
    if x is None:
        return record(special.trapezoid, (y,), (None, float(dx), dim))
    return record(special.trapezoid, (y, x), (1.0, dim))


trapz = trapezoid


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All ways to choose ``r`` elements of a vector."""
    chosen = (itertools.combinations_with_replacement if with_replacement
              else itertools.combinations)(range(input.shape[0]), r)
    places = np.array(list(chosen), np.int64).reshape(-1, r)
    return input[wrap(places)]


def histogram(input: Any, bins: Any, *, range: Any = None, weight: Any = None,
              density: bool = False) -> Any:
    """Counts in bins, and the bins' edges (observes the values)."""
    edges = value_of(bins) if isinstance(bins, Handle) else bins
    values = value_of(input)
    counts, found = np.histogram(values, edges, range, density,
                                 None if weight is None else value_of(weight))
    return wrap(counts.astype(values.dtype)), wrap(found.astype(values.dtype))
