"""``torch.autograd.forward_ad``: refers to `torch.func.jvp`."""

from __future__ import annotations

from typing import NoReturn

from ...errors import NotSupportedError
from .._names import unknown_name

__all__ = ["dual_level", "make_dual", "unpack_dual"]


def _refuse(*args: object, **kwargs: object) -> NoReturn:
    raise NotSupportedError("forward_ad: dual tensors are not supported",
                            hint="torch.func.jvp(function, primals, tangents)")


dual_level = make_dual = unpack_dual = _refuse

__getattr__ = unknown_name("torch.autograd.forward_ad", lambda: globals())
