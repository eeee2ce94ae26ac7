"""The description of saved objects that lies beside the values in a TensorFlow 2 checkpoint.

Source: TensorFlow ``core/protobuf/trackable_object_graph.proto``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..serialize._table import varint

__all__ = ["object_graph"]

_KEY = "{}/.ATTRIBUTES/VARIABLE_VALUE"


def _field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _field(number, value.encode())


def object_graph(root: dict[str, Any], children: Callable[[Any], Iterator[tuple[str, Any]]],
                 is_variable: Callable[[Any], bool], full_name: Callable[[Any], str],
                 ) -> tuple[dict[str, Any], bytes]:
    """Variables by checkpoint key, and the description of all objects.

    An object that can be reached on two ways is saved under the first, breadth first, as in
    TensorFlow.
    """
    numbers: dict[int, int] = {id(root): 0}
    paths: list[str] = [""]
    objects: list[Any] = [root]
    edges: list[list[tuple[int, str]]] = []
    variables: dict[str, Any] = {}
    at = 0
    while at < len(objects):
        owner, links = objects[at], []
        if not is_variable(owner):
            for name, value in children(owner):
                number = numbers.get(id(value))
                if number is None:
                    number = numbers[id(value)] = len(objects)
                    objects.append(value)
                    place = name.replace(".", "..").replace("/", ".S")
                    paths.append(f"{paths[at]}/{place}" if paths[at] else place)
                links.append((number, name))
        edges.append(links)
        at += 1
    described = b""
    for number, owner in enumerate(objects):
        node = b"".join(_field(1, (varint(1 << 3) + varint(target) if target else b"")
                               + _text(2, name)) for target, name in edges[number])
        if is_variable(owner):
            key = _KEY.format(paths[number])
            variables[key] = owner
            node += _field(2, _text(1, "VARIABLE_VALUE") + _text(2, full_name(owner))
                           + _text(3, key))
        described += _field(1, node)
    return variables, described
