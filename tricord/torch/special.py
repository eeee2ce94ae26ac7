# ruff: noqa: PLE0604 - it lists the names of others
"""``torch.special``."""

from __future__ import annotations

from typing import Any

from ..functions import special as fn
from ..tensor import record
from ..tensor.operators import combine
from ._names import unknown_name
from .by_name import FUNCTIONS
from .functions import log_softmax, softmax

_SAME = ("digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p",
              "logit", "logsumexp", "round", "sinc", "xlogy")
globals().update({name: FUNCTIONS[name] for name in _SAME})
expit, gammaln = FUNCTIONS["sigmoid"], FUNCTIONS["lgamma"]
psi, multigammaln = FUNCTIONS["digamma"], FUNCTIONS["mvlgamma"]


def entr(input: Any, *, out: Any = None) -> Any:
    """``-x * log(x)``."""
    return record(fn.entr, (input,))


def ndtr(input: Any, *, out: Any = None) -> Any:
    """The probability that a standard normal number is below ``x``."""
    return record(fn.ndtr, (input,))


def ndtri(input: Any, *, out: Any = None) -> Any:
    """The inverse of `ndtr`."""
    return record(fn.ndtri, (input,))


def log_ndtr(input: Any, *, out: Any = None) -> Any:
    """The logarithm of `ndtr`."""
    return record(fn.log_ndtr, (input,))


def xlog1py(input: Any, other: Any, *, out: Any = None) -> Any:
    """``x * log1p(y)``, 0 where x is 0."""
    return combine(fn.xlog1py, input, other)


__all__ = [*_SAME, "entr", "expit", "gammaln", "log_ndtr", "log_softmax", "multigammaln", "ndtr",
           "ndtri", "psi", "softmax", "xlog1py"]

__getattr__ = unknown_name("torch.special", lambda: globals())
