"""What the training loop needs of a model, and how it reaches rates and weights of any model.

A *trainable* has

    train_step(batch) -> logs      one update; logs are named tensors, not looked at
    test_step(batch) -> logs       the same without an update
    predict_step(batch) -> outputs a tensor, or nested tuples, lists and dicts of them
    reset_metrics()                before each epoch
    set_training(mode)             dropout and batch normalisation on or off
    stop_training                  an attribute that callbacks set
    step_function(name)            optional: a step by its name, or what computes the same faster;
                                   it may have series(): the same for arrays, one after the other
    train_state() / load_train_state(state)   weights, optimizer, metrics, as plain data

Keras' Model and the native `Trainer` both are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..errors import ArgumentError
from ..optim.group_value import set_group_value
from ..tensor.handle import Handle
from ..tensor.recorder import value_of

__all__ = ["Trainable", "copy_weights", "get_rate", "put_weights", "set_rate"]


class Trainable(Protocol):
    stop_training: bool

    def train_step(self, batch: Any) -> Mapping[str, Any]: ...

    def test_step(self, batch: Any) -> Mapping[str, Any]: ...

    def predict_step(self, batch: Any) -> Any: ...

    def reset_metrics(self) -> None: ...

    def set_training(self, mode: bool) -> None: ...

    def train_state(self) -> dict[str, Any]: ...

    def load_train_state(self, state: dict[str, Any]) -> None: ...


def get_rate(optimizer: Any) -> float:
    """The learning rate in force: Keras' attribute, or that of the first group."""
    if hasattr(optimizer, "learning_rate"):
        rate = optimizer.learning_rate
        rate = rate.numpy() if hasattr(rate, "numpy") else rate
        return float(np.asarray(rate))
    rate = optimizer.param_groups[0]["lr"]
    return float(value_of(rate)) if isinstance(rate, Handle) else float(rate)


def set_rate(optimizer: Any, rate: float) -> None:
    """Change the learning rate; groups keep their proportions to the first."""
    if hasattr(optimizer, "learning_rate"):
        optimizer.learning_rate = rate
        return
    before = get_rate(optimizer)
    for group in optimizer.param_groups:
        own = float(value_of(group["lr"])) if isinstance(group["lr"], Handle) else group["lr"]
        set_group_value(group, "lr", rate * (own / before) if before else rate)


def _module(model: Any) -> Any:
    return getattr(model, "module", model)


def copy_weights(model: Any) -> Any:
    """All weights as arrays of their own."""
    if hasattr(model, "get_weights"):
        return [np.array(w) for w in model.get_weights()]
    if hasattr(_module(model), "state_dict"):
        return {name: value_of(t).copy() for name, t in _module(model).state_dict().items()}
    raise ArgumentError(f"{type(model).__name__} has neither get_weights nor state_dict")


def put_weights(model: Any, weights: Any) -> None:
    """Put back what `copy_weights` gave."""
    if hasattr(model, "set_weights"):
        model.set_weights(weights)
    else:
        _module(model).load_state_dict(weights)
