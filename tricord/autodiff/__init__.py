"""Derivatives and batching of graphs: walkers that know no operation by name."""

from ..ir.ops.control import walkers as _walkers
from .batching import batch_graph
from .checkpoint import checkpoint
from .forward import push_forward
from .reverse import gradients, reachable_roots

__all__ = ["batch_graph", "checkpoint", "gradients", "push_forward", "reachable_roots"]

_walkers.gradients = gradients
_walkers.push_forward = push_forward
_walkers.batch_graph = batch_graph
