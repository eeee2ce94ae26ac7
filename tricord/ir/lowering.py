"""How a primitive becomes loops: the ways there are, one class each.

A record says which way is its own; the compiler knows how each way is taken, and no operation by
name. A scalar function or a kernel is named here and spelled in the compiler's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import TricordError

__all__ = ["Alias", "Control", "Host", "Kernel", "Leaf", "Lowering", "Reduction", "Regions",
           "Scalar", "View"]


@dataclass(frozen=True)
class Leaf:
    """No loop: an input, or a constant."""


@dataclass(frozen=True)
class Scalar:
    """Each element of the result from the elements at the same place, by a scalar function."""

    name: str


@dataclass(frozen=True)
class View:
    """Elements of the operand at other places; ``kind`` names the map of indices."""

    kind: str


@dataclass(frozen=True)
class Regions:
    """The result is put together from operands, each written to a region of it."""

    kind: str


@dataclass(frozen=True)
class Reduction:
    """Elements along ``params.axes`` combined by an associative function of two scalars."""

    combine: str


@dataclass(frozen=True)
class Alias:
    """The result is the first operand."""


@dataclass(frozen=True)
class Kernel:
    """Loops of a shape of their own, written by the generator of this name.

    ``refusal``: for a kernel that refuses some values, the error for one of them, from the node's
    parameters and a whole number that the kernel reports.
    """

    name: str
    refusal: Callable[[Any, int], TricordError] | None = None


@dataclass(frozen=True)
class Control:
    """A graph inside, run once, several times or not at all."""

    name: str


@dataclass(frozen=True)
class Host:
    """A library routine called between two pieces of machine code, through the numpy reference."""

    routine: str


Lowering = Leaf | Scalar | View | Regions | Reduction | Alias | Kernel | Control | Host
