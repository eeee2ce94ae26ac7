"""``tf.nest``: nested lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError
from ..tensor import trees
from ._names import explain_keywords, public_names, unknown_name


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order; dicts by their sorted keys.

    >>> flatten({"b": 2, "a": [1, (3,)]})
    [1, 3, 2]
    """
    return trees.flatten(_sorted(structure))[0]


def _sorted(tree: Any) -> Any:
    if isinstance(tree, dict):
        return type(tree)((k, _sorted(tree[k])) for k in sorted(tree))
    if type(tree) in (list, tuple):
        return type(tree)(_sorted(v) for v in tree)
    return tree


def map_structure(func: Callable[..., Any], *structure: Any, expand_composites: bool = False,
                  check_types: bool = True) -> Any:
    """The function of the leaves of one or several trees of the same form."""
    flat = [trees.flatten(s) for s in structure]
    counts = {len(leaves) for leaves, _ in flat}
    if len(counts) > 1:
        raise ArgumentError("The two structures don't have the same nested structure.")
    results = [func(*row) for row in zip(*(leaves for leaves, _ in flat), strict=True)]
    return trees.unflatten(flat[0][1], results)


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """Leaves put into the form of a tree."""
    return trees.unflatten(trees.flatten(_sorted(structure))[1], list(flat_sequence))


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True,
                          expand_composites: bool = False) -> None:
    """Fail unless both trees have the same form."""
    if trees.flatten(nest1)[1] != trees.flatten(nest2)[1]:
        raise ArgumentError("The two structures don't have the same nested structure.")


def is_nested(structure: Any) -> bool:
    return isinstance(structure, (list, tuple, dict))


explain_keywords(globals())

__getattr__ = unknown_name(__name__, lambda: public_names(globals()))
