"""Names that Keras gives: ``dense``, ``dense_1``; one count per prefix and process."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["auto_name", "current_path", "name_scope", "reset_names", "to_snake_case"]

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def to_snake_case(name: str) -> str:
    """``Conv2D`` -> ``conv2d``, ``MaxPooling1D`` -> ``max_pooling1d``.

    >>> to_snake_case("LayerNormalization"), to_snake_case("LSTM"), to_snake_case("AdamW")
    ('layer_normalization', 'lstm', 'adam_w')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """The prefix, numbered if it was given out before."""
    with _lock:
        seen = _counts[prefix]
        _counts[prefix] += 1
    return f"{prefix}_{seen}" if seen else prefix


def reset_names() -> None:
    """Count from the start again (``keras.backend.clear_session``)."""
    with _lock:
        _counts.clear()


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.names: list[str] = []


_scopes = _Scopes()


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Variables made inside have this name in their path."""
    _scopes.names.append(name)
    try:
        yield
    finally:
        _scopes.names.pop()


def current_path() -> str:
    """The names of the open scopes, joined by slashes."""
    return "/".join(_scopes.names)
