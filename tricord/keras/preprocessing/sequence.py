"""Sequences of one length."""

from ..utils.arrays import pad_sequences

__all__ = ["pad_sequences"]
