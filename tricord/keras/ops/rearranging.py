"""keras.ops: blocks of space and depth, named axes, parts, other views of the same bytes."""

from __future__ import annotations
