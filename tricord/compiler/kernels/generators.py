"""Generators of kernels whose loops have a shape of their own, by the name a record gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...ir.node import Node
from ..target import Target
from .arg_reduce import ArgReduce
from .check_bounds import CheckBounds
from .cholesky import Cholesky
from .cumulative import Cumulative
from .dynamic_slice import DynamicSlice, DynamicUpdateSlice
from .gather import Gather
from .kernel import KernelCode
from .random_bits import RandomBits
from .scatter import Scatter
from .search import SearchSorted
from .sort import Sort
from .top_k import top_k
from .triangular import TriangularSolve
from .window import WindowReduction
from .window_places import WindowPut, WindowTake

__all__ = ["GENERATORS"]

Generator = Callable[[Node, Target], KernelCode]

GENERATORS: Mapping[str, Generator] = {
    "argmax": ArgReduce,
    "argmin": ArgReduce,
    "check_bounds": CheckBounds,
    "dynamic_slice": DynamicSlice,
    "dynamic_update_slice": DynamicUpdateSlice,
    "gather": Gather,
    "scatter": Scatter,
    "scatter_add": Scatter,
    "scatter_max": Scatter,
    "scatter_min": Scatter,
    "scatter_mul": Scatter,
    "random_bits": RandomBits,
    "cumulative_max": Cumulative,
    "cumulative_min": Cumulative,
    "cumulative_prod": Cumulative,
    "cumulative_sum": Cumulative,
    "sort": Sort,
    "top_k": top_k,
    "searchsorted": SearchSorted,
    "window_sum": WindowReduction,
    "window_max": WindowReduction,
    "window_min": WindowReduction,
    "window_argmax": WindowReduction,
    "window_argmin": WindowReduction,
    "window_put": WindowPut,
    "window_take": WindowTake,
    "triangular_solve": TriangularSolve,
    "cholesky": Cholesky,
}
