"""Loops, choices, grouping, printing, calling Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ArgumentError, InvalidArgumentError, ShapeError
from ..tensor.handle import Handle
from ..tensor.recorder import value_of, wrap
from ..tensor.trees import flatten, unflatten
from . import array_ops
from ._names import explain_keywords
from ._op import Spec, modes, op
from .dtypes import as_dtype
from .graph import GraphValue, Operation, current_graph, graph_of
from .shapes import TensorShape
from .tensors import EagerTensor, convert, static_ints, where_now

__all__ = ["Assert", "Print", "case", "cond", "control_dependencies", "foldl", "foldr", "group",
           "map_fn", "no_op", "numpy_function", "print", "py_function", "scan", "switch_case",
           "tuple", "vectorized_map", "while_loop"]


#: Python's own; this module has a function of that name
_Tuple = type(())


def _converted(tree: Any) -> Any:
    leaves, structure = flatten(tree)
    return unflatten(structure, [convert(v) if isinstance(v, (Handle, int, float, np.ndarray))
                                 else v for v in leaves])


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, _Tuple)) else [value]


# ---- loops

def _one_round(cond: Any, body: Any, loop_vars: Any, *rest: Any, **kwargs: Any) -> Any:
    """What a loop returns, by types: its variables after one round."""
    before = [_converted(v) for v in loop_vars]
    after = _listed(body(*before))
    return type(loop_vars)(after) if type(loop_vars) in (list, _Tuple) else after


@op(name="while", probe=_one_round)
def while_loop(cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any,
               shape_invariants: Any = None, parallel_iterations: int = 10,
               back_prop: bool = True, swap_memory: bool = False, maximum_iterations: Any = None,
               return_same_structure: bool = True) -> Any:
    """Repeat ``loop_vars = body(*loop_vars)`` as long as ``cond(*loop_vars)`` holds."""
    values = [_converted(v) for v in loop_vars]
    limit = None if maximum_iterations is None else static_ints(maximum_iterations, "while_loop")
    rounds = 0
    while (limit is None or rounds < limit) and bool(cond(*values)):
        found = _listed(body(*values))
        if len(found) != len(values):
            raise ArgumentError(f"while_loop: the body returned {len(found)} values for "
                                f"{len(values)} loop variables", where=where_now())
        values = [_converted(v) for v in found]
        rounds += 1
    return _Tuple(values) if isinstance(loop_vars, _Tuple) else values


def _rows(elems: Any) -> tuple[list[Any], Any, int]:
    leaves, structure = flatten(elems)
    tensors = [convert(v) for v in leaves]
    if not tensors or any(not t.ndim for t in tensors):
        raise ShapeError("elements must have a first axis to go along", where=where_now())
    counts = {t.shape[0] for t in tensors}
    if len(counts) > 1:
        raise ShapeError(f"elements have different first sizes, {sorted(counts)}",
                         where=where_now())
    count = counts.pop()
    columns = [array_ops.unstack(t) for t in tensors]
    rows = [unflatten(structure, [c[i] for c in columns]) for i in np.arange(count).tolist()]
    return rows, structure, count


def _stacked(results: Sequence[Any]) -> Any:
    found = [flatten(r) for r in results]
    columns = [array_ops.stack([convert(leaves[i]) for leaves, _ in found])
               for i in np.arange(len(found[0][0])).tolist()]
    return unflatten(found[0][1], columns)


@op
def map_fn(fn: Callable[..., Any], elems: Any, dtype: Any = None, parallel_iterations: Any = None,
           back_prop: bool = True, swap_memory: bool = False, infer_shape: bool = True,
           fn_output_signature: Any = None) -> Any:
    """The function of each slice along the first axis, the results stacked."""
    rows, _, count = _rows(elems)
    if not count:
        raise ShapeError("map_fn: there are no elements", where=where_now())
    return _stacked([fn(row) for row in rows])


@op
def vectorized_map(fn: Callable[..., Any], elems: Any, fallback_to_while_loop: bool = True) -> Any:
    """The same as `map_fn`."""
    return map_fn.spec.function(fn, elems)


@op
def scan(fn: Callable[..., Any], elems: Any, initializer: Any = None,
         parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
         infer_shape: bool = True, reverse: bool = False) -> Any:
    """``a = fn(a, element)`` along the first axis; all the values of ``a``, stacked."""
    rows, _, _ = _rows(elems)
    if reverse:
        rows.reverse()
    if initializer is None:
        carry, results, rows = rows[0], [rows[0]], rows[1:]
    else:
        carry, results = _converted(initializer), []
    for row in rows:
        carry = _converted(fn(carry, row))
        results.append(carry)
    if reverse:
        results.reverse()
    return _stacked(results)


@op
def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None,
          parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False) -> Any:
    """``a = fn(a, element)`` from the first element on; the last value of ``a``."""
    return _folded(fn, _rows(elems)[0], initializer)


@op
def foldr(fn: Callable[..., Any], elems: Any, initializer: Any = None,
          parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False) -> Any:
    """`foldl` from the last element on."""
    return _folded(fn, _rows(elems)[0][::-1], initializer)


def _folded(fn: Callable[..., Any], rows: list[Any], initializer: Any) -> Any:
    carry = _converted(initializer) if initializer is not None else rows.pop(0)
    for row in rows:
        carry = _converted(fn(carry, row))
    return carry


# ---- choices

@op(name="cond")
def cond(pred: Any, true_fn: Callable[[], Any] | None = None,
         false_fn: Callable[[], Any] | None = None, fn1: Any = None, fn2: Any = None,
         strict: bool = False) -> Any:
    """What ``true_fn()`` or ``false_fn()`` returns."""
    yes, no = true_fn or fn1, false_fn or fn2
    if not callable(yes) or not callable(no):
        raise ArgumentError("cond: true_fn and false_fn must be callable", where=where_now(),
                            hint="lambda: value")
    return _result(yes() if bool(pred) else no())


def _result(value: Any) -> Any:
    """What a branch returned; in a graph it must be tensors."""
    return value if modes.run is None else _converted(value)


@op
def case(pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False,
         strict: bool = False) -> Any:
    """The function beside the first predicate that holds."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    held = [function for predicate, function in pairs if bool(predicate)]
    if exclusive and len(held) > 1:
        raise InvalidArgumentError("case: more than one condition holds with exclusive=True",
                                   where=where_now())
    chosen = held[0] if held else default
    if chosen is None:
        raise InvalidArgumentError("case: none of the conditions holds and there is no default",
                                   where=where_now())
    return _result(chosen())


