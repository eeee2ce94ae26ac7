"""Kernels whose loops have a shape of their own: one generator each."""

from .generators import GENERATORS

__all__ = ["GENERATORS"]
