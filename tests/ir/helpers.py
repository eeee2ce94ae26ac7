"""What tests of records share: inputs that stand for arrays, and running nodes on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tricord.ir.dtypes import as_dtype
from tricord.ir.graph import make_input
from tricord.ir.node import Node
from tricord.ir.shapes import TensorType
from tricord.runtime.interpreter import Interpreter


def inputs(*arrays: Any) -> list[Node]:
    """One input node per array, in order of slot; floating ones want gradients."""
    nodes = []
    for slot, value in enumerate(arrays):
        array = np.asarray(value)
        dtype = as_dtype(array.dtype)
        nodes.append(make_input(slot, TensorType(array.shape, dtype), dtype.is_inexact))
    return nodes


def run(nodes: Sequence[Node], arrays: Sequence[Any]) -> list[np.ndarray]:
    """The values of nodes, computed by the interpreter."""
    return Interpreter(nodes)([np.asarray(a) for a in arrays])
