"""Graphs as text, one line a node: for people, golden files and ``diff``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from .dtypes import DType
from .graph import Graph, toposort
from .node import Node
from .ops.structural import constant_value

__all__ = ["print_graph", "print_nodes"]


def _parameter(value: Any) -> str:
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Graph):
        return f"<graph of {len(toposort(value.outputs))} nodes>"
    if callable(value):
        return getattr(value, "__name__", "function")
    return str(tuple(value)) if isinstance(value, tuple) else str(value)


def _parameters(node: Node) -> str:
    value = constant_value(node)
    if value is not None:
        return f"[{value.tolist()}]"
    named = [f"{f.name}={_parameter(getattr(node.params, f.name))}"
             for f in dataclasses.fields(node.params)]
    return f"[{', '.join(named)}]" if named else ""


def print_nodes(targets: Sequence[Node], *, where: bool = False) -> str:
    """The program that computes the targets.

    >>> from .graph import make_input
    >>> from .shapes import tensor_type
    >>> from .dtypes import float32
    >>> x = make_input(0, tensor_type((2,), float32))
    >>> print(print_nodes([x * x]))
    %0 float32[2] = input[slot=0, shape=(2,), dtype=float32, requires_grad=False]
    %1 float32[2] = multiply %0 %0
    return %1
    """
    names: dict[Node, str] = {}
    lines = []
    for number, node in enumerate(toposort(targets)):
        names[node] = f"%{number}"
        types = ", ".join(map(repr, node.types))
        operands = "".join(f" {names[p]}" for p in node.parents)
        line = f"%{number} {types} = {node.op.name}{_parameters(node)}{operands}"
        lines.append(f"{line}    # {node.where}" if where and node.where else line)
    lines.append("return " + " ".join(names[t] for t in targets))
    return "\n".join(lines)


def print_graph(graph: Graph, *, where: bool = False) -> str:
    """The same, for a graph."""
    return print_nodes(graph.outputs, where=where)
