"""keras.ops: Fourier transforms of signals, and sequences cut from them."""

from __future__ import annotations
