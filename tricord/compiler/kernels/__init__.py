"""Generators of kernels whose loops have a shape of their own, by the name a record gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...ir.node import Node
from ..target import Target
from .cumulative import Cumulative
from .kernel import KernelCode
from .random_bits import RandomBits
from .search import SearchSorted
from .sort import Sort
from .top_k import top_k

__all__ = ["GENERATORS"]

Generator = Callable[[Node, Target], KernelCode]

GENERATORS: Mapping[str, Generator] = {
    "random_bits": RandomBits,
    "cumulative_max": Cumulative,
    "cumulative_min": Cumulative,
    "cumulative_prod": Cumulative,
    "cumulative_sum": Cumulative,
    "sort": Sort,
    "top_k": top_k,
    "searchsorted": SearchSorted,
}
