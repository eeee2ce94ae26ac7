"""Layers and models."""

from .module import Module

__all__ = ["Module"]
