"""Methods of a tensor, as PyTorch names them. Each records one function on nodes.

They live on this floor because there is one Tensor class for all faces; the functions of
`tricord.torch` are these methods called by name.
"""

from __future__ import annotations

from types import FunctionType

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


# Methods are made by functions; errors of Python's own should name them as users know them.
for _base in Methods.__mro__:
    for _name, _method in vars(_base).items():
        if isinstance(_method, FunctionType) and "<locals>" in _method.__qualname__:
            _method.__name__ = _name
            _method.__qualname__ = f"Tensor.{_name}"
