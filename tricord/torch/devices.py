"""``torch.device``, and the truth about accelerators: there are none here."""

from __future__ import annotations

from typing import Any

from ..errors import NotSupportedError, nearest
from ..ir.source import user_location
from ..tensor.array_attributes import Device

__all__ = ["device", "get_default_device", "refuse_device", "set_default_device"]

#: What PyTorch accepts as a device type.
_TYPES = ("cpu", "cuda", "mps", "xpu", "meta", "hpu", "mtia", "vulkan", "xla")


class device(Device):
    """A device by its name, ``torch.device("cpu")``; also a context manager.

    >>> device("cuda", 0).type, device("cpu") == "cpu"
    ('cuda', True)
    """

    __slots__ = ()

    def __new__(cls, type: Any = "cpu", index: int | None = None) -> device:
        name = f"cuda:{type}" if isinstance(type, int) else str(getattr(type, "type", type))
        if isinstance(type, Device):
            name = str.__str__(type)
        kind = name.partition(":")[0]
        if kind not in _TYPES:
            raise NotSupportedError(f"device: expected one of {', '.join(_TYPES)} device type at "
                                    f"start of device string, got {kind!r}",
                                    hint=nearest(kind, _TYPES))
        return str.__new__(cls, name if index is None else f"{kind}:{index}")

    def __repr__(self) -> str:
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{number})"

    def __enter__(self) -> device:
        refuse_device(self)
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def refuse_device(wanted: Any) -> None:
    """Refuse everything but the CPU, which is None, "cpu" or a device of that type.

    Raises:  NotSupportedError
    """
    if wanted is None or wanted == "cpu":
        return
    name = str(getattr(wanted, "type", wanted)).partition(":")[0]
    if name not in ("cpu", "meta"):
        shown = f"cuda:{wanted}" if isinstance(wanted, int) else str(wanted)
        raise NotSupportedError(
            f"device {shown!r}: tricord computes on the cpu, there is no cuda or other accelerator",
            where=str(user_location() or "") or None,
            hint='device = "cuda" if torch.cuda.is_available() else "cpu"')


def get_default_device() -> device:
    """Where new tensors are made: on the CPU."""
    return device("cpu")


def set_default_device(wanted: Any) -> None:
    """Accepts the CPU; refuses what is not there."""
    refuse_device(wanted)
