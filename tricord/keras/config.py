"""What Keras calls the backend's configuration: float type, epsilon, image layout."""

from __future__ import annotations

import threading
from typing import Any

from ..errors import ArgumentError, NotSupportedError
from ..ir.dtypes import as_dtype

__all__ = ["backend", "disable_interactive_logging", "disable_traceback_filtering", "dtype_policy",
           "enable_interactive_logging", "enable_traceback_filtering", "epsilon", "floatx",
           "image_data_format", "is_interactive_logging_enabled", "max_epochs",
           "max_steps_per_epoch", "set_dtype_policy", "set_epsilon", "set_floatx",
           "set_image_data_format", "standardize_dtype"]


class _Configuration(threading.local):
    """Each thread has its own, so that no thread changes the meaning of another's layers."""

    def __init__(self) -> None:
        self.floatx = "float32"
        self.policy: str | None = None
        self.epsilon = 1e-7
        self.image_data_format = "channels_last"
        self.interactive = True


_state = _Configuration()


def backend() -> str:
    """The name of the backend."""
    return "tricord"


def floatx() -> str:
    """The dtype of new weights.

    >>> floatx()
    'float32'
    """
    return _state.floatx


def set_floatx(value: str) -> None:
    """Set the dtype of new weights: float16, bfloat16, float32 or float64."""
    if value not in ("bfloat16", "float16", "float32", "float64"):
        raise ArgumentError(f"Unknown `floatx` value: {value}. Expected one of bfloat16, float16, "
                            "float32, float64")
    _state.floatx = str(value)


def dtype_policy() -> str:
    """The name of the dtype policy of new layers."""
    return _state.policy or _state.floatx


def set_dtype_policy(policy: Any) -> None:
    """Set the dtype policy of new layers: a dtype's name, or ``mixed_bfloat16`` and the like."""
    _state.policy = getattr(policy, "name", policy)


def epsilon() -> float:
    """The small number that keeps denominators from zero."""
    return _state.epsilon


def set_epsilon(value: float) -> None:
    """Set the small number."""
    _state.epsilon = float(value)


def image_data_format() -> str:
    """``channels_last`` or ``channels_first``."""
    return _state.image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the layout that layers take images to have."""
    _state.image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """The layout meant; None means the configured one."""
    if data_format is None:
        return _state.image_data_format
    name = str(data_format).lower()
    if name not in ("channels_first", "channels_last"):
        raise ArgumentError("The `data_format` argument must be one of {'channels_first', "
                            f"'channels_last'}}. Received: data_format={data_format}")
    return name


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype; None means ``floatx``.

    >>> standardize_dtype(float), standardize_dtype("int32")
    ('float32', 'int32')
    """
    if dtype is None or dtype is float:
        return _state.floatx
    if dtype is int:
        return "int32"
    return as_dtype(dtype).name


def enable_interactive_logging() -> None:
    """Show progress bars."""
    _state.interactive = True


def disable_interactive_logging() -> None:
    """``verbose="auto"`` prints one line per epoch."""
    _state.interactive = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress bars are shown."""
    return _state.interactive


def enable_traceback_filtering() -> None:
    """Nothing to do: messages name the user's line."""


def disable_traceback_filtering() -> None:
    """Nothing to do: nothing is filtered."""


def max_epochs() -> None:
    """No limit is set."""


def max_steps_per_epoch() -> None:
    """No limit is set."""


def set_backend(name: str) -> None:
    """Refused: there is one backend."""
    if name != "tricord":
        raise NotSupportedError(f"set_backend: {name!r}; tricord computes by itself")
