"""``torch.<function>``: the methods of a tensor, called by name.

PyTorch documents most functions twice, as ``torch.f(input, ...)`` and ``input.f(...)``. Here the
method is the one place; a function with the same name and arguments calls it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..functions import elementwise as ew
from ..functions import manipulation as mv
from ..ir.dtypes import DType, as_dtype, float32, promote
from ..ir.dtypes import promote_scalar as _weak
from ..ir.shapes import Shape
from ..ir.shapes import broadcast_shapes as _common
from ..tensor import Tensor, record, tensor
from ..tensor.handle import Handle
from ..tensor.recorder import pending, record_nodes, value_of, wrap

METHODS = (
    # elementwise
    "abs absolute exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin "
    "arcsin acos arccos atan arctan sinh cosh tanh asinh acosh atanh sigmoid erf erfc erfinv lgamma "
    "digamma sign sgn neg negative floor ceil trunc fix frac bitwise_not logical_not sinc isnan "
    "isinf isfinite signbit angle conj isposinf isneginf positive logit nan_to_num round clamp clip "
    "clamp_min clamp_max "
    # two operands
    "add sub subtract mul multiply div divide true_divide floor_divide remainder fmod pow maximum "
    "minimum fmax fmin atan2 arctan2 hypot copysign nextafter logaddexp logaddexp2 xlogy bitwise_and "
    "bitwise_or bitwise_xor logical_and logical_or logical_xor heaviside ldexp float_power eq ne "
    "not_equal lt less le less_equal gt greater ge greater_equal isclose allclose equal lerp "
    "addcmul addcdiv masked_fill rsub "
    # reductions
    "sum mean prod all any amax amin logsumexp nansum nanmean max min argmax argmin var std cumsum "
    "cumprod logcumsumexp cummax cummin count_nonzero norm aminmax var_mean "
    # shapes and places
    "reshape flatten unflatten ravel transpose swapaxes swapdims t permute movedim moveaxis "
    "unsqueeze squeeze tile flip fliplr flipud roll rot90 narrow select split chunk unbind tril "
    "triu diag diagonal diag_embed repeat_interleave index_select gather take take_along_dim "
    "scatter scatter_add index_add masked_select nonzero argwhere broadcast_to numel is_complex "
    "is_floating_point clone detach relu softmax log_softmax "
    # sorting
    "sort argsort topk kthvalue median nanmedian quantile nanquantile mode unique "
    "unique_consecutive bincount histc msort "
    # linear algebra
    "matmul mm bmm mv dot vdot inner outer ger addmm addmv addbmm baddbmm addr trace det logdet "
    "slogdet inverse pinverse cholesky qr svd matrix_power cross dist").split()


def _function(name: str) -> Callable[..., Any]:
    method = getattr(Tensor, name)

    @functools.wraps(method)
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if not isinstance(input, Handle):
            input = _as_operand(name, input, args)
        if args and isinstance(args[0], Handle) and "other" in kwargs:
            raise ArgumentError(f"{name}: 'other' was given twice")
        result = getattr(input, name)(*args, **kwargs)
        return result if out is None else out.copy_(result)

    function.__name__ = function.__qualname__ = name
    return function


def _as_operand(name: str, value: Any, args: tuple[Any, ...]) -> Any:
    """A number in front of a tensor: ``torch.mul(2, x)``."""
    if isinstance(value, (bool, int, float, complex)) and args and isinstance(args[0], Handle):
        return tensor(value, dtype=_weak(args[0].dtype, value, float32))
    raise DTypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not "
                     f"{type(value).__name__}", hint="torch.tensor(value)")


globals().update({name: _function(name) for name in METHODS if hasattr(Tensor, name)})


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


def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    """Nearly equal parts, or parts between the given places."""
    total = input.shape[dim]
    if isinstance(indices_or_sections, int):
        small, more = divmod(total, indices_or_sections)
        ends = np.cumsum([small + (i < more) for i in range(indices_or_sections)])[:-1]
    else:
        ends = np.clip(np.asarray(indices_or_sections), 0, total)
    return tuple(part for part in _cut_at(input, [int(e) for e in ends], dim))


def _cut_at(input: Any, ends: list[int], dim: int) -> list[Any]:
    starts, stops = [0, *ends], [*ends, input.shape[dim]]
    return [input.narrow(dim, a, max(b - a, 0)) for a, b in zip(starts, stops, strict=True)]


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
    columns = sum_ints(m.shape[1] for m in matrices)
    rows, left = [], 0
    for m in matrices:
        right = columns - left - m.shape[1]
        rows.append(record(_pad_columns, (m,), (left, right)))
        left += m.shape[1]
    return cat(rows, 0)


def sum_ints(values: Any) -> int:
    total = 0
    for v in values:
        total += v
    return total


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


def tril_indices(row: int, col: int, offset: int = 0) -> Any:
    return wrap(np.stack(np.tril_indices(row, offset, col)))


def triu_indices(row: int, col: int, offset: int = 0) -> Any:
    return wrap(np.stack(np.triu_indices(row, offset, col)))


def std_mean(input: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False) -> Any:
    return input.std(dim, unbiased, keepdim), input.mean(dim, keepdim)


def complex(real: Any, imag: Any) -> Any:
    return record(ew.complex_of, (real, imag))


def real(input: Any) -> Any:
    return input.real


def imag(input: Any) -> Any:
    return input.imag


def deg2rad(input: Any) -> Any:
    return input * (np.pi / 180)


def rad2deg(input: Any) -> Any:
    return input * (180 / np.pi)


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
        return _weak(first.dtype, second, float32)
    return _weak(second.dtype, first, float32)


def promote_types(type1: Any, type2: Any) -> DType:
    return promote(as_dtype(type1), as_dtype(type2))


def can_cast(from_: Any, to: Any) -> bool:
    order = "biufc"
    return order.index(as_dtype(from_).kind) <= order.index(as_dtype(to).kind)


def cov(input: Any, *, correction: int = 1) -> Any:
    """Covariance of the rows, variables in rows and observations in columns."""
    x = input.unsqueeze(0) if input.ndim < 2 else input
    centred = x - x.mean(1, keepdim=True)
    return ((centred @ centred.t()) / (x.shape[1] - correction)).squeeze()


def corrcoef(input: Any) -> Any:
    """Correlation of the rows."""
    c = cov(input)
    if not c.ndim:
        return c / c
    d = c.diagonal().sqrt()
    return c / d.unsqueeze(0) / d.unsqueeze(1)


def cdist(x1: Any, x2: Any, p: float = 2.0) -> Any:
    """Distances between all pairs of rows."""
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    sizes = (x1.norm(2, dim).clamp(min=eps)) * (x2.norm(2, dim).clamp(min=eps))
    return (x1 * x2).sum(dim) / sizes
