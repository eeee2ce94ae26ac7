"""Nested lists, tuples and dicts of tensors: taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    # The depth walked here is that of the user's literal nesting, not of any graph.
    return leaves, _walk(tree, leaves, is_leaf)


def _walk(node: Any, leaves: list[Any], is_leaf: Callable[[Any], bool] | None) -> Any:
    # No closure: one that calls itself is a cycle, which would keep the leaves alive for long.
    if is_leaf is not None and is_leaf(node):
        leaves.append(node)
        return None
    if isinstance(node, dict):
        return (type(node), [(k, _walk(v, leaves, is_leaf)) for k, v in node.items()])
    if (isinstance(node, tuple) and hasattr(node, "_fields")) or type(node) in (list, tuple):
        return (type(node), [_walk(v, leaves, is_leaf) for v in node])
    leaves.append(node)
    return None


def unflatten(structure: Any, leaves: list[Any]) -> Any:
    """The tree with this structure and these leaves."""
    return _build(structure, iter(leaves))


def _build(node: Any, remaining: Iterator[Any]) -> Any:
    if node is None:
        return next(remaining)
    kind, children = node
    if issubclass(kind, dict):
        return kind((k, _build(v, remaining)) for k, v in children)
    built = [_build(v, remaining) for v in children]
    return kind(*built) if hasattr(kind, "_fields") else kind(built)


def map_tensors(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with ``function`` applied to its tensors; other leaves stay."""
    leaves, structure = flatten(tree)
    return unflatten(structure, [function(v) if isinstance(v, Handle) else v for v in leaves])
