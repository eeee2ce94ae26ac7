"""Activation functions as modules. Calling one records one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..functions import activation as composites
from ..ir import arithmetic
from ..ir.dtypes import as_dtype
from ..tensor import Parameter, record
from . import functional as fn
from .functional._record import in_place
from .module import Module

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _Activation(Module):
    """One composite of one operand; `_options` names the attributes that are its other
    arguments."""

    _composite: Callable[..., Any]
    _options: tuple[str, ...] = ()

    def forward(self, input: Any) -> Any:
        """See the class."""
        return record(self._composite, (input,), tuple([getattr(self, n) for n in self._options]))


class _Overwriting(_Activation):
    """An activation that may write its result into its input."""

    inplace = False

    def __init__(self, inplace: bool = False):
        super().__init__()
        if inplace:
            self.inplace = True

    def forward(self, input: Any) -> Any:
        """See the class."""
        result = super().forward(input)
        return in_place(input, result) if self.inplace else result

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class ReLU(_Overwriting):
    """``max(x, 0)``."""

    _composite = staticmethod(composites.relu)


class ReLU6(_Overwriting):
    """``min(max(x, 0), 6)``."""

    _composite = staticmethod(composites.relu6)

    def extra_repr(self) -> str:
        """The bounds, as PyTorch shows them."""
        return "inplace=True" if self.inplace else ""


class SELU(_Overwriting):
    """Self-normalising exponential linear unit."""

    _composite = staticmethod(composites.selu)


class SiLU(_Overwriting):
    """``x * sigmoid(x)``."""

    _composite = staticmethod(composites.silu)


class Mish(_Overwriting):
    """``x * tanh(softplus(x))``."""

    _composite = staticmethod(composites.mish)


class Hardsigmoid(_Overwriting):
    """``min(max(x + 3, 0), 6) / 6``."""

    _composite = staticmethod(composites.hardsigmoid)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class Hardswish(_Overwriting):
    """``x * hardsigmoid(x)``."""

    _composite = staticmethod(composites.hardswish)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``."""

    _composite = staticmethod(composites.sigmoid)


class Tanh(_Activation):
    """Hyperbolic tangent."""

    _composite = staticmethod(composites.tanh)


class LogSigmoid(_Activation):
    """``log(sigmoid(x))``."""

    _composite = staticmethod(composites.logsigmoid)


class Softsign(_Activation):
    """``x / (1 + |x|)``."""

    _composite = staticmethod(composites.softsign)


class Tanhshrink(_Activation):
    """``x - tanh(x)``."""

    _composite = staticmethod(composites.tanhshrink)


class ELU(_Overwriting):
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""

    _composite = staticmethod(composites.elu)
    _options = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__(inplace)
        self.alpha = alpha

    def extra_repr(self) -> str:
        """The slope's scale."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class CELU(ELU):
    """``x`` above zero, ``alpha * (exp(x / alpha) - 1)`` below."""

    _composite = staticmethod(composites.celu)


class LeakyReLU(_Overwriting):
    """``x`` above zero, ``negative_slope * x`` below."""

    _composite = staticmethod(composites.leaky_relu)
    _options = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class Hardtanh(_Overwriting):
    """``x`` between two bounds."""

    _composite = staticmethod(composites.hardtanh)
    _options = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False,
                 min_value: float | None = None, max_value: float | None = None):
        super().__init__(inplace)
        min_val = min_val if min_value is None else min_value
        max_val = max_val if max_value is None else max_value
        if max_val <= min_val:
            raise ArgumentError(f"Hardtanh: max_val must be larger than min_val, got {max_val} and "
                                f"{min_val}")
        self.min_val = min_val
        self.max_val = max_val

    def extra_repr(self) -> str:
        """The bounds."""
        return f"min_val={self.min_val}, max_val={self.max_val}" + (
            ", inplace=True" if self.inplace else "")


class Threshold(_Overwriting):
    """``x`` above the threshold, else ``value``."""

    _composite = staticmethod(composites.threshold)
    _options = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False):
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def extra_repr(self) -> str:
        """Threshold and value."""
        return f"threshold={self.threshold}, value={self.value}" + (
            ", inplace=True" if self.inplace else "")


class RReLU(Module):
    """`LeakyReLU` with random slopes while training, their mean otherwise."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False):
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """See the class."""
        return fn.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"lower={self.lower}, upper={self.upper}" + (
            ", inplace=True" if self.inplace else "")


class Softplus(_Activation):
    """``log(1 + exp(beta*x)) / beta``."""

    _composite = staticmethod(composites.softplus)
    _options = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def extra_repr(self) -> str:
        """Beta and threshold."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(_Activation):
    """``x`` moved towards zero by ``lambd``."""

    _composite = staticmethod(composites.softshrink)
    _options = ("lambd",)

    def __init__(self, lambd: float = 0.5):
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """Lambda."""
        return str(self.lambd)


class Hardshrink(Softshrink):
    """``x`` outside of ``[-lambd, lambd]``, else zero."""

    _composite = staticmethod(composites.hardshrink)


class GELU(_Activation):
    """``x`` times the normal distribution function of x."""

    _composite = staticmethod(composites.gelu)
    _options = ("approximate",)

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = approximate

    def extra_repr(self) -> str:
        """Which approximation."""
        return f"approximate={self.approximate!r}"


class GLU(_Activation):
    """The first half of an axis times the sigmoid of the second."""

    _composite = staticmethod(composites.glu)
    _options = ("dim",)

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class _AlongDim(Module):
    """Softmax and its relatives."""

    _function: Callable[..., Any]

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """See the class."""
        return self._function(input, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """``exp(x) / sum(exp(x))`` along ``dim``."""

    _function = staticmethod(fn.softmax)


class LogSoftmax(_AlongDim):
    """``log(softmax(x))`` along ``dim``."""

    _function = staticmethod(fn.log_softmax)


class Softmin(_AlongDim):
    """``softmax(-x)`` along ``dim``."""

    _function = staticmethod(fn.softmin)


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Any) -> Any:
        """See the class."""
        if input.ndim not in (3, 4):
            raise ArgumentError("Softmax2d: expected input to be 3D or 4D, got "
                                f"{input.ndim}D instead")
        return fn.softmax(input, -3)


class PReLU(Module):
    """`LeakyReLU` with learned slopes: one, or one per channel (axis 1)."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None,
                 dtype: Any = None):
        super().__init__()
        self.num_parameters = num_parameters
        wanted = arithmetic.DEFAULT_FLOAT if dtype is None else as_dtype(dtype)
        self.weight = Parameter(np.full((num_parameters,), init, wanted.numpy))

    def forward(self, input: Any) -> Any:
        """See the class."""
        return record(composites.prelu, (input, self.weight))

    def extra_repr(self) -> str:
        """How many slopes."""
        return f"num_parameters={self.num_parameters}"
