"""Function transformations: grad, vjp, jvp, vmap, checkpoint.

`grad` and `vjp` run the function as it is, so it may print and branch. `vmap`, `checkpoint` and
`jvp` *trace* it: they run it once on placeholders and transform the recorded graph.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..autodiff import batch_graph, push_forward, reachable_roots
from ..errors import ArgumentError, GradientError, ShapeError
from ..ir.graph import Graph, make_input, substitute
from ..ir.node import Node
from ..ir.ops.control import call
from ..ir.ops.elementwise import zeros_like
from ..ir.ops.movement import move_axis
from ..ir.ops.structural import stop_gradient as _stop
from ..ir.shapes import TensorType, normalise_axis
from . import autograd
from .explain import shown
from .handle import Handle
from .recorder import TraceSegment, pending, record, record_nodes, recording_gradients, state
from .tensor import Tensor, tensor
from .trees import flatten, map_tensors, unflatten

__all__ = ["Traced", "apply_recorded", "checkpoint", "grad", "jvp", "stop_gradient", "trace",
           "value_and_grad", "vjp", "vmap"]


def _as_tensor(value: Any) -> Any:
    return value if isinstance(value, Handle) else tensor(value)


# ---- reverse mode, on real values

def _argument_numbers(argnums: int | Sequence[int], count: int) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for n in numbers:
        if not -count <= n < count:
            raise ArgumentError(f"grad: argnums {n}, but the function was called with {count} "
                                "arguments")
    return tuple(n % count for n in numbers)


def _fresh_leaf(value: Any) -> Any:
    """The same value as a leaf of its own that wants a gradient, linked to what it came from."""
    source = _as_tensor(value)
    if not source.dtype.is_inexact:
        raise GradientError(f"grad: the argument must be of a floating dtype, got {source.dtype}",
                            hint="x.float()")
    return record(_identity_root, (source,))


def _identity_root(x: Node) -> Node:
    # Its own node, so that the gradient with respect to it is not that of the original.
    return x * 1


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0,
                   has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the value of ``function`` and its gradient.

    ``argnums`` says with respect to which arguments (each a tensor or nested tensors); a sequence
    gives a tuple of gradients. With ``has_aux`` the function returns ``(loss, aux)``.

    >>> value_and_grad(lambda x: (x * x).sum())(tensor([3.0]))
    (tensor(9.), tensor([6.]))
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        numbers = _argument_numbers(argnums, len(args))
        arguments = list(args)
        leaves: list[Any] = []
        structures = []
        for n in numbers:
            flat, structure = flatten(args[n])
            fresh = [_requiring(_fresh_leaf(v)) for v in flat]
            arguments[n] = unflatten(structure, fresh)
            leaves.extend(fresh)
            structures.append((structure, len(flat)))
        with recording_gradients(True):
            result = function(*arguments, **kwargs)
            loss, aux = result if has_aux else (result, None)
            if not isinstance(loss, Handle) or loss._type.size != 1:
                raise GradientError("grad: the function must return a scalar, it returned "
                                    + (f"shape {tuple(loss.shape)}" if isinstance(loss, Handle)
                                       else type(loss).__name__), hint="reduce it: .mean()")
            found = (autograd.grad([loss], leaves, create_graph=True)
                     if loss.requires_grad else [None] * len(leaves))
        filled = [record(zeros_like, (leaf,)) if g is None else g
                  for leaf, g in zip(leaves, found, strict=True)]
        loss, *filled = _settled([loss, *filled], leaves)
        grads, at = [], 0
        for structure, count in structures:
            grads.append(unflatten(structure, filled[at:at + count]))
            at += count
        gradient = grads[0] if isinstance(argnums, int) else tuple(grads)
        return ((loss, aux), gradient) if has_aux else (loss, gradient)

    return wrapped


def _requiring(handle: Any) -> Any:
    """Gradients flow to it, and through it to what it was made of if that wants one."""
    return handle if handle.requires_grad else handle.requires_grad_(True)


def _settled(handles: Sequence[Handle], leaves: Sequence[Handle]) -> list[Any]:
    """Results that depend on no other root of gradients than the fresh leaves are done with.

    Otherwise a loop that feeds a gradient step into the next one would keep all steps before it.
    """
    roots = frozenset(leaf._node for leaf in leaves if leaf._wants_grad)
    settled: list[Any] = []
    for h in handles:
        node = h._node
        if node is not None and node.needs_grad and h._segment is state.segment:
            key = ("settled", node, roots)
            plain = state.memo.get(key)
            if plain is None:
                free = roots.issuperset(reachable_roots([node]))
                plain = state.memo[key] = _stop(node) if free else node
            h = h if plain is node else pending(plain, h._result_class)
        settled.append(h)
    return settled


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0,
         has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function. Applies to itself for higher orders.

    >>> cube = lambda x: x * x * x
    >>> grad(grad(cube))(tensor(2.0))
    tensor(12.)
    """
    both = value_and_grad(function, argnums, has_aux)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def vjp(function: Callable[..., Any], *primals: Any,
        ) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The result, and a function from a cotangent of the result to those of the arguments.

    >>> y, pull = vjp(lambda x: x * x, tensor([1.0, 2.0]))
    >>> pull(tensor([1.0, 1.0]))
    (tensor([2., 4.]),)
    """
    leaves = [_requiring(_fresh_leaf(p)) for p in primals]
    with recording_gradients(True):
        result = function(*leaves)
    outputs, _ = flatten(result)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        seeds, _ = flatten(cotangent)
        pairs = [(o, _as_tensor(c)) for o, c in zip(outputs, seeds, strict=True)
                 if o.requires_grad]
        found: list[Any] = [None] * len(leaves)
        if pairs:
            found = autograd.grad([o for o, _ in pairs], leaves, [c for _, c in pairs],
                                  retain_graph=True, create_graph=True)
        return tuple(_settled([record(zeros_like, (leaf,)) if g is None else g
                               for leaf, g in zip(leaves, found, strict=True)], leaves))

    shown = [h for h in outputs if isinstance(h, Handle)]
    settled = iter(_settled(shown, leaves))
    return map_tensors(lambda h: next(settled), result), pull


# ---- tracing

class Traced:
    """A function recorded on placeholders: its graph, the outer tensors it used, its results.

    ``graph.inputs`` are the arguments, then what was captured.
    """

    def __init__(self, graph: Graph, captured: list[Any], structure: Any):
        self.graph = graph
        self.captured = captured
        self.structure = structure

    def body(self, captured: Sequence[Handle]) -> Graph:
        """The graph with its inputs as control primitives want them: captured tensors first.

        ``captured`` may name more tensors than this function used.
        """
        count = len(self.graph.inputs) - len(self.captured)
        own = dict(zip(map(id, self.captured), self.graph.inputs[count:], strict=True))
        first = [own[id(h)] if id(h) in own else make_input((1 << 29) + i, h._type)
                 for i, h in enumerate(captured)]
        return Graph((*first, *self.graph.inputs[:count]), self.graph.outputs)


def trace(function: Callable[..., Any], types: Sequence[TensorType],
          wants: Sequence[bool] | None = None) -> Traced:
    """Run a function once on placeholders of these types and keep the graph."""
    outer = state.segment
    inner = TraceSegment(outer)
    state.segment = inner
    try:
        flags = [t.dtype.is_inexact for t in types] if wants is None else wants
        holders = [inner.placeholder(t, w, Tensor) for t, w in zip(types, flags, strict=True)]
        result = function(*holders)
        leaves, structure = flatten(result)
        nodes = []
        for leaf in leaves:
            handle = _as_tensor(leaf)
            nodes.append(inner.node_of(handle))
    finally:
        state.segment = outer
        inner.closed = True
    captured = [h for h in inner.owners if h is not None]
    nodes = _without_roots(nodes, inner)
    return Traced(Graph(tuple(inner.inputs), tuple(nodes)), captured, structure)


def _without_roots(nodes: Sequence[Node], segment: TraceSegment) -> list[Node]:
    """Gradients that began inside the function are done; from outside, values just flow through."""
    plain: dict[Node, Node] = {}
    for node in segment.roots:  # in the order they were made, so inner ones first
        if node.parents:
            plain[node] = substitute(node.parents, plain)[0]
    return substitute(nodes, plain)


def apply_recorded(function: Callable[..., Sequence[Node]], operands: Sequence[Handle],
                   static: tuple[Any, ...], structure: Any) -> Any:
    nodes = record_nodes(function, operands, static)
    cls = operands[0]._result_class if operands else Tensor
    return unflatten(structure, [pending(n, cls) for n in nodes])


# ---- forward mode

def jvp(function: Callable[..., Any], primals: Sequence[Any],
        tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The result, and its directional derivative along ``tangents``.

    >>> jvp(lambda x: x * x, (tensor(3.0),), (tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    if not (isinstance(primals, Sequence) and isinstance(tangents, Sequence)
            and len(primals) == len(tangents) > 0):
        raise ArgumentError("jvp: primals and tangents are tuples of one length, an entry for each "
                            f"argument of the function, got {shown(primals)} and {shown(tangents)}",
                            hint="jvp(f, (x,), (direction,))")
    points = [_as_tensor(p) for p in primals]
    directions = [_as_tensor(t) for t in tangents]
    for p, t in zip(points, directions, strict=True):
        if p.shape != t.shape or p.dtype != t.dtype:
            raise ShapeError(f"jvp: a tangent has the type of its primal, got {p._type!r} and "
                             f"{t._type!r}")
    traced = trace(function, [p._type for p in points])
    operands = [*points, *traced.captured, *directions]
    count = len(traced.graph.outputs)
    nodes = record_nodes(_push, operands, (traced.graph, len(points)))
    handles = [pending(n, points[0]._result_class) for n in nodes]
    return (unflatten(traced.structure, handles[:count]),
            unflatten(traced.structure, handles[count:]))


def _push(*rest: Any) -> tuple[Node, ...]:
    *nodes, graph, count = rest
    inside = len(graph.inputs)
    values = graph.apply(nodes[:inside])
    # Tangents are pushed through the traced graph, then both are moved to the real operands.
    seeds = [make_input((1 << 29) + i, n.type) for i, n in enumerate(nodes[inside:])]
    found = push_forward(graph.outputs, dict(zip(graph.inputs[:count], seeds, strict=True)))
    filled = [zeros_like(o) if t is None else t
              for t, o in zip(found, graph.outputs, strict=True)]
    moved = Graph((*graph.inputs, *seeds), tuple(filled)).apply(nodes)
    return (*values, *moved)


# ---- vmap

def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: int = 0) -> Callable[..., Any]:
    """Apply a function written for one example to a whole batch of them.

    ``in_axes``: which axis of each argument counts the examples; None for arguments that all
    examples share. One entry for all arguments, or a tuple with one each.

    >>> vmap(lambda x, y: (x * y).sum(), in_axes=(0, None))(tensor([[1., 2.], [3., 4.]]),
    ...                                                     tensor([1., 10.])).tolist()
    [21.0, 43.0]
    """

    @functools.wraps(function)
    def wrapped(*args: Any) -> Any:
        axes = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise ArgumentError(f"vmap: in_axes has {len(axes)} entries, the function was called "
                                f"with {len(args)} arguments")
        flat, structures, flat_axes = [], [], []
        for value, axis in zip(args, axes, strict=True):
            leaves, structure = flatten(value)
            structures.append((structure, len(leaves)))
            flat.extend(_as_tensor(v) for v in leaves)
            flat_axes.extend([axis] * len(leaves))
        sizes = {t.shape[normalise_axis(a, t.ndim, "vmap")]
                 for t, a in zip(flat, flat_axes, strict=True) if a is not None}
        if len(sizes) != 1:
            raise ShapeError("vmap: at least one argument must be mapped" if not sizes else
                             f"vmap: the mapped axes have different sizes, {sorted(sizes)}")
        moved = [t if a is None else record(move_axis, (t,), (a, 0))
                 for t, a in zip(flat, flat_axes, strict=True)]
        types = [t._type if a is None else TensorType(t.shape[1:], t.dtype)
                 for t, a in zip(moved, flat_axes, strict=True)]

        def on_handles(*handles: Any) -> Any:
            arguments, at = [], 0
            for structure, count in structures:
                arguments.append(unflatten(structure, list(handles[at:at + count])))
                at += count
            return function(*arguments)

        traced = trace(on_handles, types, [t.requires_grad for t in moved])
        mapped = tuple(a is not None for a in flat_axes)
        results = apply_recorded(_batched, [*moved, *traced.captured],
                                 (traced.graph, mapped, sizes.pop()), traced.structure)
        if out_axes == 0:
            return results
        return map_tensors(lambda t: record(move_axis, (t,), (0, out_axes)), results)

    return wrapped


def _batched(*rest: Any) -> list[Node]:
    *nodes, graph, mapped, size = rest
    stand_ins = {}
    inputs = []
    for i, (node, inner) in enumerate(zip(nodes, graph.inputs, strict=True)):
        if i < len(mapped) and mapped[i]:
            wide = make_input((1 << 29) + i, node.type, inner.needs_grad)
            stand_ins[inner] = wide
            inputs.append(wide)
        else:
            inputs.append(inner)
    outputs = batch_graph(graph.outputs, stand_ins, size)
    return Graph(tuple(inputs), tuple(outputs)).apply(nodes)


# ---- checkpoint, custom gradients

def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: Any = None,
               **kwargs: Any) -> Any:
    """Call a function so that its inner values are computed again in the backward pass.

    Saves the memory of what the function records, for the price of computing it twice.

    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda t: (t * t).sum(), x).backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    leaves, structure = flatten(args)
    at = [i for i, v in enumerate(leaves) if isinstance(v, Handle)]

    def on_handles(*handles: Any) -> Any:
        filled = list(leaves)
        for i, h in zip(at, handles, strict=True):
            filled[i] = h
        return function(*unflatten(structure, filled), **kwargs)

    operands = [leaves[i] for i in at]
    traced = trace(on_handles, [t._type for t in operands], [t.requires_grad for t in operands])
    return apply_recorded(_checkpointed, [*operands, *traced.captured], (traced.graph,),
                          traced.structure)


def _checkpointed(*rest: Any) -> Sequence[Node]:
    *nodes, graph = rest
    return call(graph, nodes)


def stop_gradient(x: Any) -> Any:
    """The same value, through which no gradient flows."""
    return record(_stop, (_as_tensor(x),))
