"""Handles on several results of one recorded function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..tensor.recorder import pending, record_nodes

__all__ = ["several"]


def several(function: Callable[..., Sequence[Any]], operands: Sequence[Any],
            static: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    """Record a function with several results; a handle on each."""
    nodes = record_nodes(function, operands, static)
    cls = operands[0]._result_class
    return tuple(pending(n, cls) for n in nodes)
