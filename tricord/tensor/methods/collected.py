"""Methods of a tensor, as PyTorch names them. Each records one function on nodes.

They live on this floor because there is one Tensor class for all faces; the functions of
`tricord.torch` are these methods called by name.
"""

from __future__ import annotations

from types import FunctionType

from ..explain import explaining
from ..handle import Handle
from .activation import ActivationMethods
from .elementwise import ElementwiseMethods
from .facts import FactMethods
from .linalg import LinalgMethods
from .linear import ProductMethods
from .random import RandomMethods
from .reduction import ReductionMethods
from .shape import ShapeMethods
from .sorting import SortingMethods

__all__ = ["Methods"]


class Methods(ElementwiseMethods, ReductionMethods, ShapeMethods, SortingMethods, ProductMethods,
              LinalgMethods, ActivationMethods, RandomMethods, FactMethods):
    """All of them."""


def _finish(base: type) -> None:
    """Names and errors as users know them."""
    for name, method in list(vars(base).items()):
        if not isinstance(method, FunctionType) or base is Handle:
            continue
        if "<locals>" in method.__qualname__:  # made by a function
            method.__name__ = name
            method.__qualname__ = f"Tensor.{name}"
        if not name.startswith("__") and method.__code__.co_varnames[1:2]:
            setattr(base, name, explaining(method))


for _base in Methods.__mro__[1:-1]:
    _finish(_base)
