"""The table that ``model.summary()`` prints: layers, true output shapes, numbers of parameters."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from ...nn import Module

__all__ = ["print_summary"]


def _size(variables: list[Any]) -> tuple[int, int]:
    """Elements and bytes."""
    return (sum(v._type.size for v in variables),
            sum(v._type.size * v.dtype.itemsize for v in variables))


def readable(size: float) -> str:
    """Bytes for people: 1.50 KB."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            return f"{size:.2f} {unit}"
        size /= 1024
    return ""


def output_shape(layer: Any) -> str:
    """The shape of what the layer gave when it was last called, None for the batch."""
    nodes = layer._inbound_nodes
    if nodes:
        shapes = [t.shape for t in nodes[0].outputs]
    else:
        shapes = layer.__dict__.get("_last_shapes") or []
    if not shapes:
        return "?"
    return str(shapes[0]) if len(shapes) == 1 else "[" + ", ".join(map(str, shapes)) + "]"


def _nested(model: Any, expand: bool, depth: int = 0) -> Iterator[tuple[Any, int]]:
    stack = [(layer, 0) for layer in reversed(_layers(model))]
    while stack:
        layer, level = stack.pop()
        yield layer, level
        if expand and hasattr(layer, "summary"):
            stack.extend((inner, level + 1) for inner in reversed(_layers(layer)))


def _layers(model: Any) -> list[Any]:
    graph = getattr(model, "_graph", None)
    if graph is not None and "_stack" not in vars(model):
        return list(graph.operations)
    return list(model.layers)


def _connections(layer: Any, inside: set[int]) -> str:
    found = []
    for node in layer._inbound_nodes:
        if id(node) in inside:
            found += [f"{t._keras_history.operation.name}[{t._keras_history.node_index}]["
                      f"{t._keras_history.tensor_index}]" for t in node.inputs]
    return ", ".join(found) or "-"


def print_summary(model: Any, line_length: int | None = None,
                  print_fn: Callable[[str], Any] | None = None, expand_nested: bool = False,
                  show_trainable: bool = False, layer_range: Any = None) -> None:
    """Print the table; a model that was never called shows what is known."""
    graph = getattr(model, "_graph", None)
    plain = graph is None or "_stack" in vars(model)
    rows = []
    inside = {id(n) for n in graph.nodes} if graph is not None else set()
    for layer, level in _nested(model, expand_nested):
        kind = type(layer).__name__ if isinstance(layer, Module) else (
            layer.definition.class_name)
        variables = layer.weights if isinstance(layer, Module) else []
        count = f"{_size(variables)[0]:,}"
        if not getattr(layer, "built", True) and not variables:
            count += " (unbuilt)"
        row = ["  " * level + f"{layer.name} ({kind})", output_shape(layer), count]
        if not plain:
            row.append(_connections(layer, inside))
        if show_trainable:
            row.append(("Y" if layer.trainable else "N") if variables else "-")
        rows.append(row)
    if layer_range is not None:
        rows = _range(rows, layer_range)
    header = ["Layer (type)", "Output Shape", "Param #"]
    header += ["Connected to"] * (not plain) + ["Trainable"] * show_trainable
    lines = [f'Model: "{model.name}"', *_table(header, rows, line_length), *_totals(model)]
    text = "\n".join(lines)
    (print_fn or print)(text)


def _range(rows: list[list[str]], layer_range: Any) -> list[list[str]]:
    names = [r[0].strip().split(" ")[0] for r in rows]
    first = next((i for i, n in enumerate(names) if n == layer_range[0]), 0)
    last = next((i for i, n in enumerate(names) if n == layer_range[1]), len(names) - 1)
    return rows[first:last + 1]


def _table(header: list[str], rows: list[list[str]], line_length: int | None) -> list[str]:
    widths = [max(len(r[i]) for r in [header, *rows]) for i in range(len(header))]
    room = (line_length or shutil.get_terminal_size((100, 24)).columns) - 3 * len(widths) - 1
    if sum(widths) > room:
        widths[-1 if len(header) > 3 else 0] = max(16, widths[-1 if len(header) > 3 else 0] - (
            sum(widths) - room))

    def bar(left: str, middle: str, right: str, line: str) -> str:
        return left + middle.join(line * (w + 2) for w in widths) + right

    def wrapped(row: list[str]) -> list[str]:
        height = max(math.ceil(len(c) / w) if w else 1 for c, w in zip(row, widths, strict=True))
        lines = []
        for part in range(max(height, 1)):
            cells = [c[part * w:(part + 1) * w] for c, w in zip(row, widths, strict=True)]
            lines.append("│ " + " │ ".join(
                cell.rjust(w) if i == 2 else cell.ljust(w)
                for i, (cell, w) in enumerate(zip(cells, widths, strict=True))) + " │")
        return lines

    lines = [bar("┌", "┬", "┐", "─"), *wrapped(header), bar("├", "┼", "┤", "─")]
    for row in rows:
        lines += wrapped(row)
    return [*lines, bar("└", "┴", "┘", "─")]


def _totals(model: Any) -> list[str]:
    trained, frozen = _size(model.trainable_weights), _size(model.non_trainable_weights)
    optimizer = (0, 0)
    if getattr(model, "compiled", False) and model.optimizer is not None and (
            model.optimizer.built):
        optimizer = _size(model.optimizer.variables)
    total = (trained[0] + frozen[0] + optimizer[0], trained[1] + frozen[1] + optimizer[1])
    lines = [f" Total params: {total[0]:,} ({readable(total[1])})",
             f" Trainable params: {trained[0]:,} ({readable(trained[1])})",
             f" Non-trainable params: {frozen[0]:,} ({readable(frozen[1])})"]
    if optimizer[0]:
        lines.append(f" Optimizer params: {optimizer[0]:,} ({readable(optimizer[1])})")
    return lines


