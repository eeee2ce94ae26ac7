"""Derivatives and batching of graphs: walkers that know no operation by name."""

from .batching import batch_graph
from .forward import push_forward
from .reverse import gradients, reachable_roots

__all__ = ["batch_graph", "gradients", "push_forward", "reachable_roots"]
