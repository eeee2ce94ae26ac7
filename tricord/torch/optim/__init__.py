"""``torch.optim``: tricord's optimizers, which follow PyTorch's."""

from __future__ import annotations

from ... import optim as _optim
from ...optim import *  # noqa: F403
from .._names import unknown_name
from . import lr_scheduler

__all__ = [*(n for n in _optim.__all__ if n not in ("lr_scheduler", "schedules")), "lr_scheduler"]

__getattr__ = unknown_name("torch.optim", lambda: __all__, {
    "SparseAdam": "torch.optim.Adam: gradients are dense here",
    "LBFGS": "torch.optim.Adam, or scipy.optimize over parameters_to_vector",
    "swa_utils": "optimizer.transform(average=0.999) keeps averaged weights"})
