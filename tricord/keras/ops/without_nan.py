"""keras.ops: reductions that leave NaN out."""

from __future__ import annotations
