"""``torch.autograd.graph``: what there is of it. Saved values are chosen by the compiler."""

from __future__ import annotations

from ...errors import NotSupportedError
from .._names import unknown_name

__all__ = ["save_on_cpu", "saved_tensors_hooks"]


class saved_tensors_hooks:
    """Refused: no single operation saves tensors, the recorded program as a whole does.

    Raises:  NotSupportedError
    """

    def __init__(self, pack_hook: object = None, unpack_hook: object = None):
        raise NotSupportedError("saved_tensors_hooks: what a backward pass keeps is decided for "
                                "the whole recorded program, there are no saved tensors to hook",
                                hint="torch.utils.checkpoint.checkpoint saves memory")


class save_on_cpu:
    """Everything is on the CPU: a block that changes nothing."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


__getattr__ = unknown_name("torch.autograd.graph", lambda: globals())
