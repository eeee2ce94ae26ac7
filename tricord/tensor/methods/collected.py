"""Methods of a tensor, as PyTorch names them. Each records one function on nodes.

They live on this floor because there is one Tensor class for all faces; the functions of
`tricord.torch` are these methods called by name.
"""

from __future__ import annotations

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
