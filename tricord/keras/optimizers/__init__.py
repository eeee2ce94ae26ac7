"""Optimizers and learning-rate schedules."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError
from .._lookup import getter, serialize
from .._module import names_of
from ..saving.registry import register_builtins
from . import schedules
from .optimizer import Optimizer
from .rules import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    Nadam,
    RMSprop,
)

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion",
           "Nadam", "Optimizer", "RMSprop", "deserialize", "get", "schedules", "serialize"]

_CLASSES = [SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion, Lamb]
register_builtins("optimizers", {c.__name__: c for c in _CLASSES} | {"Optimizer": Optimizer})
_get, deserialize, _ = getter("optimizers", "optimizer", {
    c.__name__.lower(): c for c in _CLASSES})


def get(identifier: Any) -> Optimizer:
    """The optimizer meant by a name, a configuration, a class, or an optimizer itself."""
    if isinstance(identifier, Optimizer):
        return identifier
    if identifier is None:
        raise ArgumentError("an optimizer is needed", hint='optimizer="adam"')
    return _get(identifier)


__getattr__ = names_of(__name__, __all__)
