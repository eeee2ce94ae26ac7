"""The devices by name, and the one function that turns a graph into something that runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from .. import settings
from ..errors import ArgumentError, nearest
from ..ir.graph import toposort
from ..ir.lowering import Control, Kernel, Reduction, Scalar
from ..ir.node import Node
from ..ir.verifier import verify
from .compiled import CompiledProgram
from .executable import Executable
from .interpreter import Interpreter
from .null import NullProgram

__all__ = ["build", "chosen_device", "circumstances", "device_names", "may_interpret"]

_DEVICES: Final[dict[str, Callable[[Sequence[Node]], Executable]]] = {
    "native": CompiledProgram, "numpy": Interpreter, "null": NullProgram}


def device_names() -> list[str]:
    return list(_DEVICES)


def circumstances() -> tuple[Any, ...]:
    """What a program is made for, besides its graph: part of the key that it is found by."""
    here = settings.get()
    return (chosen_device(), here.threads, here.denormals, here.target)


def chosen_device() -> str:
    """The device that programs of this thread run on. What looks at every result (``check`` of 2)
    is interpreted, because compiled code has no intermediate results to look at."""
    here = settings.get()
    return "numpy" if here.device == "native" and here.check >= 2 else here.device


def build(outputs: Sequence[Node], device: str) -> Executable:
    """The program that computes ``outputs`` on a device."""
    if device not in _DEVICES:
        raise ArgumentError(f"device {device!r}: there are {', '.join(_DEVICES)}",
                            hint=nearest(device, _DEVICES))
    if settings.get().check:
        verify(outputs)
    return _DEVICES[device](outputs)


#: Bytes that numpy moves in a few milliseconds.
_SMALL_BYTES = 32 << 20
#: Scalar functions of floats, and kernels, whose results are the same bits on any device: moved,
#: chosen, or rounded once.
_EXACT: Final = frozenset({
    "add", "subtract", "multiply", "divide", "negative", "abs", "sign", "sqrt", "maximum",
    "minimum", "floor", "ceil", "trunc", "round", "copysign", "nextafter", "where", "cast",
    "bitcast", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isnan",
    "isfinite", "gather", "scatter", "dynamic_slice", "dynamic_update_slice", "sort", "top_k",
    "searchsorted", "argmax", "argmin", "check_bounds", "window_take", "window_put"})


def may_interpret(outputs: Sequence[Node]) -> bool:
    """Whether a program may run through numpy once: that costs less than compiling it, and gives
    the same bits."""
    moved = 0
    for node in toposort(outputs):
        moved += sum(t.nbytes for t in node.types)
        if moved > _SMALL_BYTES or not _is_exact(node):
            return False
    return True


def _is_exact(node: Node) -> bool:
    way = node.op.lower
    if isinstance(way, (Control, Kernel, Scalar)):
        if isinstance(way, Control) or node.op.name == "random_bits":
            return False
        return way.name in _EXACT or not _has_floats(node)
    if isinstance(way, Reduction):
        return way.combine not in ("add", "multiply") or not _has_floats(node)
    return True


def _has_floats(node: Node) -> bool:
    return any(t.dtype.is_inexact for n in (node, *node.parents) for t in n.types)
