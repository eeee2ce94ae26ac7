# ruff: noqa: F401, F403 - it lists the names of others
"""``torch.optim``: tricord's optimizers, which follow PyTorch's."""

from __future__ import annotations

from ... import optim as _optim
from ...optim import *
from .._names import unknown_name as _unknown_name
from . import lr_scheduler

__all__ = list(_optim.__all__)

__getattr__ = _unknown_name("torch.optim", lambda: __all__, {
    "SparseAdam": "torch.optim.Adam: gradients are dense here",
    "LBFGS": "torch.optim.Adam, or scipy.optimize over parameters_to_vector",
    "swa_utils": "optimizer.transform(average=0.999) keeps averaged weights"})
