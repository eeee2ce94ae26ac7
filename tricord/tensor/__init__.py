"""The define-by-run tensor: recording, evaluating, gradients, views."""

from .autograd import backward, grad
from .recorder import clear_tables, cut, gradients_enabled, record, recording_gradients, wrap
from .tensor import Parameter, Tensor, tensor

__all__ = ["Parameter", "Tensor", "backward", "clear_tables", "cut", "grad", "gradients_enabled",
           "record", "recording_gradients", "tensor", "wrap"]
