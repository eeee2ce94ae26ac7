# ruff: noqa: F401, F403, PLE0605 - it lists the names of others
"""``torch.nn``: tricord's modules, which follow PyTorch's."""

from __future__ import annotations

from ... import nn as _nn
from ...nn import *
from ...tensor import Parameter
from .._names import unknown_name as _unknown_name
from . import functional, init, modules, parameter, utils

__all__ = sorted({*_nn.__all__, "Parameter", "functional", "init", "modules", "parameter",
                  "utils"})

__getattr__ = _unknown_name("torch.nn", lambda: __all__, {
    "DataParallel": "there is one device; use the module itself",
    "SyncBatchNorm": "torch.nn.BatchNorm2d"})
