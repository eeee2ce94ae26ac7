"""Loops and choices that are part of a program: scan, cond, while_loop, on tensors.

Python's own ``for``, ``if`` and ``while`` work everywhere and are recorded as they run; these are
for what should be one operation: long recurrences, and branches inside `vmap` or a compiled step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..ir.node import Node
from ..ir.ops import control
from ..ir.shapes import TensorType
from .explain import shown
from .handle import Handle
from .recorder import gradients_enabled
from .tensor import tensor
from .transforms import Traced, apply_recorded, trace
from .trees import flatten, unflatten

__all__ = ["cond", "scan", "while_loop"]


def _tensors(tree: Any) -> tuple[list[Any], Any]:
    leaves, structure = flatten(tree)
    return [v if isinstance(v, Handle) else tensor(v) for v in leaves], structure


def _together(*traced: Traced) -> list[Any]:
    """What any of the functions uses from outside, once."""
    return list({id(h): h for t in traced for h in t.captured}.values())


def scan(function: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None,
         length: int | None = None, reverse: bool = False) -> tuple[Any, Any]:
    """Repeat ``function(carry, x) -> (carry, y)`` along the leading axis of ``xs``.

    Shapes:  xs (length, ...) -> x (...); y (...) -> stacked (length, ...); the carry keeps its type
    Cost:    as a Python loop, but one operation; reverse mode keeps what each step needs

    >>> scan(lambda total, x: (total + x, total), tensor(0), tensor([1, 2, 3]))
    (tensor(6), tensor([0, 1, 3]))
    """
    carry, carry_structure = _tensors(init)
    slices, slice_structure = _tensors([] if xs is None else xs)
    if slices and any(not s.ndim for s in slices):
        raise ShapeError("scan: xs must have a leading axis to go along, got a 0-d tensor")
    types = [c._type for c in carry] + [TensorType(s.shape[1:], s.dtype) for s in slices]
    structures: list[Any] = []

    def step(*handles: Any) -> list[Any]:
        inner = unflatten(slice_structure, list(handles[len(carry):])) if slices else None
        returned = function(unflatten(carry_structure, list(handles[:len(carry)])), inner)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise ArgumentError("scan: the function must return two things, the carry and what to "
                                f"stack (or None), got {shown(returned)}", hint="return carry, y")
        new, y = returned
        new_leaves, _ = flatten(new)
        if len(new_leaves) != len(carry):
            raise ArgumentError(f"scan: the function was given {len(carry)} carried tensors and "
                                f"returned {len(new_leaves)}")
        outputs, structure = flatten(y) if y is not None else ([], None)
        structures[:] = [structure]
        return [*new_leaves, *outputs]

    traced = trace(step, types, _wants([*carry, *slices]))
    captured = _together(traced)
    found = apply_recorded(
        _scan, [*captured, *carry, *slices],
        (traced.body(captured), len(captured), len(carry), length, reverse), traced.structure)
    new, outputs = found[:len(carry)], found[len(carry):]
    stacked = unflatten(structures[0], outputs) if outputs else None
    return unflatten(carry_structure, new), stacked


def _wants(handles: Sequence[Handle]) -> list[bool]:
    # Carries get gradients from one another, so all floating placeholders may want one.
    return [h.dtype.is_inexact and gradients_enabled() for h in handles]


def _scan(*rest: Any) -> list[Node]:
    *nodes, body, consts, carries, length, reverse = rest
    new, stacked = control.scan(body, nodes[:consts], nodes[consts:consts + carries],
                                nodes[consts + carries:], length=length, reverse=reverse)
    return [*new, *stacked]


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any],
         *operands: Any) -> Any:
    """``true_fn(*operands)`` or ``false_fn(*operands)``, chosen when the program runs.

    Both must return tensors of the same shapes and dtypes.

    >>> cond(tensor(True), lambda x: x + 1, lambda x: x - 1, tensor(5))
    tensor(6)
    """
    predicate = pred if isinstance(pred, Handle) else tensor(bool(pred))
    leaves, structure = _tensors(list(operands))

    def on_leaves(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *handles: function(*unflatten(structure, list(handles)))

    types = [t._type for t in leaves]
    yes = trace(on_leaves(true_fn), types, _wants(leaves))
    no = trace(on_leaves(false_fn), types, _wants(leaves))
    captured = _together(yes, no)
    return apply_recorded(_cond, [predicate, *captured, *leaves],
                          (yes.body(captured), no.body(captured)), yes.structure)


def _cond(*rest: Any) -> list[Node]:
    predicate, *nodes, yes, no = rest
    return control.cond(predicate, yes, no, nodes)


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any,
               max_iterations: int | None = None) -> Any:
    """Repeat ``body_fun(value)`` as long as ``cond_fun(value)`` holds.

    Cost:  a gradient without ``max_iterations`` takes time in the square of the steps taken

    >>> while_loop(lambda x: x < 100, lambda x: x * 2, tensor(1))
    tensor(128)
    """
    leaves, structure = _tensors(init_val)

    def on_leaves(function: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda *handles: function(unflatten(structure, list(handles)))

    types = [t._type for t in leaves]
    asked = trace(on_leaves(cond_fun), types, [False] * len(leaves))
    step = trace(on_leaves(body_fun), types, _wants(leaves))
    captured = _together(asked, step)
    return apply_recorded(
        _while, [*captured, *leaves],
        (asked.body(captured), step.body(captured), len(captured), max_iterations),
        step.structure)


def _while(*rest: Any) -> list[Node]:
    *nodes, asked, step, consts, limit = rest
    return control.while_loop(asked, step, nodes[:consts], nodes[consts:], limit)
