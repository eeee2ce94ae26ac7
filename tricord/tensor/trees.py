"""Nested lists, tuples and dicts of tensors: taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .handle import Handle

__all__ = ["flatten", "map_tensors", "unflatten"]


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Any]:
    """The leaves in order, and a structure to rebuild the tree from; dicts in insertion order.

    >>> leaves, structure = flatten({"a": 1, "b": [2, 3]})
    >>> leaves, unflatten(structure, [4, 5, 6])
    ([1, 2, 3], {'a': 4, 'b': [5, 6]})
    """
    leaves: list[Any] = []

    def walk(node: Any) -> Any:
        if is_leaf is not None and is_leaf(node):
            leaves.append(node)
            return None
        if isinstance(node, dict):
            return (type(node), [(k, walk(v)) for k, v in node.items()])
        if isinstance(node, tuple) and hasattr(node, "_fields"):
            return (type(node), [walk(v) for v in node])
        if type(node) in (list, tuple):
            return (type(node), [walk(v) for v in node])
        leaves.append(node)
        return None

    # The depth walked here is that of the user's literal nesting, not of any graph.
    return leaves, walk(tree)


def unflatten(structure: Any, leaves: list[Any]) -> Any:
    """The tree with this structure and these leaves."""
    remaining = iter(leaves)

    def build(node: Any) -> Any:
        if node is None:
            return next(remaining)
        kind, children = node
        if issubclass(kind, dict):
            return kind((k, build(v)) for k, v in children)
        built = [build(v) for v in children]
        return kind(*built) if hasattr(kind, "_fields") else kind(built)

    return build(structure)


def map_tensors(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with ``function`` applied to its tensors; other leaves stay."""
    leaves, structure = flatten(tree)
    return unflatten(structure, [function(v) if isinstance(v, Handle) else v for v in leaves])
