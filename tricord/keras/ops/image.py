"""keras.ops.image: sizes, borders, colours, patches, moved and distorted images."""

from __future__ import annotations
