"""``torch.backends``: which libraries compute. None of PyTorch's does; switches are kept.

What ``cudnn.deterministic`` promises holds anyway: results are the same bits in every run.
"""

from __future__ import annotations

from .._names import unknown_name as _unknown_name
from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]

__getattr__ = _unknown_name("torch.backends", lambda: __all__)
