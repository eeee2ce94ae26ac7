"""Activation functions on tensors, one recorded operation each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...functions import activation as composites
from ...ir.dtypes import as_dtype
from ...random import default_generator
from ...tensor import Tensor, record
from ._record import in_place

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish",
    "prelu", "relu", "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu",
    "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
    "threshold_",
]


def _plain(composite: Callable[..., Any]) -> Callable[..., Any]:
    def apply(input: Tensor) -> Any:
        return record(composite, (input,))

    apply.__name__ = apply.__qualname__ = composite.__name__
    apply.__doc__ = composite.__doc__
    return apply


def _overwriting(composite: Callable[..., Any]) -> Callable[..., Any]:
    def apply(input: Tensor, inplace: bool = False) -> Any:
        result = record(composite, (input,))
        return in_place(input, result) if inplace else result

    apply.__name__ = apply.__qualname__ = composite.__name__
    apply.__doc__ = f"{composite.__doc__}\n\n    ``inplace`` writes it into the input."
    return apply


relu = _overwriting(composites.relu)
relu6 = _overwriting(composites.relu6)
selu = _overwriting(composites.selu)
silu = _overwriting(composites.silu)
mish = _overwriting(composites.mish)
hardsigmoid = _overwriting(composites.hardsigmoid)
hardswish = _overwriting(composites.hardswish)
sigmoid = _plain(composites.sigmoid)
tanh = _plain(composites.tanh)
logsigmoid = _plain(composites.logsigmoid)
softsign = _plain(composites.softsign)
tanhshrink = _plain(composites.tanhshrink)


def _recorded(composite: Any, input: Tensor, inplace: bool, *static: Any) -> Any:
    result = record(composite, (input,), static)
    return in_place(input, result) if inplace else result


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Any:
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""
    return _recorded(composites.elu, input, inplace, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Any:
    """``x`` above zero, ``alpha * (exp(x / alpha) - 1)`` below."""
    return _recorded(composites.celu, input, inplace, alpha)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """``x`` above zero, ``negative_slope * x`` below."""
    return _recorded(composites.leaky_relu, input, inplace, negative_slope)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0,
             inplace: bool = False) -> Any:
    """``x`` between the bounds, else the bound."""
    return _recorded(composites.hardtanh, input, inplace, min_val, max_val)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Any:
    """``x`` above the threshold, else ``value``."""
    return _recorded(composites.threshold, input, inplace, threshold, value)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """``log(1 + exp(beta*x)) / beta``; ``x`` where ``beta*x > threshold``."""
    return record(composites.softplus, (input,), (beta, threshold))


def softshrink(input: Tensor, lambd: float = 0.5) -> Any:
    """``x`` moved towards zero by ``lambd``."""
    return record(composites.softshrink, (input,), (lambd,))


def hardshrink(input: Tensor, lambd: float = 0.5) -> Any:
    """``x`` outside of ``[-lambd, lambd]``, else zero."""
    return record(composites.hardshrink, (input,), (lambd,))


def gelu(input: Tensor, approximate: str = "none") -> Any:
    """``x`` times the normal distribution function of x; ``"tanh"`` approximates it."""
    return record(composites.gelu, (input,), (approximate,))


def glu(input: Tensor, dim: int = -1) -> Any:
    """The first half of an axis times the sigmoid of the second."""
    return record(composites.glu, (input,), (dim,))


def prelu(input: Tensor, weight: Tensor) -> Any:
    """`leaky_relu` with learned slopes, one or one per channel (axis 1)."""
    return record(composites.prelu, (input, weight))


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
          inplace: bool = False) -> Any:
    """`leaky_relu` with random slopes while training, their mean otherwise."""
    if not training:
        return _recorded(composites.rrelu, input, inplace, None, lower, upper)
    slopes = default_generator().uniform(input.shape, lower, upper, input.dtype)
    result = record(composites.rrelu, (input, slopes))
    return in_place(input, result) if inplace else result


def _dtype(dtype: Any) -> Any:
    return None if dtype is None else as_dtype(dtype)


def _dim(name: str, dim: int | None, input: Tensor) -> int:
    # Without dim PyTorch takes 0 for ranks 0, 1 and 3, and 1 for others.
    return dim if dim is not None else (0 if input.ndim in (0, 1, 3) else 1)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3,
            dtype: Any = None) -> Any:
    """``exp(x) / sum(exp(x))`` along ``dim``."""
    return record(composites.softmax, (input,), (_dim("softmax", dim, input), _dtype(dtype)))


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3,
                dtype: Any = None) -> Any:
    """``log(softmax(x))`` along ``dim``."""
    return record(composites.log_softmax, (input,),
                  (_dim("log_softmax", dim, input), _dtype(dtype)))


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3,
            dtype: Any = None) -> Any:
    """``softmax(-x)`` along ``dim``."""
    return record(composites.softmin, (input,), (_dim("softmin", dim, input), _dtype(dtype)))


def relu_(input: Tensor) -> Any:
    """`relu`, written into the input."""
    return relu(input, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Any:
    """`elu`, written into the input."""
    return elu(input, alpha, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Any:
    """`celu`, written into the input."""
    return celu(input, alpha, True)


def selu_(input: Tensor) -> Any:
    """`selu`, written into the input."""
    return selu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Any:
    """`leaky_relu`, written into the input."""
    return leaky_relu(input, negative_slope, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """`hardtanh`, written into the input."""
    return hardtanh(input, min_val, max_val, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Any:
    """`threshold`, written into the input."""
    return _recorded(composites.threshold, input, True, threshold, value)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3,
           training: bool = False) -> Any:
    """`rrelu`, written into the input."""
    return rrelu(input, lower, upper, training, True)
