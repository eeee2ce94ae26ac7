"""Attributes and operators of the array object of the Python array API standard 2024.12.

Where PyTorch gives the same name another meaning, one object serves both: ``x.size`` is the number
of elements and, called, the shape; ``x.device`` equals ``"cpu"`` and has a ``type``.
"""

from __future__ import annotations

import sys
from typing import Any

from ..errors import ArgumentError, NotSupportedError, ShapeError, nearest
from ..functions.products import matmul
from ..ir.node import Node
from ..ir.shapes import Shape, normalise_axis
from ..ir.source import user_location
from .handle import Handle
from .operators import operand
from .recorder import record
from .views import Permute, view, write

__all__ = ["API_VERSIONS", "CPU", "ArrayAttributes", "Device", "Size", "as_device"]

#: Versions of the standard whose names and behaviour the top level of the package follows.
API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


class Device(str):
    """Where a tensor lives; equal to its name, with PyTorch's ``type`` and ``index``.

    >>> CPU == "cpu", CPU.type, CPU
    (True, 'cpu', device(type='cpu'))
    """

    __slots__ = ()

    @property
    def type(self) -> str:
        return str.__str__(self).partition(":")[0]

    @property
    def index(self) -> int | None:  # type: ignore[override]
        number = str.__str__(self).partition(":")[2]
        return int(number) if number else None

    def __repr__(self) -> str:
        return f"device(type={self.type!r})"


CPU = Device("cpu")


def as_device(device: Any) -> Device:
    """The device that the user named. There is one.

    Raises:  NotSupportedError for any other
    """
    if device is None or device is CPU:
        return CPU
    name = str(getattr(device, "type", device)).partition(":")[0].lower()
    if name == "cpu":
        return CPU
    raise NotSupportedError(f"device: tricord computes on the CPU, got {device!r}",
                            where=str(user_location() or "") or None,
                            hint=nearest(name, ["cpu"]) or "device='cpu'")


class Size(int):
    """The number of elements; called, the sizes: ``x.size()`` all of them, ``x.size(0)`` one.

    >>> n = Size(Shape((2, 3)))
    >>> n == 6, n(), n(-1)
    (True, (2, 3), 3)
    """

    shape: Shape

    def __new__(cls, shape: Shape) -> Size:
        self = int.__new__(cls, shape.numel())
        self.shape = shape
        return self

    def __call__(self, dim: int | None = None) -> Any:
        if dim is None:
            return self.shape
        return self.shape[normalise_axis(dim, len(self.shape), "size")]

    def __reduce__(self) -> Any:
        return int, (int(self),)


def _left_matmul(y: Node, x: Node) -> Node:
    return matmul(x, y)


def _matmul_into(x: Node, y: Node) -> Node:
    result = matmul(x, y)
    if result.shape != x.shape:  # a smaller one must not be stretched
        raise ShapeError(f"matmul: x @= y keeps the shape of x, {tuple(x.shape)}; with y of shape "
                         f"{tuple(y.shape)} the product has shape {tuple(result.shape)}",
                         where=str(user_location() or "") or None, hint="x = x @ y")
    return result


class ArrayAttributes(Handle):
    """What the standard asks of an array beyond operators, indexing and conversions."""

    @property
    def size(self) -> Size:
        """The number of elements; ``size()`` and ``size(axis)`` give sizes, as in PyTorch."""
        return Size(self._type.shape)

    @property
    def device(self) -> Device:
        """Where the tensor lives."""
        return CPU

    @property
    def T(self) -> Any:  # noqa: N802 - the standard's name
        """The transpose, a view; of more than two axes, all in reverse order."""
        return view(self, Permute(tuple(range(self.ndim))[::-1]))

    @property
    def mT(self) -> Any:  # noqa: N802 - the standard's name
        """The last two axes exchanged, a view.

        Raises:  ShapeError for less than two axes
        """
        rank = self.ndim
        if rank < 2:
            raise ShapeError(f"mT: needs at least two axes, got shape {tuple(self.shape)}",
                             where=str(user_location() or "") or None)
        return view(self, Permute((*range(rank - 2), rank - 1, rank - 2)))

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The tensor on that device: itself, there being one."""
        as_device(device)
        if stream is not None:
            raise ArgumentError(f"to_device: a CPU has no streams, got stream={stream!r}")
        return self

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        """The package, whose top level holds the standard's functions.

        Raises:  ArgumentError for a version that is not one of `API_VERSIONS`
        """
        if api_version is not None and api_version not in API_VERSIONS:
            raise ArgumentError(f"__array_namespace__: api_version {api_version!r} is not known",
                                hint="there are " + ", ".join(API_VERSIONS))
        return sys.modules[__package__.partition(".")[0]]

    def __matmul__(self, other: Any) -> Any:
        other = operand(other)
        if not isinstance(other, Handle):
            return NotImplemented
        return record(matmul, (self, other))

    def __rmatmul__(self, other: Any) -> Any:
        other = operand(other)
        if not isinstance(other, Handle):
            return NotImplemented
        return record(_left_matmul, (self, other))

    def __imatmul__(self, other: Any) -> Any:
        other = operand(other)
        if not isinstance(other, Handle):
            return NotImplemented
        return write(self, _matmul_into, (other,))
