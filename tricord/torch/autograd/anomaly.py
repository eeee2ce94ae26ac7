"""Anomaly mode: look for NaN where it is born."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from ... import settings

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Check every value for NaN and infinity, naming the operation and the user's line.

    Raises where the value is computed: the setting ``check=2``.
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        self._stack = ExitStack()
        if mode and check_nan:
            self._stack.enter_context(settings.override(check=2))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: Any) -> None:
        self._stack.close()


class detect_anomaly(set_detect_anomaly):
    """`set_detect_anomaly` for a block."""

    def __init__(self, check_nan: bool = True):
        super().__init__(True, check_nan)
