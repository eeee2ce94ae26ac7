"""Recording composites whose tensor operands may be absent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import DTypeError
from ...ir.node import Node
from ...tensor import Tensor, record
from ...tensor.recorder import pending, record_nodes
from ...tensor.views import replace

__all__ = ["in_place", "record_several", "record_some", "tensors_only"]


class _Gaps:
    """A composite called with None in the places of absent operands. One object per pattern, so
    that recording recognises it."""

    __slots__ = ("__name__", "_function", "_present")

    def __init__(self, function: Callable[..., Any], present: tuple[bool, ...]):
        self._function = function
        self._present = present
        self.__name__ = getattr(function, "__name__", "function")

    def __call__(self, *arguments: Any) -> Any:
        given = iter(arguments)
        operands = [next(given) if there else None for there in self._present]
        return self._function(*operands, *given)


_gaps: dict[tuple[Any, tuple[bool, ...]], _Gaps] = {}


def _with_gaps(function: Callable[..., Any],
               operands: Sequence[Tensor | None]) -> tuple[Callable[..., Any], list[Tensor]]:
    present = tuple([o is not None for o in operands])
    if all(present):
        return function, list(operands)  # type: ignore[arg-type]
    key = (function, present)
    found = _gaps.get(key)
    if found is None:
        found = _gaps[key] = _Gaps(function, present)
    return found, [o for o in operands if o is not None]


def record_some(function: Callable[..., Node], operands: Sequence[Tensor | None],
                static: tuple[Any, ...] = ()) -> Any:
    """``function(*operands, *static)`` recorded; operands may be None."""
    function, given = _with_gaps(function, operands)
    return record(function, given, static)


def record_several(function: Callable[..., Sequence[Node]], operands: Sequence[Tensor | None],
                   static: tuple[Any, ...] = ()) -> list[Any]:
    """Like `record_some` for a function with several results."""
    function, given = _with_gaps(function, operands)
    nodes = record_nodes(function, given, static)
    cls = given[0]._result_class
    return [pending(n, cls) for n in nodes]


def in_place(input: Tensor, result: Any) -> Any:
    """Let ``input`` stand for ``result``."""
    replace(input, result)
    return input


def tensors_only(what: str, *values: Any) -> None:
    """Refuse arguments that are not tensors."""
    for value in values:
        if value is not None and not isinstance(value, Tensor):
            raise DTypeError(f"{what}: argument must be a Tensor, not {type(value).__name__}",
                             hint="tricord.tensor(value)")
