"""Ready-made networks are not offered: their weights would have to be downloaded."""

from __future__ import annotations

from typing import Any

from ..errors import NotSupportedError

__all__: list[str] = []


class NoApplication(NotSupportedError, AttributeError):
    """A network of keras.applications was asked for."""


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise NoApplication(f"keras.applications.{name}: ready-made networks are not offered yet",
                        hint="save the model in Keras as .keras and load it with "
                             "keras.models.load_model")
