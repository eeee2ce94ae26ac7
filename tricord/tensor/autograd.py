"""backward() and grad(): gradients of recorded tensors with respect to others.

Three cases, from common to rare. The loss is pending in the current segment: its gradient is more
nodes, found by look-up when the step was seen before. The loss was observed already: cotangents
travel back from segment to segment through the residuals that were saved. A gradient of a gradient
through an observed value, or a hook on one: the forward graph is recorded again from its leaves,
and all is one segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from ..autodiff import gradients, reachable_roots
from ..errors import ArgumentError, GradientError, ShapeError
from ..ir.graph import substitute
from ..ir.node import Node
from ..ir.ops.elementwise import scalar_like
from ..ir.ops.structural import stop_gradient
from ..ir.source import user_location
from .handle import Handle
from .history import History, Provenance, ancestors
from .recorder import assign, hold, pending, record, record_nodes, state, wrap

__all__ = ["backward", "grad", "hook"]


def backward(tensors: Sequence[Handle], cotangents: Sequence[Handle | None] | None = None, *,
             retain_graph: bool | None = None, create_graph: bool = False,
             inputs: Sequence[Handle] | None = None) -> None:
    """Add the gradients of ``tensors`` to ``.grad`` of the leaves (or of ``inputs``)."""
    keep = create_graph if retain_graph is None else retain_graph
    tensor = tensors[0] if len(tensors) == 1 else None
    if (tensor is not None and cotangents is None and inputs is None and not create_graph
            and not _hooked_handles() and tensor._segment is state.segment):
        node = tensor._node
        if node is not None and node.needs_grad and not node.shape:
            _backward_in_segment(tensor, node, keep)
            return
    seeds = _seeds(tensors, cotangents)
    for owner, gradient in _flow(seeds, keep, create_graph, inputs):
        _accumulate(owner, gradient)


def _spend(tensor: Handle, node: Node) -> None:
    """A backward pass from here lets go of the graph.

    It is the handle that is spent: the same computation recorded again has the same node.
    """
    tensor._graph_freed = True
    state.segment.backward_done.append(node)


def _backward_in_segment(tensor: Handle, node: Node, keep: bool) -> None:
    """The quick way: a pending scalar, and nobody looks at intermediate gradients."""
    pairs = _root_gradients(node)
    segment = state.segment
    if tensor._graph_freed:
        raise _freed()
    if not keep:
        _spend(tensor, node)
    older: dict[Handle, Any] = {}
    # All handles first: accumulating may run hooks, and those may look at values.
    found_by_owner = [(owner := segment.owner(root), pending(gradient, owner._result_class))
                      for root, gradient in pairs]
    for owner, handle in found_by_owner:
        if owner._provenance is not None:
            older[owner] = handle
        else:
            _accumulate(owner, handle)
    if older:
        for owner, gradient in _flow_back(older, keep, None):
            _accumulate(owner, gradient)


def _root_gradients(node: Node) -> list[tuple[Node, Node]]:
    """The roots that a pending scalar depends on, each with its gradient."""
    memo = state.memo
    key = ("backward", node)
    pairs: list[tuple[Node, Node]] | None = memo.get(key)
    if pairs is None:
        roots = reachable_roots([node])
        found = gradients([node], [scalar_like(1, node)], roots)
        pairs = memo[key] = [(r, stop_gradient(g) if g.needs_grad else g)
                             for r, g in zip(roots, found, strict=True) if g is not None]
    return pairs


def _accumulate(owner: Handle, gradient: Handle) -> None:
    if owner._hooks:
        gradient = run_hooks(owner, gradient)
    if owner._grad is None:
        owner._grad = gradient
    else:
        owner._grad = record(_add, (owner._grad, gradient))


def _add(x: Node, y: Node) -> Node:
    return x + y


def run_hooks(handle: Handle, gradient: Any) -> Any:
    for function in list((handle._hooks or {}).values()):
        replaced = function(gradient)
        if replaced is not None:
            gradient = replaced
    return gradient


def grad(outputs: Sequence[Handle], inputs: Sequence[Handle],
         cotangents: Sequence[Handle | None] | None = None, *, retain_graph: bool | None = None,
         create_graph: bool = False, since: int = -1) -> list[Any]:
    """Gradients of the outputs with respect to the inputs; None where there is no dependence.

    What was evaluated before the mark ``since`` (see `history.mark`) counts as constant.
    """
    keep = create_graph if retain_graph is None else retain_graph
    if len(outputs) == 1 and cotangents is None and not create_graph and not _hooked_handles():
        quick = _grad_in_segment(outputs[0], inputs, keep)
        if quick is not None:
            return quick
    seeds = _seeds(outputs, cotangents)
    found: dict[int, Any] = {}
    for owner, gradient in _flow(seeds, keep, create_graph, inputs, since):
        known = found.get(id(owner))
        found[id(owner)] = gradient if known is None else record(_add, (known, gradient))
    return [found.get(id(h)) for h in inputs]


def _grad_in_segment(output: Handle, inputs: Sequence[Handle], keep: bool) -> list[Any] | None:
    """The quick way, by look-up: a pending scalar, and inputs that are leaves with a value.

    None, with nothing done, if that is not the case.
    """
    segment, node = state.segment, output._node
    if output._segment is not segment or node is None or node.shape or not node.needs_grad:
        return None
    if any(h._value is None or h._provenance is not None for h in inputs):
        return None
    pairs = _root_gradients(node)
    found: dict[int, Node] = {}
    for root_node, gradient in pairs:
        owner = segment.owner(root_node)
        if owner._provenance is not None or id(owner) in found:
            return None
        found[id(owner)] = gradient
    if output._graph_freed:
        raise _freed()
    if not keep:
        _spend(output, node)
    return [pending(found[id(h)], h._result_class) if id(h) in found else None for h in inputs]


# ---- where gradients start

def _seeds(tensors: Sequence[Handle], cotangents: Sequence[Handle | None] | None,
           ) -> list[tuple[Handle, Handle]]:
    if not tensors:
        raise ArgumentError("backward: there is no tensor to start from")
    given = [None] * len(tensors) if cotangents is None else list(cotangents)
    if len(given) != len(tensors):
        raise ArgumentError(f"backward: {len(tensors)} tensors, but {len(given)} gradients")
    seeds = []
    for tensor, cotangent in zip(tensors, given, strict=True):
        if tensor._graph_freed:
            raise _freed()
        if tensor._value is None and tensor._segment is not state.segment:
            raise GradientError("backward: the tensor was recorded by another thread and has no "
                                "value yet", where=_where(),
                                hint="look at it there first: loss.item()")
        if not tensor.requires_grad:
            raise GradientError(
                "backward: this tensor does not require grad and does not have a grad_fn: no leaf "
                "it was computed from has requires_grad=True, or it was computed under no_grad, or "
                "its graph has been freed by an earlier backward", where=_where(),
                hint="x.requires_grad_() before computing; retain_graph=True for a second backward")
        if cotangent is None:
            if tensor._type.size != 1:
                raise GradientError(
                    "backward: grad can be implicitly created only for scalar outputs, this one "
                    f"has shape {tuple(tensor.shape)}", where=_where(),
                    hint="loss.mean().backward(), or pass the gradient of the result")
            cotangent = wrap(np.ones(tensor.shape, tensor.dtype.numpy), tensor._result_class)
        elif cotangent.shape != tensor.shape:
            raise ShapeError(f"backward: gradient of shape {tuple(cotangent.shape)} for a tensor "
                             f"of shape {tuple(tensor.shape)}", where=_where())
        seeds.append((tensor, cotangent))
    return seeds


def _where() -> str | None:
    return str(user_location(4) or "") or None


def _freed() -> GradientError:
    return GradientError(
        "backward: Trying to backward through the graph a second time: the first pass has let go "
        "of the values it needs", where=str(user_location(4) or "") or None,
        hint="retain_graph=True in the first backward")


# ---- the general way

def _origin(handle: Handle, since: int) -> Provenance | None:
    """Where a handle came from, if that was after the mark."""
    provenance = handle._provenance
    if provenance is None or provenance.history.serial <= since:
        return None
    return provenance


def _flow(seeds: Sequence[tuple[Handle, Handle]], keep: bool, create_graph: bool,
          inputs: Sequence[Handle] | None, since: int = -1) -> list[tuple[Handle, Any]]:
    """Pairs of a handle and a gradient for it; a handle may come more than once."""
    through = [h for h in (inputs or ()) if _origin(h, since) is not None]
    if create_graph or through or _hooked_handles():
        _rematerialise([t for t, _ in seeds] + through + _hooked_handles(), since)
    here = [(t, c) for t, c in seeds if t._node is not None and t._value is None]
    older = {}
    for t, c in seeds:
        if not (t._node is not None and t._value is None):
            older[t] = record(_add, (older[t], c)) if t in older else c
    result = []
    wanted = None if inputs is None else {id(h) for h in inputs}
    for owner, gradient in _flow_here(here, keep, create_graph, inputs):
        result.append((owner, gradient))
    passed = {}
    for owner, gradient in result:
        if _origin(owner, since) is not None and owner._value is not None:
            passed[owner] = gradient
    older.update({o: record(_add, (older[o], g)) if o in older else g for o, g in passed.items()})
    result = [(o, g) for o, g in result if o not in passed or (wanted and id(o) in wanted)]
    leaf_seeds = [(t, c) for t, c in older.items() if _origin(t, since) is None]
    result.extend(leaf_seeds)
    flowing = {t: c for t, c in older.items() if _origin(t, since) is not None}
    result.extend(_flow_back(flowing, keep, wanted, since))
    return [(o, g) for o, g in result if wanted is None or id(o) in wanted]


def _flow_here(seeds: Sequence[tuple[Handle, Handle]], keep: bool, create_graph: bool,
               inputs: Sequence[Handle] | None) -> list[tuple[Handle, Any]]:
    """Through the current segment: one walk over nodes."""
    if not seeds:
        return []
    segment = state.segment
    outputs = tuple([t._node for t, _ in seeds])
    cotangents = tuple([segment.node_of(c) for _, c in seeds])
    asked = {h._node: h for h in inputs or ()
             if h._segment is segment and h._node is not None}
    # Hooks are the user's code and run each time; else the nodes are those of the time before.
    hooked = [h for h in _hooked_handles() if h._segment is segment and h._node is not None]
    key = (_flow_here, outputs, cotangents, tuple(asked), create_graph)
    known = None if hooked else state.memo.get(key)
    if known is None:
        leaves = len(segment.values)
        known = _gradient_nodes(outputs, cotangents, tuple(asked), hooked, create_graph)
        if not hooked and len(segment.values) == leaves:
            state.memo[key] = known
    if not keep:
        for tensor, _ in seeds:
            if tensor._node is not None:
                _spend(tensor, tensor._node)
    pairs = []
    for start, is_root, gradient in known:
        owner = segment.owner(start) if is_root else asked[start]
        pairs.append((owner, pending(gradient, owner._result_class)))
    return pairs


def _gradient_nodes(outputs: Any, cotangents: Any, asked: Sequence[Any],
                    hooked: Sequence[Handle], create_graph: bool) -> list[tuple[Node, bool, Node]]:
    """Roots and what was asked for: the node, whether it is a root, and its gradient."""
    roots = dict.fromkeys(reachable_roots(list(outputs)), True)
    starts = {**roots, **{node: False for node in asked if node not in roots}}
    hooks = {h._node: _node_hook(h, create_graph) for h in hooked
             if h._node is not None and h._node not in starts}
    with hold():
        found = gradients(list(outputs), list(cotangents), list(starts), hooks)
    return [(start, is_root, stop_gradient(g) if g.needs_grad and not create_graph else g)
            for (start, is_root), g in zip(starts.items(), found, strict=True) if g is not None]


def _node_hook(handle: Handle, create_graph: bool) -> Callable[[Node], Node]:
    """Hooks of an intermediate tensor, called on its cotangent as it passes."""

    def call(cotangent: Node) -> Node:
        if not create_graph and cotangent.needs_grad:
            cotangent = stop_gradient(cotangent)
        gradient = run_hooks(handle, pending(cotangent, handle._result_class))
        if handle._retains_grad:
            handle._grad = gradient if handle._grad is None else record(
                _add, (handle._grad, gradient))
        segment = state.segment
        return segment.node_of(gradient)

    return call


def _flow_back(flowing: dict[Handle, Any], keep: bool,
               wanted: set[int] | None, since: int = -1) -> list[tuple[Handle, Any]]:
    """Through evaluated segments, newest first, by their residuals."""
    waiting: dict[int, tuple[History, dict[Node, Any]]] = {}
    result: list[tuple[Handle, Any]] = []

    def add(handle: Handle, gradient: Any) -> None:
        provenance = _origin(handle, since)
        if provenance is None or (wanted is not None and id(handle) in wanted):
            result.append((handle, gradient))
        if provenance is not None:
            history, node = provenance
            if history.freed:
                raise _freed()
            _, by_node = waiting.setdefault(history.serial, (history, {}))
            by_node[node] = (record(_add, (by_node[node], gradient)) if node in by_node
                             else gradient)

    for handle, gradient in flowing.items():
        add(handle, gradient)
    while waiting:
        history, by_node = waiting.pop(max(waiting))
        through = _replay if history.plan.replayed else _apply
        for owner, handle in through(history, by_node):
            add(owner, handle)
        if not keep:
            history.free()
    return result


def _apply(history: History, cotangents: dict[Node, Any]) -> list[tuple[Handle, Any]]:
    """Gradients of an evaluated segment by its residuals: a look-up when seen before."""
    linear = history.plan.linearization(tuple(cotangents))
    operands = [wrap(history.saved[n]) for n in linear.residuals]
    owners = [history.owners[r] for r in linear.roots]
    nodes = record_nodes(linear, [*operands, *cotangents.values()])
    return [(o, pending(n, o._result_class)) for o, n in zip(owners, nodes, strict=True)]


def _replay(history: History, cotangents: dict[Node, Any]) -> list[tuple[Handle, Any]]:
    """The same by recording the forward graph again, from the saved values of its leaves."""
    segment = state.segment
    fresh: dict[Node, Node] = {}
    for start in history.starts:
        handle = wrap(history.saved[start])
        handle._wants_grad = start in history.owners
        fresh[start] = segment.node_of(handle)
    with hold():
        outputs = substitute(list(cotangents), fresh)
        seeds = [segment.node_of(c) for c in cotangents.values()]
        found = gradients(outputs, seeds, [fresh[r] for r in history.owners])
    return [(o, pending(stop_gradient(g) if g.needs_grad else g, o._result_class))
            for o, g in zip(history.owners.values(), found, strict=True) if g is not None]


def _rematerialise(handles: Iterable[Handle], since: int = -1) -> None:
    """Make observed handles pending again: record their forward graphs anew, from the leaves."""
    targets = [h for h in handles if _origin(h, since) is not None and h._value is not None]
    if not targets:
        return
    by_history: dict[int, list[Handle]] = {}
    histories = ancestors([h._provenance for h in targets if h._provenance is not None], since)
    for history in histories:
        if history.freed:
            raise _freed()
    known = {h.serial for h in histories}
    owners = [o for history in histories for o in history.owners.values()]
    for h in dict.fromkeys([*owners, *targets]):
        if h._provenance is not None and h._provenance.history.serial in known:
            by_history.setdefault(h._provenance.history.serial, []).append(h)
    segment = state.segment
    for history in histories:  # nothing below cuts: it assigns nodes, and records none
        leaves: dict[Node, Node] = {}
        for leaf, owner in history.starts.items():
            # A handle written to since stands for another value now; the saved one is meant.
            same = owner is not None and (
                owner._value is history.saved[leaf] or (
                    owner._provenance is not None and owner._provenance.history.serial in known))
            source = owner if same and owner is not None else wrap(history.saved[leaf])
            leaves[leaf] = segment.node_of(source)
        group = by_history.get(history.serial, [])
        nodes = [h._provenance.node for h in group if h._provenance is not None]
        for h, node in zip(group, substitute(nodes, leaves), strict=True):
            provenance = h._provenance
            assign(h, node)
            h._provenance = provenance


def _hooked_handles() -> list[Handle]:
    if not state.hooked:
        return []
    state.hooked = [r for r in state.hooked if r() is not None]
    return [h for r in state.hooked if (h := r()) is not None]


def hook(handle: Handle) -> None:
    """Note that somebody looks at the gradient of this intermediate tensor."""
    state.hooked.append(ref(handle))
