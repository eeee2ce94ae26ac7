"""``torch.backends``: which libraries compute. None of PyTorch's does; switches are kept.

What the switches promise holds anyway: results are the same bits in every run.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .._names import unknown_name

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]


class Backend(SimpleNamespace):
    """A library that is not there, with its switches."""

    def is_available(self) -> bool:
        return False

    def is_built(self) -> bool:
        return False

    def version(self) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return unknown_name("torch.backends", lambda: vars(self))(name)


cudnn = Backend(enabled=False, benchmark=False, deterministic=True, allow_tf32=False)
cuda = Backend(matmul=SimpleNamespace(allow_tf32=False,
                                      allow_fp16_reduced_precision_reduction=False))
mps = Backend()
mkl = Backend()
mkldnn = Backend(enabled=False)
openmp = Backend()
cpu = Backend(get_cpu_capability=lambda: "tricord")

__getattr__ = unknown_name("torch.backends", lambda: globals())
