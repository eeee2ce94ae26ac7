"""Weights of a model as the tree of a ``.weights.h5`` file, in Keras 3's layout, and back.

A layer's own variables are ``<path>/vars/0, 1, ...``; sublayers are found under the names of the
attributes that hold them, in alphabetical order, those of lists under their classes' names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import FileFormatError, StateError
from ...serialize import H5Group
from .._names import to_snake_case

__all__ = ["load_tree", "weights_tree"]

#: attributes of all layers and models that hold no state of their own
_SKIPPED = frozenset({
    "_init_arguments", "_inbound_nodes", "_own", "_call_losses", "_loss_layers", "_graph",
    "_stack", "_signature", "_compile_arguments", "_compiled_loss", "_compiled_metrics",
    "_loss_tracker", "_output_trackers", "history", "run", "_build_shapes", "_specs",
    "_given_weights", "_hooks", "_compiled_steps"})


def _is_saveable(value: Any) -> bool:
    return hasattr(value, "save_own_variables") and not isinstance(value, type)


def _children(saveable: Any) -> Iterator[tuple[str, Any]]:
    """Attributes that are saved: layers of a model first, then by name, private ones last."""
    if _holds_layers(saveable):
        yield "layers", saveable.layers
    own = {n: v for n, v in vars(saveable).items() if n not in _SKIPPED}
    if hasattr(saveable, "summary") and not _holds_layers(saveable):
        # Keras meets the property of a subclassed model among its attributes.
        own["layers"] = saveable.layers
    for name in sorted(own, key=lambda n: f"~{n}" if n.startswith("_") else n):
        value = own[name]
        if _is_saveable(value) or isinstance(value, (list, tuple, dict)):
            yield name, value


def _holds_layers(model: Any) -> bool:
    return model.__dict__.get("_graph") is not None or "_stack" in model.__dict__


def _walk(model: Any) -> Iterator[tuple[str, Any]]:
    """Every saveable object once, with its path; a parent before its children."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", model)]
    while stack:
        path, thing = stack.pop()
        if id(thing) in seen:
            continue
        if _is_saveable(thing):
            seen.add(id(thing))
            yield path, thing
            below = list(_children(thing))
        else:
            seen.add(id(thing))
            below = list(_numbered(thing))
        stack.extend((f"{path}/{name}" if path else name, child)
                     for name, child in reversed(below))


def _numbered(container: Any) -> Iterator[tuple[str, Any]]:
    """Members of a list or dict under the names of their classes, numbered."""
    used: dict[str, int] = {}
    members = list(container.values()) if isinstance(container, dict) else list(container)
    for member in members:
        if _is_saveable(member):
            name = to_snake_case(type(member).__name__)
        elif isinstance(member, (list, tuple, dict)):
            name = "container"
        else:
            continue
        count = used.get(name, 0)
        used[name] = count + 1
        yield (f"{name}_{count}" if count else name), member


def weights_tree(model: Any) -> H5Group:
    """The tree of a model's weights, and of its optimizer's state if it is compiled."""
    tree = H5Group()
    for path, thing in _walk(model):
        group = tree.group(f"{path}/vars" if path else "vars")
        if isinstance(getattr(thing, "name", None), str):
            group.attributes["name"] = thing.name
        store: dict[str, Any] = {}
        thing.save_own_variables(store)
        for key, value in store.items():
            group.members[key] = np.asarray(value)
    return tree


def load_tree(model: Any, tree: H5Group, name: str, skip_mismatch: bool = False) -> list[str]:
    """Put a tree's weights into a model; returns the paths that were skipped.

    Raises:  StateError if the file and the model do not fit together
    """
    tree = _renamed(tree)
    skipped, problems, loaded = [], [], 0
    for path, thing in _walk(model):
        place = f"{path}/vars" if path else "vars"
        group = tree[place] if place in tree else None  # noqa: SIM401 - no mapping
        store = dict(group.members) if isinstance(group, H5Group) else {}
        try:
            if store or _expects(thing):
                thing.load_own_variables(store)
                loaded += len(store)
        except (StateError, ValueError) as problem:
            if not skip_mismatch:
                problems.append(f"{path or model.name}: {getattr(problem, 'message', problem)}")
            skipped.append(path)
    if problems:
        raise _Misfit(
            f"{name}: {len(problems)} of the model's objects could not be loaded: "
            + "; ".join(problems[:5]), hint="is the model the one whose weights were saved? "
            "skip_mismatch=True loads the rest")
    if not loaded and not skipped and any(_expects(t) for _, t in _walk(model)):
        raise FileFormatError(f"{name}: no weights of this model are in the file; it holds "
                              f"{list(tree.arrays())[:4]}")
    return skipped


def _expects(thing: Any) -> bool:
    if hasattr(thing, "slot_names"):  # an optimizer that was never used has nothing to lose
        return False
    store: dict[str, Any] = {}
    thing.save_own_variables(store)
    return bool(store)


def _renamed(tree: H5Group) -> H5Group:
    """Files of Keras 3.0 and 3.1 have ``_layer_checkpoint_dependencies`` for ``layers``."""
    old = tree.members.get("_layer_checkpoint_dependencies")
    if old is not None and "layers" not in tree.members:
        tree.members["layers"] = old
    return tree


class _Misfit(StateError, ValueError):
    """The weights of a file are not those of the model."""