@op
def switch_case(branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None
                ) -> Any:
    """The function with this number."""
    table = dict(branch_fns.items() if isinstance(branch_fns, dict) else enumerate(
        f[1] if isinstance(f, _Tuple) else f for f in branch_fns))
    number = static_ints(branch_index, "switch_case")
    return _result((table.get(number) or default or table[max(table)])())


# ---- order

def no_op() -> Any:
    """An operation that does nothing; None where there is no graph."""
    graph = current_graph()
    if graph is None:
        return None
    return _plain_operation(graph, "NoOp", [], None)


def _nothing(*args: Any) -> None:
    return None


def _plain_operation(graph: Any, kind: str, after: Sequence[Any], name: str | None) -> Operation:
    """An operation without results that runs after others."""
    spec = Spec(_nothing, kind)
    operation: Operation = graph.new_operation(spec, (list(after),), {}, name)
    operation.changes_state = any(o.changes_state for o in operation.before())
    return operation


def group(*inputs: Any, name: str | None = None) -> Any:
    """An operation that runs all of these."""
    leaves, _ = flatten(inputs)
    nodes = [v for v in leaves if isinstance(v, (GraphValue, Operation))]
    if not nodes:
        return no_op() if current_graph() is not None else None
    return _plain_operation(nodes[0].graph, "group_deps", nodes, name)


def tuple(tensors: Any, control_inputs: Any = None, name: str | None = None) -> Any:
    """The tensors, none of which is there before all are."""
    leaves = [t for t in tensors if isinstance(t, (GraphValue, Operation))]
    if not leaves:
        return list(tensors)
    with control_dependencies([*leaves, *(control_inputs or [])]):
        return [array_ops.identity(t) if isinstance(t, GraphValue) else t for t in tensors]


