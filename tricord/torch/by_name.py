"""``torch.<function>``: the methods of a tensor, called by name.

PyTorch documents most functions twice, as ``torch.f(input, ...)`` and ``input.f(...)``. Here the
method is the one place; a function with the same name and arguments calls it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..ir import arithmetic
from ..ir.dtypes import promote_scalar as _weak
from ..ir.source import user_location
from ..tensor import Tensor, tensor
from ..tensor.handle import Handle
from ._names import refuse_unknown

__all__ = ["FUNCTIONS", "METHODS"]

#: Functions that are methods called by name; the first argument is ``input``.
_LISTED = """
    abs absolute exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan
    asin arcsin acos arccos atan arctan sinh cosh tanh asinh arcsinh acosh arccosh atanh
    arctanh sigmoid erf erfc erfinv lgamma digamma sign sgn neg negative floor ceil trunc fix
    frac bitwise_not logical_not sinc isnan isinf isfinite signbit angle conj isposinf isneginf
    positive logit nan_to_num round clamp clip clamp_min clamp_max deg2rad rad2deg isreal i0
    conj_physical mvlgamma add sub subtract mul multiply div divide true_divide floor_divide
    remainder fmod pow maximum minimum fmax fmin atan2 arctan2 hypot copysign nextafter
    logaddexp logaddexp2 xlogy bitwise_and bitwise_or bitwise_xor bitwise_left_shift
    bitwise_right_shift logical_and logical_or logical_xor heaviside ldexp float_power eq ne
    not_equal lt less le less_equal gt greater ge greater_equal isclose allclose equal lerp
    addcmul addcdiv masked_fill gcd lcm sum mean prod all any amax amin logsumexp nansum
    nanmean max min argmax argmin var std cumsum cumprod logcumsumexp cummax cummin
    count_nonzero norm aminmax var_mean std_mean diff reshape flatten unflatten ravel transpose
    swapaxes swapdims t permute movedim moveaxis unsqueeze squeeze tile flip fliplr flipud roll
    rot90 narrow select split chunk unbind tensor_split hsplit vsplit dsplit tril triu diag
    diagonal diag_embed repeat_interleave index_select gather take take_along_dim scatter
    scatter_add scatter_reduce index_add index_copy index_fill index_put masked_select
    masked_scatter nonzero argwhere broadcast_to numel is_complex is_floating_point is_signed
    clone detach adjoint resolve_conj resolve_neg is_conj is_same_size sort argsort topk
    kthvalue median nanmedian quantile nanquantile mode unique unique_consecutive bincount
    histc msort cov corrcoef matmul mm bmm mv dot vdot inner outer ger addmm addmv addbmm
    baddbmm addr kron trace det logdet slogdet inverse pinverse cholesky qr svd matrix_power
    cross dist prelu hardshrink matrix_exp renorm frexp as_strided select_scatter slice_scatter
    split_with_sizes diagflat is_nonzero is_inference put sum_to_size

    abs_ acos_ asin_ atan_ ceil_ clamp_ clamp_max_ clamp_min_ clip_ cos_ cosh_ erf_ erfc_ exp_
    exp2_ expm1_ fill_ fix_ floor_ frac_ log_ log10_ log1p_ log2_ nan_to_num_ neg_ negative_
    reciprocal_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ xlogy_
    zero_ detach_ index_put_
"""
METHODS = tuple(_LISTED.split())


def _function(name: str) -> Callable[..., Any]:
    method = getattr(Tensor, name)
    parameters = inspect.signature(method).parameters
    known = frozenset(p for p in parameters if p != "self") | {"out"}
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())

    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(input, Handle):
            input = _as_operand(name, input, args)
        if not kwargs:
            return method(input, *args)
        out = kwargs.pop("out", None)
        if not takes_any and not known.issuperset(kwargs):
            refuse_unknown(name, kwargs, ("input", *known))
        result = method(input, *args, **kwargs)
        return result if out is None else _into(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = method.__doc__
    return function


def _into(out: Any, result: Any) -> Any:
    """Write a result where ``out`` says."""
    if isinstance(out, (tuple, list)):
        for target, value in zip(out, result, strict=True):
            target.copy_(value)
        return out
    return out.copy_(result)


def _as_operand(name: str, value: Any, args: tuple[Any, ...]) -> Any:
    """A number in front of a tensor: ``torch.mul(2, x)``."""
    if isinstance(value, (bool, int, float, complex)) and args and isinstance(args[0], Handle):
        return tensor(value, dtype=_weak(args[0].dtype, value, arithmetic.DEFAULT_FLOAT))
    if isinstance(value, np.generic):
        return tensor(value)
    raise DTypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not "
                     f"{type(value).__name__}", where=str(user_location() or "") or None,
                     hint="torch.tensor(value)")


#: Functions by name. They are not globals here: several would hide Python's own.
FUNCTIONS = {name: _function(name) for name in METHODS}
