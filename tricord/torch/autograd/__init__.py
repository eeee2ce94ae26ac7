"""``torch.autograd``: gradients on demand, functions with gradients of their own, Jacobians."""

from __future__ import annotations

from .._names import unknown_name as _unknown_name
from ..grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from . import forward_ad, function, functional, graph, profiler
from .anomaly import detect_anomaly, set_detect_anomaly
from .calls import Variable, backward, grad
from .function import Function
from .gradcheck import gradcheck, gradgradcheck

__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "forward_ad",
           "function", "functional", "grad", "gradcheck", "gradgradcheck", "graph",
           "inference_mode", "no_grad", "profiler", "set_detect_anomaly", "set_grad_enabled"]

__getattr__ = _unknown_name("torch.autograd", lambda: __all__)
