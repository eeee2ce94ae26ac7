"""The devices by name, and the one function that turns a graph into something that runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from .. import settings
from ..errors import ArgumentError, nearest
from ..ir.node import Node
from ..ir.verifier import verify
from .executable import Executable
from .interpreter import Interpreter
from .null import NullProgram

__all__ = ["build", "device_names"]

_DEVICES: Final[dict[str, Callable[[Sequence[Node]], Executable]]] = {
    "numpy": Interpreter, "null": NullProgram}


def device_names() -> list[str]:
    return list(_DEVICES)


def build(outputs: Sequence[Node], device: str) -> Executable:
    """The program that computes ``outputs`` on a device."""
    if device not in _DEVICES:
        raise ArgumentError(f"device {device!r}: there are {', '.join(_DEVICES)}",
                            hint=nearest(device, _DEVICES))
    if settings.get().check:
        verify(outputs)
    return _DEVICES[device](outputs)
