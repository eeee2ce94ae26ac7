"""The devices by name, and the one function that turns a graph into something that runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from .. import settings
from ..errors import ArgumentError, nearest
from ..ir.graph import toposort
from ..ir.node import Node
from ..ir.verifier import verify
from .compiled import CompiledProgram
from .executable import Executable
from .interpreter import Interpreter
from .null import NullProgram

__all__ = ["build", "chosen_device", "device_names", "may_interpret"]

_DEVICES: Final[dict[str, Callable[[Sequence[Node]], Executable]]] = {
    "native": CompiledProgram, "numpy": Interpreter, "null": NullProgram}


def device_names() -> list[str]:
    return list(_DEVICES)


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


#: Bytes that numpy moves in a few milliseconds, and operations it does in that time.
_SMALL_BYTES, _SMALL_FLOPS = 32 << 20, 40_000_000


def may_interpret(outputs: Sequence[Node]) -> bool:
    """Whether a program may run through numpy once: that costs less than compiling it, and it
    draws no random numbers, which must not depend on how often they are drawn."""
    moved = work = 0
    for node in toposort(outputs):
        moved += sum(t.nbytes for t in node.types)
        if node.op.name in ("dot", "conv"):
            # Every element of the result is a sum over an operand's.
            work += 2 * node.size * max(node.parents[-1].size, 1) // max((*node.shape[-1:], 1))
        elif node.op.name == "random_bits" or moved > _SMALL_BYTES or work > _SMALL_FLOPS:
            return False
    return True
