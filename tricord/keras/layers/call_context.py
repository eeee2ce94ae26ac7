"""What the layers of one call share: whether it trains, and which layer was called first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["context", "training_mode"]


class CallContext(threading.local):
    """One per thread."""

    def __init__(self) -> None:
        #: None outside of every call that says so
        self.training: bool | None = None
        self.entry: Any = None

    def enter(self, layer: Any) -> bool:
        """Note the outermost layer; True if this is it. Its losses of the last call go."""
        if self.entry is not None:
            return False
        self.entry = layer
        known = layer.__dict__.get("_loss_layers")
        if known:
            for other in known:
                other._call_losses.clear()
            known.clear()
        return True

    def leave(self) -> None:
        self.entry = None

    def note_loss(self, layer: Any) -> None:
        """A layer added a loss during this call."""
        entry = self.entry if self.entry is not None else layer
        known = entry.__dict__.setdefault("_loss_layers", [])
        if not any(other is layer for other in known):
            known.append(layer)


context = CallContext()


@contextmanager
def training_mode(training: bool | None) -> Iterator[None]:
    """Layers called inside train, or do not; None leaves it to each layer."""
    before = context.training
    context.training = training
    try:
        yield
    finally:
        context.training = before
