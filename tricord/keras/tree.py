"""Nested lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError
from ..tensor.trees import flatten as _flatten
from ..tensor.trees import unflatten
from .graph import leaves_of

__all__ = ["assert_same_structure", "flatten", "is_nested", "lists_to_tuples", "map_structure",
           "pack_sequence_as"]


def is_nested(structure: Any) -> bool:
    """Whether this is a list, tuple or dict."""
    return isinstance(structure, (list, tuple, dict))


def flatten(structure: Any) -> list[Any]:
    """The leaves in order."""
    return leaves_of(structure)


def map_structure(func: Callable[..., Any], *structures: Any) -> Any:
    """The function of the leaves of one place, in the structure of the first."""
    if not is_nested(structures[0]):
        return func(*structures)
    columns = [_flatten(s)[0] for s in structures]
    if len({len(c) for c in columns}) > 1:
        raise ArgumentError("map_structure: the structures differ")
    return unflatten(_flatten(structures[0])[1], [func(*row) for row in zip(*columns, strict=True)])


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """The structure with other leaves."""
    flat = list(flat_sequence)
    return unflatten(_flatten(structure)[1], flat) if is_nested(structure) else flat[0]


def assert_same_structure(a: Any, b: Any) -> None:
    """Raise if the two are not nested alike."""
    if is_nested(a) != is_nested(b) or (is_nested(a) and _flatten(a)[1] != _flatten(b)[1]):
        raise ArgumentError(f"the structures differ: {a!r:.60} and {b!r:.60}")


def lists_to_tuples(structure: Any) -> Any:
    """Lists become tuples."""
    if isinstance(structure, (list, tuple)):
        return tuple(lists_to_tuples(v) for v in structure)
    if isinstance(structure, dict):
        return {k: lists_to_tuples(v) for k, v in structure.items()}
    return structure