@contextmanager
def control_dependencies(control_inputs: Any) -> Any:
    """What is made inside runs after ``control_inputs``; eagerly, things run in their order."""
    graph = current_graph() or graph_of(list(control_inputs or ()))
    if graph is None or modes.run is not None:
        yield
        return
    with graph.control_dependencies(control_inputs):
        yield


# ---- Python

def _text(value: Any, summarize: int | None) -> str:
    if isinstance(value, Handle):
        limit = 3 if summarize is None else summarize
        return np.array2string(
            value_of(value), separator=" ", edgeitems=max(limit, 1),
            threshold=sys.maxsize if limit == -1 else max(2 * limit, 1),
            formatter={"float_kind": "{:.9g}".format})
    return str(value)


@op(name="PrintV2", host=True)
def print(*inputs: Any, output_stream: Any = None, summarize: int | None = 3, sep: str = " ",
          end: str = "\n") -> None:
    """Print values when they are computed."""
    if modes.run is not None and modes.run.probing:
        return None
    stream = output_stream if output_stream is not None else sys.stderr
    if isinstance(stream, str):
        if stream.startswith("file://"):
            with open(stream.removeprefix("file://"), "a", encoding="utf-8") as file:
                file.write(sep.join(_text(v, summarize) for v in inputs) + end)
            return None
        stream = sys.stdout
    stream.write(sep.join(_text(v, summarize) for v in inputs) + end)
    return None


@op(name="Print", host=True)
def Print(input_: Any, data: Any, message: str | None = None, first_n: int | None = None,
          summarize: int | None = None) -> Any:
    """The input itself, printing ``data`` whenever it is computed (TensorFlow 1)."""
    if not (modes.run is not None and modes.run.probing):
        shown = "".join(f"[{_text(v, summarize)}]" for v in data)
        sys.stderr.write(f"{message or ''}{shown}\n")
    return array_ops.identity(input_)


def _outputs(Tout: Any) -> Any:
    def make(dtype: Any) -> Any:
        if hasattr(dtype, "shape") and hasattr(dtype, "dtype"):
            sizes = [1 if s is None else s for s in TensorShape(dtype.shape)]
            return wrap(np.zeros(sizes, as_dtype(dtype.dtype).numpy), EagerTensor)
        return wrap(np.zeros((), as_dtype(dtype).numpy), EagerTensor)

    if isinstance(Tout, (list, _Tuple)):
        return [make(t) for t in Tout]
    return make(Tout)


def _types_only(func: Any, inp: Any, Tout: Any, **kwargs: Any) -> Any:
    return _outputs(Tout)


def _as_outputs(found: Any, Tout: Any) -> Any:
    if isinstance(Tout, (list, _Tuple)):
        listed = found if isinstance(found, (list, _Tuple)) else [found]
        return [_one_output(v, t) for v, t in zip(listed, Tout, strict=True)]
    return _one_output(found, Tout)


def _one_output(value: Any, dtype: Any) -> Any:
    wanted = as_dtype(getattr(dtype, "dtype", dtype))
    if isinstance(value, Handle):
        return convert(value, wanted)
    return wrap(np.array(value, wanted.numpy), EagerTensor)


@op(name="EagerPyFunc", probe=_types_only, host=True)
def py_function(func: Callable[..., Any], inp: Any, Tout: Any) -> Any:
    """Call a Python function with tensors."""
    return _as_outputs(func(*[convert(v) for v in inp]), Tout)


@op(name="PyFunc", probe=_types_only, host=True)
def numpy_function(func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True) -> Any:
    """Call a Python function with arrays."""
    return _as_outputs(func(*[value_of(convert(v)) for v in inp]), Tout)


@op(name="Assert", host=True)
def Assert(condition: Any, data: Any, summarize: int | None = None) -> None:
    """Fail when the condition does not hold.

    Raises:  InvalidArgumentError
    """
    if modes.run is not None and modes.run.probing:
        return None
    if not np.all(value_of(convert(condition))):
        shown = " ".join(_text(v, summarize) for v in data)
        raise InvalidArgumentError(f"assertion failed: [{shown}]", where=where_now())
    return None


explain_keywords(globals())
