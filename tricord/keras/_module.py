"""What a module of the face says about a name it does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import nearest

__all__ = ["names_of"]


def names_of(module: str, known: Iterable[str], absent: dict[str, str] | None = None,
             ) -> Callable[[str], Any]:
    """A module-level ``__getattr__`` that names the nearest name, or why one is missing."""
    names = list(known)
    shown = module.replace("tricord.keras", "keras")

    def missing(name: str) -> Any:
        if absent and name in absent:
            raise AttributeError(f"module '{shown}' has no attribute '{name}': {absent[name]}")
        hint = nearest(name, names)
        raise AttributeError(f"module '{shown}' has no attribute '{name}'"
                             + (f"; {hint}" if hint and not name.startswith("_") else ""))

    return missing
