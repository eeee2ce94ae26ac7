"""Optional weight at import time: a module that is imported when it is first used."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

__all__ = ["LazyModule"]


class LazyModule:
    """Stands for a module until an attribute of it is wanted.

    >>> LazyModule("colorsys").rgb_to_hsv(0, 0, 0)
    (0.0, 0.0, 0)
    """

    def __init__(self, name: str):
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = importlib.import_module(self._name)
        return getattr(self._module, attribute)

    def __repr__(self) -> str:
        return f"LazyModule({self._name!r}, {'loaded' if self._module else 'not loaded yet'})"
