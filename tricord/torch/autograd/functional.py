"""``torch.autograd.functional``: Jacobians, Hessians and products with them, at a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import DTypeError, GradientError, TraceError
from ...functions.derivatives import jacobians
from ...tensor import autograd as engine
from ...tensor import recording_gradients, transforms
from ...tensor.handle import Handle
from ...tensor.recorder import pending, record_nodes
from ..creation import ones_like, zeros_like

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def tuple_of(value: Any, what: str) -> tuple[tuple[Any, ...], bool]:
    """The tensors, and whether they came as a tuple."""
    alone = isinstance(value, Handle)
    values = (value,) if alone else tuple(value)
    for v in values:
        if not isinstance(v, Handle):
            raise DTypeError(f"The {what} given must be either a Tensor or a tuple of Tensors but "
                             f"the given one has type {type(v).__name__}")
    return values, not alone


def matrices(func: Callable[..., Any], args: tuple[Any, ...]) -> tuple[list[list[Any]], bool]:
    """The Jacobians of a function, [output][input], and whether it returned a tuple.

    The function is recorded once, and all rows are computed as one batch. A function that looks at
    values is called as it is, and its rows are computed one by one.
    """
    try:
        traced = transforms.trace(func, [a._type for a in args])
    except TraceError:
        return _row_by_row(func, args)
    operands = [*args, *traced.captured]
    nodes = record_nodes(jacobians, operands, (traced.graph, len(args)))
    found = [pending(n, args[0]._result_class) for n in nodes]
    count = len(args)
    rows = [found[i:i + count] for i in range(0, len(found), count)]
    return rows, traced.structure is not None


def _row_by_row(func: Callable[..., Any], args: tuple[Any, ...]) -> tuple[list[list[Any]], bool]:
    leaves = [transforms._fresh_leaf(a) for a in args]
    leaves = [leaf if leaf.requires_grad else leaf.requires_grad_(True) for leaf in leaves]
    with recording_gradients(True):
        outputs, several = tuple_of(func(*leaves), "outputs")
    rows = []
    for output in outputs:
        found: list[list[Any]] = [[] for _ in leaves]
        flat = output.reshape(-1)  # type: ignore[attr-defined]
        for i in range(output._type.size):
            row = (engine.grad([flat[i]], leaves, retain_graph=True, create_graph=True)
                   if output.requires_grad else [None] * len(leaves))
            for column, leaf, g in zip(found, leaves, row, strict=True):
                column.append(zeros_like(leaf) if g is None else g)
        rows.append([_stacked(column, output, leaf)
                     for column, leaf in zip(found, leaves, strict=True)])
    return rows, several


def _stacked(rows: list[Any], output: Any, leaf: Any) -> Any:
    if not rows:
        return zeros_like(leaf).new_zeros((*output.shape, *leaf.shape))  # type: ignore[attr-defined]
    joined = rows[0].unsqueeze(0) if len(rows) == 1 else _stack(rows)
    return joined.reshape(*output.shape, *leaf.shape)


def _stack(rows: list[Any]) -> Any:
    from_first = [r.unsqueeze(0) for r in rows]
    whole = from_first[0].new_zeros((len(rows), *rows[0].shape))
    for i, r in enumerate(rows):
        whole[i] = r
    return whole


def _shaped(rows: list[list[Any]], several_outputs: bool, several_inputs: bool) -> Any:
    found = [tuple(row) if several_inputs else row[0] for row in rows]
    return tuple(found) if several_outputs else found[0]


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False,
             strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:
    """``d func(inputs) / d inputs``, of shape (*output, *input); nested for several of each."""
    args, several = tuple_of(inputs, "inputs")
    with recording_gradients(True):
        rows, many = matrices(func, args)
    if not create_graph:
        rows = [[m.detach() for m in row] for row in rows]
    return _shaped(rows, many, several)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False,
            strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The second derivatives of a scalar function, of shape (*input, *input)."""
    args, several = tuple_of(inputs, "inputs")
    gradient = transforms.grad(_scalar(func), tuple(range(len(args))))
    with recording_gradients(True):
        rows, _ = matrices(gradient, args)
    if not create_graph:
        rows = [[m.detach() for m in row] for row in rows]
    return _shaped(rows, several, several)


def _scalar(func: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        value = func(*args)
        if not isinstance(value, Handle) or value._type.size != 1:
            raise GradientError("The function given to hessian should return a single scalar "
                                "Tensor")
        return value.reshape(())  # type: ignore[attr-defined]

    return call


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The value, and the product of ``v`` with the Jacobian."""
    args, several = tuple_of(inputs, "inputs")
    value, pull = transforms.vjp(func, *args)
    found = pull(ones_like(value) if v is None else v)
    return _result(value, found, several, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The value, and the product of the Jacobian with ``v``."""
    args, _ = tuple_of(inputs, "inputs")
    tangents = tuple(ones_like(a) for a in args) if v is None else tuple_of(v, "v")[0]
    value, tangent = transforms.jvp(func, args, tangents)
    return _plain(value, create_graph), _plain(tangent, create_graph)


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The value, and the product of ``v`` with the Hessian."""
    args, several = tuple_of(inputs, "inputs")
    scalar = _scalar(func)
    weights = tuple(ones_like(a) for a in args) if v is None else tuple_of(v, "v")[0]
    _, pull = transforms.vjp(transforms.grad(scalar, tuple(range(len(args)))), *args)
    return _result(scalar(*args), pull(weights), several, create_graph)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """The value, and the product of the Hessian (which is symmetric) with ``v``."""
    return vhp(func, inputs, v, create_graph, strict)


def _plain(value: Any, keep: bool) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(v, keep) for v in value)
    return value if keep else value.detach()


def _result(value: Any, found: tuple[Any, ...], several: bool, keep: bool) -> tuple[Any, Any]:
    gradients = _plain(tuple(found), keep)
    return _plain(value, keep), gradients if several else gradients[0]
