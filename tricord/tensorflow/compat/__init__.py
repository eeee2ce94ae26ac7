"""``tf.compat``: TensorFlow 1 as `v1`, and this very face as `v2`."""

from __future__ import annotations

from typing import Any

from . import v1 as v1

#: set by the face itself, which is v2
v2: Any = None


def as_str(value: Any, encoding: str = "utf-8") -> str:
    """Text of bytes or text."""
    return value.decode(encoding) if isinstance(value, bytes) else str(value)


as_text = as_str_any = as_str


def as_bytes(value: Any, encoding: str = "utf-8") -> bytes:
    """Bytes of text or bytes."""
    return value if isinstance(value, bytes) else str(value).encode(encoding)


def dimension_value(dimension: Any) -> Any:
    """The number in a size."""
    return getattr(dimension, "value", dimension)
