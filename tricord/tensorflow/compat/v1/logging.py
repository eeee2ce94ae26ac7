"""``tf.compat.v1.logging``: Python's own logging under another name."""

from __future__ import annotations

import logging
from typing import Any

DEBUG, INFO, WARN, ERROR, FATAL = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR,
                                   logging.FATAL)
_logger = logging.getLogger("tensorflow")
debug, info, warning, error, fatal = (_logger.debug, _logger.info, _logger.warning, _logger.error,
                                      _logger.critical)
warn = warning


def set_verbosity(v: Any) -> None:
    """Show messages from this level on."""
    _logger.setLevel(v)


def get_verbosity() -> int:
    return _logger.getEffectiveLevel()


def log(level: int, msg: str, *args: Any) -> None:
    _logger.log(level, msg, *args)
